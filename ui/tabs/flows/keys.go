// SPDX-License-Identifier: Apache-2.0

package flows

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
	own    = "FLOWS"
)

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding {
	if t.edit.Typing() {
		return t.edit.Bindings()
	}
	return append(append(t.moving(), t.asking()...), t.acting()...)
}

func (t *Tab) moving() []core.Binding {
	return append(table.Moving(t.moved, func(n int) { t.list().MoveColumn(n) }, table.ToTop(t.moved, "top, and stay there"), table.ToBottom(t.moved, "bottom")),
		core.Binding{Keys: []string{"tab"}, Name: "pane.next", Help: "list or pane", Section: move, Disabled: t.noPane(), Do: t.walk},
		core.Binding{Keys: []string{"shift+tab"}, Name: "pane.previous", Help: "list or pane", Section: move, Disabled: t.noPane(), Do: t.walk},
		core.Binding{Keys: []string{"enter"}, Name: "flows.open", Help: "open", Section: move, Hint: 5, Disabled: t.noRow(), Do: t.open},
		core.Binding{Keys: []string{"esc"}, Name: "flows.back", Help: "back", Section: move, Do: t.back})
}

func (t *Tab) asking() []core.Binding {
	return []core.Binding{
		{Keys: []string{"/"}, Name: "flows.filter", Help: "filter", Section: tables, Hint: 1, Do: t.filterStart},
		{Keys: []string{"s"}, Name: "flows.sort", Help: "sort", Section: tables, Hint: 2, Do: t.pickSort},
		{Keys: []string{"<"}, Name: "flows.sortleft", Help: "sort by left column", Section: tables, Do: func() tea.Cmd { return t.sortBy(t.list().SortBeside(-1)) }},
		{Keys: []string{">"}, Name: "flows.sortright", Help: "sort by right column", Section: tables, Do: func() tea.Cmd { return t.sortBy(t.list().SortBeside(1)) }},
		{Keys: []string{"I"}, Name: "flows.invert", Help: "invert order", Section: tables, Do: func() tea.Cmd {
			v := t.view
			v.asc = !v.asc
			return t.change(v)
		}},
		{Keys: []string{"p"}, Name: "flows.group", Help: "group by", Section: tables, Hint: 3, Do: t.pickGroup},
		{Keys: []string{"o"}, Name: "flows.hold", Help: "hold order", Section: tables, Hint: 4, Do: t.hold},
		{Keys: []string{"F"}, Name: "flows.follow", Help: "cursor follows its row", Section: tables, Do: t.follow},
		{Keys: []string{"A"}, Name: "flows.window", Help: "average 2, 10, 40 s", Section: tables, Do: t.nextWindow},
		{Keys: []string{"c"}, Name: "flows.columns", Help: "columns", Section: tables, Do: t.pickColumns},
		{Keys: []string{"v"}, Name: "flows.views", Help: "views", Section: tables, Do: t.pickView},
		{Keys: []string{"u"}, Name: "flows.undo", Help: "undo filter or sort", Section: tables, Disabled: core.When(len(t.done) == 0, "nothing to undo"), Do: t.undo},
		{Keys: []string{"ctrl+r"}, Name: "flows.redo", Help: "redo", Section: tables, Disabled: core.When(len(t.undone) == 0, "nothing to redo"), Do: t.redo},
		{Keys: []string{"+"}, Name: "flows.only", Help: "only this", Section: cells, Disabled: t.noRow(), Do: func() tea.Cmd { return t.byCell(false) }},
		{Keys: []string{"-"}, Name: "flows.not", Help: "not this", Section: cells, Disabled: t.noRow(), Do: func() tea.Cmd { return t.byCell(true) }},
		{Keys: []string{"0"}, Name: "flows.nofilter", Help: "no filter", Section: cells, Disabled: core.When(t.view.filter == "", "there is no filter"), Do: func() tea.Cmd {
			v := t.view
			v.filter = ""
			return t.change(v)
		}},
	}
}

func (t *Tab) acting() []core.Binding {
	return []core.Binding{
		{Keys: []string{"x"}, Name: "flows.actions", Help: "act", Section: own, Hint: 6, Disabled: t.noRow(), Do: t.pickAction},
		{Keys: []string{"b"}, Name: "flows.block", Help: "block source", Section: own, Hint: 8, Disabled: t.noBlock(), Do: t.block},
		{Keys: []string{"i"}, Name: "flows.trace", Help: "trace this flow", Section: own, Hint: 7, Disabled: t.noTrace(), Do: t.trace},
		{Keys: []string{"d"}, Name: "flows.names", Help: "names of addresses", Section: own, Do: t.switchNames},
		{Keys: []string{"y"}, Name: "flows.copy", Help: "copy row", Section: own, Disabled: t.noRow(), Do: t.copyText},
		{Keys: []string{"Y"}, Name: "flows.copyjson", Help: "copy row as JSON", Section: own, Disabled: t.noRow(), Do: t.copyJSON},
		{Keys: []string{"w"}, Name: "flows.save", Help: "save rows to a file", Section: own, Disabled: core.When(t.list().Total() == 0, "there are no rows"), Do: t.pickSave},
	}
}

func (t *Tab) noRow() string { return core.When(t.list().Total() == 0, "there is no row") }

func (t *Tab) noPane() string {
	return core.When(!t.zoom && !t.split(), "the pane needs 160 columns; enter opens it")
}
