// SPDX-License-Identifier: Apache-2.0

package events

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
	own    = "EVENTS"
)

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding {
	if t.edit.Typing() {
		return t.edit.Bindings()
	}
	return append(t.moving(), t.acting()...)
}

func (t *Tab) moving() []core.Binding {
	open, zoomed := "open", 0
	if t.zoom {
		open, zoomed = t.leads(), 2
	}
	newest := core.Binding{Keys: []string{"G", "g", "home"}, Name: "events.follow", Help: "follow the newest", Hint: 5, Do: t.follow}
	oldest := table.ToBottom(t.moved, "oldest row")
	oldest.Keys = []string{"end"}
	return append(table.Moving(t.moved, t.list.MoveColumn, newest, oldest),
		core.Binding{Keys: []string{"enter"}, Name: "events.open", Help: open, Section: move, Hint: 4 - zoomed, Disabled: t.noOpen(), Do: t.open},
		core.Binding{Keys: []string{"esc"}, Name: "events.back", Help: "back", Section: move, Hint: zoomed, Do: t.back})
}

func (t *Tab) acting() []core.Binding {
	empty := t.noRow()
	return []core.Binding{
		{Keys: []string{"/"}, Name: "events.filter", Help: "filter", Section: tables, Hint: 1, Do: func() tea.Cmd { return t.edit.Start(t.filter) }},
		{Keys: []string{"c"}, Name: "events.columns", Help: "columns", Section: tables, Do: t.pickColumns},
		{Keys: []string{"+"}, Name: "events.only", Help: "only this", Section: cells, Disabled: empty, Do: func() tea.Cmd { return t.byCell(false) }},
		{Keys: []string{"-"}, Name: "events.not", Help: "not this", Section: cells, Disabled: empty, Do: func() tea.Cmd { return t.byCell(true) }},
		{Keys: []string{"0"}, Name: "events.nofilter", Help: "no filter", Section: cells, Disabled: core.When(t.filter == "", "there is no filter"), Do: func() tea.Cmd { return t.set("") }},
		{Keys: []string{"a"}, Name: "events.ack", Help: "ack", Section: own, Hint: 2, Disabled: empty, Do: t.ack},
		{Keys: []string{"A"}, Name: "events.ackall", Help: "ack all", Section: own, Hint: 3, Disabled: core.When(len(t.rows) == 0, "there is no event"), Do: t.ackAll},
		{Keys: []string{"b"}, Name: "events.block", Help: "block", Section: own, Hint: 6, Disabled: t.noBlock(), Do: t.block},
		{Keys: []string{"f"}, Name: "events.flow", Help: "its flow", Section: own, Hint: 7, Disabled: t.noFlow(), Do: t.toFlow},
		{Keys: []string{"i"}, Name: "events.trace", Help: "trace its flow", Section: own, Disabled: t.noTrace(), Do: t.trace},
		{Keys: []string{"x"}, Name: "events.actions", Help: "act", Section: own, Disabled: empty, Do: t.pickAction},
		{Keys: []string{"y"}, Name: "events.copy", Help: "copy row", Section: own, Disabled: empty, Do: t.copyText},
		{Keys: []string{"Y"}, Name: "events.copyjson", Help: "copy row as JSON", Section: own, Disabled: empty, Do: t.copyJSON},
		{Keys: []string{"w"}, Name: "events.save", Help: "save rows to a file", Section: own, Hint: 8, Disabled: core.When(len(t.rows) == 0, "there are no rows"), Do: t.pickSave},
	}
}

func (t *Tab) noRow() string {
	_, ok := t.selected()
	return core.When(!ok, "there is no row")
}
