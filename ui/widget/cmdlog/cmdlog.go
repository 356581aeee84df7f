// SPDX-License-Identifier: Apache-2.0

// Package cmdlog shows the command line behind every action: what was done, and how to do it without a screen.
package cmdlog

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/line"
)

const maxKept = 500

// Log is what was done, oldest first. The zero value is empty.
type Log struct{ entries []entry }

type entry struct {
	at      time.Time
	command string
}

// Add notes a command.
func (l *Log) Add(now time.Time, command string) {
	l.entries = append(l.entries, entry{now, format.Clean(command)})
	if len(l.entries) > maxKept {
		l.entries = l.entries[1:]
	}
}

// Model is the open overlay.
type Model struct {
	env *core.Env
	log *Log
	at  int
}

// Open shows the log, newest line selected.
func Open(env *core.Env, l *Log) *Model { return &Model{env: env, log: l, at: len(l.entries) - 1} }

// Key takes a key press.
func (m *Model) Key(k tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	last := len(m.log.entries) - 1
	switch k.String() {
	case "esc", "ctrl+c", "@", "q", "enter":
		return true, nil
	case "up", "k":
		m.at--
	case "down", "j":
		m.at++
	case "pgup":
		m.at -= 10
	case "pgdown":
		m.at += 10
	case "g", "home":
		m.at = 0
	case "G", "end":
		m.at = last
	case "y":
		if last >= 0 {
			c := m.log.entries[m.at].command
			return false, func() tea.Msg { return core.CopyMsg{Text: c, What: "command"} }
		}
	}
	m.at = max(min(m.at, last), 0)
	return false, nil
}

// Paste is ignored: there is no field.
func (m *Model) Paste(string) tea.Cmd { return nil }

// View gives the box for a body of w by h.
func (m *Model) View(w, h int) box.Box {
	rows, inner := max(h-2, 1), max(w-2, 1)
	var text []string
	first := max(m.at-rows+1, 0)
	for i := first; i < len(m.log.entries) && len(text) < rows; i++ {
		e := m.log.entries[i]
		tok, mark := themes.Text, "  "
		if i == m.at {
			tok, mark = themes.RowCursor, m.env.Glyphs.Cursor+" "
		}
		at := e.at.Local()
		if m.env.Units.UTC {
			at = e.at.UTC()
		}
		text = append(text, line.New(m.env.Theme, inner).Add(tok, mark+at.Format("15:04:05")+"  "+e.command).Fill(tok))
	}
	if len(text) == 0 {
		text = append(text, line.New(m.env.Theme, inner).
			Add(themes.TextDim, "  Nothing was done yet that has a command of its own.").Fill(themes.Text))
	}
	for len(text) < rows {
		text = append(text, line.New(m.env.Theme, inner).Fill(themes.Text))
	}
	return box.Box{W: w, Lines: box.Frame(m.env, w, "what hooktop did, as commands", "esc or @ closes", "", text)}
}

// Hints are the keys for the footer.
func (m *Model) Hints() []core.Binding {
	return []core.Binding{{Keys: []string{"y"}, Help: "copy"}, {Keys: []string{"j", "k"}, Help: "move"}, {Keys: []string{"esc"}, Help: "close"}}
}
