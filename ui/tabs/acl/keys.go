// SPDX-License-Identifier: Apache-2.0

package acl

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/policy"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// Sections of the help overlay.
const (
	move = "MOVE"
	own  = "ACL"
)

// Bindings implements core.Tab.
func (t *Tab) Bindings() []core.Binding {
	switch {
	case t.save != nil:
		return t.saveBindings()
	case t.find != nil:
		return t.findBindings()
	case t.refused != nil:
		return t.refusedBindings()
	case t.heads != nil:
		return t.headersBindings()
	case t.review != nil:
		return t.reviewBindings()
	case t.edit != nil:
		return t.editBindings()
	}
	return append(append(t.moving(), t.editing()...), t.acting()...)
}

func (t *Tab) moving() []core.Binding {
	return append(table.Moving(t.moved, t.list.MoveColumn),
		core.Binding{Keys: []string{"/"}, Name: "acl.find", Help: "find", Section: move, Hint: 7, Do: t.startFind},
		core.Binding{Keys: []string{"n"}, Name: "acl.findnext", Help: "find next", Section: move, Disabled: core.When(t.word == "", "/ finds a word first"), Do: func() tea.Cmd { return t.findNext(1) }},
		core.Binding{Keys: []string{"N"}, Name: "acl.findprevious", Help: "find previous", Section: move, Disabled: core.When(t.word == "", "/ finds a word first"), Do: func() tea.Cmd { return t.findNext(-1) }},
		core.Binding{Keys: []string{"enter"}, Name: "acl.open", Help: t.openHelp(), Section: move, Hint: 8, Disabled: t.noOpen(), Do: t.open})
}

func (t *Tab) editing() []core.Binding {
	why := t.noEdit()
	one := func(need bool, line string) string {
		if why != "" || !need {
			return why
		}
		return line
	}
	line := t.noLine()
	undo, redo := t.draft.Steps()
	return []core.Binding{
		{Keys: []string{"e"}, Name: "acl.edit", Help: "edit", Section: own, Hint: 1, Disabled: one(true, line), Do: t.editLine},
		{Keys: []string{"a"}, Name: "acl.below", Help: "add", Section: own, Hint: 2, Disabled: why, Do: func() tea.Cmd { return t.addLine(1) }},
		{Keys: []string{"A"}, Name: "acl.above", Help: "add above", Section: own, Disabled: why, Do: func() tea.Cmd { return t.addLine(0) }},
		{Keys: []string{"D"}, Name: "acl.delete", Help: "delete", Section: own, Hint: 3, Disabled: one(true, line), Do: t.deleteLine},
		{Keys: []string{"J"}, Name: "acl.down", Help: "move down", Section: own, Hint: 9, Disabled: one(true, line), Do: func() tea.Cmd { return t.moveLine(1) }},
		{Keys: []string{"K"}, Name: "acl.up", Help: "move up", Section: own, Hint: 10, Disabled: one(true, line), Do: func() tea.Cmd { return t.moveLine(-1) }},
		{Keys: []string{"."}, Name: "acl.switch", Help: "on/off", Section: own, Hint: 4, Disabled: one(true, t.noSwitch()), Do: t.switchLine},
		{Keys: []string{"u"}, Name: "acl.undo", Help: "undo", Section: own, Hint: 5, Disabled: one(true, core.When(undo == 0 && len(t.past) == 0, "nothing to undo")), Do: t.undo},
		{Keys: []string{"ctrl+r"}, Name: "acl.redo", Help: "redo", Section: own, Disabled: one(true, core.When(redo == 0 && len(t.future) == 0, "nothing to redo")), Do: t.redo},
	}
}

func (t *Tab) acting() []core.Binding {
	return []core.Binding{
		{Keys: []string{"V"}, Name: "acl.versions", Help: "versions", Section: own, Hint: 11, Disabled: core.When(len(t.frame.Policy.Versions) == 0, "there is no earlier version"), Do: t.pickVersion},
		{Keys: []string{"p"}, Name: "acl.headers", Help: "packets denied", Section: own, Hint: t.headersHint(), Disabled: t.noHeaders(), Do: t.askHeaders},
		{Keys: []string{"w"}, Name: "acl.save", Help: "save what is kept", Section: own, Hint: 12, Disabled: t.noSave(), Do: t.saveKept},
		{Keys: []string{"x"}, Name: "acl.actions", Help: "act", Section: own, Disabled: core.When(!t.known, "there is no policy yet"), Do: t.pickAction},
		{Keys: []string{"c"}, Name: "acl.columns", Help: "columns", Section: own, Do: func() tea.Cmd { return t.list.PickColumns(nil) }},
		{Keys: []string{"Y"}, Name: "acl.copyjson", Help: "copy row as JSON", Section: own, Disabled: core.When(t.list.Total() == 0, "there is no row"), Do: t.copyJSON},
		{Keys: []string{"y"}, Name: "acl.copy", Help: "copy row", Section: own, Disabled: core.When(t.list.Total() == 0, "there is no row"), Do: t.copy},
	}
}

// cant says why nothing can be enforced here.
func (t *Tab) cant() string {
	switch s := &t.frame.State; {
	case s.ReadOnly != "":
		return "read-only: " + format.Clean(s.ReadOnly)
	case s.Fallback != "":
		return "eBPF can't run here"
	case t.frame.Policy.Why != "":
		return format.Clean(t.frame.Policy.Why)
	}
	return ""
}

func (t *Tab) noEdit() string {
	switch {
	case !t.known:
		return "there is no policy yet"
	case t.broken:
		return "the policy in force can't be read here"
	}
	return t.cant()
}

// noLine says why the row is no line that can be changed.
func (t *Tab) noLine() string {
	r, ok := t.selected()
	switch {
	case !ok:
		return "there is no row"
	case r.kind == goneLine:
		return "the draft has this line no more: u takes the deletion back"
	case r.kind == guardHead || r.kind == guardLine:
		return "the guard is no line of the policy"
	case r.kind == defaults:
		return "no rule decided: add \"default in deny\" or \"default out deny\""
	}
	return ""
}

func (t *Tab) noSwitch() string {
	if why := t.noLine(); why != "" {
		return why
	}
	r, _ := t.selected()
	l, ok := t.line(r)
	return core.When(!ok || l.Kind == policy.Blank || l.Kind == policy.Comment || l.Kind == policy.Set, "this line has nothing to switch off")
}

func (t *Tab) openHelp() string {
	if r, ok := t.selected(); ok && (r.kind == guardHead || r.kind == guardLine) {
		return "fold, unfold"
	}
	if r, ok := t.selected(); ok && t.steerTab(r) != "" {
		return t.steerTab(r) + " tab"
	}
	return "flows it decides"
}

func (t *Tab) noOpen() string {
	r, ok := t.selected()
	switch {
	case !ok:
		return "there is no row"
	case t.steerTab(r) != "":
		return ""
	case r.kind == guardHead || r.kind == guardLine || r.kind == defaults:
		return ""
	case t.hits(r) == nil:
		return "this line decides nothing yet"
	}
	return ""
}

func (t *Tab) noSave() string {
	if why := t.cant(); why != "" {
		return why
	}
	return core.When(t.frame.Policy.Kept == 0 && t.frame.Policy.Text == "", "no policy was kept yet")
}

// headersHint ranks the key in the footer: it matters on a line that denies.
func (t *Tab) headersHint() int {
	if t.noHeaders() == "" {
		return 4
	}
	return 13
}
