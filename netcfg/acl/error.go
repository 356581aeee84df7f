// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"unicode/utf8"
)

// Error is one thing wrong with a policy: where, what, and what to write instead.
type Error struct {
	Line int // from 1; 0: the text is no file
	Col  int // in characters, from 1
	Msg  string
	Hint string // "" when there is nothing to advise
}

func (e Error) Error() string {
	text := fmt.Sprintf("column %d: %s", e.Col, e.Words())
	if e.Line > 0 {
		text = fmt.Sprintf("line %d, ", e.Line) + text
	}
	return text
}

// Words gives message and hint without the place.
func (e Error) Words() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + ": " + e.Hint
}

// shown is the most of a wrong word that a message repeats, in characters.
const shown = 40

// quote repeats a word of the text in a message.
func quote(word string) string {
	if utf8.RuneCountInString(word) > shown {
		word = string([]rune(word)[:shown-1]) + "…"
	}
	return `"` + word + `"`
}
