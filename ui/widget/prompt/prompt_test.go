// SPDX-License-Identifier: Apache-2.0

package prompt

import (
	"math/rand/v2"
	"strings"
	"testing"

	"hooktop/themes"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/line"
)

func TestEditing(t *testing.T) {
	for script, want := range map[string]string{
		"a b c":                              "abc",
		"a b left x":                         "axb",
		"a b home x end y":                   "xaby",
		"a b backspace":                      "a",
		"a b left delete":                    "a",
		"a space b ctrl+w":                   "a ",
		"a b left ctrl+u":                    "b",
		"a b left ctrl+k":                    "a",
		"a space b c ctrl+left x":            "a xbc",
		"a b space c home ctrl+right x":      "abx c",
		"ö backspace":                        "",
		"backspace left right delete ctrl+w": "",
	} {
		f := New()
		for _, k := range strings.Fields(script) {
			if !f.Key(keys.Press(k)) {
				t.Errorf("%s: %s was not taken", script, k)
			}
		}
		if got := f.Value(); got != want {
			t.Errorf("%s: %q, want %q", script, got, want)
		}
	}
	f := New()
	for _, k := range []string{"enter", "esc", "tab", "up", "down", "f1", "ctrl+l", "alt+x"} {
		if f.Key(keys.Press(k)) {
			t.Errorf("%s was taken", k)
		}
	}
}

func TestPasteIsOneCleanEdit(t *testing.T) {
	f := New()
	f.Set("ab")
	f.Key(keys.Press("left"))
	f.Paste("10.0.0.1\r\n10.0.0.2\t\x1b[2Jx\x00\n")
	if got, want := f.Value(), "a10.0.0.1 10.0.0.2 [2Jxb"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	f.Paste(strings.Repeat("x", 10000))
	if n := len([]rune(f.Value())); n != maxRunes {
		t.Errorf("%d runes", n)
	}
}

func TestViewKeepsTheCursorInside(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	ks := []string{"a", "世", "space", "left", "right", "home", "end", "backspace", "ctrl+w", "é"}
	f := New()
	for i := 0; i < 3000; i++ {
		f.Key(keys.Press(ks[rand.IntN(len(ks))]))
		w := 1 + rand.IntN(30)
		s, x := f.View(env.Theme, themes.Input, w)
		if line.Width(s) != w || x < 0 || x >= w {
			t.Fatalf("%q at %d: width %d, cursor %d, want within %d", f.Value(), f.in.Position(), line.Width(s), x, w)
		}
	}
}
