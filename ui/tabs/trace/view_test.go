// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/uitest"
)

func TestGoldenThemes(t *testing.T) {
	for _, c := range []struct {
		name, theme string
		p           themes.Profile
		ascii       bool
	}{
		{"light_256", "light", themes.ANSI256, false}, {"mono", "dark", themes.NoColor, false}, {"mono_ascii", "dark", themes.NoColor, true},
	} {
		for _, scene := range []string{"stream", "journey", "form"} {
			b := benchWith(t, 120, 80, 20, c.theme, c.p, c.ascii)
			scenes()[scene](b)
			b.Draw()
			s := uitest.Draw(lines(b, 80, 20), 80, 22)
			uitest.GoldenScreen(t, "theme_"+c.name+"_"+scene, s, c.name == "mono")
			for i, r := range s.Text() {
				if c.ascii && r >= 0x80 {
					t.Fatalf("%s: %q at %d is not ASCII:\n%s", c.name, r, i, s.Text())
				}
			}
		}
	}
}

// TestSweep: every scene at every size, in both glyph sets; with ASCII nothing else is drawn.
func TestSweep(t *testing.T) {
	for name, prepare := range scenes() {
		switch name {
		case "filter", "follow", "hidden", "waiting", "stopped", "attaching": // shaped like others
			continue
		}
		for _, ascii := range []bool{false, true} {
			if ascii && name != "journey" && name != "form" && name != "degraded" {
				continue
			}
			b := benchWith(t, 120, 80, 20, "dark", themes.TrueColor, ascii)
			prepare(b)
			uitest.Sweep(t, true, func(w, h int) []string {
				got := b.Tab.View(w, h)
				if c := b.Tab.Cursor(); c != nil && (c.X < 0 || c.X >= w || c.Y < 0 || c.Y > h) {
					t.Errorf("%s, %dx%d: the cursor stands at %d,%d", name, w, h, c.X, c.Y)
				}
				for _, l := range got {
					if ascii && strings.ContainsFunc(l, func(r rune) bool { return r > 0x7e && r != '…' && r != '→' }) { // the shell has twins for these
						t.Errorf("%s, %dx%d: not ASCII: %q", name, w, h, l)
					}
				}
				return got
			})
			uitest.SweepLines(t, b.Tab, name)
		}
	}
	for name, prepare := range scenes() { // smaller than the shell ever asks for
		b := bench(t, 40, 80, 20)
		prepare(b)
		for w := 1; w < 42; w += 3 {
			for h := 1; h < 12; h++ {
				for _, f := range uitest.Faults(b.Tab.View(w, h), w, h, true) {
					t.Fatalf("%s, %dx%d: %s", name, w, h, f)
				}
				b.Tab.Cursor()
			}
		}
	}
}

// TestLossesAndLesserMeansStandAtEverySize.
func TestLossesAndLesserMeansStandAtEverySize(t *testing.T) {
	for _, s := range [][2]int{{40, 7}, {80, 20}, {160, 44}} {
		b := bench(t, 60, s[0], s[1])
		scenes()["degraded"](b)
		text := b.Draw().Text()
		for _, want := range []string{"! 120 lost", "! tracepoints only"} {
			if !strings.Contains(text, want) {
				t.Errorf("%v: %q is missing:\n%s", s, want, text)
			}
		}
	}
}

func TestContextGivesWay(t *testing.T) {
	s := &snap.TraceSession{State: snap.Tracing, Spec: snap.TraceSpec{Packets: 1000}, Left: 41e9, Packets: 212, Lost: []snap.Count{{Name: "ring", N: 120}}}
	for w, want := range map[int]string{80: "TRACING 212 packets, 120 lost, stops in 0:41 or at 1 000", 50: "TRACING 212 packets, stops in 0:41 or at 1 000",
		30: "TRACING 212 packets", 10: "TRACING", 3: ""} {
		if got := contextLine(s, w); got != want {
			t.Errorf("%d cells: %q, want %q", w, got, want)
		}
	}
}

