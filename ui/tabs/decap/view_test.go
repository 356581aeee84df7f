// SPDX-License-Identifier: Apache-2.0

package decap

import (
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
		{"light_256", "light", themes.ANSI256, false}, {"ansi16", "dark", themes.ANSI16, false},
		{"mono", "dark", themes.NoColor, false}, {"mono_ascii", "dark", themes.NoColor, true},
	} {
		b := bench(t, 160, 40, c.theme, c.p, c.ascii)
		b.Press("j", "j", ".")
		s := b.Draw()
		uitest.GoldenScreen(t, "theme_"+c.name, s, true)
		for i, r := range s.Text() {
			if c.ascii && r >= 0x80 {
				t.Fatalf("%s: %q at %d is not ASCII", c.name, r, i)
			}
		}
	}
}

func TestGoldenStates(t *testing.T) {
	for name, prepare := range map[string]func(*uitest.Bench){
		"zoom":   func(b *uitest.Bench) { b.Press("j", "j", "enter") },
		"groups": func(b *uitest.Bench) { b.Press("p"); b.Pick("kind") },
		"empty":  func(b *uitest.Bench) { b.Base.Tunnels = snap.Tunnels{}; b.Frame() },
		"nolines": func(b *uitest.Bench) {
			b.Engine.Policy.Text = "default in allow\n"
			b.Base.Tunnels.Lines = nil
			b.Frame()
			b.Press("tab")
		},
		"staged": func(b *uitest.Bench) { b.Press("tab", "D", "j", ".", "j") },
	} {
		b := plain(t, 80, 20)
		prepare(b)
		lines := append(b.Tab.View(80, 20), b.Tab.Message(79), b.Tab.Context(60))
		uitest.GoldenScreen(t, "state_"+name, uitest.Draw(lines, 80, 22), false)
	}
}

func TestSweep(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		b := bench(t, 80, 20, "dark", themes.TrueColor, ascii)
		for _, step := range [][]string{{"j", "j"}, {"enter"}, {"esc", "tab", "j", "D"}, {"tab", "/"}} {
			b.Press(step...)
			uitest.Sweep(t, true, b.Tab.View)
			uitest.SweepLines(t, b.Tab, step)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	for _, s := range uitest.Hostile() {
		b := plain(t, 80, 20)
		v := &b.Base.Tunnels
		for i := range v.Rows {
			r := &v.Rows[i]
			r.Kind, r.Dev, r.Inner, r.Errors = s, s, s, []snap.Count{{Name: s, N: 1}}
		}
		for i := range v.Lines {
			v.Lines[i].Why, v.Lines[i].State = s, s
		}
		for i := range v.Errors {
			v.Errors[i].Name, v.Errors[i].Worst = s, s
		}
		b.Harmless(s, "j", "enter", "esc", "tab")
	}
}
