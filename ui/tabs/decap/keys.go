// SPDX-License-Identifier: Apache-2.0

package decap

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// Sections of the help overlay.
const (
	move   = "MOVE"
	tables = "TABLE"
	cells  = "FILTER BY THE CELL"
	own    = "DECAP"
)

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding {
	if t.edit.Typing() {
		return t.edit.Bindings()
	}
	t.sync()
	return append(append(t.moving(), t.asking()...), t.acting()...)
}

func (t *Tab) moving() []core.Binding {
	other, open := "lines of the policy", "open"
	if t.lower {
		other, open = "tunnels", "line on the ACL tab"
	}
	if t.zoom {
		open = "line on the ACL tab"
	}
	return append(table.Moving(t.moved, func(n int) { t.current().MoveColumn(n) }),
		core.Binding{Keys: []string{"tab"}, Name: "decap.lists", Help: other, Section: move, Hint: 7, Do: t.walk},
		core.Binding{Keys: []string{"shift+tab"}, Name: "decap.listsback", Help: other, Section: move, Do: t.walk},
		core.Binding{Keys: []string{"enter"}, Name: "decap.open", Help: open, Section: move, Hint: 3, Disabled: t.noOpen(), Do: t.open},
		core.Binding{Keys: []string{"esc"}, Name: "decap.back", Help: "back", Section: move, Hint: btoi(t.zoom), Do: t.back})
}

func (t *Tab) asking() []core.Binding {
	stream := core.When(t.lower, "only the tunnels have it: tab")
	if t.zoom {
		stream = "esc goes back to the tunnels"
	}
	row := stream
	if row == "" {
		row = t.noRow()
	}
	hint := func(n int) int { return n * btoi(stream == "") }
	return []core.Binding{
		{Keys: []string{"/"}, Name: "decap.filter", Help: "filter", Section: tables, Hint: hint(1), Disabled: stream, Do: func() tea.Cmd { return t.edit.Start(t.view.filter) }},
		{Keys: []string{"s"}, Name: "decap.sort", Help: "sort", Section: tables, Hint: hint(2), Disabled: stream, Do: t.pickSort},
		{Keys: []string{"<"}, Name: "decap.sortleft", Help: "sort by left column", Section: tables, Disabled: stream, Do: func() tea.Cmd { return t.sortBy(t.list.SortBeside(-1)) }},
		{Keys: []string{">"}, Name: "decap.sortright", Help: "sort by right column", Section: tables, Disabled: stream, Do: func() tea.Cmd { return t.sortBy(t.list.SortBeside(1)) }},
		{Keys: []string{"I"}, Name: "decap.invert", Help: "invert order", Section: tables, Disabled: stream, Do: func() tea.Cmd { return t.sortBy(t.view.sort) }},
		{Keys: []string{"p"}, Name: "decap.group", Help: "group by", Section: tables, Disabled: stream, Do: t.pickGroup},
		{Keys: []string{"o"}, Name: "decap.hold", Help: "hold order", Section: tables, Disabled: stream, Do: t.hold},
		{Keys: []string{"c"}, Name: "decap.columns", Help: "columns", Section: tables, Disabled: stream, Do: func() tea.Cmd { return t.list.PickColumns(nil) }},
		{Keys: []string{"+"}, Name: "decap.only", Help: "only this", Section: cells, Disabled: row, Do: func() tea.Cmd { return t.byCell(false) }},
		{Keys: []string{"-"}, Name: "decap.not", Help: "not this", Section: cells, Disabled: row, Do: func() tea.Cmd { return t.byCell(true) }},
		{Keys: []string{"0"}, Name: "decap.nofilter", Help: "no filter", Section: cells, Disabled: core.When(t.view.filter == "", "there is no filter"), Do: func() tea.Cmd { return t.filterBy("") }},
	}
}

