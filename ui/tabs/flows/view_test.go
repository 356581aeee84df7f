// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/uitest"
)

func TestGoldenStates(t *testing.T) {
	for name, prepare := range map[string]func(*uitest.Bench){
		"zoom":   func(b *uitest.Bench) { b.Press("j", "enter") },
		"own":    func(b *uitest.Bench) { b.Press("/"); b.Type("way:own,access"); b.Press("enter") },
		"small":  func(b *uitest.Bench) { b.Press("/"); b.Type("pps:<100"); b.Press("enter") },
		"groups": func(b *uitest.Bench) { b.Press("p"); b.Pick("PROCESS") },
		"empty":  func(b *uitest.Bench) { b.Press("/"); b.Type("proto:sctp src:10.99.0.0/16"); b.Press("enter") },
		"held":   func(b *uitest.Bench) { b.Press("o"); b.Clock.Pass(31e9) },
	} {
		t.Run(name, func(t *testing.T) {
			b := bench(t, 100, 80, body(24))
			prepare(b)
			lines := append(b.Tab.View(80, 20), b.Tab.Message(79), b.Tab.Context(60))
			uitest.GoldenScreen(t, "state_"+name, uitest.Draw(lines, 80, 22), false)
		})
	}
}

func TestGoldenThemes(t *testing.T) {
	for _, c := range []struct {
		name, theme string
		p           themes.Profile
		ascii       bool
	}{
		{"light_256", "light", themes.ANSI256, false}, {"ansi16", "dark", themes.ANSI16, false},
		{"mono", "dark", themes.NoColor, false}, {"mono_ascii", "dark", themes.NoColor, true},
	} {
		b := benchWith(t, 100, 160, 20, c.theme, c.p, c.ascii)
		b.Press("j", "j", "j")
		s := b.Draw()
		uitest.GoldenScreen(t, "theme_"+c.name, s, true)
		for i, r := range s.Text() {
			if c.ascii && r >= 0x80 {
				t.Fatalf("%s: %q at %d is not ASCII", c.name, r, i)
			}
		}
	}
}

// TestTwins: what colour says is said in glyphs and words too.
func TestTwins(t *testing.T) {
	b := benchWith(t, 18, 80, 24, "dark", themes.NoColor, true)
	b.Press("j")
	text := b.Draw().Text()
	for _, want := range []string{"\n> ", "\n !203.0.113.9", " SYN ", "\n =10.0.0.8:50122", " you", "\n =10.0.0.9:41002", " access", "PPSv", " frag", "kernel", "postg~?"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

func TestSweep(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		b := benchWith(t, 100, 80, 20, "dark", themes.TrueColor, ascii)
		b.Press("j", "j", "j")
		uitest.Sweep(t, true, b.Tab.View)
		b.Press("enter")
		uitest.Sweep(t, true, b.Tab.View)
		b.Press("esc", "p")
		b.Pick("SOURCE")
		uitest.Sweep(t, true, b.Tab.View)
		b.Press("/")
		b.Type("src:10.99.99.99")
		uitest.Sweep(t, true, b.Tab.View)
		uitest.SweepLines(t, b.Tab, "filter")
	}
}

// hostile fills every text of a flow with what a name could carry.
func hostile(s string) []snap.Flow {
	fs := uitest.Flows(30)
	for i := range fs {
		f := &fs[i]
		f.Device, f.Owner.Comm, f.Owner.Container, f.Owner.User, f.Owner.Via, f.SrcName, f.DstName = s, s, s, s, s, s, s
		f.Owner.Sure = snap.SureExact
	}
	return fs
}

func TestHostileTextStaysText(t *testing.T) {
	for _, s := range []string{"\x1b[2J\x1b]52;c;aGk=\a", "\u202egnp", "\xff\xc0\xaf", "a\nb\r", "👍\u200d👍", strings.Repeat("世", 40), strings.Repeat("x", 300), "\u009b31m"} {
		b := bench(t, 30, 80, 20)
		b.All = hostile(s)
		b.Base.State.WaysIn = []string{s}
		b.Base.Interfaces[0].Name = s
		b.Frame()
		for _, zoom := range []bool{false, true} {
			if zoom {
				b.Press("enter")
			}
			for _, w := range []int{40, 80, 160, 300} {
				for _, f := range uitest.Faults(b.Tab.View(w, 30), w, 30, false) {
					t.Errorf("%q at %d: %s", s, w, f)
				}
			}
			for _, f := range uitest.Faults([]string{b.Tab.Message(79)}, 79, 1, false) {
				t.Errorf("%q: %s", s, f)
			}
		}
	}
}

func TestEmptyStatesSayWhy(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*uitest.Bench)
	}{
		{"No packets yet on eth0", func(b *uitest.Bench) {}},
		{"8  Programs", func(b *uitest.Bench) { b.Base.Interfaces = nil }},
		{"connection tracking", func(b *uitest.Bench) { b.Base.State.Fallback = "no BTF" }},
	} {
		b := bench(t, 0, 80, 20)
		c.change(b)
		b.Frame()
		if s := b.Draw().Text(); !strings.Contains(s, c.want) {
			t.Errorf("%q is missing:\n%s", c.want, s)
		}
	}
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	if s := uitest.Draw(New(env).View(80, 20), 80, 20).Text(); !strings.Contains(s, "Waiting for the first snapshot") {
		t.Errorf("before the first frame:\n%s", s)
	}
}

// TestViewBudget: per line the line itself, and with a pane what its text needs; nothing a cell.
func TestViewBudget(t *testing.T) {
	for _, c := range []struct {
		w, h   int
		budget float64
	}{{80, 20, 30}, {200, 56, 450}} {
		b := bench(t, 300, c.w, c.h)
		if n := testing.AllocsPerRun(20, func() { b.Tab.View(c.w, c.h) }); n > c.budget {
			t.Errorf("%dx%d: %v allocations, budget %v", c.w, c.h, n, c.budget)
		}
	}
}

func BenchmarkView(b *testing.B) {
	for _, s := range [][2]int{{80, 20}, {200, 56}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			x := bench(b, 300, s[0], s[1])
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				x.Tab.View(s[0], s[1])
			}
		})
	}
}
