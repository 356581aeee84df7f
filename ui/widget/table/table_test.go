// SPDX-License-Identifier: Apache-2.0

package table_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/table"
)

type row struct {
	id   int
	name string
	n    float64
}

func columns() []table.Column[row] {
	num := func(b []byte, r *row, w int) []byte { return format.AppendSI(b, r.n, w) }
	return []table.Column[row]{
		{Key: "name", Title: "NAME", Width: 12, Min: 6, Max: 20, Cell: func(b []byte, r *row, w int) []byte { return append(b, r.name...) }},
		{Key: "n", Title: "N", Width: 6, Right: true, Priority: 1, Cell: num},
		{Key: "a", Title: "A", Width: 8, Right: true, Priority: 2, Cell: num},
		{Key: "b", Title: "B", Width: 8, Right: true, Priority: 3, Cell: num, Token: func(*row) themes.Token { return themes.Warn }},
		{Key: "c", Title: "C", Width: 8, Right: true, Priority: 10, Cell: num},
	}
}

func model(t testing.TB) (*table.Model[row, int], *uitest.Clock) {
	env, clock := uitest.Env(t, "dark", themes.NoColor, false)
	return table.New(env, func(r *row) int { return r.id }, columns()), clock
}

func rows(ids ...int) []row {
	var out []row
	for _, id := range ids {
		out = append(out, row{id, fmt.Sprintf("row-%d", id), float64(id) * 10})
	}
	return out
}

// cursor is the name in the line that carries ">".
func cursor(t *testing.T, m *table.Model[row, int], w, h int) string {
	t.Helper()
	for i, l := range m.View(w, h) {
		if p := ansi.Strip(l); strings.HasPrefix(p, ">") {
			if i != m.Line() {
				t.Errorf("cursor drawn on line %d, Line() says %d", i, m.Line())
			}
			return strings.Fields(p[2:])[0]
		}
	}
	return ""
}

func TestCursorGoesWithItsRow(t *testing.T) {
	m, _ := model(t)
	m.SetWindow(table.Window[row]{Rows: rows(1, 2, 3, 4, 5), Total: 5, Cursor: table.Unknown})
	if got := cursor(t, m, 40, 10); got != "row-1" {
		t.Fatalf("untouched cursor on %q", got)
	}
	m.SetWindow(table.Window[row]{Rows: rows(5, 4, 3, 2, 1), Total: 5, Cursor: table.Unknown})
	if got := cursor(t, m, 40, 10); got != "row-5" {
		t.Errorf("untouched cursor left the top: %q", got)
	}
	m.Move(1)
	if got := cursor(t, m, 40, 10); got != "row-4" {
		t.Fatalf("after a move the cursor is on %q", got)
	}
	m.SetWindow(table.Window[row]{Rows: rows(1, 2, 3, 4, 5), Total: 5, Cursor: table.Unknown})
	if got := cursor(t, m, 40, 10); got != "row-4" {
		t.Errorf("ranking took the cursor to %q", got)
	}
	m.SetFollow(false)
	m.SetWindow(table.Window[row]{Rows: rows(5, 4, 3, 2, 1), Total: 5, Cursor: table.Unknown})
	if got := cursor(t, m, 40, 10); got != "row-2" {
		t.Errorf("with follow off the cursor left its line: %q", got)
	}
	m.SetFollow(true)
	m.Top()
	m.SetWindow(table.Window[row]{Rows: rows(3, 4, 5, 2, 1), Total: 5, Cursor: table.Unknown})
	if got := cursor(t, m, 40, 10); got != "row-3" {
		t.Errorf("g does not stay at the top: %q", got)
	}
}

func TestGoneRowKeepsItsPlace(t *testing.T) {
	m, clock := model(t)
	m.SetWindow(table.Window[row]{Rows: rows(1, 2, 3), Total: 3, Cursor: table.Unknown})
	m.Move(1)
	gone := func() table.Window[row] { return table.Window[row]{Rows: rows(1, 3), Total: 2, Cursor: table.Missing} }
	m.SetWindow(gone())
	clock.Pass(3 * time.Second)
	m.SetWindow(gone())
	v := m.View(40, 6)
	if p := ansi.Strip(v[2]); !strings.Contains(p, "row-2") || !strings.Contains(p, "gone 3 s") {
		t.Errorf("line of the vanished row: %q", p)
	}
	if p := ansi.Strip(v[3]); !strings.Contains(p, "row-3") {
		t.Errorf("the next row is not below: %q", p)
	}
	if r, ok := m.Selected(); !ok || r.id != 2 {
		t.Errorf("selected while gone: %+v %v", r, ok)
	}
	clock.Pass(2 * time.Second)
	if got := cursor(t, m, 40, 6); got != "row-3" {
		t.Errorf("after 5 s the cursor is on %q", got)
	}
	// It comes back in time.
	m.SetWindow(table.Window[row]{Rows: rows(1), Total: 1, Cursor: table.Missing})
	m.SetWindow(table.Window[row]{Rows: rows(3, 1), Total: 2, Cursor: table.Unknown})
	if got := cursor(t, m, 40, 6); got != "row-3" || m.Gone() != 0 {
		t.Errorf("a row that came back: cursor on %q, gone %v", got, m.Gone())
	}
	// The key after a vanished row goes to its neighbours.
	m.Move(1)
	m.SetWindow(table.Window[row]{Rows: rows(3, 7), Total: 2, Cursor: table.Missing})
	m.Move(1)
	if got := cursor(t, m, 40, 6); got != "row-7" {
		t.Errorf("down from a gone row: %q", got)
	}
}

