// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// traced gives events of every kind: a hop, a drop, a return, a call without a packet, and names that attack.
func traced() []snap.TraceEvent {
	addr := func(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }
	key := snap.FlowKey{Src: addr("10.0.0.1"), Dst: addr("2001:db8::2"), SPort: 40000, DPort: 443, Proto: 6}
	at := time.Date(2026, 3, 7, 14, 2, 30, 118204000, time.UTC)
	return []snap.TraceEvent{
		{Seq: 1, At: at, AtNs: 1 << 60, Packet: 1, SKB: 0xffff888100000100, Func: "ip_rcv", CPU: 3, Dev: "eth0", Len: 84, Key: key, HasKey: true, PID: 812, Comm: "nginx"},
		{Seq: 2, At: at, AtNs: 1<<60 + 118, Packet: 1, SKB: 0xffff888100000100, Func: "kfree_skb_reason", CPU: 3, Dev: "eth0", Len: 64, Mark: 16, Key: key, HasKey: true,
			PID: 812, Comm: "nginx", Delta: 118, Drop: true, Reason: "NO_SOCKET", StackIDs: []uint64{0xffffffff81000000, 2}, Stack: []string{"tcp_v4_rcv+0x1"}},
		{Seq: 3, At: at, Packet: 1, SKB: 0xffff888100000180, Clone: true, Func: "nf_hook_slow", Return: true, Ret: -1, Took: 1240, Comm: "a\x1b[2Jb", Dev: "e\nth"},
		{Seq: 4, At: at, Func: "tcp_set_state\x1b]52;c;x\a", Args: "sk=0x1\x1b[2J state=7", Comm: "curl", PID: 9},
	}
}

// tracing is a backend that gives events and a session, and notes what it was asked.
func tracing(got *snap.TraceSpec, session snap.TraceSession, err error) func(*Backends) {
	return func(b *Backends) {
		b.Trace = func(ctx context.Context, _ Options, spec snap.TraceSpec, emit func([]snap.TraceEvent) error) (snap.TraceSession, error) {
			*got = spec
			all := traced()
			for _, events := range [][]snap.TraceEvent{nil, all[:1], all[1:]} {
				if err := emit(events); err != nil {
					return session, err
				}
			}
			return session, err
		}
	}
}

func session() snap.TraceSession {
	return snap.TraceSession{State: snap.TraceStopped, Why: "10 seconds are over", Means: "tracepoint", MeansWhy: "this kernel has no kprobes", Wanted: 16, Attached: 14,
		Failed: []snap.Count{{Name: "no such tracepoint", N: 2}}, Packets: 1, Events: 4, Filtered: 38, Lost: []snap.Count{{Name: "rate", N: 20}, {Name: "ring", N: 100}}}
}

func TestTraceFlagsBecomeASpec(t *testing.T) {
	for _, c := range []struct {
		args []string
		want snap.TraceSpec
	}{
		{[]string{"@drops"}, snap.TraceSpec{Pattern: "@drops"}},
		{[]string{"tcp_*", "--filter", "tcp port 443", "--for", "10s", "--json"}, snap.TraceSpec{Pattern: "tcp_*", Filter: "tcp port 443", Seconds: 10}},
		{[]string{"--packets", "5", "--rate=9", "--stack", "--ret", "--latency", "--for=1500ms", "ip_rcv"},
			snap.TraceSpec{Pattern: "ip_rcv", Packets: 5, Rate: 9, Seconds: 2, Stack: true, Ret: true, Latency: true}},
	} {
		var got snap.TraceSpec
		s := play(t, tracing(&got, session(), nil), append([]string{"trace"}, c.args...)...)
		if got != c.want || s.code != 0 {
			t.Errorf("%v: %+v, code %d, %s", c.args, got, s.code, s.err)
		}
	}
}

