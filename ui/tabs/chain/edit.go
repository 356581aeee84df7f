// SPDX-License-Identifier: Apache-2.0

package chain

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

// markEdit is the mark of a chain under edit, in its cell. It stages nothing before enter.
type markEdit struct {
	field prompt.Field
	name  string
	line  core.DraftLine // as it was when the edit began
	mark  mark           // what is typed, when err is ""
	err   string
	x, y  int // of the real cursor
}

// editMark opens the field on the mark of the chain under the cursor.
func (t *Tab) editMark() tea.Cmd {
	r, ok := t.selected()
	if !ok || r.line == nil {
		return nil
	}
	m, ok := markOf(r.line.Text)
	if !ok {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: "edit: the line of " + r.name() + " has no mark: E edits the whole line"})
	}
	t.list.Hold()
	t.edit = &markEdit{field: prompt.New(), name: r.name(), line: *r.line}
	t.edit.field.Set(m.short())
	t.typed()
	return core.Ask
}

// editKey takes a key while the field is open.
func (t *Tab) editKey(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		t.edit = nil
		return core.Ask
	case "enter":
		return t.stage()
	}
	before := t.edit.field.Value()
	if t.edit.field.Key(k) && t.edit.field.Value() != before {
		t.typed()
	}
	return nil
}

// typed checks what stands in the field: by itself, against other owners of bits, and as a line of the language.
func (t *Tab) typed() {
	ed := t.edit
	if ed.mark, ed.err = parseMark(ed.field.Value()); ed.err != "" {
		return
	}
	if ed.err = clash(ed.mark, ed.name, t.draft.Lines, t.frame.Chains.Owners); ed.err != "" {
		return
	}
	if _, errs := policy.ParseLine(withMark(ed.line.Text, ed.mark)); len(errs) > 0 {
		ed.err = errs[0].Error()
	}
}

// stage makes the edit. While there is an error it does nothing.
func (t *Tab) stage() tea.Cmd {
	ed := t.edit
	if ed.err != "" {
		return nil
	}
	t.edit = nil
	text := withMark(ed.line.Text, ed.mark)
	if m, _ := markOf(ed.line.Text); m == ed.mark {
		return core.Ask
	}
	return tea.Batch(core.Edit(core.EditMsg{Verb: core.EditText, Line: ed.line.Line, Was: ed.line.Text, Text: text}), core.Ask)
}

// editBox draws the field over its cell, in brackets: without colours nothing else tells it from the cells around.
func (t *Tab) editBox() box.Box {
	ed := t.edit
	x, w := t.list.Place("mark")
	w = max(w, 9)
	tok := themes.Input
	if ed.err != "" {
		tok = themes.InputError
	}
	text, at := ed.field.View(t.env.Theme, tok, w-2)
	ed.x, ed.y = x+1+at, t.list.Line()
	b := line.New(t.env.Theme, w).Add(themes.BorderFocus, "[").Join(text, w-2)
	return box.Box{X: x, Y: ed.y, W: w, Lines: []string{b.Add(themes.BorderFocus, "]").String()}}
}

// verdict says what is wrong with the mark, or that nothing is.
func (t *Tab) verdict() (themes.Token, string) {
	ed, g := t.edit, t.env.Glyphs
	if ed.err != "" {
		return themes.InputError, g.Cross + " " + format.Clean(ed.err)
	}
	text := ed.mark.short() + ": no conflict, nobody else uses it"
	if m, _ := markOf(ed.line.Text); m == ed.mark {
		text = ed.mark.short() + ": as it is now"
	}
	return themes.OK, g.Check + " " + text
}

func (t *Tab) editBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.editKey(keys.Press(name)) }
	}
	return []core.Binding{
		{Keys: []string{"enter"}, Name: "mark.stage", Help: "stage", Section: own, Hint: 1, Disabled: core.When(t.edit.err != "", "blocked by an error"), Do: press("enter")},
		{Keys: []string{"ctrl+u"}, Name: "mark.clear", Help: "clear", Section: own, Hint: 2, Do: press("ctrl+u")},
		{Keys: []string{"esc"}, Name: "mark.cancel", Help: "cancel", Section: own, Hint: 3, Do: press("esc")},
	}
}
