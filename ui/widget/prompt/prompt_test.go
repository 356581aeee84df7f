// SPDX-License-Identifier: Apache-2.0

package prompt

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

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
	if n := len([]rune(f.Value())); n != MaxRunes {
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

// FuzzField: whatever is typed and pasted in whatever order, the field holds whole printable runes, and what it draws is as
// wide as asked for with the cursor inside.
func FuzzField(f *testing.F) {
	ks := []string{"left", "right", "home", "end", "backspace", "delete", "ctrl+u", "ctrl+k", "ctrl+w", "ctrl+left", "ctrl+right", "space", "a", "世", "ctrl+d", "alt+backspace", "alt+d", "ctrl+v"}
	f.Add([]byte{12, 13, 11, 12, 8, 0, 0, 5}, "one two", 7)
	f.Add([]byte{12, 0, 16, 17, 9, 10}, "e\u0301\x1b[2J", 1)
	f.Fuzz(func(t *testing.T, script []byte, text string, w int) {
		w, script = min(max(w, 1), 200), script[:min(len(script), 256)]
		field := New()
		for i, b := range script {
			if i == len(script)/2 {
				field.Paste(text)
			}
			field.Key(keys.Press(ks[int(b)%len(ks)]))
			s, x := field.View(&themes.Theme{}, themes.Input, w)
			if line.Width(s) != w || x < 0 || x >= w {
				t.Fatalf("%q in %d: width %d, cursor %d", field.Value(), w, line.Width(s), x)
			}
			if at := field.in.Position(); at < 0 || at > len([]rune(field.Value())) {
				t.Fatalf("%q: position %d", field.Value(), at)
			}
			if strings.ContainsFunc(field.Value(), unicode.IsControl) {
				t.Fatalf("%q holds a control character", field.Value())
			}
		}
	})
}
