// SPDX-License-Identifier: Apache-2.0

package format

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestCleanMakesHostileTextVisible(t *testing.T) {
	for in, want := range map[string]string{
		"nginx":                        "nginx",
		"":                             "",
		"\x1b[2J":                      `\x1b[2J`,
		"a\nb\tc\rd":                   `a\x0ab\x09c\x0dd`,
		"\x7f":                         `\x7f`,
		"\x9b31m":                      `\x9b31m`,          // C1 CSI as a raw byte: invalid UTF-8
		"\u009b31m":                    `\x9b31m`,          // the same as UTF-8
		"\u202egnp.exe":                `\u202egnp.exe`,    // right-to-left override
		"a\u200bb\ufeff":               `a\u200bb\ufeff`,   // zero width
		"e\u0301":                      `e\u0301`,          // combining
		"\xc0\xaf":                     `\xc0\xaf`,         // overlong /
		"\xe0\x80\x9b":                 `\xe0\x80\x9b`,     // overlong C1
		"\xed\xa0\x80":                 `\xed\xa0\x80`,     // surrogate
		"\xf4\x90\x80\x80":             `\xf4\x90\x80\x80`, // above U+10FFFF
		"\u00a0":                       `\xa0`,
		"\u3000":                       `\u3000`,
		"\U000e0041":                   `\U000e0041`, // tag
		"\U0001f1e9\U0001f1ea":         `\U0001f1e9\U0001f1ea`,
		"👍\U0001f3fd":                  `👍\U0001f3fd`,
		"Grüße, 世界":                    "Grüße, 世界",
		`C:\x1b`:                       `C:\x1b`,
		"\x1b]52;c;aGk=\a":             `\x1b]52;c;aGk=\x07`,
		strings.Repeat("x", 40) + "\b": strings.Repeat("x", 40) + `\x08`,
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCleanTextCostsNothing(t *testing.T) {
	in := "systemd-resolve Grüße 世界"
	if n := testing.AllocsPerRun(100, func() { Clean(in) }); n != 0 {
		t.Errorf("%v allocations for clean text", n)
	}
}

// checkClean holds what a cell relies on.
func checkClean(t *testing.T, in string) {
	out := Clean(in)
	if !utf8.ValidString(out) {
		t.Fatalf("Clean(%q) is not UTF-8: %q", in, out)
	}
	if again := Clean(out); again != out {
		t.Fatalf("Clean(%q) = %q, and of that %q", in, out, again)
	}
	sum := 0
	for _, r := range out {
		if r != ' ' && (!unicode.IsPrint(r) || unicode.IsSpace(r)) {
			t.Fatalf("Clean(%q) lets %U through", in, r)
		}
		n := ansi.StringWidth(string(r))
		if n < 1 {
			t.Fatalf("Clean(%q) lets %U through, which has no width", in, r)
		}
		sum += n
	}
	if n := ansi.StringWidth(out); n != sum {
		t.Fatalf("Clean(%q): %d cells together, %d one by one", in, n, sum)
	}
	if n, ok := Cells([]byte(out)); ok && n != sum {
		t.Fatalf("Cells(%q) = %d, the terminal takes %d", out, n, sum)
	}
	if asc := ASCII(out); len(asc) != utf8.RuneCountInString(out) {
		t.Fatalf("ASCII(%q) = %q: not one for one", out, asc)
	}
}

// TestEveryRuneKeepsItsWidth pairs each code point with itself and with letters, where graphemes would form.
func TestEveryRuneKeepsItsWidth(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		if r > 0x30000 && r < 0xe0000 { // unassigned and ideographs without surprises
			r = 0xe0000
		}
		checkClean(t, "a"+string(r)+string(r)+"क")
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"nginx", "\x1b[31mred", "\u202e", "\xff\xfe", "각", "👩‍👩‍👧", "กำ", "a\u0300\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkClean(t, s) })
}
