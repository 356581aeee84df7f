// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strconv"
	"unicode"
)

// Bounds of a filter, so that a pasted file can't hurt.
const (
	maxLength = 4096 // runes
	maxDepth  = 64   // parentheses and negations
)

// char is a rune of a token; quoted ones have no special meaning.
type char struct {
	r      rune
	quoted bool
}

// token is a run of characters between spaces and parentheses; or one parenthesis or '!'.
type token struct {
	col   int
	sign  rune // '(' ')' '!' or 0
	chars []char
	bare  bool // nothing was quoted
}

func (t *token) text() string { return textOf(t.chars) }

// word returns the text if nothing in it was quoted.
func (t *token) word() string {
	if t.sign != 0 || !t.bare {
		return ""
	}
	return t.text()
}

func textOf(chars []char) string {
	rs := make([]rune, len(chars))
	for i, c := range chars {
		rs[i] = c.r
	}
	return string(rs)
}

// lex cuts the text into tokens.
func lex(text string) ([]token, *Error) {
	rs := []rune(text)
	if len(rs) > maxLength {
		return nil, &Error{Col: maxLength, Msg: "filter: over " + strconv.Itoa(maxLength) + " characters"}
	}
	var toks []token
	depth := 0
	for i := 0; i < len(rs); {
		switch r := rs[i]; {
		case unicode.IsSpace(r):
			i++
		case r == '(' || r == '!' || r == ')' && depth > 0:
			switch r {
			case '(':
				depth++
			case ')':
				depth--
			}
			toks = append(toks, token{col: i, sign: r})
			i++
		case r == ')':
			return nil, &Error{Col: i, Msg: "): nothing is open", Hint: "quote it to search for it"}
		default:
			t, next, err := lexWord(rs, i)
			if err != nil {
				return nil, err
			}
			toks = append(toks, t)
			i = next
		}
	}
	return toks, nil
}

// lexWord reads one token from i. An unquoted ')' ends it, but not in a regular expression.
func lexWord(rs []rune, i int) (token, int, *Error) {
	t := token{col: i, bare: true}
	open, regex := -1, false
	for ; i < len(rs); i++ {
		r := rs[i]
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return t, i, &Error{Col: i, Msg: "filter: control character U+" + strconv.FormatInt(int64(r), 16)}
		}
		switch {
		case open >= 0 && r == '\\' && i+1 < len(rs) && (rs[i+1] == '"' || rs[i+1] == '\\'):
			i++
			t.chars = append(t.chars, char{rs[i], true})
		case r == '"' && open >= 0:
			open = -1
		case r == '"':
			open, t.bare = i, false
		case open >= 0:
			t.chars = append(t.chars, char{r, true})
		case unicode.IsSpace(r) || r == ')' && !regex:
			return t, i, nil
		default:
			t.chars = append(t.chars, char{r, false})
			regex = regex || endsInRegex(t.chars)
		}
	}
	if open >= 0 {
		return t, i, &Error{Col: open, Msg: `": the quote is not closed`, Hint: `end it with "`}
	}
	return t, i, nil
}

// endsInRegex reports whether the unquoted characters end in "re:" at the start of a value.
func endsInRegex(cs []char) bool {
	n := len(cs)
	if n < 3 || cs[n-1] != (char{r: ':'}) || cs[n-2] != (char{r: 'e'}) || cs[n-3] != (char{r: 'r'}) {
		return false
	}
	return n == 3 || cs[n-4] == (char{r: ':'}) || cs[n-4] == (char{r: '='}) || cs[n-4] == (char{r: '!'})
}
