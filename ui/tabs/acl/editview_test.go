// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"strings"
	"testing"

	"hooktop/ui/uitest"
)

// TestTheEditorHidesNoRowThatHasRoom: it stands between the rows, in the place of the one that is edited, at any height.
func TestTheEditorHidesNoRowThatHasRoom(t *testing.T) {
	for _, w := range []int{80, 200} {
		b := bench(t, uitest.PolicyText, w, 40)
		whole := b.Draw().Text()
		onLine(b, 7)
		b.Press("a")
		open := b.Draw().Text()
		for _, l := range strings.Split(strings.TrimSpace(whole), "\n") {
			if text := strings.TrimSpace(strings.TrimLeft(l, ">")); !strings.Contains(open, text[:min(len(text), 40)]) {
				t.Errorf("%d columns: %q is hidden:\n%s", w, text, open)
			}
		}
		if log, box, next := strings.Index(open, "└ log"), strings.Index(open, "new line 8"), strings.Index(open, " 8 deny"); log > box || box > next {
			t.Errorf("%d columns: the editor is not between line 7 with its options and line 8:\n%s", w, open)
		}
		b.Press("esc")
		onLine(b, 8)
		b.Press("e")
		if open := b.Draw().Text(); strings.Contains(open, "└ # SSH scan") || !strings.Contains(open, "┌ line 8") {
			t.Errorf("%d columns: what belongs to the line stays beside it:\n%s", w, open)
		}
	}
	for h := 3; h < 24; h++ {
		for _, n := range []int{1, 7, 13} {
			b := bench(t, uitest.PolicyText, 80, h)
			onLine(b, n)
			b.Press("a")
			if got := len(b.Tab.View(80, h)); got != h {
				t.Errorf("%d lines of %d", got, h)
			}
			if text := b.Draw().Text(); h >= 6 && !strings.Contains(text, fmt.Sprintf("new line %d", n+1)) {
				t.Errorf("height %d, line %d:\n%s", h, n, text)
			}
		}
	}
}
