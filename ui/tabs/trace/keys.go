// SPDX-License-Identifier: Apache-2.0

package trace

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/ui/core"
	"hooktop/ui/widget/table"
)

// Sections of the help overlay.
const (
	move   = "MOVE"
	tables = "TABLE"
	cells  = "FILTER BY THE CELL"
	own    = "TRACE"
)

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding {
	switch {
	case t.form != nil:
		return t.formBindings()
	case t.edit.Typing():
		return t.edit.Bindings()
	}
	return append(append(t.moving(), t.asking()...), t.acting()...)
}

func (t *Tab) moving() []core.Binding {
	other := "ledger of drops"
	if t.dead {
		other = "the trace"
	}
	oldest := table.ToTop(t.moved, "oldest row")
	oldest.Do = func() tea.Cmd { return t.moved(func(m table.Mover) { m.Top(); t.list().Hold() }, -1<<20) }
	newest := core.Binding{Keys: []string{"G", "end"}, Name: "trace.follow", Help: "follow", Hint: t.hint(5, 0), Do: t.newest}
	return append(table.Moving(t.moved, func(n int) { t.list().MoveColumn(n) }, oldest, newest),
		core.Binding{Keys: []string{"tab"}, Name: "trace.lists", Help: other, Section: move, Hint: 3, Do: t.walk},
		core.Binding{Keys: []string{"shift+tab"}, Name: "trace.listsback", Help: other, Section: move, Do: t.walk},
		core.Binding{Keys: []string{"enter"}, Name: "trace.open", Help: "open", Section: move, Hint: 2, Disabled: t.noRow(), Do: t.open},
		core.Binding{Keys: []string{"esc"}, Name: "trace.back", Help: "back", Section: move, Hint: t.hint(0, 1), Do: t.back})
}

// hint is the rank of a hint in the lists and in what fills the screen.
func (t *Tab) hint(lists, zoom int) int {
	if t.zoom {
		return zoom
	}
	return lists
}

func (t *Tab) asking() []core.Binding {
	stream := core.When(t.dead, "only the trace has a filter: tab") // a journey is whole: the filter is of the stream
	if t.packet > 0 {
		stream = "a journey is shown whole: esc, then filter"
	}
	or := func(first, second string) string {
		if first != "" {
			return first
		}
		return second
	}
	return []core.Binding{
		{Keys: []string{"/"}, Name: "trace.filter", Help: "filter rows", Section: tables, Hint: t.hint(6, 0), Disabled: stream, Do: func() tea.Cmd { return t.edit.Start(t.filter) }},
		{Keys: []string{"+"}, Name: "trace.only", Help: "only this", Section: cells, Disabled: or(stream, t.noRow()), Do: func() tea.Cmd { return t.byCell(false) }},
		{Keys: []string{"-"}, Name: "trace.not", Help: "not this", Section: cells, Disabled: or(stream, t.noRow()), Do: func() tea.Cmd { return t.byCell(true) }},
		{Keys: []string{"0"}, Name: "trace.nofilter", Help: "no filter", Section: cells, Disabled: core.When(t.filter == "", "there is no filter"), Do: func() tea.Cmd { return t.set("") }},
	}
}

func (t *Tab) acting() []core.Binding {
	again := "trace this flow"
	if t.dead {
		again = "trace these packets"
	}
	rank := 0
	if t.dead {
		rank = 1
	}
	return []core.Binding{
		{Keys: []string{"n"}, Name: "trace.new", Help: "new trace", Section: own, Hint: 1, Disabled: t.cant(), Do: t.openForm},
		{Keys: []string{"S"}, Name: "trace.stop", Help: "stop", Section: own, Hint: 4, Disabled: t.idle(), Do: t.stop},
		{Keys: []string{"p"}, Name: "trace.presets", Help: "presets", Section: own, Hint: t.hint(7, 0), Disabled: t.noPresets(), Do: t.pickPreset},
		{Keys: []string{"i"}, Name: "trace.again", Help: again, Section: own, Hint: rank, Disabled: t.noAgain(), Do: t.again},
		{Keys: []string{"b"}, Name: "trace.block", Help: "block", Section: own, Hint: t.hint(9, 3), Disabled: t.noBlock(), Do: t.block},
		{Keys: []string{"x"}, Name: "trace.actions", Help: "act", Section: own, Hint: 8, Disabled: t.noRow(), Do: t.pickAction},
		{Keys: []string{"y"}, Name: "trace.copy", Help: "copy row", Section: own, Disabled: t.noRow(), Do: t.copyText},
		{Keys: []string{"Y"}, Name: "trace.copyjson", Help: "copy row as JSON", Section: own, Disabled: t.noRow(), Do: t.copyJSON},
		{Keys: []string{"w"}, Name: "trace.save", Help: "save rows to a file", Section: own, Disabled: core.When(t.list().Total() == 0, "there are no rows"), Do: t.pickSave},
	}
}

func (t *Tab) noRow() string { return core.When(t.list().Total() == 0, "there is no row") }

func (t *Tab) noPresets() string {
	if why := t.cant(); why != "" {
		return why
	}
	return core.When(len(t.frame.Trace.Presets) == 0, "no presets are known yet")
}
