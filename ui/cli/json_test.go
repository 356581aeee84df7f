// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"hooktop/probes/snap"
)

func sampleFlow() snap.Flow {
	return snap.Flow{
		Key: snap.FlowKey{Src: snap.AddrFrom(netip.MustParseAddr("10.0.0.8")), Dst: snap.AddrFrom(netip.MustParseAddr("10.0.0.1")),
			SPort: 50122, DPort: 22, Proto: 6, VLAN: 12, VNI: 7, Dev: 1},
		Device: "eth0", Packets: 10, Bytes: 1000, Rates: [3]snap.Rate{{PPS: 1.234, BPS: 8000}}, Age: 1500 * time.Millisecond,
		Owner: snap.Owner{PID: 42, Comm: "sshd", Sure: snap.SureExact}, WayIn: snap.OwnSession, TCPFlags: 0x12,
		TCP: snap.TCPInfo{State: "ESTABLISHED", RTT: 300 * time.Microsecond},
	}
}

func sampleFrame() *snap.Frame {
	return &snap.Frame{
		Host: "lb-07", At: time.Unix(1700000000, 0), State: snap.State{Kernel: "6.18"},
		Interfaces: []snap.Interface{{Name: "eth0", Mode: "generic", Why: "auto", Packets: 10, Bytes: 1000}},
		Programs:   []snap.Program{{Name: "ht_pipeline", Type: "xdp", Hook: "xdp generic", Dev: "eth0", State: "attached"}},
		Flows:      snap.FlowsView{Rows: []snap.Flow{sampleFlow()}},
		Malformed:  []snap.Count{{Name: "ip4_len", N: 3}}, Lost: []snap.Count{{Name: "evicted", N: 1}},
		Notices: []snap.Notice{{Sev: snap.Warn, From: "attach", Text: "veth flap"}},
		Ledger: snap.Ledger{Errs: []string{"queues: no netlink"}, Rows: []snap.LedgerRow{
			{Stage: "udp", Name: "NoPorts"}, // a headline, though nothing died
			{Stage: "driver", Name: "rx_missed", Dev: "eth0", Total: 12, Since: 5, Rate: 1.234, Help: "enlarge the ring", Source: "rtnetlink"},
		}},
	}
}

func snapshotOf(t *testing.T, frame *snap.Frame, args ...string) *stage {
	t.Helper()
	return play(t, func(b *Backends) {
		b.Once = func(context.Context, Options) (Snapshot, error) { return Snapshot{Frame: frame}, nil }
	}, args...)
}

func keysOf(v any) []string {
	var out []string
	for k := range v.(map[string]any) {
		out = append(out, k)
	}
	return out
}

// The names are a promise to scripts: additions are fine, renames are not.
func TestFieldNamesOfTheSnapshot(t *testing.T) {
	s := snapshotOf(t, sampleFrame(), "--once", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(s.out), &got); err != nil || strings.Count(s.out, "\n") != 1 {
		t.Fatalf("%v in %q", err, s.out)
	}
	if got["schema"] != "hooktop.snapshot/1" {
		t.Errorf("schema %v", got["schema"])
	}
	first := func(name string) any { return got[name].([]any)[0] }
	for _, c := range []struct {
		of    any
		names string
	}{
		{got, "schema host at interfaces programs flows acl tunnels chains steering malformed events lost"},
		{first("interfaces"), "name mode why packets bytes generation lease_s"},
		{first("programs"), "name type hook dev state reason run_ns runs"},
		{first("flows"), "src sport dst dport proto dev dir vlan vni packets bytes pps bps age_s process pid rule verdict own_session"},
		{got["acl"], "default rules"},
		{got["malformed"], "ip4_len"},
		{got["drops"].([]any)[1], "stage name dev total since rate source"},
		{got["lost"], "evicted"},
	} {
		for _, name := range strings.Fields(c.names) {
			if !slices.Contains(keysOf(c.of), name) {
				t.Errorf("%s is missing among %v", name, keysOf(c.of))
			}
		}
	}
	drop := got["drops"].([]any)[1]
	if want := map[string]any{"stage": "driver", "name": "rx_missed", "dev": "eth0", "total": 12.0, "since": 5.0, "rate": 1.23,
		"source": "rtnetlink"}; !reflect.DeepEqual(drop, want) || !reflect.DeepEqual(got["drop_errors"], []any{"queues: no netlink"}) {
		t.Errorf("drops[1] = %v, want %v; errors %v", drop, want, got["drop_errors"])
	}
	flow := first("flows").(map[string]any)
	for name, want := range map[string]any{"src": "10.0.0.8", "sport": 50122.0, "proto": "tcp", "dir": "in", "vlan": 12.0, "vni": 7.0,
		"pps": 1.23, "bps": 8000.0, "age_s": 1.5, "process": "sshd", "pid": 42.0, "verdict": "pass", "own_session": true, "owner_sure": "exact",
		"rtt_us": 300.0, "frag": ""} {
		if !reflect.DeepEqual(flow[name], want) {
			t.Errorf("flows[0].%s = %v, want %v", name, flow[name], want)
		}
	}
}

