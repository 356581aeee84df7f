// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"testing"

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
		b := bench(t, 160, 30, c.theme, c.p, c.ascii)
		b.Press("G", "D", "g", "e", "ctrl+u")
		b.Type("20/f0")
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
		"zoom": func(b *uitest.Bench) { b.Press("j", "enter") },
		"drift": func(b *uitest.Bench) {
			b.Base.Chains.Steer[0].State, b.Base.Chains.Rows[0].State, b.Base.Chains.Rows[0].Why = "missing", "drift", "ip rule 9100 is missing"
			b.Frame()
		},
		"bad":    func(b *uitest.Bench) { b.Press("e", "ctrl+u"); b.Type("40/f0") },
		"staged": func(b *uitest.Bench) { b.Press(".", "j", "j", "j", "j", "D", "j", "j", ".") },
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
		for _, step := range [][]string{{"j", "j"}, {"."}, {"e"}, {"esc", "enter"}} {
			b.Press(step...)
			uitest.Sweep(t, true, b.Tab.View)
			uitest.SweepLines(t, b.Tab, step)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	for _, s := range uitest.Hostile() {
		b := plain(t, 80, 20)
		c := &b.Base.Chains
		for i := range c.Rows {
			c.Rows[i].Why, c.Rows[i].Name = s, s
			for j := range c.Rows[i].Legs {
				l := &c.Rows[i].Legs[j]
				l.From, l.To, l.Name, l.State = s, s, s, s
			}
		}
		for i := range c.Steer {
			c.Steer[i].Text, c.Steer[i].State, c.Steer[i].Why = s, s, s
		}
		for i := range c.Owners {
			c.Owners[i].Who, c.Owners[i].From, c.Owners[i].Clash = s, s, s
		}
		for i := range c.Checks {
			c.Checks[i].Name, c.Checks[i].Have, c.Checks[i].Why, c.Checks[i].Fix = s, s, s, s
		}
		c.Lineage = []string{s, s, s}
		b.Harmless(s, "j", "enter", "esc")
	}
}
