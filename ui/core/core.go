// SPDX-License-Identifier: Apache-2.0

// Package core is what the shell and its tabs agree on: the Tab interface, the backend behind the screen, bindings as
// data, and the messages that travel between them.
package core

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
)

// Backend is the engine as a screen sees it: in this process, behind a socket, or a recording.
type Backend interface {
	// Next blocks until a frame newer than seq exists and returns the newest. It ends with ctx or when the engine does.
	Next(ctx context.Context, seq uint64) (*snap.Frame, error)
	// Ask replaces the query. It never blocks; the next frame answers it, made at once.
	Ask(snap.Query)
	// Do carries out an intent. It may block and is called from commands only.
	Do(context.Context, snap.Intent) snap.Answer
}

// Tab is one screen. The shell draws tab bar, context line, message line and hints; the tab draws what is between.
// Update never sorts, filters, locks, reads or writes: it copies pointers and moves integers.
type Tab interface {
	Name() string           // "Flows"
	Update(tea.Msg) tea.Cmd // FrameMsg, AnswerMsg, and key presses that the shell has not taken
	View(w, h int) []string // h lines (fewer are padded), none wider than w cells
	Bindings() []Binding    // the tab's own keys, for dispatch, help, hints and palette
	Query(*snap.Query)      // writes the tab's part of the query
	Context(w int) string   // plain text for the right part of the context line, at most w cells
	Message(w int) string   // the message line when nothing more urgent stands there: filter, position
	Capturing() bool        // a field or picker has the keyboard: global letters go to the tab
	Cursor() *tea.Cursor    // real cursor inside View's area, on the message line below it (Y is View's h), or nil
}

// Binding is a key as data. Help, hints, palette, README table and dispatch all come from it.
type Binding struct {
	Keys     []string // as tea.KeyPressMsg.String() prints them; the first is shown
	Name     string   // stable name for keys.toml and the palette: "flows.block"
	Help     string   // one to four words: "hold order"
	Section  string   // heading in the help overlay: "MOVE", "TABLE", "EVERYWHERE", "FILTER BY THE CELL", or the tab's name
	Hint     int      // > 0: shown in the footer, lower first
	Disabled string   // why it can't be used now; "" means it can
	Do       func() tea.Cmd
}

// Env is what the shell gives to every tab and widget. Shared by pointer, changed by the shell only.
type Env struct {
	Theme  *themes.Theme
	Glyphs *themes.Glyphs
	Now    func() time.Time
	Paused bool
	Units  Units

	Draft func() Draft // the policy under edit; nil: no tab holds one

	Reduced     bool // no motion: sparklines stand still
	Comfortable bool // lower density: wider gaps between columns
}

// Twin replaces in clean text what an ASCII terminal can't draw.
func (e *Env) Twin(s string) string {
	if e.Glyphs.ASCII {
		return format.ASCII(s)
	}
	return s
}

// Units are the display choices behind U.
type Units struct {
	Bytes bool // bytes per second instead of bits
	UTC   bool
}

// FrameMsg carries the newest frame.
type FrameMsg struct{ Frame *snap.Frame }

// AnswerMsg is the answer to an intent, sent to the tab that asked.
type AnswerMsg struct {
	Intent snap.Intent
	Answer snap.Answer
	Quiet  bool
}

// AskMsg tells the shell that the query changed: it collects the parts and asks the backend.
type AskMsg struct{}

// DoMsg asks the shell to carry out an intent through the backend, off the screen's goroutine; the answer comes back to the
// tab as AnswerMsg, and as a toast. Quiet: a failure is the tab's to show.
type DoMsg struct {
	Intent snap.Intent
	Quiet  bool
}

// Do is the command form of DoMsg.
func Do(i snap.Intent) tea.Cmd { return func() tea.Msg { return DoMsg{Intent: i} } }

// GoMsg asks the shell to bring the tab of that name into view. With is handed to that tab then, nil: nothing.
type GoMsg struct {
	Tab  string
	With tea.Msg
}

// TellMsg asks the shell to hand a message to the tab of that name, in view or not.
type TellMsg struct {
	Tab  string
	With tea.Msg
}

// FilterMsg asks a tab to show what passes a filter.
type FilterMsg struct{ Filter string }

// DraftMsg asks the tab of the policy to open its editor on a new line: a rule comes before all others, a tunnel or chain line
// behind those of its kind. Note is said beside it.
type DraftMsg struct{ Rule, Note string }

// ReviewMsg asks the tab of the policy to review what is staged.
type ReviewMsg struct{}

// Ask is the command form of AskMsg.
func Ask() tea.Msg { return AskMsg{} }

// ToastMsg puts one line on the message line. Success fades after 4 s, warnings after 10 s, errors stay until esc.
type ToastMsg struct {
	Sev  snap.Severity
	OK   bool // success: ✓ instead of i
	Text string
	From string // which part says it; its newer message takes the place of an older one
}

// CopyMsg asks the shell to copy text (OSC 52 and the clip file).
type CopyMsg struct{ Text, What string }

// LogMsg adds a line to the command log behind @: the command line twin of what was just done.
type LogMsg struct{ Command string }

// ConfirmMsg asks before one dangerous act, on the message line. The shell chooses the letter, never the one that led here;
// any other key means no.
type ConfirmMsg struct {
	Question string // "detach ht_acl from eth0? filters stop."
	Verb     string // "detach"
	Do       func() tea.Cmd
}

// PickMsg opens the fuzzy picker; Done gets the index of the chosen item.
type PickMsg struct {
	Title string
	Items []PickItem
	Done  func(i int) tea.Cmd
}

// PickItem is one line of a picker.
type PickItem struct{ Label, Detail string }

// Choice is a line of a picker with what it does, nil for nothing.
type Choice struct {
	Label, Detail string
	Do            func() tea.Cmd
}

// Item makes a choice.
func Item(label, detail string, do func() tea.Cmd) Choice {
	return Choice{Label: label, Detail: detail, Do: do}
}

// Pick opens a picker over choices.
func Pick(title string, list []Choice) tea.Cmd {
	msg := PickMsg{Title: title, Done: func(i int) tea.Cmd {
		if i < 0 || i >= len(list) || list[i].Do == nil {
			return nil
		}
		return list[i].Do()
	}}
	for _, c := range list {
		msg.Items = append(msg.Items, PickItem{Label: c.Label, Detail: c.Detail})
	}
	return func() tea.Msg { return msg }
}

// When is why a binding can't be used now: why if it is so, else "".
func When(so bool, why string) string {
	if so {
		return why
	}
	return ""
}