func TestEmptyListsAreListsInJSON(t *testing.T) {
	s := snapshotOf(t, &snap.Frame{}, "--once", "--json")
	if strings.Contains(s.out, "null") {
		t.Errorf("null in %s", s.out)
	}
	for _, args := range [][]string{{"check", "--json"}, {"cleanup", "--json"}, {"pcap", "-", "--json"}, {"version", "--json"}} {
		s := play(t, nil, args...)
		var got map[string]any
		if err := json.Unmarshal([]byte(s.out), &got); err != nil || got["schema"] != "hooktop."+args[0]+"/1" || strings.Contains(s.out, "null") {
			t.Errorf("%v: %v in %s", args, err, s.out)
		}
	}
}

func TestICMPHasNoPorts(t *testing.T) {
	f := sampleFlow()
	f.Key.Proto, f.Key.SPort, f.Key.DPort = 1, 8<<8|0, 0
	o := flowJSON(&f)
	if o.SPort != 0 || o.DPort != 0 || o.ICMPType == nil || *o.ICMPType != 8 || *o.ICMPCode != 0 || o.Proto != "icmp" {
		t.Errorf("%+v", o)
	}
}

func TestTheTableHoldsWhatTheJSONHolds(t *testing.T) {
	s := snapshotOf(t, sampleFrame(), "--once")
	for _, words := range []string{"lb-07", "eth0", "generic", "10.0.0.8", "50122", "TCP", "sshd[42]", "own session", "ip4_len", "evicted", "veth flap", "rx_missed"} {
		if !strings.Contains(s.out, words) {
			t.Errorf("%q is missing in\n%s", words, s.out)
		}
	}
	for _, row := range strings.Split(s.out, "\n") {
		if strings.TrimRight(row, " ") != row {
			t.Errorf("blanks at the end of %q", row)
		}
	}
}

// FuzzHostileText puts text into every place that the outside can fill and looks for control bytes and torn JSON.
func FuzzHostileText(f *testing.F) {
	f.Add("\x1b]0;x\x07", "a\nb")
	f.Add("\u202eevil", "\xff\xfe\"}")
	f.Add("\u0085\u200b", "<script>&\u2028")
	f.Fuzz(func(t *testing.T, a, b string) {
		frame := sampleFrame()
		frame.Host, frame.Interfaces[0].Name, frame.Interfaces[0].Why = a, b, a
		frame.Flows.Rows[0].Device, frame.Flows.Rows[0].Owner.Comm, frame.Flows.Rows[0].Owner.Container = a, b, a
		frame.Ledger.Rows[1].Name, frame.Ledger.Rows[1].Dev, frame.Ledger.Errs[0] = a, b, a
		frame.Notices[0].Text, frame.Malformed[0].Name, frame.State.WaysIn = a+b, b, []string{a, b}
		for _, args := range [][]string{{"--once", "--json"}, {"--once"}} {
			s := snapshotOf(t, frame, args...)
			if s.code != 0 {
				t.Fatalf("code %d: %s", s.code, s.err)
			}
			for _, r := range s.out {
				if r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
					t.Fatalf("%U in %q of %q, %q", r, s.out, a, b)
				}
			}
			var got snapshotObject
			if args[len(args)-1] == "--json" && (json.Unmarshal([]byte(s.out), &got) != nil || strings.Count(s.out, "\n") != 1) {
				t.Fatalf("torn JSON: %q", s.out)
			}
		}
	})
}
