// SPDX-License-Identifier: Apache-2.0

package line_test

import (
	"testing"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/line"
)

func TestBuilder(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	bold, under := env.Theme.SGR(themes.TextStrong), line.Underline
	for _, c := range []struct{ name, got, want string }{
		{"plain text has no escapes", line.New(env.Theme, 9).Add(themes.Text, "abc").String(), "abc"},
		{"a token is switched on and off", line.New(env.Theme, 9).Add(themes.TextStrong, "abc").String(), bold + "abc" + themes.Reset},
		{"cut at the width", line.New(env.Theme, 4).Add(themes.Text, "abc").Add(themes.Text, "def").Add(themes.Text, "g").String(), "abcd"},
		{"no half of a wide rune", line.New(env.Theme, 3).Add(themes.Text, "世界").Fill(themes.Text), "世 "},
		{"underline on top", line.New(env.Theme, 2).AddUnder(themes.TextStrong, "abc").String(), bold + under + "ab" + themes.Reset},
		{"filled", line.New(env.Theme, 5).Add(themes.Text, "ab").Pad(themes.Text, 1).Fill(themes.Text), "ab   "},
		{"joined", line.New(env.Theme, 5).Join("\x1b[1mab"+themes.Reset, 2).Fill(themes.Text), "\x1b[1mab" + themes.Reset + "   "},
		{"no room to join", line.New(env.Theme, 5).Join("abcdef", 6).Fill(themes.Text), "     "},
		{"nothing is nothing", line.New(env.Theme, 5).Add(themes.TextStrong, "").Pad(themes.TextStrong, -1).AddUnder(themes.Text, "").String(), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
	b := line.New(env.Theme, 3)
	b.Add(themes.Text, "abc")
	if b.Reset(5); b.Left() != 5 || b.String() != "" {
		t.Errorf("after Reset %d cells and %q", b.Left(), b.String())
	}
}

// FuzzBuilder: clean text, whatever it is, never takes more than the width, and Fill takes exactly that.
func FuzzBuilder(f *testing.F) {
	f.Add("abc", "世界", 5, 2)
	f.Add("e\u0301", "\x1b[31m", 3, 0)
	f.Add("🏴", "ﷺ", 1, 9)
	f.Fuzz(func(t *testing.T, a, b string, w, pad int) {
		w, pad = min(max(w, 0), 300), min(max(pad, -5), 300)
		th := &themes.Theme{}
		l := line.New(th, w).Add(themes.Text, format.Clean(a)).Pad(themes.Warn, pad).AddUnder(themes.Crit, format.Clean(b))
		if n := ansi.StringWidth(l.String()); n > w || n != w-l.Left() {
			t.Errorf("%q and %q in %d: %d cells, %d left", a, b, w, n, l.Left())
		}
		if s := l.Fill(themes.Text); ansi.StringWidth(s) != w {
			t.Errorf("%q and %q filled to %d: %q", a, b, w, s)
		}
	})
}

// What does not fit goes from the right, and what is behind it too.
func TestParts(t *testing.T) {
	parts := []string{"one", "twelve", "x"}
	for w, want := range map[int]string{0: "", 2: "", 3: "one", 10: "one", 11: "one  twelve", 12: "one  twelve", 14: "one  twelve  x"} {
		if got := line.Parts(parts, w); got != want {
			t.Errorf("in %d: %q, want %q", w, got, want)
		}
	}
}
