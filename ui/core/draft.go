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

// Edit is the command form of EditMsg.
func Edit(e EditMsg) tea.Cmd {
	return func() tea.Msg { return TellMsg{Tab: snap.ACLTab, With: e} }
}
