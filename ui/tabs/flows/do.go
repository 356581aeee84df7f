// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"strconv"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/table"
)

// moved carries out a movement: in the list, or in the pane when that has the keyboard.
func (t *Tab) moved(f func(table.Mover), lines int) tea.Cmd {
	if t.zoom || t.pane && t.split() {
		t.down = max(t.down+lines, 0)
		return nil
	}
	f(t.list())
	t.down = 0
	return t.ask()
}

// split reports whether there is room for the pane beside the list.
func (t *Tab) split() bool {
	_, pane := detail.Split(t.width)
	return pane > 0 && t.high >= 8
}

func (t *Tab) walk() tea.Cmd {
	t.pane = !t.pane
	return nil
}

// open zooms into a flow, or from a group into its flows.
func (t *Tab) open() tea.Cmd {
	l := t.list()
	l.Hold()
	if t.view.group == "" {
		t.zoom, t.down = !t.zoom, 0
		return t.ask()
	}
	g, ok := t.groups.Selected()
	if !ok {
		return nil
	}
	term := groupTerm(t.view.group, g.Value)
	if term == "" {
		return warn("this group has no value to filter by")
	}
	v := t.view
	v.group = ""
	if v.filter != "" {
		term = "(" + v.filter + ") " + term
	}
	v.filter = term
	if v.sort == "flows" {
		v.sort = "pps"
	}
	return t.change(v)
}

// back leaves the zoom, then the pane. It never quits and never clears a filter.
func (t *Tab) back() tea.Cmd {
	switch {
	case t.zoom:
		t.zoom, t.down = false, 0
	case t.pane:
		t.pane = false
	}
	return nil
}

// sortBy orders by a column; the one already sorted by is inverted.
func (t *Tab) sortBy(key string) tea.Cmd {
	v := t.view
	if v.sort == key {
		v.asc = !v.asc
	} else {
		v.sort, v.asc = key, ascending(key)
	}
	return t.change(v)
}

// ascending says which way a column is read first: names and addresses from the start, numbers from the highest; LAST
// from the newest.
func ascending(key string) bool {
	switch key {
	case "source", "destination", "proto", "dev", "process", "state", "container", "verdict", "user", "idle":
		return true
	}
	return false
}

// hold keeps the order; the shell's context line says so and since when.
func (t *Tab) hold() tea.Cmd {
	t.held = !t.held
	return t.ask()
}

// click puts the cursor on a row, or sorts by a title.
func (t *Tab) click(m tea.MouseClickMsg) tea.Cmd {
	list := t.width
	if t.split() {
		list, _ = detail.Split(t.width)
	}
	if m.Button != tea.MouseLeft || t.zoom || t.edit.Typing() || m.X >= list {
		return nil
	}
	t.pane = false
	if key, ok := t.list().Click(m.X, m.Y); ok {
		return t.sortBy(key)
	}
	return t.ask()
}

func (t *Tab) wheel(m tea.MouseWheelMsg) tea.Cmd {
	switch {
	case t.edit.Typing():
		return nil
	case m.Button == tea.MouseWheelUp:
		return t.moved(func(m table.Mover) { m.Move(-3) }, -3)
	case m.Button == tea.MouseWheelDown:
		return t.moved(func(m table.Mover) { m.Move(3) }, 3)
	}
	return nil
}

func (t *Tab) follow() tea.Cmd {
	on := !t.list().Following()
	t.flows.SetFollow(on)
	t.groups.SetFollow(on)
	text := "cursor stays on its line, whatever row comes; F ties it to its row again"
	if on {
		text = "the cursor follows its row"
	}
	return tea.Batch(note(text), t.ask())
}

func (t *Tab) nextWindow() tea.Cmd {
	v := t.view
	v.window = (v.window + 1) % len(snap.Windows)
	return tea.Batch(note("rates are averages over "+strconv.Itoa(snap.Windows[v.window])+" s"), t.change(v))
}

func (t *Tab) switchNames() tea.Cmd {
	t.names = !t.names
	text := "addresses are shown as numbers"
	if t.names {
		text = "looking up names; rows change as they come in"
	}
	return tea.Batch(note(text), t.ask())
}

func (t *Tab) undo() tea.Cmd {
	n := len(t.done) - 1
	if n < 0 {
		return nil
	}
	v := t.done[n]
	t.done, t.undone = t.done[:n], append(t.undone, t.view)
	return t.set(v)
}

func (t *Tab) redo() tea.Cmd {
	n := len(t.undone) - 1
	if n < 0 {
		return nil
	}
	v := t.undone[n]
	t.undone, t.done = t.undone[:n], append(t.done, t.view)
	return t.set(v)
}

// trace follows the packets of the flow through the kernel, on the Trace tab.
func (t *Tab) trace() tea.Cmd {
	f, ok := t.flows.Selected()
	if !ok {
		return nil
	}
	return traceFlow(f)
}

func traceFlow(f *snap.Flow) tea.Cmd {
	spec := snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: format.FlowFilter(&f.Key)}
	return tea.Batch(func() tea.Msg { return core.GoMsg{Tab: "Trace"} }, core.Do(snap.Intent{Kind: snap.StartTrace, Trace: spec}))
}

func (t *Tab) noTrace() string {
	switch {
	case t.view.group != "":
		return "choose one flow: enter opens the group"
	case t.frame.State.Fallback != "":
		return "eBPF can't run here"
	}
	return t.noRow()
}

func note(text string) tea.Cmd {
	return func() tea.Msg { return core.ToastMsg{OK: true, Text: text} }
}