func TestTracePrints(t *testing.T) {
	var got snap.TraceSpec
	s := play(t, tracing(&got, session(), nil), "trace", "@drops")
	want := `TIME                PKT  FUNCTION                      CPU  PROCESS                  DELTA  VERDICT                     FLOW
14:02:30.118204       1  ip_rcv                          3  nginx[812]                                                  10.0.0.1:40000 > [2001:db8::2]:443 TCP len 84 eth0
14:02:30.118204       1  kfree_skb_reason                3  nginx[812]               118ns  drop NO_SOCKET              10.0.0.1:40000 > [2001:db8::2]:443 TCP len 64 eth0 mark 0x10
      tcp_v4_rcv+0x1
      0x0000000000000002
14:02:30.118204       1  nf_hook_slow                    0  a\x1b[2Jb[0]                    ret -1 in 1.24µs, clone
14:02:30.118204       -  tcp_set_state\x1b]52;c;x\x07    0  curl[9]                                                     sk=0x1\x1b[2J state=7
`
	if s.out != want {
		t.Errorf("table:\n%s\nwant:\n%s", s.out, want)
	}
	const sum = "hooktop: 1 packet, 4 events, 38 filtered, 120 lost (rate 20, ring 100), 14 of 16 attached by tracepoint, this kernel has no kprobes, " +
		"2 not attached: no such tracepoint, 10 seconds are over\n"
	if s.err != sum || s.code != 0 {
		t.Errorf("code %d, summary %q, want %q", s.code, s.err, sum)
	}
}

func TestTraceJSONHasTheNamesOfTheDesign(t *testing.T) {
	var got snap.TraceSpec
	s := play(t, tracing(&got, session(), nil), "trace", "@drops", "--json")
	rows := strings.Split(strings.TrimSpace(s.out), "\n")
	if len(rows) != len(traced()) {
		t.Fatalf("%d lines: %s", len(rows), s.out)
	}
	for _, row := range rows {
		var o map[string]any
		if err := json.Unmarshal([]byte(row), &o); err != nil {
			t.Fatalf("%v: %s", err, row)
		}
		for _, name := range []string{"at_ns", "skb", "func", "cpu", "dev", "len", "mark", "src", "sport", "dst", "dport", "proto", "pid", "comm", "delta_ns", "reason",
			"ret", "packet", "clone"} {
			if _, ok := o[name]; !ok {
				t.Errorf("%q is missing: %s", name, row)
			}
		}
		if o["schema"] != "hooktop.trace/1" {
			t.Errorf("schema %v", o["schema"])
		}
	}
	for i, want := range []string{`"skb":"0xffff888100000100","func":"ip_rcv","cpu":3,"dev":"eth0","len":84,"mark":0,"src":"10.0.0.1","sport":40000,"dst":"2001:db8::2","dport":443,"proto":"tcp"`,
		`"reason":"NO_SOCKET","ret":null,"stack":["tcp_v4_rcv+0x1","0x0000000000000002"]`, `"clone":true`, `"args":"sk=0x1\\x1b[2J state=7"`} {
		if !strings.Contains(rows[i], want) {
			t.Errorf("line %d has no %s: %s", i, want, rows[i])
		}
	}
	if !strings.Contains(rows[2], `"ret":-1,"took_ns":1240`) || strings.Contains(s.out, "\x1b") {
		t.Errorf("returns or hostile names: %s", s.out)
	}
}

