// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTheGrammarNamesEveryWord(t *testing.T) {
	words := strings.FieldsFunc(Grammar, func(r rune) bool { return !('a' <= r && r <= 'z') })
	has := map[string]bool{}
	for _, w := range words {
		has[w] = true
	}
	for _, c := range clauses {
		if !has[c.word] {
			t.Errorf("the grammar has no %s", c.word)
		}
	}
	for a := Allow; a <= Count; a++ {
		if !has[a.String()] {
			t.Errorf("the grammar has no %s", a)
		}
	}
	for _, row := range strings.Split(Grammar, "\n") {
		if utf8.RuneCountInString(row) > 80 {
			t.Errorf("too wide: %q", row)
		}
	}
}
