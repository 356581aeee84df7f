// SPDX-License-Identifier: Apache-2.0

// Package scroll shows lines through a window that keys move: bubbles' viewport for text that was drawn already.
package scroll

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"
)

// Model is the window and its place in the text. New makes one.
type Model struct{ vp viewport.Model }

// New makes a window at the top. Letters says that j and k move it too.
func New(letters bool) Model {
	up, down := []string{"up"}, []string{"down"}
	if letters {
		up, down = append(up, "k"), append(down, "j")
	}
	vp := viewport.New()
	vp.KeyMap = viewport.KeyMap{
		Up: key.NewBinding(key.WithKeys(up...)), Down: key.NewBinding(key.WithKeys(down...)),
		PageUp: key.NewBinding(key.WithKeys("pgup")), PageDown: key.NewBinding(key.WithKeys("pgdown")),
	}
	return Model{vp}
}

// Key takes a key press and reports whether it was one that moves.
func (m *Model) Key(k tea.KeyPressMsg) bool {
	keys := m.vp.KeyMap
	if !key.Matches(k, keys.Up, keys.Down, keys.PageUp, keys.PageDown) {
		return false
	}
	m.vp, _ = m.vp.Update(k)
	return true
}

// Top goes back to the first line.
func (m *Model) Top() { m.vp.GotoTop() }

// More reports whether there is text beyond the window, as of the last View.
func (m *Model) More() bool { return m.vp.TotalLineCount() > m.vp.Height() }

// View gives h lines of w cells out of lines, none of which is wider.
func (m *Model) View(lines []string, w, h int) []string {
	if w < 1 || h < 1 {
		return nil
	}
	m.vp.SetWidth(w)
	m.vp.SetHeight(h)
	m.vp.SetContentLines(lines)
	return strings.Split(m.vp.View(), "\n")
}