func (t *Tab) acting() []core.Binding {
	line, none := t.line()
	edit := t.draft.NoEdit(line, none)
	out := []core.Binding{
		{Keys: []string{"b"}, Name: "decap.strip", Help: t.draftHelp(), Section: own, Hint: 4, Disabled: t.noDraft(), Do: t.draftLine},
		{Keys: []string{"e"}, Name: "decap.edit", Help: "edit line", Section: own, Hint: 5, Disabled: edit, Do: func() tea.Cmd { return t.toLine(true) }},
		{Keys: []string{"a"}, Name: "decap.add", Help: "add a tunnel line", Section: own, Disabled: t.draft.Why, Do: func() tea.Cmd { return toEditor("tunnel ", "") }},
		{Keys: []string{"x"}, Name: "decap.actions", Help: "act", Section: own, Hint: 8, Disabled: core.When(t.current().Total() == 0, "there is no row"), Do: t.pickAction},
		{Keys: []string{"y"}, Name: "decap.copy", Help: "copy row", Section: own, Disabled: core.When(t.current().Total() == 0, "there is no row"), Do: t.copyText},
		{Keys: []string{"Y"}, Name: "decap.copyjson", Help: "copy row as JSON", Section: own, Disabled: core.When(t.lower || t.list.Total() == 0, "only tunnels have it"), Do: t.copyJSON},
		{Keys: []string{"w"}, Name: "decap.save", Help: "save rows to a file", Section: own, Disabled: core.When(len(t.rows) == 0, "there are no rows"), Do: t.pickSave},
	}
	edits := t.draft.Bindings(own, line, none)
	for i := range edits {
		edits[i].Hint *= 3 // behind C: most rows are looked at, not changed
	}
	return append(out, edits...)
}

func (t *Tab) noRow() string { return core.When(t.list.Total() == 0, "there is no row") }

func (t *Tab) noOpen() string {
	switch {
	case t.lower || t.zoom:
		_, why := t.line()
		return why
	}
	return t.noRow()
}

// line is the tunnel line that the cursor is about: that of the lower list, or the one that speaks of the tunnel.
func (t *Tab) line() (l core.DraftLine, why string) {
	if t.lower {
		r, ok := t.lines.Selected()
		if !ok || t.lines.Gone() > 0 {
			return l, "there is no row"
		}
		return r.DraftLine, ""
	}
	r, ok := t.list.Selected()
	switch {
	case !ok || t.list.Gone() > 0:
		return l, "there is no row"
	case r.Line == 0:
		return l, "no line of the policy speaks of it: b drafts one"
	}
	for i := range t.frame.Tunnels.Lines {
		f := &t.frame.Tunnels.Lines[i]
		if f.Line != r.Line {
			continue
		}
		for _, d := range t.draft.Lines {
			if !d.Chain && (d.Text == f.Text || d.Was == f.Text) {
				return d, ""
			}
		}
	}
	return l, "line " + vniText(uint32(r.Line)) + " of the policy in force is not in the draft"
}

func (t *Tab) draftHelp() string {
	if r, ok := t.list.Selected(); ok && !t.lower && !canStrip(r.Kind) {
		return "draft a count line"
	}
	return "draft a strip line"
}

// noDraft says why no line can be drafted for the row.
func (t *Tab) noDraft() string {
	if t.draft.Why != "" {
		return t.draft.Why
	}
	r, ok := t.list.Selected()
	switch {
	case t.lower:
		return "choose a tunnel: tab"
	case !ok || t.list.Gone() > 0:
		return "there is no row"
	case r.tunnels > 0:
		return "choose one tunnel: p ungroups"
	case r.fate == "off":
		return "line " + vniText(uint32(r.Line)) + " speaks of it: . switches it on"
	case r.fate != "none":
		return "line " + vniText(uint32(r.Line)) + " speaks of it: e edits it"
	}
	return ""
}

// readonly says why nothing is enforced here, for the message line.
func (t *Tab) readonly() string {
	if why := t.frame.Tunnels.Why; why != "" {
		return "tunnels are not looked at: " + format.Clean(why)
	}
	return ""
}
