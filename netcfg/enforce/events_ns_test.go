// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/probes"
	"hooktop/probes/events"
	"hooktop/probes/export"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// eventLine is what the test reads of a line of --events.
type eventLine struct {
	Schema, Kind, What, Label, Src, Verdict string
	Line                                    int
	DPort                                   uint16 `json:"dport"`
	Missed                                  uint64
}

func readLines(t *testing.T, path string) []eventLine {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []eventLine
	for line := range strings.Lines(string(text)) {
		var e eventLine
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, e)
	}
	return out
}

// From a packet on a wire to the screen, to a file and to a capture.
func TestEventsOfPackets(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "events.jsonl")
	lines, err := export.Open(path, func(uint64) []byte { return []byte(`{"kind":"lost"}`) })
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, Options{Audit: filepath.Join(dir, "audit"), Events: lines.Add}, func(c *probes.Config) { c.Events = lines })
	b.listen("0.0.0.0:4001")
	b.e.Ask(snap.Query{Tab: snap.EventsTab, Focus: true, Hz: 10, Flows: snap.FlowQuery{Limit: 100}})
	rule := `deny  in  udp to any port 4000 log "unwanted"`
	b.trial("# first\nallow in udp to any port 4001 log\n" + rule + "\n")
	b.do(snap.Intent{Kind: snap.KeepPolicy})

	const sent = 500
	b.talk("10.9.0.1:4000", sent)
	b.talk("10.9.0.1:4001", 3)
	f := b.wait("events of both rules", func(f *snap.Frame) bool { return eventOf(f, "deny") != nil && eventOf(f, "allow") != nil })
	for _, kind := range []string{"commit", "keep"} {
		if e := eventOf(f, kind); e == nil || e.Gen != f.Policy.Kept {
			t.Errorf("%s: %+v", kind, e)
		}
	}
	if e := eventOf(f, "allow"); e.Repeat != 1 || e.Line != 2 || e.Flow.DPort != 4001 { // the flow is known from then on
		t.Errorf("allow: %+v", e)
	}
	if e := eventOf(f, "deny"); e.Line != 3 || e.Label != "unwanted" || e.Dev != "v0" || e.Flow.Dst.String() != "10.9.0.1" ||
		!strings.HasPrefix(e.Text, "deny udp 10.9.0.2:") || !strings.HasSuffix(e.Text, `> 10.9.0.1:4000 in v0 "unwanted"`) {
		t.Errorf("deny: %+v", e)
	}
	exact(b, sent, 3)

	b.headersOf(3, dir, rule)
	// The rule's headers survive an edit of what stands around it.
	b.trial("count in icmp\nallow in udp to any port 4001 log\n# another\n" + rule + "\n")
	if a := b.do(snap.Intent{Kind: snap.ShowHeaders, Line: 4}); len(a.Headers) != 64 {
		t.Errorf("after an edit: %d headers", len(a.Headers))
	}
	for line, why := range map[int]string{2: "denies nothing", 3: "no rule", 9: "has 4 lines"} {
		if a := b.e.Do(b.ctx, snap.Intent{Kind: snap.ShowHeaders, Line: line}); !strings.Contains(a.Err, why) {
			t.Errorf("line %d: %+v", line, a)
		}
	}
	b.e.Close()
	if err := lines.Close(); err != nil {
		t.Error(err)
	}
	written := readLines(t, path)
	var whats []string
	denied := uint64(0)
	for _, e := range written {
		switch {
		case e.Schema == AuditSchema:
			whats = append(whats, e.What)
		case e.Schema == events.Schema && e.Kind == "deny":
			denied++
			if e.Verdict != "drop" || e.Line != 3 || e.Label != "unwanted" || e.Src != "10.9.0.2" || e.DPort != 4000 {
				t.Errorf("%+v", e)
			}
		case e.Schema != events.Schema || e.Kind != "allow" || e.Verdict != "pass":
			t.Errorf("%+v", e)
		}
	}
	if want := []string{"commit", "keep", "commit", "restore"}; !slices.Equal(whats, want) || int(denied) != eventOf(f, "deny").Repeat {
		t.Errorf("the file tells of %q and %d denied packets, the screen of %d", whats, denied, eventOf(f, "deny").Repeat)
	}
}

