// SPDX-License-Identifier: Apache-2.0

// Package prompt is a one-line text field: bubbles' textinput with the house's keys, pasting as one edit, and drawing in a
// theme's token.
package prompt

import (
	"strings"
	"unicode"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
)

// MaxRunes bounds what a paste can put into a field that New makes.
const MaxRunes = 4096

// Field is the text under edit and the place of the cursor in it. New makes one.
type Field struct{ in textinput.Model }

// New makes an empty field.
func New() Field { return NewFor(MaxRunes) }

// NewFor makes an empty field for at most so many characters. Each key costs time by the length of the text.
func NewFor(most int) Field {
	in := textinput.New()
	in.Prompt, in.CharLimit, in.KeyMap = "", most, keyMap()
	in.SetStyles(textinput.Styles{}) // the cursor it draws is reversed, which is how View finds it
	in.Focus()
	return Field{in}
}

// keyMap leaves out what has another meaning here or does harm: suggestions are the tab's, ctrl+v would run a clipboard
// program, and deleting forward by words panics in textinput 2.2.1 at the last character.
func keyMap() textinput.KeyMap {
	on := func(ks ...string) key.Binding { return key.NewBinding(key.WithKeys(ks...)) }
	return textinput.KeyMap{
		CharacterForward: on("right", "ctrl+f"), CharacterBackward: on("left", "ctrl+b"),
		WordForward: on("ctrl+right"), WordBackward: on("ctrl+left"),
		LineStart: on("home"), LineEnd: on("end", "ctrl+e"),
		DeleteCharacterBackward: on("backspace", "ctrl+h"), DeleteCharacterForward: on("delete", "ctrl+d"),
		DeleteBeforeCursor: on("ctrl+u"), DeleteAfterCursor: on("ctrl+k"), DeleteWordBackward: on("ctrl+w", "alt+backspace"),
	}
}

// edits reports whether a key is one of the field's own.
func edits(k tea.KeyPressMsg, m *textinput.KeyMap) bool {
	return key.Matches(k, m.CharacterForward, m.CharacterBackward, m.WordForward, m.WordBackward, m.LineStart, m.LineEnd,
		m.DeleteCharacterBackward, m.DeleteCharacterForward, m.DeleteBeforeCursor, m.DeleteAfterCursor, m.DeleteWordBackward)
}

// Set replaces the text; the cursor goes to its end.
func (f *Field) Set(s string) {
	f.in.SetValue(s)
	f.in.CursorEnd()
}

// Value is the text.
func (f *Field) Value() string { return f.in.Value() }

// Key edits. It reports whether the key belongs to a field; enter, esc, tab, up and down never do.
func (f *Field) Key(k tea.KeyPressMsg) bool {
	typed := k.Text != "" && !k.Mod.Contains(tea.ModCtrl) && !k.Mod.Contains(tea.ModAlt)
	if !typed && !edits(k, &f.in.KeyMap) {
		return false
	}
	f.in, _ = f.in.Update(k) // a command would only make the cursor blink
	return true
}

// Paste inserts text as one edit: line ends and tabs become blanks, other control characters are dropped.
func (f *Field) Paste(s string) {
	s = strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n")), " ")
	f.in, _ = f.in.Update(tea.PasteMsg{Content: s})
}

// View draws the field w cells wide and tells the cell of the cursor. Long text scrolls so that the cursor is in view.
func (f *Field) View(th *themes.Theme, tok themes.Token, w int) (string, int) {
	if w < 1 {
		return "", 0
	}
	if room := max(w-1, 1); f.in.Width() != room { // the last cell is the cursor's
		at := f.in.Position()
		f.in.SetWidth(room)
		f.in.CursorEnd() // textinput finds its window anew only from an end
		f.in.SetCursor(at)
	}
	head, tail, _ := strings.Cut(f.in.View(), "\x1b[") // the text itself has no escapes
	head = format.Clean(head)
	text := head + format.Clean(ansi.Strip("\x1b["+tail))
	return line.New(th, w).Add(tok, text).Fill(tok), min(line.Width(head), w-1)
}
