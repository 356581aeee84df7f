// SPDX-License-Identifier: Apache-2.0

// Package trace is the Trace tab: the stream of events of a kernel trace, one packet's journey, the form that starts a
// trace, and the ledger of where packets die.
package trace

import (
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
	"hooktop/ui/widget/table"
)

// maxRows is the most rows that one query asks for (snap.TraceQuery.Limit).
const maxRows = 300

// Tab is the Trace screen.
type Tab struct {
	env   *core.Env
	cols  *column.Set
	frame *snap.Frame

	events *table.Model[snap.TraceEvent, uint64]
	hops   *table.Model[hop, uint64]
	ledger *table.Model[snap.LedgerRow, counter]

	dead    bool // the ledger is in view
	zoom    bool // the row fills the screen: a journey, a call or a counter
	filter  string
	follow  bool
	down    int       // lines that a pane is scrolled down
	packet  int       // the journey that is open, 0: none
	first   uint64    // Seq of the event that it was opened at, until its hops came
	begun   uint64    // AtNs of its first event
	session time.Time // when the trace that the rows are of began
	asked   snap.TraceQuery

	edit  *filter.Editor
	form  *form // open, or nil
	draft *form // closed, with what was typed
	width int
	high  int
}

// counter is the identity of a row of the ledger.
type counter struct{ stage, name, dev string }

// New makes the tab.
func New(env *core.Env) core.Tab { return newTab(env) }

func newTab(env *core.Env) *Tab {
	t := &Tab{env: env, cols: column.Traces(), frame: &snap.Frame{}, follow: true}
	t.events = table.New(env, func(e *snap.TraceEvent) uint64 { return e.Seq }, eventColumns(env))
	t.events.Flag = func(e *snap.TraceEvent) table.Mark { return mark(env.Glyphs, e) }
	t.events.SetColumn("func")
	t.hops = table.New(env, func(h *hop) uint64 { return h.Seq }, hopColumns(env))
	t.hops.Flag = func(h *hop) table.Mark { return mark(env.Glyphs, &h.TraceEvent) }
	t.hops.SetColumn("func")
	t.ledger = table.New(env, func(r *snap.LedgerRow) counter { return counter{r.Stage, r.Name, r.Dev} }, ledgerColumns())
	t.ledger.Flag = func(r *snap.LedgerRow) table.Mark { return counterMark(env.Glyphs, r) }
	t.ledger.SetColumn("name")
	t.edit = filter.NewEditor(env, t.cols, t.seen, t.set)
	return t
}

// Name implements core.Tab.
func (t *Tab) Name() string { return "Trace" }

// Update implements core.Tab.
func (t *Tab) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.FrameMsg:
		t.take(msg.Frame)
		return t.ask()
	case core.AnswerMsg:
		return t.answered(msg)
	case tea.PasteMsg:
		if t.form == nil {
			return t.edit.Update(msg)
		}
		t.form.paste(msg.Content)
		return t.ask()
	case tea.KeyPressMsg:
		if t.form == nil {
			return t.edit.Update(msg)
		}
		return t.formKey(msg)
	case tea.MouseClickMsg:
		return t.click(msg)
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			return t.moved(func(m table.Mover) { m.Move(-3) }, -3)
		case tea.MouseWheelDown:
			return t.moved(func(m table.Mover) { m.Move(3) }, 3)
		}
	}
	return nil
}

// take makes a frame the one in view. Rows that answer a question about something else are not shown: those at hand are.
func (t *Tab) take(f *snap.Frame) {
	if f == nil {
		return
	}
	t.frame = f
	v := &f.Trace
	t.ledger.SetWindow(table.Window[snap.LedgerRow]{Rows: f.Ledger.Rows, Total: len(f.Ledger.Rows), Cursor: table.Missing})
	if t.form != nil {
		t.form.offer(v)
	}
	if !v.Session.Started.Equal(t.session) { // another trace: its rows are numbered anew
		t.session = v.Session.Started
		t.follow, t.dead = true, false
		t.events.Release()
		t.close()
	}
	switch {
	case v.Query.Packet != t.packet:
	case t.packet > 0:
		t.takeJourney(v)
	case v.Query.Follow == t.follow:
		t.events.SetWindow(table.Window[snap.TraceEvent]{Rows: v.Rows, Offset: v.Offset, Total: v.Matched, Cursor: t.cursor(v, t.events.ID)})
		if t.follow {
			t.events.Bottom()
		}
		t.events.Hold()
	}
}

