// SPDX-License-Identifier: Apache-2.0

package core

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
)

// There is one draft of the policy. The ACL tab holds it; tabs whose lines stand in the same file show it by Env.Draft and
// change it by messages, so that undo, check, review and trial are the same everywhere.

// Drafter is the tab that holds the draft. The shell gives it every frame that another tab gets.
type Drafter interface{ Draft() Draft }

// Draft is the policy under edit as other tabs see it. A value; Lines is never changed.
type Draft struct {
	Rev   int         // another number: Lines may be others
	Lines []DraftLine // tunnel and chain lines, in the order of the file
	Why   string      // why nothing can be edited, "" when it can
	Undo  string      // why there is nothing to undo, "" when there is; Redo likewise
	Redo  string
	Edits int    // staged, in the whole file
	Text  string // what is staged and what the engine says of it, for the message line
	Token themes.Token
}

// DraftLine is a line of the draft, or one of the policy that stands which the draft has no more.
type DraftLine struct {
	Line  int    // of the draft, from 1; 0: the draft has it no more
	Old   int    // of the policy that stands; 0: new
	Text  string // as the language writes it
	Was   string // what it was where that differs, "" when it does not
	Chain bool   // else it is a tunnel line
	Off   bool
}

// Staged reports whether the draft did something to the line.
func (l *DraftLine) Staged() bool { return l.Line == 0 || l.Old == 0 || l.Was != "" }

// EditVerb says what an EditMsg does.
type EditVerb uint8

const (
	EditText   EditVerb = iota // the line becomes Text
	EditSwitch                 // the line is switched off, or on again
	EditDelete
	EditUndo // the last edit of the whole draft; the line does not matter
	EditRedo
)

// EditMsg asks the tab of the policy for an edit of the draft. Where the line does not read Was any more nothing is done.
type EditMsg struct {
	Verb EditVerb
	Line int
	Was  string
	Text string
}

// LineMsg asks the tab of the policy to show a line of the policy in force: the one that reads Text, or else number Line. Edit
// opens the editor on it.
type LineMsg struct {
	Line int // from 1
	Text string
	Edit bool
}

// WayMsg asks the tab of chains to show the way of a flow's packets through them.
type WayMsg struct{ Flow snap.FlowKey }

// Edit is the command form of EditMsg.
func Edit(e EditMsg) tea.Cmd {
	return func() tea.Msg { return TellMsg{Tab: snap.ACLTab, With: e} }
}

// NoEdit says why a line can't be edited, "" when it can; none says why there is no line.
func (d *Draft) NoEdit(l DraftLine, none string) string {
	switch {
	case d.Why != "":
		return d.Why
	case none == "" && l.Line == 0:
		return "the draft has this line no more: u takes the deletion back"
	}
	return none
}

// Bindings are the keys that change a line of the draft, the same on every tab; none says why there is no line, "" when there is.
func (d *Draft) Bindings(section string, l DraftLine, none string) []Binding {
	on := func(why string) string {
		if d.Why != "" {
			return d.Why
		}
		return why
	}
	edit := func(v EditVerb) func() tea.Cmd {
		return func() tea.Cmd { return Edit(EditMsg{Verb: v, Line: l.Line, Was: l.Text}) }
	}
	gone := d.NoEdit(l, none)
	return []Binding{
		{Keys: []string{"D"}, Name: "draft.delete", Help: "delete", Section: section, Hint: 13, Disabled: gone, Do: edit(EditDelete)},
		{Keys: []string{"."}, Name: "draft.switch", Help: "on/off", Section: section, Hint: 4, Disabled: gone, Do: edit(EditSwitch)},
		{Keys: []string{"u"}, Name: "draft.undo", Help: "undo", Section: section, Hint: 5, Disabled: on(d.Undo), Do: edit(EditUndo)},
		{Keys: []string{"ctrl+r"}, Name: "draft.redo", Help: "redo", Section: section, Disabled: on(d.Redo), Do: edit(EditRedo)},
	}
}

// Drafted is the draft as it is now; where no tab holds one nothing can be edited.
func (e *Env) Drafted() Draft {
	if e.Draft == nil {
		return Draft{Why: "there is no policy here"}
	}
	return e.Draft()
}
