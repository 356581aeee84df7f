// SPDX-License-Identifier: Apache-2.0

// Package decap is the Decap tab: what arrives in tunnels, what of it the policy unwraps, and what goes wrong with the rest.
package decap

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/filter"
	"hooktop/ui/widget/table"
)

// view is what u of other tabs would bring back: the question to the rows at hand.
type view struct {
	filter string
	sort   string
	asc    bool
	group  string // "", "vni", "peer", "kind"
}

// Tab is the Decap screen: the tunnels, and the tunnel lines of the policy.
type Tab struct {
	env   *core.Env
	cols  *column.Set
	frame *snap.Frame

	view   view
	held   bool // the order
	ranked time.Time
	again  bool // rank at the next frame, whenever the last time was
	order  map[rowID]int
	rows   []row
	list   *table.Model[row, rowID]

	draft    core.Draft
	lineRows []lineRow
	lines    *table.Model[lineRow, lineID]
	lower    bool // the lines have the keyboard

	edit  *filter.Editor
	zoom  bool // the pane about the row fills the screen
	down  int  // lines that it is scrolled
	width int
	high  int
}

// New makes the tab.
func New(env *core.Env) core.Tab { return newTab(env) }

func newTab(env *core.Env) *Tab {
	t := &Tab{env: env, cols: column.Tunnels(), frame: &snap.Frame{}, view: view{sort: "pps"}, draft: core.Draft{Rev: -1}}
	t.list = table.New(env, func(r *row) rowID { return r.id }, t.columns())
	t.list.Flag = t.flag
	t.list.SetColumn("kind")
	t.list.SetSort("pps", false)
	t.lines = table.New(env, func(r *lineRow) lineID { return r.id }, t.lineColumns())
	t.lines.Flag = t.lineFlag
	t.lines.Span = t.lineSpan
	t.edit = filter.NewEditor(env, t.cols, t.seen, t.filterBy)
	t.focus()
	return t
}

// Name implements core.Tab.
func (t *Tab) Name() string { return snap.DecapTab }

// Update implements core.Tab.
func (t *Tab) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.FrameMsg:
		t.take(msg.Frame)
	case tea.PasteMsg, tea.KeyPressMsg:
		t.edit.Update(msg)
	case tea.MouseClickMsg:
		t.click(msg)
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

// take makes a frame the one in view.
func (t *Tab) take(f *snap.Frame) {
	if f == nil {
		return
	}
	t.frame = f
	t.relay()
	t.draft.Rev = -1 // what becomes of lines stands in the frame
	t.sync()
}

// relay lays the rows out anew.
func (t *Tab) relay() {
	rows := rowsOf(&t.frame.Tunnels, t.cols, t.view)
	if now := t.env.Now(); t.again || t.ranked.IsZero() || !t.held && now.Sub(t.ranked) >= rankEvery {
		rank(rows, t.cols, t.view)
		t.ranked, t.again = now, false
	} else {
		keep(rows, t.order)
	}
	t.order = make(map[rowID]int, len(rows))
	for i := range rows {
		t.order[rows[i].id] = i
	}
	t.rows = rows
	t.list.SetWindow(table.Window[row]{Rows: rows, Total: len(rows), Cursor: table.Missing})
}

// sync takes the draft as it is now: another tab holds it.
func (t *Tab) sync() {
	if d := t.env.Drafted(); d.Rev != t.draft.Rev {
		t.draft = d
		t.lineRows = lineRows(&t.frame.Tunnels, d.Lines, t.frame.Policy.Trial.Gen != 0)
		t.lines.SetWindow(table.Window[lineRow]{Rows: t.lineRows, Total: len(t.lineRows), Cursor: table.Missing})
	}
}

// seenFlows is how many inner flows of a tunnel are asked for.
const seenFlows = 12

// Query implements core.Tab: the inner flows of the tunnel under the cursor.
func (t *Tab) Query(q *snap.Query) {
	if text := t.inside(); text != "" {
		q.Flows = snap.FlowQuery{Filter: text, Sort: "pps", Limit: seenFlows}
	}
}

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool { return t.edit.Typing() }

// Cursor implements core.Tab.
func (t *Tab) Cursor() *tea.Cursor {
	if t.edit.Typing() {
		return t.edit.Cursor(t.width, t.high)
	}
	if t.zoom || t.current().Total() == 0 {
		return nil
	}
	y := t.current().Line()
	if t.lower {
		y += t.heights().above()
	}
	return tea.NewCursor(0, y)
}

// mover is what both tables have in common.
type mover interface {
	table.Mover
	Hold()
	At() int
	Total() int
	Line() int
}

func (t *Tab) current() mover {
	if t.lower {
		return t.lines
	}
	return t.list
}

func (t *Tab) focus() { t.list.Blur, t.lines.Blur = t.lower, !t.lower }

// moved carries out a movement: in the list, or in the pane when that fills the screen.
func (t *Tab) moved(f func(table.Mover), n int) tea.Cmd {
	if t.zoom {
		t.down = max(t.down+n, 0)
		return nil
	}
	f(t.current())
	if t.lower {
		t.lines.Pass((*lineRow).sub, n)
	}
	return nil
}

// click puts the cursor on a row, or sorts by a title.
func (t *Tab) click(m tea.MouseClickMsg) {
	list, _ := detail.Split(t.width)
	if m.Button != tea.MouseLeft || t.zoom || t.edit.Typing() || m.X >= list {
		return
	}
	h := t.heights()
	t.lower = h.list == 0 || h.lines > 0 && m.Y >= h.above()
	t.focus()
	if !t.lower {
		if key, ok := t.list.Click(m.X, m.Y); ok {
			t.sortBy(key)
		}
		return
	}
	if y := m.Y - h.above(); y > 0 && y < h.lines {
		t.lines.Click(m.X, y)
		t.lines.Pass((*lineRow).sub, 1)
	}
}