func (t *Tab) takeJourney(v *snap.TraceView) {
	if v.Offset == 0 && len(v.Rows) > 0 {
		t.begun = v.Rows[0].AtNs
	}
	t.hops.SetWindow(table.Window[hop]{Rows: hops(v.Rows, t.begun), Offset: v.Offset, Total: v.Matched, Cursor: t.cursor(v, t.hops.ID)})
	t.hops.Hold()
	if t.first == 0 {
		return
	}
	at := v.Cursor
	if i := slices.IndexFunc(v.Rows, func(e snap.TraceEvent) bool { return e.Seq == t.first }); i >= 0 {
		at = v.Offset + i
	}
	if at >= 0 {
		t.hops.Goto(at)
		t.first = 0
	}
}

// cursor is where the answer says that the selected row is, Unknown when it answers another selection.
func (t *Tab) cursor(v *snap.TraceView, id func() (uint64, bool)) int {
	if seq, ok := id(); ok && v.Query.Cursor == seq {
		return v.Cursor
	}
	return table.Unknown
}

// Query implements core.Tab.
func (t *Tab) Query(q *snap.Query) { t.asked = t.query(); q.Trace = t.asked }

// query states the question. At the newest rows the cursor is left out: it would ask anew with each frame.
func (t *Tab) query() snap.TraceQuery {
	q := snap.TraceQuery{Filter: t.filter}
	id, list := t.events.ID, rows(t.events)
	if t.packet > 0 {
		q.Filter, q.Packet = "", t.packet // a journey is whole, whatever rows the stream shows
		id, list = t.hops.ID, t.hops
	} else {
		q.Follow = t.follow
	}
	first, n := list.Wanted(maxRows)
	q.Limit = n
	if !q.Follow {
		if t.asked.Packet == q.Packet && !t.asked.Follow && t.asked.Limit == n && list.Inside(t.asked.Offset, n) {
			first = t.asked.Offset
		}
		q.Offset = first
		if seq, ok := id(); ok {
			q.Cursor = seq
		}
		if q.Packet > 0 && t.first != 0 {
			q.Cursor = t.first
		}
	}
	if t.form != nil {
		q.Picks, q.Pick = true, t.form.pick()
	}
	return q
}

// ask tells the shell when the question differs from the one asked last.
func (t *Tab) ask() tea.Cmd {
	if t.query() == t.asked {
		return nil
	}
	return core.Ask
}

// rows is what asks need of a table, whatever its rows are.
type rows interface {
	Wanted(int) (int, int)
	Inside(int, int) bool
}

// mover is what the tables have in common.
type mover interface {
	table.Mover
	View(w, h int) []string
	Hold()
	InView() (int, int)
	At() int
	Total() int
	Line() int
	Click(x, y int) (string, bool)
}

// list is the table that has the keyboard.
func (t *Tab) list() mover {
	switch {
	case t.dead:
		return t.ledger
	case t.packet > 0:
		return t.hops
	}
	return t.events
}

// selected is the event under the cursor: of the journey that is open, else of the stream.
func (t *Tab) selected() (*snap.TraceEvent, bool) {
	if t.packet > 0 {
		h, ok := t.hops.Selected()
		if !ok {
			return nil, false
		}
		return &h.TraceEvent, true
	}
	return t.events.Selected()
}

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool { return t.edit.Typing() || t.form != nil }

// Cursor implements core.Tab: the place in a field, else the row under the cursor, for magnifiers and screen readers.
func (t *Tab) Cursor() *tea.Cursor {
	switch {
	case t.form != nil:
		return t.form.place(t.width, t.high)
	case t.edit.Typing():
		return t.edit.Cursor(t.width, t.high)
	case t.zoom && t.packet == 0, t.list().Total() == 0:
		return nil
	}
	return tea.NewCursor(0, t.above()+t.list().Line())
}
