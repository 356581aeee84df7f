// SPDX-License-Identifier: Apache-2.0

// Package table draws a window of rows out of any number, with the cursor on a thing and not on a line.
//
// The rows at hand are a slice that starts at an absolute index (Window.Offset) of a list that may be far longer. The
// cursor knows the identity of its row: when the list is ranked anew it goes along, and when the row vanishes the place
// stays greyed as "gone" for GoneFor, so that a late key can't hit a neighbour. A cursor that was never moved (or went to
// the top) belongs to the line instead: an untouched list shows its top.
package table

import (
	"time"

	"hooktop/themes"
	"hooktop/ui/core"
)

// GoneFor is how long a vanished row stays in its place.
const GoneFor = 5 * time.Second

// Window is the part of the list that is at hand.
type Window[R any] struct {
	Rows   []R
	Offset int // absolute index of Rows[0]
	Total  int // rows in the whole list
	Cursor int // absolute index of the selected identity when it is not in Rows; Missing when it is nowhere, Unknown
}

// Special values of Window.Cursor.
const (
	Missing = -1
	Unknown = -2
)

// Model is the state of one table. R is a row, ID its identity.
type Model[R any, ID comparable] struct {
	// Flag writes the second cell of the gutter: a warning, a mark. nil or "" is blank.
	Flag func(r *R) Mark
	// Vanished says how long a row has been gone although it is still listed, 0: it is there. nil: rows are what they are.
	Vanished func(r *R) time.Duration
	// Span gives a row that is a text instead of cells: it stands from the second column on, up to the column of that key, ""
	// to the end. nil, or a text of "": the row has cells.
	Span func(r *R) (text string, tok themes.Token, upTo string)
	// Blur hides the cursor: another pane has the keyboard.
	Blur bool

	env  *core.Env
	id   func(*R) ID
	cols []Column[R]

	win    Window[R]
	at     int  // absolute index of the cursor
	top    int  // absolute index of the first line
	lines  int  // rows drawn last
	held   bool // the cursor belongs to sel; false: to the line
	sel    ID
	known  bool // sel is the identity at index at; false until the row comes to hand
	loose  bool // F off: the cursor always belongs to the line
	last   R    // the selected row as last seen
	goneAt time.Time

	col  int
	sort string
	asc  bool

	buf    []byte
	cell   []byte
	places []place
	placed struct{ w, col, gen int }
	gen    int
}

// New makes a table. id gives a row's identity.
func New[R any, ID comparable](env *core.Env, id func(*R) ID, cols []Column[R]) *Model[R, ID] {
	m := &Model[R, ID]{env: env, id: id, cols: append([]Column[R](nil), cols...), lines: 20}
	m.win.Cursor = Unknown
	return m
}

// SetWindow takes a new window. It copies the slice header and looks for the selected identity in it.
func (m *Model[R, ID]) SetWindow(w Window[R]) {
	m.win = w
	if !m.held || !m.known {
		m.at = clamp(m.at, w.Total)
		m.adopt()
		m.scroll()
		return
	}
	for i := range w.Rows {
		if m.id(&w.Rows[i]) == m.sel {
			m.at, m.last, m.goneAt = w.Offset+i, w.Rows[i], time.Time{}
			m.scroll()
			return
		}
	}
	switch {
	case w.Cursor >= 0:
		m.at, m.goneAt = clamp(w.Cursor, w.Total), time.Time{}
	case w.Cursor == Missing && m.vanished(&m.last) > 0: // it was shown as gone for long enough
		m.at = clamp(m.at, w.Total)
		m.adopt()
	case w.Cursor == Missing && m.goneAt.IsZero():
		m.goneAt = m.env.Now()
	}
	m.expire()
	m.scroll()
}

func (m *Model[R, ID]) vanished(r *R) time.Duration {
	if m.Vanished == nil {
		return 0
	}
	return m.Vanished(r)
}

// adopt gives the cursor the identity of the row on its line.
func (m *Model[R, ID]) adopt() {
	m.goneAt = time.Time{}
	r := m.hand(m.at)
	m.known = r != nil
	if r != nil {
		m.sel, m.last = m.id(r), *r
	}
}

// expire lets the next row take the place of one that is gone for long enough.
func (m *Model[R, ID]) expire() {
	if !m.goneAt.IsZero() && m.env.Now().Sub(m.goneAt) >= GoneFor {
		m.at = clamp(m.at, m.win.Total)
		m.adopt()
	}
}

// Release lets the cursor's row go without a "gone" mark: the question has changed, not the row.
func (m *Model[R, ID]) Release() {
	m.held, m.known, m.at, m.top, m.goneAt = false, false, 0, 0, time.Time{}
}

// hand returns the row at an absolute index when it is at hand.
func (m *Model[R, ID]) hand(i int) *R {
	if i -= m.win.Offset; i >= 0 && i < len(m.win.Rows) {
		return &m.win.Rows[i]
	}
	return nil
}

// Selected returns the row under the cursor, also when it is gone, and whether there is one.
func (m *Model[R, ID]) Selected() (*R, bool) {
	if !m.known {
		return nil, false
	}
	return &m.last, true
}

// ID returns the identity that the cursor follows; false when it follows none.
func (m *Model[R, ID]) ID() (ID, bool) { return m.sel, m.held && m.known }

