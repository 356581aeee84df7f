// SPDX-License-Identifier: Apache-2.0

package table

import (
	"testing"

	"hooktop/themes"
	"hooktop/ui/uitest"
)

// TestPass: the cursor never stays on a row that it can't stand on, whichever way it comes, also at the ends.
func TestPass(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	skip := func(r *string) bool { return *r == "" }
	for _, c := range []struct {
		rows         []string
		from, by, at int
	}{
		{[]string{"a", "", "b"}, 0, 1, 2}, {[]string{"a", "", "b"}, 2, -1, 0}, {[]string{"a", "", ""}, 0, 1, 0}, {[]string{"", "", "b"}, 2, -1, 2},
		{[]string{"a", "b"}, 0, 1, 1}, {[]string{"a", "", "", "b", ""}, 0, 4, 3},
	} {
		rows := c.rows
		m := New(env, func(r *string) string { return *r }, []Column[string]{{Key: "x", Width: 4, Cell: func(b []byte, r *string, _ int) []byte { return append(b, *r...) }}})
		m.SetWindow(Window[string]{Rows: rows, Total: len(rows), Cursor: Missing})
		m.Goto(c.from)
		m.Move(c.by)
		m.Pass(skip, c.by)
		if m.At() != c.at {
			t.Errorf("%q from %d by %d: at %d, want %d", rows, c.from, c.by, m.At(), c.at)
		}
	}
}

// TestPlace: where a column's cells stand is where the header shows its title.
func TestPlace(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	cell := func(b []byte, r *string, _ int) []byte { return append(b, *r...) }
	m := New(env, func(r *string) string { return *r }, []Column[string]{{Key: "one", Title: "ONE", Width: 6, Cell: cell}, {Key: "two", Title: "TWO", Width: 9, Cell: cell},
		{Key: "far", Title: "FAR", Width: 30, Priority: 9, Cell: cell}})
	s := uitest.Draw(m.View(30, 3), 30, 3)
	if x, w := m.Place("two"); w < 9 || s.Line(0)[x:x+3] != "TWO" {
		t.Errorf("at %d, %d cells: %q", x, w, s.Line(0))
	}
	if x, w := m.Place("far"); x != 0 || w != 0 {
		t.Errorf("a column without room: at %d, %d cells", x, w)
	}
}
