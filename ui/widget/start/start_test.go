// SPDX-License-Identifier: Apache-2.0

package start_test

import (
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/start"
)

func open(t testing.TB) *start.Model {
	env, clock := uitest.Env(t, "dark", themes.NoColor, false)
	env.Units.UTC = true
	m := start.New(env, "0.1")
	at := func(sec int) time.Time { return clock.Now().Add(time.Duration(sec) * time.Second) }
	m.Frame = &snap.Frame{Host: "lb-07\x1b", Start: []snap.Status{
		{Name: "flow table", Outcome: snap.Attached, To: "524288 slots"},
		{Name: "eth0 ingress", Outcome: snap.Degraded, To: "tc", Why: "a foreign XDP program sits there", Fix: "ip link set eth0 xdp off"},
		{Name: "eth1 ingress", Outcome: snap.Unavailable, Why: "permission denied"},
		{Name: "eth2 ingress", Outcome: snap.Pending},
	}, LeftOut: []snap.LeftOut{{Name: "lo", Why: "loopback"}, {Name: "docker0", Why: "no route leads there"}},
		State: snap.State{WaysIn: []string{"ssh 10.0.0.8:50122 -> :22 (found by " + strings.Repeat("a long way ", 9) + ")"}},
		Notices: []snap.Notice{
			{Seq: 1, At: at(1), Sev: snap.Warn, From: "attach", Text: "eth9 went away"}, {Seq: 2, At: at(2), Sev: snap.Info, Text: "eth9 is back"},
			{Seq: 3, At: at(3), Sev: snap.Warn, From: "attach", Text: "eth9 went away"}, {Seq: 4, At: at(4), Sev: snap.Crit, Text: "map full"},
		}}
	return m
}

func show(t testing.TB, m *start.Model, w, h int) string {
	t.Helper()
	b := m.View(w, h)
	if len(b.Lines) != h {
		t.Errorf("%dx%d: %d lines", w, h, len(b.Lines))
	}
	for _, f := range uitest.Faults(b.Lines, w, h, true) {
		t.Errorf("%dx%d: %s", w, h, f)
	}
	return uitest.Draw(b.Lines, w, h).Text()
}

func TestSaysWhatAndWhy(t *testing.T) {
	m := open(t)
	got := show(t, m, 80, 40)
	for _, want := range []string{"hooktop 0.1   attaching on lb-07\\x1b   3 of 4", "✓ flow table", "! eth0 ingress", "degraded to tc", "because a foreign XDP program sits there",
		"→ ip link set eth0 xdp off", "✗ eth1 ingress", "because permission denied", "> lo ", "hooktop cleanup", "a long way )"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if start.Fine(m.Frame) || start.Summary(m.Frame) != "1 of 4 programs degraded, 1 unavailable" {
		t.Error(start.Summary(m.Frame))
	}
	m.Frame.Started = true
	if got := show(t, m, 80, 40); !strings.Contains(got, "attached on") {
		t.Errorf("started:\n%s", got)
	}
	m.Frame = nil
	if got := show(t, m, 80, 20); !strings.Contains(got, "waiting for the engine") {
		t.Errorf("no frame:\n%s", got)
	}
}

// TestNotices: newest first, repeats folded; before the programs when the user asked, mere remarks only then.
func TestCountOutlastsTheVersion(t *testing.T) {
	m := open(t)
	m.Frame.Host = "lb-07"
	m.Version = "v0.0.0-20261120193734-8a2654075221 (go1.26.8, 8a2654075221)"
	for w, want := range map[int]string{80: "hooktop v0.0.0-20261120193734-8a2654075221   attaching on lb-07   3 of 4",
		40: "hooktop   attaching on lb-07   3 of 4", 120: "8a2654075221)   attaching on lb-07   3 of 4"} {
		if got := show(t, m, w, 24); !strings.Contains(got, want) {
			t.Errorf("%d cells: no %q in\n%s", w, want, got)
		}
	}
}

func TestNotices(t *testing.T) {
	m := open(t)
	if got := show(t, m, 80, 40); strings.Contains(got, "is back") || strings.Index(got, "Noticed") < strings.Index(got, "flow table") {
		t.Errorf("while it starts:\n%s", got)
	}
	m.Asked = true
	got := show(t, m, 80, 40)
	last := -1
	for _, want := range []string{"Noticed, newest first", "◆ 14:02:35  map full", "! 14:02:34  attach: eth9 went away (2 times)", "i 14:02:33  eth9 is back", "✓ flow table"} {
		i := strings.Index(got, want)
		if i <= last {
			t.Errorf("%q is not there or not in its place:\n%s", want, got)
		}
		last = i
	}
}

func TestKeys(t *testing.T) {
	m := open(t)
	show(t, m, 60, 8)
	for _, k := range []string{"j", "down", "k", "up", "pgdown", "pgup", "j"} {
		if done, _ := m.Key(keys.Press(k)); done {
			t.Errorf("%s closes it", k)
		}
	}
	_, cmd := m.Key(keys.Press("a"))
	if cmd == nil {
		t.Fatal("a does nothing")
	}
	if in := cmd().(core.DoMsg).Intent; in.Kind != snap.WatchInterface || in.Target != "docker0" {
		t.Errorf("a asks for %+v", in)
	}
	if done, _ := m.Key(keys.Press("x")); !done {
		t.Error("another key does not close it")
	}
	for w := 20; w < 200; w += 9 {
		for h := 4; h < 40; h += 3 {
			m.Key(keys.Press("pgdown"))
			show(t, m, w, h)
		}
	}
}