// Gone is how long the selected row has been missing, 0 when it is there.
func (m *Model[R, ID]) Gone() time.Duration {
	if m.goneAt.IsZero() {
		return 0
	}
	return max(m.env.Now().Sub(m.goneAt), 1)
}

// Hold ties the cursor to its row, as every move does. Menus and panes call it before they act on a row.
func (m *Model[R, ID]) Hold() {
	if !m.loose && m.known {
		m.held = true
	}
}

// SetFollow switches between a cursor that follows its row and one that stays on its line.
func (m *Model[R, ID]) SetFollow(on bool) { m.loose = !on; m.held = on && m.known }

// Following reports the choice of SetFollow.
func (m *Model[R, ID]) Following() bool { return !m.loose }

// Move moves the cursor by n rows.
func (m *Model[R, ID]) Move(n int) {
	if !m.goneAt.IsZero() && n > 0 {
		n-- // the row below has moved up into the gap already
	}
	m.Goto(m.at + n)
}

// Goto puts the cursor on the row at an absolute index.
func (m *Model[R, ID]) Goto(i int) {
	m.at = clamp(i, m.win.Total)
	m.adopt()
	m.held = !m.loose
	m.scroll()
}

// Top shows the beginning of the list and stays there whatever is ranked first.
func (m *Model[R, ID]) Top() { m.Goto(0); m.held = false }

// Bottom goes to the last row.
func (m *Model[R, ID]) Bottom() { m.Goto(m.win.Total - 1) }

// Page moves by n screens in halves: 2 is a whole one down, -1 half a one up.
func (m *Model[R, ID]) Page(n int) { m.Move(n * max(m.lines/2, 1)) }

// scroll keeps the cursor in view.
func (m *Model[R, ID]) scroll() {
	m.top = min(m.top, m.at)
	m.top = max(m.top, m.at-m.lines+1, 0)
	if last := m.shown() - m.lines; m.top > max(last, 0) {
		m.top = max(last, 0)
	}
}

// shown counts rows on the list, with the one that is gone.
func (m *Model[R, ID]) shown() int {
	if !m.goneAt.IsZero() {
		return m.win.Total + 1
	}
	return m.win.Total
}

// Wanted is the window to ask for: the lines in view and a margin, so that a key finds its row at hand.
func (m *Model[R, ID]) Wanted(limit int) (offset, n int) {
	n = min(max(m.lines*3, 60), limit)
	return max(m.top-(n-m.lines)/2, 0), n
}

// InView returns the absolute indexes of the first and last row on the screen, counted from 1; 0, 0 when there is none.
func (m *Model[R, ID]) InView() (first, last int) {
	if m.win.Total == 0 {
		return 0, 0
	}
	return m.top + 1, min(m.top+m.lines, m.win.Total)
}

// At is the absolute index of the cursor, Total the number of rows in the list.
func (m *Model[R, ID]) At() int    { return m.at }
func (m *Model[R, ID]) Total() int { return m.win.Total }

func clamp(i, n int) int { return max(min(i, n-1), 0) }

// Inside reports whether the lines in view, with room for the next page, lie in a window of n rows from offset on.
func (m *Model[R, ID]) Inside(offset, n int) bool {
	room := m.lines / 2
	top := m.top >= offset+room || offset == 0
	return top && m.top >= offset && (m.top+m.lines+room <= offset+n || offset+n >= m.win.Total && m.top+m.lines <= offset+n)
}

// Pass moves the cursor off rows that it can't stand on: on in the direction of towards, or back when there is none left.
func (m *Model[R, ID]) Pass(skip func(*R) bool, towards int) {
	step, at := 1, m.at
	if towards < 0 {
		step = -1
	}
	over := func(i int) bool { r := m.hand(i); return r != nil && skip(r) }
	if !over(at) {
		return
	}
	for over(at) {
		at += step
	}
	for at = clamp(at, m.win.Total); over(at); {
		at -= step
	}
	m.Goto(at)
}

// Place is where a column's cells stand in what was drawn last: the first cell and how many; 0 of a column without room.
func (m *Model[R, ID]) Place(key string) (x, w int) {
	x = gutter
	for _, p := range m.places {
		if m.cols[p.col].Key == key {
			return x, p.width
		}
		x += p.width + m.gap()
	}
	return 0, 0
}

// Line is the screen line of the cursor inside View, the header being line 0.
func (m *Model[R, ID]) Line() int { return 1 + max(m.at-m.top, 0) }

// Click takes the place of a mouse click inside View: a row gets the cursor; a title gives back its column's key and
// whether it can be sorted by.
func (m *Model[R, ID]) Click(x, y int) (key string, sortable bool) {
	if y == 0 {
		from := gutter
		for _, p := range m.places {
			if x >= from && x < from+p.width+m.gap() {
				return m.cols[p.col].Key, !m.cols[p.col].NoSort
			}
			from += p.width + m.gap()
		}
		return "", false
	}
	i := m.top + y - 1
	if !m.goneAt.IsZero() {
		if i == m.at {
			return "", false
		}
		if i > m.at {
			i--
		}
	}
	if i < m.win.Total {
		m.Goto(i)
	}
	return "", false
}
