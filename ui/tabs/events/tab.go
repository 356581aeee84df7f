// SPDX-License-Identifier: Apache-2.0

// Package events is the Events tab: packets that rules with `log` met, and what became of the policy, the newest first.
package events

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
	"hooktop/ui/widget/table"
)

// Tab is the Events screen.
type Tab struct {
	env   *core.Env
	cols  *column.Set
	frame *snap.Frame

	list *table.Model[snap.Event, uint64]
	all  []snap.Event // of the newest frame that had some, newest last
	rows []snap.Event // those that pass the filter, newest first

	filter string
	pass   func(column.Row) bool
	edit   *filter.Editor
	acked  map[uint64]int // by Seq: how many packets the row stood for when it was acknowledged

	zoom  bool // the event fills the screen
	down  int
	width int
	high  int
}

// New makes the tab.
func New(env *core.Env) core.Tab { return newTab(env) }

func newTab(env *core.Env) *Tab {
	t := &Tab{env: env, cols: column.Events(), frame: &snap.Frame{}, acked: map[uint64]int{}}
	t.list = table.New(env, func(e *snap.Event) uint64 { return e.Seq }, t.columns())
	t.list.Flag = t.flag
	t.list.SetColumn("text")
	t.edit = filter.NewEditor(env, t.cols, t.seen, t.set)
	return t
}

// Name implements core.Tab.
func (t *Tab) Name() string { return snap.EventsTab }

// Update implements core.Tab.
func (t *Tab) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.FrameMsg:
		t.take(msg.Frame)
	case tea.PasteMsg, tea.KeyPressMsg:
		return t.edit.Update(msg)
	case tea.MouseClickMsg:
		if msg.Button == tea.MouseLeft && !t.edit.Typing() && !t.zoom {
			t.list.Click(msg.X, msg.Y)
		}
	case tea.MouseWheelMsg:
		switch msg.Button {
		case tea.MouseWheelUp:
			t.moved(func(m table.Mover) { m.Move(-3) }, -3)
		case tea.MouseWheelDown:
			t.moved(func(m table.Mover) { m.Move(3) }, 3)
		}
	}
	return nil
}

// take makes a frame the one in view. One that was made for another tab carries no events: those at hand stay.
func (t *Tab) take(f *snap.Frame) {
	if f == nil {
		return
	}
	t.frame = f
	if len(f.Events) == 0 || same(f.Events, t.all) {
		return
	}
	t.all = f.Events
	t.lay()
}

// same reports whether nothing has happened since: what happens changes the newest row.
func same(a, b []snap.Event) bool {
	n := len(a)
	if n != len(b) || n == 0 {
		return n == len(b)
	}
	return &a[0] == &b[0] || a[n-1].Seq == b[n-1].Seq && a[n-1].Repeat == b[n-1].Repeat && a[n-1].At.Equal(b[n-1].At) && a[0].Seq == b[0].Seq
}

// lay lists what passes the filter. There are 500 at most.
func (t *Tab) lay() {
	t.rows = passing(t.all, t.pass)
	_, held := t.list.ID()
	t.list.SetWindow(table.Window[snap.Event]{Rows: t.rows, Total: len(t.rows), Cursor: table.Missing})
	if !held {
		t.list.Top()
	}
	known := make(map[uint64]int, len(t.acked)) // rows that are forgotten take their marks along
	for i := range t.all {
		if n, ok := t.acked[t.all[i].Seq]; ok {
			known[t.all[i].Seq] = n
		}
	}
	t.acked = known
}

// Query implements core.Tab: the tab's name is the whole question.
func (t *Tab) Query(*snap.Query) {}

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool { return t.edit.Typing() }

// Cursor implements core.Tab.
func (t *Tab) Cursor() *tea.Cursor {
	switch {
	case t.edit.Typing():
		return t.edit.Cursor(t.width, t.high)
	case t.zoom || t.list.Total() == 0:
		return nil
	}
	return tea.NewCursor(0, t.list.Line())
}

// selected is the event under the cursor. One that is gone is none: a late key must not hit a neighbour.
func (t *Tab) selected() (*snap.Event, bool) {
	e, ok := t.list.Selected()
	return e, ok && t.list.Gone() == 0
}
