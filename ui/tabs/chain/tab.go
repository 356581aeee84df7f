// SPDX-License-Identifier: Apache-2.0

// Package chain is the Chain tab: what is sent through services, by which marks, rules and routes, and whether it comes back.
package chain

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/table"
)

// Tab is the Chain screen.
type Tab struct {
	env   *core.Env
	frame *snap.Frame

	draft core.Draft
	rows  []row
	list  *table.Model[row, rowID]
	flow  snap.FlowKey // whose way is shown, zero: the newest packet's

	edit  *markEdit // the mark under edit, or nil
	zoom  bool      // the sections fill the screen
	down  int       // lines that they are scrolled
	width int
	high  int
}

// New makes the tab.
func New(env *core.Env) core.Tab { return newTab(env) }

func newTab(env *core.Env) *Tab {
	t := &Tab{env: env, frame: &snap.Frame{}, draft: core.Draft{Rev: -1}}
	t.list = table.New(env, func(r *row) rowID { return r.id }, t.columns())
	t.list.Flag = t.flag
	t.list.Span = t.span
	t.list.SetColumn("mark")
	return t
}

// Name implements core.Tab.
func (t *Tab) Name() string { return snap.ChainTab }

// Update implements core.Tab.
func (t *Tab) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.FrameMsg:
		t.take(msg.Frame)
	case core.WayMsg:
		t.flow = msg.Flow
		return core.Ask
	case tea.PasteMsg:
		if t.edit != nil {
			t.edit.field.Paste(msg.Content)
			t.typed()
		}
	case tea.KeyPressMsg:
		if t.edit != nil {
			return t.editKey(msg)
		}
	case tea.MouseClickMsg:
		left, _ := detail.Split(t.width)
		if msg.Button == tea.MouseLeft && t.edit == nil && !t.zoom && msg.X < left && msg.Y < t.listHigh() {
			t.moved(func(table.Mover) { t.list.Click(msg.X, msg.Y) }, 1)
		}
	case tea.MouseWheelMsg:
		if n := map[tea.MouseButton]int{tea.MouseWheelUp: -3, tea.MouseWheelDown: 3}[msg.Button]; n != 0 && t.edit == nil {
			t.moved(func(m table.Mover) { m.Move(n) }, n)
		}
	}
	return nil
}

// take makes a frame the one in view.
func (t *Tab) take(f *snap.Frame) {
	if f == nil {
		return
	}
	t.frame = f
	t.draft.Rev = -1 // rows point into the frame
	t.sync()
}

// sync takes the draft as it is now: another tab holds it.
func (t *Tab) sync() {
	d := t.env.Drafted()
	if d.Rev == t.draft.Rev {
		t.draft = d // what is said of it may be new
		return
	}
	t.draft = d
	t.rows = layout(&t.frame.Chains, d.Lines)
	t.list.SetWindow(table.Window[row]{Rows: t.rows, Total: len(t.rows), Cursor: table.Missing})
	if t.edit != nil {
		t.typed()
	}
}

// Query implements core.Tab: whose way through the chains is asked for.
func (t *Tab) Query(q *snap.Query) {
	if t.flow != (snap.FlowKey{}) {
		q.Flows = snap.FlowQuery{Sort: "pps", Limit: 1, Follow: t.flow}
	}
}

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool { return t.edit != nil }

// Cursor implements core.Tab.
func (t *Tab) Cursor() *tea.Cursor {
	switch {
	case t.edit != nil:
		return tea.NewCursor(t.edit.x, t.edit.y)
	case t.zoom || t.list.Total() == 0:
		return nil
	}
	return tea.NewCursor(0, t.list.Line())
}

// moved carries out a movement: in the list, where the cursor never stays on a row that belongs to the ones above, or in the
// sections when they fill the screen.
func (t *Tab) moved(f func(table.Mover), n int) tea.Cmd {
	if t.zoom {
		t.down = max(t.down+n, 0)
		return nil
	}
	f(t.list)
	t.list.Pass((*row).sub, n)
	return nil
}

// selected is the row under the cursor. One that is gone is none: its line may be another's by now.
func (t *Tab) selected() (*row, bool) {
	r, ok := t.list.Selected()
	return r, ok && t.list.Gone() == 0
}

func toast(m core.ToastMsg) tea.Cmd { return func() tea.Msg { return m } }