func TestHopsTellWhatChanged(t *testing.T) {
	base := snap.TraceEvent{SKB: 1, Dev: "eth0", Len: 84, HasKey: true, AtNs: 1000,
		Key: snap.FlowKey{Src: uitest.Addr("10.0.0.1"), Dst: uitest.Addr("10.0.0.2"), SPort: 5, DPort: 80, Proto: 6}}
	with := func(change func(*snap.TraceEvent)) snap.TraceEvent {
		e := base
		change(&e)
		return e
	}
	list := []snap.TraceEvent{base,
		with(func(e *snap.TraceEvent) { e.AtNs, e.Len = 1200, 64 }),
		with(func(e *snap.TraceEvent) { e.AtNs, e.SKB, e.Dev, e.Clone, e.Len = 1300, 2, "veth1", true, 64 }),
		with(func(e *snap.TraceEvent) { e.AtNs, e.Len, e.Mark = 1400, 64, 16 }), // compared with its own last hop, not the clone's
		with(func(e *snap.TraceEvent) {
			e.AtNs, e.Len, e.Mark, e.Key.Dst, e.Key.DPort = 1500, 64, 16, uitest.Addr("2001:db8::1"), 8080
		}),
	}
	var got []string
	for _, h := range hops(list, 0) {
		got = append(got, fmt.Sprintf("%d %s", h.since, h.changed))
	}
	want := "0 |200 len 84>64|300 dev eth0>veth1|400 mark 0x0>0x10|500 dst [2001:db8::1]:8080"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
}

// hostile puts s into every text that comes from a kernel, a process or a packet.
func hostile(b *uitest.Bench, s string) {
	for i := range b.Trace {
		e := &b.Trace[i]
		e.Func, e.Comm, e.Dev, e.Reason, e.Stack = s, s, s, s, []string{s, s}
		if e.Packet == 0 {
			e.Args = s
		}
	}
	v := &b.Base.Trace
	v.Session.Why, v.Session.Means, v.Session.MeansWhy = s, s, s
	v.Session.Spec.Pattern, v.Session.Spec.Filter = s, s
	v.Session.Lost, v.Session.Failed = []snap.Count{{Name: s, N: 1}}, []snap.Count{{Name: s, N: 1}}
	for i := range v.Presets {
		v.Presets[i] = snap.TracePreset{Name: "@" + s, Help: s, Why: s}
	}
	for i := range v.Functions {
		v.Functions[i].Name, v.Functions[i].Signature = s, s
	}
	for i := range b.Base.Ledger.Rows {
		r := &b.Base.Ledger.Rows[i]
		*r = snap.LedgerRow{Stage: s, Name: s + fmt.Sprint(i), Dev: s, Help: s, Source: s, Trace: s, Filter: s, Since: 1}
	}
	b.Base.Ledger.Errs = []string{s}
	b.Frame()
}

func TestHostileTextStaysText(t *testing.T) {
	for _, s := range []string{"\x1b[2J\x1b]52;c;aGk=\a", "\u202egnp", "\xff\xc0\xaf", "a\nb\r", "👍\u200d👍", strings.Repeat("世", 40), strings.Repeat("x", 300), "\u009b31m"} {
		for _, state := range []snap.TraceState{snap.TraceAttaching, snap.Tracing, snap.TraceStopped, snap.TraceFailed} {
			for _, ks := range [][]string{nil, {"enter"}, {"k", "enter"}, {"tab"}, {"tab", "enter"}, {"n"}} {
				b := bench(t, 30, 80, 20)
				hostile(b, s)
				b.Base.Trace.Session.State = state
				b.Frame()
				b.Press(ks...)
				if ks != nil && ks[0] == "n" {
					b.Tab.(*Tab).form.err = s
					b.Tab.(*Tab).form.paste(s)
				}
				for _, w := range []int{40, 80, 160, 300} {
					for _, f := range uitest.Faults(append(b.Tab.View(w, 30), b.Tab.Message(w), b.Tab.Context(w)), w, 32, false) {
						t.Fatalf("%q, %v, %v at %d: %s", s, state, ks, w, f)
					}
				}
			}
		}
	}
}

// TestViewBudget: per line the line itself, and with a pane what its text needs; nothing a cell.
func TestViewBudget(t *testing.T) {
	for _, c := range []struct {
		w, h   int
		budget float64
	}{{80, 20, 60}, {200, 56, 450}} {
		b := bench(t, 300, c.w, c.h)
		if n := testing.AllocsPerRun(20, func() { b.Tab.View(c.w, c.h) }); n > c.budget {
			t.Errorf("%dx%d: %v allocations, budget %v", c.w, c.h, n, c.budget)
		}
	}
}
