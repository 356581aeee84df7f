// SPDX-License-Identifier: Apache-2.0

package scroll

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"hooktop/ui/keys"
	"hooktop/ui/widget/line"
)

func numbered(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprint("line ", i))
	}
	return out
}

func TestKeysMove(t *testing.T) {
	m := New(true)
	first := func() string { return strings.TrimRight(m.View(numbered(30), 20, 10)[0], " ") }
	for _, c := range [][2]string{{"", "line 0"}, {"k", "line 0"}, {"j", "line 1"}, {"down", "line 2"}, {"pgdown", "line 12"}, {"pgdown", "line 20"},
		{"j", "line 20"}, {"up", "line 19"}, {"pgup", "line 9"}} {
		if c[0] != "" && !m.Key(keys.Press(c[0])) {
			t.Errorf("%s is not taken", c[0])
		}
		if got := first(); got != c[1] {
			t.Errorf("after %s: %q, want %q", c[0], got, c[1])
		}
	}
	if m.Key(keys.Press("x")) || !m.More() {
		t.Error("x moves, or 30 lines fit into 10")
	}
	search := New(false)
	if search.Key(keys.Press("j")) {
		t.Error("a letter moves where letters are for searching")
	}
}

// TestEverySizeIsFilled: any number of lines, any window, in any order.
func TestEverySizeIsFilled(t *testing.T) {
	m := New(true)
	ks := []string{"j", "k", "pgup", "pgdown"}
	for range 2000 {
		w, h, n := rand.IntN(30), rand.IntN(12), rand.IntN(40)
		m.Key(keys.Press(ks[rand.IntN(len(ks))]))
		got := m.View(numbered(n), w, h)
		if w == 0 || h == 0 {
			continue
		}
		if len(got) != h {
			t.Fatalf("%d lines in %dx%d: %d", n, w, h, len(got))
		}
		for _, l := range got {
			if line.Width(l) > w {
				t.Fatalf("%d lines in %dx%d: %q", n, w, h, l)
			}
		}
		if n > 0 && strings.TrimSpace(got[0]) == "" {
			t.Fatalf("%d lines in %dx%d: scrolled beyond the end: %q", n, w, h, got)
		}
	}
}
