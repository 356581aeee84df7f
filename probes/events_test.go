// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hooktop/bpf/kern"
	"hooktop/probes/events"
	"hooktop/probes/snap"
)

// keptLines are Lines that keep everything.
type keptLines struct {
	lines   []string
	lost    uint64
	trouble string
}

func (k *keptLines) Add(line []byte) { k.lines = append(k.lines, string(line)) }
func (k *keptLines) Lost() uint64    { return k.lost }
func (k *keptLines) Trouble() string { return k.trouble }

// knowing is a Policy that knows one rule of generation 5, in line 2.
type knowing struct {
	slowPolicy
	action string
}

func (k *knowing) Decider(gen uint32, hit uint16) (snap.Decider, bool) {
	return snap.Decider{Gen: 4, Line: 2, Key: "it", Action: k.action, Text: k.action + " in"}, gen == 5 && hit == 3
}

func (k *knowing) DeciderAt(int) (snap.Decider, error) {
	d, _ := k.Decider(5, 3)
	return d, nil
}

func newEventer(t *testing.T, action string) (*eventer, *keptLines, *Engine) {
	t.Helper()
	lines := &keptLines{}
	engine := newEngine(Config{Policy: &knowing{action: action}, Events: lines}, &quietHost{}, nil)
	e := &eventer{pl: newPipeline()}
	b := engine.bench()
	e.pl.b = b
	e.Start(t.Context(), b, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	return e, lines, engine
}

func TestEventsGoToRowsAndLines(t *testing.T) {
	e, lines, _ := newEventer(t, "deny")
	key := kern.EncodeKey(snap.FlowKey{Src: snap.Addr{10: 0xff, 11: 0xff, 12: 10}, Dst: snap.Addr{10: 0xff, 11: 0xff, 15: 9}, Proto: 17, SPort: 1, DPort: 53, Dev: 7})
	booted := time.Now().Add(-time.Duration(kern.MonotonicNs()))
	e.take(&kern.PolicyEvent{At: kern.MonotonicNs(), Gen: 5, Hit: 3, Log: true, Deny: true, Key: key, Len: 90, Missed: 4}, booted)
	e.take(&kern.PolicyEvent{At: kern.MonotonicNs(), Gen: 6, Hit: 3, Log: true, Key: key}, booted)
	e.devices.Store(&map[uint16]watchedDevice{7: {"eth0", true}})
	e.take(&kern.PolicyEvent{At: kern.MonotonicNs(), Gen: 5, Hit: 3, Sample: true, Deny: true, Key: key, Len: 90}, booted)
	var f snap.Frame
	e.Fill(time.Now(), &snap.Query{}, &f)
	if len(f.Events) != 0 {
		t.Error("events where nobody looks")
	}
	f = snap.Frame{}
	e.Fill(time.Now(), &snap.Query{Tab: snap.EventsTab}, &f)
	if len(f.Events) != 1 || f.Events[0].Gen != 4 || f.Events[0].Line != 2 || f.Events[0].Dev != "slot 7" || f.Events[0].Missed != 4 {
		t.Errorf("%+v", f.Events)
	}
	if want := (snap.Count{Name: "events of policies that are gone", N: 1}); len(f.Lost) != 1 || f.Lost[0] != want {
		t.Errorf("lost: %+v", f.Lost)
	}
	if len(lines.lines) != 1 || !strings.Contains(lines.lines[0], `"dport":53`) {
		t.Errorf("lines: %q", lines.lines)
	}
	if list := e.store.Headers("it"); len(list) != 1 || list[0].Dev != "eth0" {
		t.Errorf("headers: %+v", list)
	}
}

// What the kernel had no room for is an event of its own, and so is a file that takes nothing.
func TestLossesAreTold(t *testing.T) {
	e, lines, engine := newEventer(t, "deny")
	for _, n := range []uint64{0, 3, 3, 5} {
		e.pl.lost = []snap.Count{{Name: "flows evicted", N: 9}, {Name: lostEvents, N: n}}
		e.Second(time.Now())
	}
	rows := e.store.Rows()
	if len(rows) != 2 || rows[0].Kind != "lost" || !strings.HasPrefix(rows[0].Text, "3 events lost") || !strings.HasPrefix(rows[1].Text, "2 events lost") {
		t.Errorf("%+v", rows)
	}
	var told struct {
		Schema, Kind string
		Lost         int
	}
	if len(lines.lines) != 2 || json.Unmarshal([]byte(lines.lines[0]), &told) != nil || told.Kind != "lost" || told.Lost != 3 || told.Schema != events.Schema {
		t.Errorf("%q", lines.lines)
	}
	lines.lost, lines.trouble = 8, "no space left on device"
	e.Second(time.Now())
	e.Second(time.Now())
	var f snap.Frame
	e.Fill(time.Now(), &snap.Query{}, &f)
	if len(f.Lost) != 1 || f.Lost[0].N != 8 || len(engine.notices) != 1 || !strings.Contains(engine.notices[0].Text, "no space left") {
		t.Errorf("lost %+v, notices %+v", f.Lost, engine.notices)
	}
}

func TestHeadersAreAskedForByLine(t *testing.T) {
	ask := func(e *eventer, in snap.Intent) (out snap.Answer) {
		if !e.Do(t.Context(), in, func(a snap.Answer) { out = a }) {
			t.Errorf("%s is not its own", in.Kind)
		}
		return out
	}
	path := filepath.Join(t.TempDir(), "file")
	for _, c := range []struct{ action, show, save string }{
		{"allow", "denies nothing", "denies nothing"},
		{"limit", "denies nothing", "denies nothing"},
		{"deny", "", "has denied no packet yet"},
	} {
		e, _, _ := newEventer(t, c.action)
		if a := ask(e, snap.Intent{Kind: snap.ShowHeaders, Line: 2}); !strings.Contains(a.Err, c.show) || c.show == "" && (a.Err != "" || !strings.Contains(a.Text, "no packet yet")) {
			t.Errorf("%s: %+v", c.action, a)
		}
		if a := ask(e, snap.Intent{Kind: snap.SaveHeaders, Line: 2, Target: path}); !strings.Contains(a.Err, c.save) {
			t.Errorf("%s: %+v", c.action, a)
		}
		if e.Do(t.Context(), snap.Intent{Kind: snap.KeepPolicy}, nil) {
			t.Error("a keep is not its own")
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file of nothing: %v", err)
	}
	if err := saveHeaders("", snap.Decider{}, nil); err == nil || !strings.Contains(err.Error(), "name a file") {
		t.Error(err)
	}
	if err := saveHeaders(filepath.Join(path, "none"), snap.Decider{}, nil); err == nil {
		t.Error("a file in a folder that is not there")
	}
}
