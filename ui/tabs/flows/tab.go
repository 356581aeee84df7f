// SPDX-License-Identifier: Apache-2.0

// Package flows is the Flows tab: the table of flows or groups, its filter, and the pane about one flow.
package flows

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
	"hooktop/ui/widget/table"
)

// maxRows is the most rows that one query asks for (snap.FlowQuery.Limit).
const maxRows = 300

// Tab is the Flows screen. Update copies pointers and moves integers; rows are read out of the frame while drawing.
type Tab struct {
	env   *core.Env
	cols  *column.Set
	frame *snap.Frame

	view   view // the question, as far as a user states it
	undone []view
	done   []view
	names  bool
	held   bool // o: the order stays
	ruled  bool // a policy is in force: rows show the rule that decides
	asked  snap.FlowQuery

	flows  *table.Model[snap.Flow, snap.FlowKey]
	groups *table.Model[snap.Group, string]

	edit  *filter.Editor
	zoom  bool // the pane fills the screen
	pane  bool // the pane has the keyboard
	down  int  // lines that the pane is scrolled down
	width int  // of the last View: whether there is a pane beside the list
	high  int
}

// view is what u and ctrl+r step through.
type view struct {
	filter string
	sort   string
	asc    bool
	group  string
	window int
}

// New makes the tab.
func New(env *core.Env) core.Tab { return newTab(env) }

func newTab(env *core.Env) *Tab {
	t := &Tab{env: env, cols: column.Flows(), view: view{sort: "pps"}, frame: &snap.Frame{}}
	window := func() int { return t.view.window }
	t.flows = table.New(env, func(f *snap.Flow) snap.FlowKey { return f.Key }, columns(env, window, t.ended))
	t.flows.Flag = t.flag
	t.flows.Vanished = func(f *snap.Flow) time.Duration { return f.Gone }
	t.flows.SetColumn("pps")
	t.groups = table.New(env, func(g *snap.Group) string { return g.Value }, groupColumns(env, window, t.ended, func() string { return t.view.group }))
	t.groups.Flag = t.groupFlag
	t.groups.SetColumn("pps")
	t.edit = filter.NewEditor(env, t.cols, t.seen, t.filterBy)
	t.sorted()
	return t
}

// Name implements core.Tab.
func (t *Tab) Name() string { return "Flows" }

// Update implements core.Tab.
func (t *Tab) Update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case core.FrameMsg:
		t.take(msg.Frame)
		return t.ask()
	case core.FilterMsg:
		v := t.view
		v.filter, v.group = msg.Filter, ""
		if v.sort == "flows" {
			v.sort = "pps"
		}
		t.zoom, t.pane = false, false
		return t.change(v)
	case tea.PasteMsg, tea.KeyPressMsg:
		return t.edit.Update(msg)
	case tea.MouseClickMsg:
		return t.click(msg)
	case tea.MouseWheelMsg:
		return t.wheel(msg)
	}
	return nil
}

// ended is the second that the newest value of the trends in view belongs to.
func (t *Tab) ended() int64 { return t.frame.Flows.TrendEnd }

// take makes a frame the one in view. An answer to an older question still shows its rows; only a changed grouping
// can't be drawn with them.
func (t *Tab) take(f *snap.Frame) {
	if f == nil {
		return
	}
	t.frame = f
	if on := f.Policy.Kept != 0 || f.Policy.Trial.Gen != 0; on != t.ruled {
		t.ruled = on
		t.flows.Show("rule", on)
	}
	v := &f.Flows
	if v.Query.Group != t.view.group {
		return
	}
	cursor := table.Unknown
	if t.view.group != "" {
		if id, ok := t.groups.ID(); ok && v.Query.FollowGroup == id {
			cursor = v.Cursor
		}
		t.groups.SetWindow(table.Window[snap.Group]{Rows: v.Groups, Offset: v.Offset, Total: v.Matched, Cursor: cursor})
		return
	}
	if id, ok := t.flows.ID(); ok && v.Query.Follow == id {
		cursor = v.Cursor
	}
	t.flows.SetWindow(table.Window[snap.Flow]{Rows: v.Rows, Offset: v.Offset, Total: v.Matched, Cursor: cursor})
}

// Query implements core.Tab.
func (t *Tab) Query(q *snap.Query) { q.Flows = t.query(); t.asked = q.Flows }

// query states the question. The window asked for stays while the lines in view are well inside it, so that moving the
// cursor does not ask for other rows each time.
func (t *Tab) query() snap.FlowQuery {
	v := t.view
	q := snap.FlowQuery{Filter: v.filter, Sort: v.sort, Asc: v.asc, Group: v.group, Window: v.window,
		Hold: t.held, Names: t.names}
	l := t.list()
	first, n := l.Wanted(maxRows)
	if q.Limit = n; t.asked.Group == v.group && t.asked.Limit == n && l.Inside(t.asked.Offset, n) {
		first = t.asked.Offset
	}
	q.Offset = first
	if v.group == "" {
		if id, ok := t.flows.ID(); ok {
			q.Follow = id
		}
	} else if id, ok := t.groups.ID(); ok {
		q.FollowGroup = id
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

// lister is what both tables have in common, whatever their rows are.
type lister interface {
	table.Mover
	View(w, h int) []string
	Hold()
	Release()
	SortBeside(int) string
	SetSort(string, bool)
	SetFollow(bool)
	Following() bool
	Wanted(int) (int, int)
	Inside(int, int) bool
	InView() (int, int)
	At() int
	Total() int
	Line() int
	Click(x, y int) (string, bool)
}

func (t *Tab) list() lister {
	if t.view.group != "" {
		return t.groups
	}
	return t.flows
}

// change puts a new view in place of the present one, remembers that for u, and asks.
func (t *Tab) change(v view) tea.Cmd {
	if v == t.view {
		return nil
	}
	t.done = append(t.done, t.view)
	if len(t.done) > 100 {
		t.done = t.done[1:]
	}
	t.undone = nil
	return t.set(v)
}

func (t *Tab) set(v view) tea.Cmd {
	if v.filter != t.view.filter || v.group != t.view.group {
		t.list().Release()
		t.down = 0
	}
	t.view = v
	t.sorted()
	return t.ask()
}

func (t *Tab) sorted() {
	t.flows.SetSort(t.view.sort, t.view.asc)
	t.groups.SetSort(t.view.sort, t.view.asc)
}

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool { return t.edit.Typing() }

// Cursor implements core.Tab: the place in the filter, else the row under the cursor, for magnifiers and screen readers.
func (t *Tab) Cursor() *tea.Cursor {
	if t.edit.Typing() {
		return t.edit.Cursor(t.width, t.high)
	}
	if t.zoom || t.list().Total() == 0 {
		return nil
	}
	return tea.NewCursor(0, t.list().Line())
}
