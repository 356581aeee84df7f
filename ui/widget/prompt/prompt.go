// SPDX-License-Identifier: Apache-2.0

// Package prompt is a one-line text field.
package prompt

import (
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
)

// maxRunes bounds what a paste can put into a field.
const maxRunes = 4096

// Field is the text under edit and the place of the cursor in it. The zero value is empty.
type Field struct {
	runes []rune
	at    int
	from  int // first rune shown
}

// Set replaces the text; the cursor goes to its end.
func (f *Field) Set(s string) {
	f.runes, f.at, f.from = []rune(s), 0, 0
	f.at = len(f.runes)
}

// Value is the text.
func (f *Field) Value() string { return string(f.runes) }

// Key edits. It reports whether the key belongs to a field; enter, esc, tab, up and down never do.
func (f *Field) Key(k tea.KeyPressMsg) bool {
	switch k.String() {
	case "left", "ctrl+b":
		f.at = max(f.at-1, 0)
	case "right", "ctrl+f":
		f.at = min(f.at+1, len(f.runes))
	case "home":
		f.at = 0
	case "end", "ctrl+e":
		f.at = len(f.runes)
	case "backspace", "ctrl+h":
		if f.at > 0 {
			f.cut(f.at-1, f.at)
		}
	case "delete", "ctrl+d":
		if f.at < len(f.runes) {
			f.cut(f.at, f.at+1)
		}
	case "ctrl+u":
		f.cut(0, f.at)
	case "ctrl+k":
		f.cut(f.at, len(f.runes))
	case "ctrl+w", "alt+backspace":
		f.cut(f.wordStart(), f.at)
	case "ctrl+left":
		f.at = f.wordStart()
	case "ctrl+right":
		f.at = f.wordEnd()
	default:
		if k.Text == "" || k.Mod.Contains(tea.ModCtrl) || k.Mod.Contains(tea.ModAlt) {
			return false
		}
		f.insert(k.Text)
	}
	return true
}

// Paste inserts text as one edit: line ends and tabs become blanks, other control characters are dropped.
func (f *Field) Paste(s string) {
	f.insert(strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n")), " "))
}

func (f *Field) insert(s string) {
	add := []rune(s)
	if room := maxRunes - len(f.runes); len(add) > room {
		add = add[:room]
	}
	f.runes = append(f.runes[:f.at:f.at], append(add, f.runes[f.at:]...)...)
	f.at += len(add)
}

func (f *Field) cut(from, to int) {
	f.runes = append(f.runes[:from:from], f.runes[to:]...)
	f.at = from
}

func (f *Field) wordStart() int {
	i := f.at
	for i > 0 && f.runes[i-1] == ' ' {
		i--
	}
	for i > 0 && f.runes[i-1] != ' ' {
		i--
	}
	return i
}

func (f *Field) wordEnd() int {
	i := f.at
	for i < len(f.runes) && f.runes[i] == ' ' {
		i++
	}
	for i < len(f.runes) && f.runes[i] != ' ' {
		i++
	}
	return i
}

// View draws the field w cells wide and tells the cell of the cursor. Long text scrolls so that the cursor is in view.
func (f *Field) View(th *themes.Theme, tok themes.Token, w int) (string, int) {
	if w < 1 {
		return "", 0
	}
	f.from = min(f.from, f.at)
	for f.from < f.at && cells(f.runes[f.from:f.at]) > w-1 {
		f.from++
	}
	shown := f.runes[f.from:]
	b := line.New(th, w).Add(tok, format.Clean(string(shown)))
	return b.Fill(tok), min(cells(f.runes[f.from:f.at]), w-1)
}

func cells(r []rune) int { return line.Width(format.Clean(string(r))) }
