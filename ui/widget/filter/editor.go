// SPDX-License-Identifier: Apache-2.0

package filter

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/ui/column"
	"hooktop/ui/core"
)

// Editor is how the filter of a list is typed, the same on every tab: what the text passes is shown at once, enter keeps it, esc
// brings the former filter back. NewEditor makes one.
type Editor struct {
	// Closed is told that the field was closed, and whether its filter is kept; where it is not, it brings the former one back. Nil:
	// that filter is set.
	Closed func(kept bool) tea.Cmd

	env    *core.Env
	cols   *column.Set
	seen   func(key string) []string
	set    func(text string) tea.Cmd
	field  *Field // nil: closed
	before string
}

// NewEditor makes a closed one. seen gives the values of a column in the rows at hand; set takes another filter.
func NewEditor(env *core.Env, cols *column.Set, seen func(key string) []string, set func(text string) tea.Cmd) *Editor {
	return &Editor{env: env, cols: cols, seen: seen, set: set}
}

// Start opens the field with the present filter in it.
func (e *Editor) Start(text string) tea.Cmd {
	e.field, e.before = New(e.env, e.cols, text, e.seen), text
	return nil
}

// Typing reports whether the field is open.
func (e *Editor) Typing() bool { return e.field != nil }

// Update takes keys and pastes while the field is open.
func (e *Editor) Update(msg tea.Msg) tea.Cmd {
	if e.field == nil {
		return nil
	}
	switch msg := msg.(type) {
	case tea.PasteMsg:
		e.field.Paste(msg.Content)
		return e.tried()
	case tea.KeyPressMsg:
		switch msg.String() {
		case "enter":
			return e.keep()
		case "esc":
			return e.restore()
		}
		if e.field.Key(msg) {
			return e.tried()
		}
	}
	return nil
}

// Bindings are the keys of the open field.
func (e *Editor) Bindings() []core.Binding {
	const section = "TABLE"
	return []core.Binding{
		{Keys: []string{"enter"}, Name: "filter.keep", Help: "keep", Section: section, Hint: 1, Do: e.keep},
		{Keys: []string{"esc"}, Name: "filter.restore", Help: "former filter", Section: section, Hint: 2, Do: e.restore},
		{Keys: []string{"tab"}, Name: "filter.complete", Help: "complete", Section: section, Hint: 3, Disabled: core.When(!e.field.Offers(), "nothing to complete"), Do: e.complete},
		{Keys: []string{"ctrl+u"}, Name: "filter.clear", Help: "clear", Section: section, Hint: 4, Do: e.clear},
	}
}

// Line draws the open field as the message line.
func (e *Editor) Line(w int) string {
	s, _ := e.field.View(w)
	return s
}

// Cursor is the place in the open field, which is w cells wide and stands on line y.
func (e *Editor) Cursor(w, y int) *tea.Cursor {
	_, x := e.field.View(w)
	return tea.NewCursor(x, y)
}

// tried shows what the text passes when it is a filter. While it is none the last one stays in force.
func (e *Editor) tried() tea.Cmd {
	if text, ok := e.field.Filter(); ok {
		return e.set(text)
	}
	return nil
}

// keep closes the field. A text that is no filter keeps it open: enter does not throw typing away.
func (e *Editor) keep() tea.Cmd {
	if _, ok := e.field.Filter(); !ok {
		return nil
	}
	e.field = nil
	if e.Closed != nil {
		return e.Closed(true)
	}
	return nil
}

// restore closes the field and brings the former filter back.
func (e *Editor) restore() tea.Cmd {
	e.field = nil
	if e.Closed != nil {
		return e.Closed(false)
	}
	return e.set(e.before)
}

func (e *Editor) complete() tea.Cmd {
	if e.field.Complete() {
		return e.tried()
	}
	return nil
}

func (e *Editor) clear() tea.Cmd {
	e.field.Clear()
	return e.tried()
}