func TestListedRowThatIsGone(t *testing.T) {
	m, _ := model(t)
	m.Vanished = func(r *row) time.Duration { return time.Duration(r.n) * time.Second }
	list := []row{{1, "row-1", 0}, {2, "row-2", 0}, {3, "row-3", 0}}
	m.SetWindow(table.Window[row]{Rows: list, Total: 3, Cursor: table.Unknown})
	m.Move(1)
	list = []row{{1, "row-1", 0}, {2, "row-2", 4}, {3, "row-3", 0}}
	m.SetWindow(table.Window[row]{Rows: list, Total: 3, Cursor: table.Unknown})
	if p := ansi.Strip(m.View(40, 6)[2]); !strings.HasPrefix(p, "> row-2") || !strings.HasSuffix(p, "gone 4 s") {
		t.Errorf("listed and gone: %q", p)
	}
	m.SetWindow(table.Window[row]{Rows: list[:1:1], Total: 1, Cursor: table.Missing})
	if got := cursor(t, m, 40, 6); got != "row-1" || m.Gone() != 0 {
		t.Errorf("after that the cursor is on %q, gone %v", got, m.Gone())
	}
}

func TestFarRowsAreAskedForAndWaited(t *testing.T) {
	m, _ := model(t)
	m.SetWindow(table.Window[row]{Rows: rows(0, 1, 2, 3), Total: 1000, Cursor: table.Unknown})
	m.View(40, 11)
	m.Bottom()
	if _, ok := m.Selected(); ok {
		t.Error("a row that is not at hand can be acted on")
	}
	off, n := m.Wanted(300)
	if off+n < 1000 || off > 990 {
		t.Errorf("wanted %d+%d for the last page", off, n)
	}
	if got := cursor(t, m, 40, 11); got != "…" {
		t.Errorf("a waiting row shows %q", got)
	}
	if m.Inside(0, 60) {
		t.Error("the first window counts as holding the last page")
	}
	var last []row
	for i := 940; i < 1000; i++ {
		last = append(last, rows(i)...)
	}
	m.SetWindow(table.Window[row]{Rows: last, Offset: 940, Total: 1000, Cursor: table.Unknown})
	if got := cursor(t, m, 40, 11); got != "row-999" {
		t.Errorf("bottom: %q", got)
	}
	if a, b := m.InView(); a != 991 || b != 1000 {
		t.Errorf("in view %d-%d", a, b)
	}
	// The followed row moves out of the window: the answer says where, and the view goes there.
	m.SetWindow(table.Window[row]{Rows: last, Offset: 0, Total: 1000, Cursor: 500})
	if r, ok := m.Selected(); m.At() != 59 && (!ok || m.At() != 500) {
		t.Errorf("cursor at %d on %+v", m.At(), r)
	}
}

// TestCursorIdentity does random moves, rankings, removals and scrolling: whatever happens, a held cursor is on the
// identity that it held before, or that one is gone.
func TestCursorIdentity(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	m, clock := model(t)
	all := rand.Perm(200)
	set := func() {
		id, held := m.ID()
		at := table.Missing
		if !held {
			at = table.Unknown
		}
		for i, x := range all {
			if held && x == id {
				at = i
			}
		}
		off, n := m.Wanted(60)
		off = min(off, len(all))
		m.SetWindow(table.Window[row]{Rows: rows(all[off:min(off+n, len(all))]...), Offset: off, Total: len(all), Cursor: at})
	}
	set()
	for i := 0; i < 5000; i++ {
		m.View(30+rnd.IntN(60), 4+rnd.IntN(30))
		before, held := m.ID()
		switch rnd.IntN(6) {
		case 0:
			rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		case 1:
			if len(all) > 1 {
				k := rnd.IntN(len(all))
				all = append(all[:k:k], all[k+1:]...)
			}
		case 2:
			all = append(all, 1000+i)
		case 3:
			m.Move(rnd.IntN(21) - 10)
			set()
			set()
			continue
		case 4:
			clock.Pass(time.Second)
		case 5:
			m.Page(rnd.IntN(5) - 2)
			set()
			set()
			continue
		}
		set()
		set() // the window asked for after the first answer
		after, still := m.ID()
		if held && m.Gone() == 0 && still && after != before {
			for _, x := range all {
				if x == before {
					t.Fatalf("step %d: the cursor went from %d to %d, which is still listed", i, before, after)
				}
			}
		}
		if at := m.At(); len(all) > 0 && m.Gone() == 0 && (at < 0 || at >= len(all)) {
			t.Fatalf("step %d: cursor at %d of %d", i, at, len(all))
		}
	}
}

