// SPDX-License-Identifier: Apache-2.0

package box_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/box"
)

func TestFrame(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	got := ansi.Strip(strings.Join(box.Frame(env, 24, "title", "right", "foot", []string{strings.Repeat("x", 22)}), "\n"))
	want := "┌ title ────── right ──┐\n│xxxxxxxxxxxxxxxxxxxxxx│\n└ foot ────────────────┘"
	if got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	for w := 2; w < 40; w++ {
		for _, l := range box.Frame(env, w, "a title that is long", "right", "foot", []string{strings.Repeat("x", w-2)}) {
			if n := ansi.StringWidth(l); n != w {
				t.Errorf("width %d: %d cells in %q", w, n, ansi.Strip(l))
			}
		}
	}
}

// TestOver: what is beside the box stays where it was, also where the box cuts a wide rune in half.
func TestOver(t *testing.T) {
	body := []string{"abcdefghij", "世界世界世", "short", "", "last"}
	b := box.Box{X: 3, Y: 1, W: 4, Lines: []string{"1234", "5678", "9abc"}}
	got := b.Over(body, 10)
	for i, want := range []string{"abcdefghij", "世 1234 世", "sho5678", "   9abc", "last"} {
		if s := ansi.Strip(got[i]); s != want {
			t.Errorf("line %d: %q, want %q", i, s, want)
		}
	}
	if body[0] != "abcdefghij" || body[3] != "" {
		t.Error("the lines under the box were changed")
	}
	off := box.Box{X: 0, Y: -1, W: 2, Lines: []string{"xx", "yy", "zz"}}.Over([]string{"ab"}, 2)
	if len(off) != 1 || ansi.Strip(off[0]) != "yy" {
		t.Errorf("a box beyond the edges: %q", off)
	}
}

func TestCenter(t *testing.T) {
	if x, y := box.Center(80, 20, 60, 11); x != 10 || y != 3 {
		t.Error(x, y)
	}
	if x, y := box.Center(10, 3, 60, 11); x != 0 || y != 0 {
		t.Error("a box larger than the body:", x, y)
	}
}
