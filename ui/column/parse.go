// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strconv"
	"strings"
)

// Parse reads a filter over the columns of s. The error is an *Error.
func (s *Set) Parse(text string) (*Filter, error) {
	toks, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := parser{set: s, toks: toks, end: len([]rune(text))}
	if len(toks) == 0 {
		return &Filter{set: s}, nil
	}
	root, err := p.or(0)
	if err == nil && p.i < len(p.toks) {
		err = &Error{Col: p.toks[p.i].col, Msg: "): nothing is open"}
	}
	if err != nil {
		return nil, err
	}
	return &Filter{set: s, root: root}, nil
}

type parser struct {
	set  *Set
	toks []token
	i    int
	end  int // column after the last character
}

// peek returns the next token, or nil at the end.
func (p *parser) peek() *token {
	if p.i < len(p.toks) {
		return &p.toks[p.i]
	}
	return nil
}

func (p *parser) or(depth int) (node, *Error) {
	var alts []node
	for {
		n, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		alts = append(alts, n)
		t := p.peek()
		if t == nil || !isOr(t.word()) {
			return joinOr(alts), nil
		}
		p.i++
	}
}

func (p *parser) and(depth int) (node, *Error) {
	var all []node
	for {
		t := p.peek()
		if t == nil || t.sign == ')' || isOr(t.word()) {
			if len(all) > 0 {
				return joinAnd(all), nil
			}
			return nil, p.missing(t)
		}
		if isAnd(t.word()) && len(all) > 0 {
			p.i++
			if t = p.peek(); t == nil || t.sign == ')' || isOr(t.word()) || isAnd(t.word()) {
				return nil, p.missing(t)
			}
		}
		n, err := p.unary(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
}

func (p *parser) missing(t *token) *Error {
	if t == nil {
		return &Error{Col: p.end, Msg: "filter: something is missing at the end"}
	}
	what := t.word()
	if t.sign != 0 {
		what = string(t.sign)
	}
	return &Error{Col: t.col, Msg: "filter: something is missing before " + what}
}

func (p *parser) unary(depth int) (node, *Error) {
	t := p.peek()
	if depth > maxDepth {
		return nil, &Error{Col: t.col, Msg: "filter: nested deeper than " + strconv.Itoa(maxDepth)}
	}
	if t.sign == '!' || strings.EqualFold(t.word(), "not") && p.i+1 < len(p.toks) {
		p.i++
		if next := p.peek(); next == nil || next.sign == ')' {
			return nil, p.missing(next)
		}
		n, err := p.unary(depth + 1)
		if err != nil {
			return nil, err
		}
		return negate(n), nil
	}
	p.i++
	if t.sign != '(' {
		return p.term(t)
	}
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.peek() == nil {
		return nil, &Error{Col: t.col, Msg: "(: not closed", Hint: "end it with )"}
	}
	p.i++
	return n, nil
}

// term reads field:value, a comparison, the tcpdump forms, or a bare word. t was already taken.
func (p *parser) term(t *token) (node, *Error) {
	col, rest, at, err := p.field(t)
	if err != nil {
		return nil, err
	}
	if col == nil && t.bare {
		if n, done, err := p.tcpdump(t); done {
			return n, err
		}
		if len(t.chars) > 0 && (t.chars[0].r == '>' || t.chars[0].r == '<') {
			col = p.set.Find("pps")
		}
	}
	if col == nil {
		items, err := p.words(t)
		return &term{items: items}, err
	}
	if isComparator(rest) && p.peek() != nil && p.peek().sign == 0 { // "pps > 10k"
		rest = append(rest[:len(rest):len(rest)], p.peek().chars...)
		p.i++
	}
	if len(rest) > 0 && rest[0] == (char{r: '!'}) {
		items, err := p.values(col, rest[1:], at+1)
		return negate(&term{col: col, items: items}), err
	}
	items, err := p.values(col, rest, at)
	return &term{col: col, items: items}, err
}

// field splits "name:value", "name>value" and "name=value" where name is a column's. rest keeps a comparator. at is
// the column where rest begins (quotes and escapes before it make it a guess to the left).
func (p *parser) field(t *token) (col *Column, rest []char, at int, err *Error) {
	for i, c := range t.chars {
		if c.quoted {
			return nil, t.chars, t.col, nil
		}
		switch c.r {
		case ':', '>', '<', '=':
			name := textOf(t.chars[:i])
			if col = p.set.Find(name); col == nil {
				if c.r == ':' && looksLikeName(name) && name != "re" {
					return nil, nil, 0, p.unknown(t.col, name)
				}
				return nil, t.chars, t.col, nil
			}
			if c.r != ':' && !(c.r == '=' && col.Kind.Numeric()) {
				return col, t.chars[i:], t.col + i, nil
			}
			return col, t.chars[i+1:], t.col + i + 1, nil
		}
	}
	if col = p.set.Find(t.word()); col != nil && col.Kind.Numeric() {
		if next := p.peek(); next != nil && next.bare && len(next.chars) > 0 && (next.chars[0].r == '>' || next.chars[0].r == '<') {
			p.i++
			return col, next.chars, next.col, nil
		}
	}
	return nil, t.chars, t.col, nil
}

// tcpdump reads "host X", "src port X" and the like.
func (p *parser) tcpdump(t *token) (node, bool, *Error) {
	name := strings.ToLower(t.word())
	next := p.peek()
	if !isKeyword(name) || next == nil || next.sign != 0 || isOr(next.word()) || isAnd(next.word()) {
		return nil, false, nil
	}
	if name == "src" || name == "dst" {
		switch strings.ToLower(next.word()) {
		case "host", "net":
			p.i++
		case "port":
			p.i++
			name = name[:1] + "port"
		}
		if next = p.peek(); next == nil || next.sign != 0 {
			return nil, true, p.missing(next)
		}
	}
	col := p.set.Find(name)
	if col == nil {
		return nil, false, nil
	}
	p.i++
	items, err := p.values(col, next.chars, next.col)
	return &term{col: col, items: items}, true, err
}

func (p *parser) unknown(at int, name string) *Error {
	e := &Error{Col: at, Msg: name + ": no such column"}
	if near := p.set.nearest(name); near != "" {
		e.Hint = "did you mean " + near + ":?"
	} else {
		e.Hint = "columns: " + strings.Join(p.set.keys(9), " ") + " …"
	}
	return e
}

// keys gives the first n keys.
func (s *Set) keys(n int) []string {
	var out []string
	for i := range s.list[:min(n, len(s.list))] {
		out = append(out, s.list[i].Key)
	}
	return out
}

func isKeyword(w string) bool {
	switch w {
	case "host", "net", "port", "proto", "src", "dst", "vlan":
		return true
	}
	return false
}

func isOr(w string) bool  { return w == "||" || w == "|" || strings.EqualFold(w, "or") }
func isAnd(w string) bool { return w == "&&" || w == "&" || strings.EqualFold(w, "and") }

func isComparator(cs []char) bool {
	switch textOf(cs) {
	case ">", "<", ">=", "<=":
		return !cs[0].quoted
	}
	return false
}

// looksLikeName tells "prot:tcp" (a mistake) from "fe80:" (the beginning of an address).
func looksLikeName(s string) bool {
	hex := true
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F' || r >= '0' && r <= '9' && i > 0:
		case r >= 'g' && r <= 'z' || r >= 'G' && r <= 'Z' || (r == '_' || r == '.') && i > 0:
			hex = false
		default:
			return false
		}
	}
	return s != "" && !hex
}

func negate(n node) node {
	if m, ok := n.(*not); ok {
		return m.of
	}
	return &not{n}
}

func joinAnd(ns []node) node {
	var flat and
	for _, n := range ns {
		if in, ok := n.(and); ok {
			flat = append(flat, in...)
		} else {
			flat = append(flat, n)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func joinOr(ns []node) node {
	var flat or
	for _, n := range ns {
		if in, ok := n.(or); ok {
			flat = append(flat, in...)
		} else {
			flat = append(flat, n)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

// nearest returns the key within two edits of name, or "".
func (s *Set) nearest(name string) string {
	best, at := 3, ""
	for _, c := range s.list {
		for _, k := range append([]string{c.Key}, c.Aliases...) {
			if d := edits(strings.ToLower(name), k); d < best && d < len(k) {
				best, at = d, k
			}
		}
	}
	return at
}

// edits is the Levenshtein distance of two short ASCII words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost = 1 + min(diag, row[j], row[j-1])
			}
			diag, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