func TestTraceEnds(t *testing.T) {
	failed := snap.TraceSession{State: snap.TraceFailed, Why: "trace tcp_v4_rvc: no such function: did you mean tcp_v4_rcv?"}
	for _, c := range []struct {
		name    string
		session snap.TraceSession
		err     error
		args    string
		code    int
		line    string
	}{
		{name: "failed", session: failed, args: "tcp_v4_rvc", code: ExitFailed, line: "hooktop: trace tcp_v4_rvc: no such function: did you mean tcp_v4_rcv?\n"},
		{name: "backend", err: errors.New("trace x: lockdown"), args: "x", code: ExitFailed, line: "hooktop: trace x: lockdown\n"},
		{name: "canceled elsewhere", err: fmt.Errorf("attach: %w", context.Canceled), args: "x", code: ExitFailed, line: "hooktop: attach: context canceled\n"},
		{name: "packets", args: "x --packets -1", code: ExitUsage, line: "hooktop: --packets: -1 is out of range: give a number above 0\n"},
		{name: "for", args: "x --for -1s", code: ExitUsage, line: "hooktop: --for: -1s is out of range: give a time such as 3s, at most 24h\n"},
		{name: "rate", args: "x --rate -1", code: ExitUsage, line: "hooktop: --rate: -1 is out of range: give a number above 0\n"},
		{name: "two", args: "x y", code: ExitUsage, line: "hooktop: hooktop trace: too many arguments from \"y\" on: usage: hooktop trace [PATTERN|@PRESET] [flags]\n"},
	} {
		var got snap.TraceSpec
		s := play(t, tracing(&got, c.session, c.err), append([]string{"trace"}, strings.Fields(c.args)...)...)
		if s.code != c.code || s.err != c.line {
			t.Errorf("%s: code %d, %q; want %d, %q", c.name, s.code, s.err, c.code, c.line)
		}
	}
}

// TestTraceOnSignalAndBrokenPipe: Ctrl-C sums up and is fine; a reader that went away ends it without a word.
func TestTraceOnSignalAndBrokenPipe(t *testing.T) {
	run := func(ctx context.Context, out *os.File, end func()) (int, string) {
		var text strings.Builder
		code := Main(ctx, []string{"trace", "@drops"}, Stdio{Out: out, Err: &text}, Backends{
			Trace: func(ctx context.Context, _ Options, _ snap.TraceSpec, emit func([]snap.TraceEvent) error) (snap.TraceSession, error) {
				if err := emit(traced()[:1]); err != nil {
					return snap.TraceSession{}, err
				}
				end()
				<-ctx.Done()
				return snap.TraceSession{State: snap.TraceStopped, Packets: 1, Events: 1}, ctx.Err()
			}})
		return code, text.String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if code, text := run(ctx, null, cancel); code != 0 || text != "hooktop: 1 packet, 1 event, 0 filtered, 0 lost\n" {
		t.Errorf("after ctrl-C: code %d, %q", code, text)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	if code, text := run(context.Background(), w, func() { t.Error("the event was written to a closed pipe: " + syscall.EPIPE.Error()) }); code != 0 || text != "" {
		t.Errorf("after a broken pipe: code %d, %q", code, text)
	}
}

func TestTraceListsPresets(t *testing.T) {
	presets := func(b *Backends) {
		b.Presets = func(context.Context) ([]snap.TracePreset, error) {
			return []snap.TracePreset{{Name: "@drops", Help: "where packets die"}, {Name: "@netfilter", Help: "hooks", Why: "no nf_tables"}}, nil
		}
	}
	s := play(t, presets, "trace")
	if s.code != 0 || !strings.HasPrefix(s.out, "PRESET      TRACES             BUT HERE\n@drops      where packets die\n@netfilter  hooks              no nf_tables\n") {
		t.Errorf("code %d: %s%s", s.code, s.out, s.err)
	}
	s = play(t, presets, "trace", "--json")
	if s.out != `{"schema":"hooktop.trace-presets/1","presets":[{"name":"@drops","help":"where packets die","why":""},{"name":"@netfilter","help":"hooks","why":"no nf_tables"}]}`+"\n" {
		t.Errorf("JSON: %s", s.out)
	}
	if s = play(t, presets, "__complete", "trace", ""); !strings.Contains(s.out, "@netfilter") {
		t.Errorf("completion: %s", s.out)
	}
	if s = play(t, nil, "man", "trace"); !strings.Contains(s.out, "lists the presets") {
		t.Errorf("man: %s", s.out)
	}
}
