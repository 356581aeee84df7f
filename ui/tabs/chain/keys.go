// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"strconv"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// Sections of the help overlay.
const (
	move = "MOVE"
	own  = "CHAIN"
)

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding {
	t.sync()
	if t.edit != nil {
		return t.editBindings()
	}
	return append(t.moving(), t.acting()...)
}

func (t *Tab) moving() []core.Binding {
	open, none := "open", core.When(len(t.rows) == 0, "there is no row")
	if t.zoom {
		open = "line on the ACL tab"
		_, none = t.line()
	}
	return append(table.Moving(t.moved, t.list.MoveColumn),
		core.Binding{Keys: []string{"enter"}, Name: "chain.open", Help: open, Section: move, Hint: 7, Disabled: none, Do: t.open},
		core.Binding{Keys: []string{"esc"}, Name: "chain.back", Help: "back", Section: move, Hint: btoi(t.zoom), Do: t.back})
}

func (t *Tab) acting() []core.Binding {
	line, none := t.line()
	edit := t.draft.NoEdit(line, none)
	out := []core.Binding{
		{Keys: []string{"e"}, Name: "chain.mark", Help: "edit mark", Section: own, Hint: 1, Disabled: edit, Do: t.editMark},
		{Keys: []string{"E"}, Name: "chain.edit", Help: "edit whole line", Section: own, Hint: 9, Disabled: edit, Do: func() tea.Cmd { return t.toLine(true) }},
		{Keys: []string{"a"}, Name: "chain.add", Help: "add", Section: own, Hint: 2, Disabled: t.draft.Why, Do: t.add},
		{Keys: []string{"R"}, Name: "chain.repair", Help: "repair", Section: own, Hint: 5, Disabled: t.noRepair(), Do: func() tea.Cmd {
			return core.Do(snap.Intent{Kind: snap.RepairChains})
		}},
		{Keys: []string{"0"}, Name: "chain.anyflow", Help: "no flow's way", Section: own, Disabled: core.When(t.flow == (snap.FlowKey{}), "no flow was chosen"), Do: func() tea.Cmd {
			t.flow = snap.FlowKey{}
			return core.Ask
		}},
		{Keys: []string{"x"}, Name: "chain.actions", Help: "act", Section: own, Hint: 14, Disabled: core.When(len(t.rows) == 0, "there is no row"), Do: t.pickAction},
		{Keys: []string{"y"}, Name: "chain.copy", Help: "copy row", Section: own, Disabled: core.When(len(t.rows) == 0, "there is no row"), Do: t.copy},
	}
	return append(out, t.draft.Bindings(own, line, none)...)
}

// line is the line of the draft that the cursor is on.
func (t *Tab) line() (l core.DraftLine, why string) {
	r, ok := t.selected()
	switch {
	case !ok:
		return l, "there is no row"
	case r.line == nil:
		return l, "the draft has no chain " + format.Clean(r.name())
	}
	return *r.line, ""
}

func (t *Tab) noRepair() string {
	switch s := &t.frame.State; {
	case s.ReadOnly != "":
		return "read-only: " + format.Clean(s.ReadOnly)
	case t.frame.Chains.Why != "":
		return format.Clean(t.frame.Chains.Why)
	}
	return core.When(drifted(&t.frame.Chains) == "", "every rule and route is in place")
}

func (t *Tab) open() tea.Cmd {
	if t.zoom {
		return t.toLine(false)
	}
	t.list.Hold()
	t.zoom, t.down = true, 0
	return nil
}

func (t *Tab) back() tea.Cmd {
	t.zoom, t.down = false, 0
	return nil
}

// toLine shows the chain's line where whole lines are edited.
func (t *Tab) toLine(edit bool) tea.Cmd {
	l, why := t.line()
	if why != "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: why})
	}
	return func() tea.Msg {
		return core.GoMsg{Tab: snap.ACLTab, With: core.LineMsg{Line: max(l.Old, 1), Text: l.Text, Edit: edit}}
	}
}

// add begins a new chain where whole lines are edited.
func (t *Tab) add() tea.Cmd {
	note := "chain NAME in DEV match any service via ADDR dev DEV return DEV mark …"
	if m, ok := free(t.draft.Lines, t.frame.Chains.Owners); ok {
		note += "; " + m.String() + " is free"
	}
	return func() tea.Msg { return core.GoMsg{Tab: snap.ACLTab, With: core.DraftMsg{Rule: "chain ", Note: note}} }
}

// pickAction opens the menu of the row as it is at the key press.
func (t *Tab) pickAction() tea.Cmd {
	t.list.Hold()
	var list []core.Choice
	for _, b := range t.acting() {
		if b.Disabled == "" && b.Name != "chain.actions" {
			list = append(list, core.Item(b.Help, b.Keys[0], b.Do))
		}
	}
	title := "chains"
	if r, ok := t.selected(); ok {
		title = "chain " + format.Clean(r.name())
		list = append(list, core.Item("its line on the ACL tab", "enter in the sections", func() tea.Cmd { return t.toLine(false) }))
	}
	return core.Pick(title, list)
}

func (t *Tab) copy() tea.Cmd {
	r, ok := t.selected()
	if !ok {
		return nil
	}
	text := "chain " + r.name() + "  " + t.way(r, 200)
	if m, ok := r.mark(); ok {
		text += "  mark " + m.String()
	}
	if l := r.at(); l != nil {
		text += "  table " + strconv.FormatUint(uint64(l.Table), 10) + "  " + string(t.hop(nil, r, 80)) + "  " + format.SI(l.PPS) + " pps  " + format.Count(l.Packets) + " packets"
	}
	text += "  " + stateText(r)
	return func() tea.Msg { return core.CopyMsg{Text: format.Clean(text), What: "row"} }
}