// exact holds the rule's counter against what was told of and what was not.
func exact(b *bench, sent uint64, line int) {
	b.t.Helper()
	var f *snap.Frame
	defer func() {
		if b.t.Failed() && f != nil {
			b.t.Logf("events %+v, rules %+v, lost %+v", f.Events, f.Policy.Rules, f.Lost)
		}
	}()
	for {
		var err error
		if f, err = b.e.Snapshot(b.ctx, snap.Query{}); err != nil {
			b.t.Fatal(err)
		}
		for _, r := range f.Policy.Rules {
			if r.Line != line || r.Packets != sent {
				continue
			}
			if e := eventOf(f, "deny"); uint64(e.Repeat)+r.Missed != sent || r.Missed == 0 {
				b.t.Errorf("%d sent, %d told of, %d not", sent, e.Repeat, r.Missed)
			}
			return
		}
	}
}

func eventOf(f *snap.Frame, kind string) *snap.Event {
	if i := slices.IndexFunc(f.Events, func(e snap.Event) bool { return e.Kind == kind }); i >= 0 {
		return &f.Events[i]
	}
	return nil
}

// headersOf looks at the headers of a line and saves them.
func (b *bench) headersOf(line int, dir, rule string) {
	b.t.Helper()
	a := b.do(snap.Intent{Kind: snap.ShowHeaders, Line: line})
	if len(a.Headers) != 64 {
		b.t.Fatalf("%d headers, want 64: %+v", len(a.Headers), a)
	}
	for i, h := range a.Headers {
		if h.Dev != "v0" || h.Out || h.Len != 47 || len(h.Data) != 47 || h.Dst.String() != "10.9.0.1:4000" || !strings.HasPrefix(h.Text, "udp 10.9.0.2:") {
			b.t.Fatalf("header %d: %+v", i, h)
		}
		if i > 0 && h.At.After(a.Headers[i-1].At) {
			b.t.Errorf("header %d is newer than the one above it", i)
		}
	}
	path := filepath.Join(dir, "headers.pcapng")
	b.do(snap.Intent{Kind: snap.SaveHeaders, Line: line, Target: path})
	if a := b.e.Do(b.ctx, snap.Intent{Kind: snap.SaveHeaders, Line: line, Target: path}); !strings.Contains(a.Err, "exists") {
		b.t.Errorf("over a file: %+v", a)
	}
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), path+".link"); err != nil {
		b.t.Fatal(err)
	}
	if a := b.e.Do(b.ctx, snap.Intent{Kind: snap.SaveHeaders, Line: line, Target: path + ".link"}); a.Err == "" {
		b.t.Errorf("through a link: %+v", a)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		b.t.Errorf("%v, %v", info, err)
	}
	out, err := exec.Command("tshark", "-r", path, "-T", "fields", "-E", "separator=|", "-e", "frame.comment", "-e", "frame.interface_name",
		"-e", "udp.dstport", "-e", "frame.len").Output()
	if err != nil {
		b.t.Fatal(err)
	}
	if want := strings.Repeat(rule+"|v0|4000|47\n", 64); string(out) != want {
		b.t.Errorf("tshark reads\n%s", out)
	}
}

// The kernel takes a tag out of a frame before tc sees it: in the header it is in its place.
func TestAHeaderHasItsTag(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	b := newBench(t, Options{})
	b.trial("deny in udp vlan 5\n")
	sent := frame(acl.Packet{VLAN: 5, Proto: acl.UDP, SPort: 7, DPort: 9, Src: netip.MustParseAddr("10.9.0.2"), Dst: netip.MustParseAddr("10.9.0.1")})
	b.desk.SendFrames(t, "v0", sent)
	var got []snap.Header
	b.wait("the header", func(*snap.Frame) bool {
		got = b.do(snap.Intent{Kind: snap.ShowHeaders, Line: 1}).Headers
		return len(got) > 0
	})
	if h := got[0]; !bytes.Equal(h.Data, sent) || h.Len != len(sent) || h.Src.String() != "10.9.0.2:7" {
		t.Errorf("%+v, sent was % x", h, sent)
	}
}
