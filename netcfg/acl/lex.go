// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"hooktop/ui/format"
)

// MaxText is the longest line, in bytes: a set of some fifty thousand prefixes.
const MaxText = 1 << 20

// token is a word, a quoted text, or one of the signs { } , of a line.
type token struct {
	text   string // of a quoted text what is between the quotes, as it stands there
	at     int    // byte offset
	quoted bool
}

// is reports whether the token is this word or sign, not quoted.
func (t token) is(word string) bool { return !t.quoted && t.text == word }

// plain finds the first character that has no place in a policy: control characters, bidirectional and invisible ones
// could make a line look like another. -1 when there is none.
func plain(text string) int {
	for i := 0; i < len(text); {
		c := text[i]
		if c >= 0x20 && c < 0x7f || c == '\t' {
			i++
			continue
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		if one := text[i : i+n]; format.Clean(one) != one {
			return i
		}
		i += n
	}
	return -1
}

// split cuts a line into tokens and the comment with its #.
func (p *parser) split() {
	s := p.text
	if p.toks == nil {
		p.toks = make([]token, 0, min(len(s)/5+2, 32))
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case blank(c):
			i++
		case c == '#':
			p.comment = strings.TrimRight(strings.ReplaceAll(s[i:], "\t", " "), " ")
			p.end = len(strings.TrimRight(s[:i], " \t"))
			return
		case c == '"':
			n := quotedEnd(s[i+1:])
			if n < 0 {
				p.fail(i, "the quoted text does not end", `close it with "`)
				p.end = len(s)
				return
			}
			p.toks = append(p.toks, token{text: s[i+1 : i+1+n], at: i, quoted: true})
			i += n + 2
		case strings.IndexByte("{},", c) >= 0:
			p.toks = append(p.toks, token{text: s[i : i+1], at: i})
			i++
		default:
			n := i + 1
			for n < len(s) && !blank(s[n]) && strings.IndexByte(`{},"`, s[n]) < 0 {
				n++
			}
			p.toks = append(p.toks, token{text: s[i:n], at: i})
			i = n
		}
	}
	p.end = len(strings.TrimRight(s, " \t"))
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// quotedEnd finds the closing quote, past \" and \\; -1 when there is none.
func quotedEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// unquote resolves \" and \\; the offset of another escape is returned, else -1.
func unquote(s string) (string, int) {
	if !strings.Contains(s, `\`) {
		return s, -1
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", i - 1
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), -1
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// parser reads one line.
type parser struct {
	text    string
	toks    []token
	i       int
	end     int // byte offset after the last token
	comment string
	errs    []Error
}

// newParser splits a line; its errors are in the parser.
func newParser(text string) *parser {
	p := new(parser)
	p.begin(text)
	return p
}

// begin is newParser in the memory of the line before.
func (p *parser) begin(text string) {
	*p = parser{text: text, toks: p.toks[:0]}
	if p.fit() {
		p.split()
	}
}

// fit refuses a text that is too long or holds what can't be seen.
func (p *parser) fit() bool {
	if len(p.text) > MaxText {
		p.text = ""
		p.fail(0, fmt.Sprintf("the line is longer than %d bytes", MaxText), "spread it over several sets and rules")
		return false
	}
	i := plain(p.text)
	if i < 0 {
		return true
	}
	r, n := utf8.DecodeRuneInString(p.text[i:])
	what := fmt.Sprintf("character U+%04X can't be seen", r)
	if r == utf8.RuneError && n == 1 {
		what = fmt.Sprintf("byte 0x%02x is not UTF-8", p.text[i])
	}
	p.fail(i, what, "remove it")
	return false
}

// maxErrors of one line: what follows is most likely a consequence, and finding its column costs a look at the line.
const maxErrors = 10

// fail notes an error at a byte offset.
func (p *parser) fail(at int, msg, hint string) {
	if len(p.errs) == maxErrors {
		return
	}
	at = min(at, len(p.text))
	p.errs = append(p.errs, Error{Col: utf8.RuneCountInString(p.text[:at]) + 1, Msg: msg, Hint: hint})
}

// peek returns the next token; at the end of the line one without text.
func (p *parser) peek() token {
	if p.i < len(p.toks) {
		return p.toks[p.i]
	}
	return token{at: p.end}
}

func (p *parser) more() bool { return p.i < len(p.toks) }

// take returns the next token and steps over it.
func (p *parser) take() token {
	t := p.peek()
	if p.more() {
		p.i++
	}
	return t
}

// accept steps over the next token when it is this word or sign.
func (p *parser) accept(word string) bool {
	if p.more() && p.toks[p.i].is(word) {
		p.i++
		return true
	}
	return false
}

// isValue reports whether value would succeed.
func (p *parser) isValue() bool {
	if !p.more() {
		return false
	}
	t := &p.toks[p.i]
	return !t.quoted && t.text != "," && t.text != "{" && t.text != "}" && !isClause(t.text)
}

// value takes a word that is no sign, no quoted text and no keyword of a clause.
func (p *parser) value(what, hint string) (token, bool) {
	t := p.peek()
	switch {
	case !p.more():
		p.fail(t.at, what+" is missing", hint)
	case t.quoted:
		p.fail(t.at, what+" is not quoted", hint)
	case t.text == "," || t.text == "{" || t.text == "}":
		p.fail(t.at, what+" is missing before "+quote(t.text), hint)
	case isClause(t.text):
		p.fail(t.at, what+" is missing before "+quote(t.text), hint)
	default:
		p.i++
		return t, true
	}
	return t, false
}

// CheckText reports what no line of a policy may hold, also where it is kept as it is. nil: nothing.
func CheckText(text string) []Error {
	p := &parser{text: text}
	p.fit()
	return p.errs
}

// Column finds a word in a line, in characters from 1; 1 when it is not there.
func Column(text, word string) int {
	p := newParser(text)
	for _, t := range p.toks {
		if t.is(word) {
			return utf8.RuneCountInString(text[:t.at]) + 1
		}
	}
	return 1
}
