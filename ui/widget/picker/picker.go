// SPDX-License-Identifier: Apache-2.0

// Package picker is the fuzzy picker: one query, the best matches under it, drawn over the table.
package picker

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

const (
	maxLines = 12   // of the box, borders and query included
	maxItems = 5000 // matching is linear: 0.05 ms per 143 items
	maxWidth = 68
)

// Model is an open picker.
type Model struct {
	Done   func(i int) tea.Cmd // enter: the index of the chosen item
	Moved  func(i int) tea.Cmd // the selection moved: live preview; may be nil
	Closed func() tea.Cmd      // esc: undo the preview; may be nil

	env   *core.Env
	title string
	list  List
	field prompt.Field
	moved int // item that Moved was called for
}

// New opens a picker. recent items lead while the query is empty.
func New(env *core.Env, title string, items []core.PickItem, recent []string) *Model {
	return &Model{env: env, title: format.Clean(title), list: NewList(env, items, recent), field: prompt.New(), moved: -1}
}

// Select puts the selection on item i.
func (m *Model) Select(i int) {
	m.list.Select(i)
	m.moved = i
}

// Key takes a key press. done closes the picker.
func (m *Model) Key(k tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	switch k.String() {
	case "esc", "ctrl+c":
		if m.Closed != nil {
			cmd = m.Closed()
		}
		return true, cmd
	case "enter":
		if i, ok := m.list.Selected(); ok && m.Done != nil {
			return true, m.Done(i)
		}
		return false, nil
	case "up", "ctrl+p", "shift+tab":
		m.list.Move(-1)
	case "down", "ctrl+n":
		m.list.Move(1)
	case "pgup":
		m.list.Move(-m.rows(maxLines))
	case "pgdown":
		m.list.Move(m.rows(maxLines))
	case "tab":
		if i, ok := m.list.Selected(); ok {
			m.field.Set(m.list.items[i].Label)
			m.list.Search(m.field.Value())
		}
	default:
		if !m.field.Key(k) {
			return false, nil
		}
		m.list.Search(m.field.Value())
	}
	return false, m.preview()
}

// Paste puts text into the query.
func (m *Model) Paste(s string) tea.Cmd {
	m.field.Paste(s)
	m.list.Search(m.field.Value())
	return m.preview()
}

func (m *Model) preview() tea.Cmd {
	i, ok := m.list.Selected()
	if m.Moved == nil || !ok || i == m.moved {
		return nil
	}
	m.moved = i
	return m.Moved(m.moved)
}

// rows is how many items a box of the given height shows.
func (m *Model) rows(h int) int { return max(min(h, maxLines)-3, 1) }

// View gives the box for a body of w by h.
func (m *Model) View(w, h int) box.Box {
	bw := min(maxWidth, max(w-4, min(w, 12)))
	count := fmt.Sprintf("%d of %d", m.list.Found(), len(m.list.items))
	inner := bw - 2
	b := line.New(m.env.Theme, inner)
	b.Pad(themes.Input, 1)
	text, x := m.field.View(m.env.Theme, themes.Input, max(inner-len(count)-3, 1))
	lines := []string{b.String() + text + line.New(m.env.Theme, inner-1-max(inner-len(count)-3, 1)).
		Add(themes.HintText, " "+count).Fill(themes.Text)}
	lines = append(lines, m.list.View(inner, m.rows(h))...)
	if m.list.Found() == 0 {
		lines = append(lines, line.New(m.env.Theme, inner).Add(themes.TextDim, "  nothing matches; ctrl+u clears").Fill(themes.Text))
	}
	out := box.Frame(m.env, bw, m.title, "", "", lines)
	bx, by := box.Center(w, h, bw, min(maxLines, h))
	return box.Box{X: bx, Y: by, W: bw, Lines: out, Cursor: tea.NewCursor(bx+2+x, by+1)}
}

// Hints are the keys for the footer.
func (m *Model) Hints() []core.Binding {
	return []core.Binding{
		{Keys: []string{"enter"}, Help: "choose"}, {Keys: []string{"tab"}, Help: "complete"},
		{Keys: []string{"up", "down"}, Help: "move"}, {Keys: []string{"ctrl+u"}, Help: "clear"},
		{Keys: []string{"esc"}, Help: "close"},
	}
}