func TestColumnsGiveWay(t *testing.T) {
	for _, c := range []struct {
		w    int
		want string
	}{
		{10, "NAME"}, {16, "NAME N"}, {21, "NAME N"}, {31, "NAME N A"}, {40, "NAME N A B"}, {48, "NAME N A B"}, {57, "NAME N A B C"}, {120, "NAME N A B C"},
	} {
		m, _ := model(t)
		m.SetWindow(table.Window[row]{Rows: rows(1, 2), Total: 2})
		v := m.View(c.w, 4)
		if got := strings.Join(strings.Fields(ansi.Strip(v[0])), " "); got != c.want {
			t.Errorf("at %d: %q, want %q", c.w, got, c.want)
		}
		for _, l := range v[:3] {
			if n := ansi.StringWidth(l); n != c.w {
				t.Errorf("at %d a line is %d wide: %q", c.w, n, ansi.Strip(l))
			}
		}
	}
}

func TestColumnCursorBringsHiddenColumnsIntoView(t *testing.T) {
	m, _ := model(t)
	m.SetWindow(table.Window[row]{Rows: rows(1), Total: 1})
	for i := 0; i < 9; i++ {
		m.MoveColumn(1)
	}
	if m.Column().Key != "c" {
		t.Fatalf("column cursor on %q", m.Column().Key)
	}
	if got := strings.Join(strings.Fields(ansi.Strip(m.View(28, 2)[0])), " "); got != "NAME B C" {
		t.Errorf("scrolled sideways: %q", got)
	}
	m.MoveColumn(-9)
	m.SetColumn("n")
	m.SetSort("n", false)
	if got := ansi.Strip(m.View(28, 2)[0]); !strings.Contains(got, "N▼") {
		t.Errorf("no arrow in %q", got)
	}
	m.SetSort("n", true)
	if got := ansi.Strip(m.View(28, 2)[0]); !strings.Contains(got, "N▲") {
		t.Errorf("no arrow in %q", got)
	}
	if m.SortBeside(1) != "a" || m.SortBeside(-1) != "name" {
		t.Errorf("neighbours: %s %s", m.SortBeside(-1), m.SortBeside(1))
	}
	m.Show("a", false)
	if m.SortBeside(1) != "b" {
		t.Error("a hidden column is still a neighbour")
	}
	if got := ansi.Strip(m.View(60, 2)[0]); strings.Contains(got, " A") {
		t.Errorf("a hidden column is drawn: %q", got)
	}
}

func TestWideAndLongCells(t *testing.T) {
	m, _ := model(t)
	m.SetWindow(table.Window[row]{Rows: []row{{1, "世界世界世界世界世界世界", 1}, {2, strings.Repeat("x", 99), 2}, {3, "Grüße–…→", 3}}, Total: 3})
	for w := 1; w < 80; w++ {
		for _, f := range uitest.Faults(m.View(w, 5), w, 5, false) {
			t.Errorf("at %d: %s", w, f)
		}
	}
}

// TestViewBudget: the lines and the slice that holds them, nothing a cell.
func TestViewBudget(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	m := table.New(env, func(r *row) int { return r.id }, columns())
	var all []row
	for i := 0; i < 300; i++ {
		all = append(all, rows(i)...)
	}
	m.SetWindow(table.Window[row]{Rows: all, Total: 300})
	m.View(200, 60)
	if n := testing.AllocsPerRun(50, func() { m.View(200, 60) }); n > 64 {
		t.Errorf("%v allocations for 60 lines, budget 64", n)
	}
}

func BenchmarkView(b *testing.B) {
	for _, s := range [][2]int{{80, 24}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", s[0], s[1]), func(b *testing.B) {
			env, _ := uitest.Env(b, "dark", themes.TrueColor, false)
			m := table.New(env, func(r *row) int { return r.id }, columns())
			var all []row
			for i := 0; i < 300; i++ {
				all = append(all, rows(i)...)
			}
			m.SetWindow(table.Window[row]{Rows: all, Total: 300})
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				m.View(s[0], s[1])
			}
		})
	}
}

func TestTextAcrossColumns(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	m := table.New(env, func(r *row) int { return r.id }, columns())
	m.Span = func(r *row) (string, themes.Token, string) {
		switch r.id {
		case 1:
			return "a text that is long enough to be cut somewhere", themes.TextDim, ""
		case 2:
			return "a text that is long enough to be cut somewhere", themes.TextDim, "n"
		}
		return "", themes.Text, ""
	}
	m.SetWindow(table.Window[row]{Rows: []row{{0, "cells", 1}, {1, "whole", 2}, {2, "until", 3}}, Total: 3, Cursor: table.Missing})
	text := uitest.Draw(m.View(30, 4), 30, 4).Text()
	if !strings.Contains(text, "whole") || !strings.Contains(text, " a text") || !strings.Contains(text, "…") || strings.Contains(text, "until a text") {
		t.Errorf("\n%s", text)
	}
	for w := 1; w < 80; w++ {
		for _, f := range uitest.Faults(m.View(w, 4), w, 4, true) {
			t.Errorf("%d cells: %s", w, f)
		}
	}
}
