// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"slices"
	"strings"
)

// Known is what the editor may offer beside the words of the language.
type Known struct {
	Sets    []string // names, without @
	Devices []string
	Traffic []string // addresses seen, most traffic first
}

// Complete offers what may stand at the end of text: the words replace text[from:]. Those that begin with what is typed come
// in the order of the canonical form; none means that anything may follow, or nothing.
func Complete(text string, known Known) (from int, words []string) {
	p := newParser(text)
	if len(p.errs) > 0 || p.comment != "" {
		return len(text), nil
	}
	typed := ""
	from = len(text)
	if n := len(p.toks); n > 0 && !blank(text[len(text)-1]) && !p.toks[n-1].quoted && !strings.Contains("{},", p.toks[n-1].text) {
		typed, from = p.toks[n-1].text, p.toks[n-1].at
		p.toks = p.toks[:n-1]
	}
	for _, w := range p.next(known) {
		if strings.HasPrefix(w, typed) && w != typed {
			words = append(words, w)
		}
	}
	return from, words
}

// next lists what may follow the tokens.
func (p *parser) next(known Known) []string {
	line := []string{"allow", "deny", "limit", "count", "off", "default", "set", "tunnel", "chain"}
	toks := p.toks
	if len(toks) > 0 && toks[0].is("off") {
		toks = toks[1:]
		line = []string{"allow", "deny", "limit", "count", "default", "tunnel", "chain"}
	}
	if len(toks) == 0 {
		return line
	}
	if toks[0].is("default") {
		return [][]string{1: {"in", "out"}, 2: {"allow", "deny"}, 3: nil}[min(len(toks), 3)]
	}
	if toks[0].is("chain") {
		return chainNext(toks, known)
	}
	if toks[0].is("tunnel") {
		return tunnelNext(toks, known)
	}
	action, ok := actionOf(toks[0])
	if !ok {
		return nil
	}
	last := toks[len(toks)-1]
	if words, ok := asked(toks, last, known); ok {
		return words
	}
	return rest(toks, action)
}

// asked lists what the last token asks for; false: it asks for nothing.
func asked(toks []token, last token, known Known) ([]string, bool) {
	before := token{}
	if len(toks) > 1 {
		before = toks[len(toks)-2]
	}
	if last.quoted {
		return nil, false
	}
	side := func(t token) bool { return t.is("from") || t.is("to") }
	switch last.text {
	case "from", "to":
		return append(append([]string{"any", "not"}, sets(known)...), known.Traffic...), true
	case "not":
		switch {
		case side(before):
			return append(sets(known), known.Traffic...), true
		case before.is("dev"):
			return known.Devices, true
		case before.is("type"):
			return types(toks), true
		case before.is("port"), before.is("vlan"), before.is("vni"):
			return nil, true
		}
		return protocolWords(), true
	case "type":
		return append([]string{"not"}, types(toks)...), true
	case "dev":
		return append([]string{"not"}, known.Devices...), true
	case "port", "vlan", "vni":
		return []string{"not"}, true
	case "rate":
		return []string{"500/s"}, true
	case "per":
		return []string{"source"}, true
	case "burst":
		return []string{"100"}, true
	case "expires":
		return []string{"15m", "1h", "1d"}, true
	case ",":
		return nil, true
	}
	if before.is("rate") {
		return []string{"per"}, true
	}
	return nil, false
}

func sets(known Known) []string {
	var out []string
	for _, name := range known.Sets {
		out = append(out, "@"+name)
	}
	return out
}

// types lists those that the rule's protocol has.
func types(toks []token) []string {
	p := Protos{List: []uint8{ICMP, ICMPv6}}
	for i := 1; i < len(toks); i++ {
		if list := protoByName(toks[i].text); list != nil && !isValue(toks, i) {
			p.List = list
		}
	}
	var out []string
	for _, t := range typeNames {
		if one := t.of(p); one.V4 >= 0 || one.V6 >= 0 {
			out = append(out, t.name)
		}
	}
	return out
}

func protocolWords() []string {
	out := []string{"tcp", "udp", "icmp"}
	for _, n := range protoNames {
		if !slices.Contains(out, n.name) {
			out = append(out, n.name)
		}
	}
	return out
}

// rest lists the clauses that a rule does not have yet.
func rest(toks []token, action Action) []string {
	var seen clause
	protocol := ""
	for i := 1; i < len(toks); i++ {
		switch t := toks[i]; {
		case isValue(toks, i):
		case protoByName(t.text) != nil:
			seen |= hasProto
			if !toks[i-1].is("not") {
				protocol = t.text
			}
		default:
			for _, c := range clauses {
				if t.is(c.word) {
					seen |= c.bit
				}
			}
		}
	}
	var out []string
	if endsAddress(toks) && protocol != "" && HasPorts(protoByName(protocol)[0]) {
		out = append(out, "port")
	}
	for _, c := range clauses {
		switch {
		case seen&c.bit != 0,
			c.bit == hasType && !strings.HasPrefix(protocol, "icmp"),
			c.bit&(hasRate|hasBurst) != 0 && action != Limit:
			continue
		}
		out = append(out, c.word)
		if c.word == "out" && seen&hasProto == 0 {
			out = append(out, protocolWords()...)
		}
	}
	if seen&hasDir != 0 && seen&hasProto == 0 {
		out = append(protocolWords(), out...)
	}
	return out
}

// endsAddress reports whether the last token is an address after from or to.
func endsAddress(toks []token) bool {
	n := len(toks)
	if n < 2 {
		return false
	}
	before := toks[n-2]
	if before.is("not") && n > 2 {
		before = toks[n-3]
	}
	return before.is("from") || before.is("to")
}

// isValue reports whether a token stands where a clause wants a value, or is no word.
func isValue(toks []token, i int) bool {
	before := toks[i-1]
	if before.is("not") && i > 1 {
		before = toks[i-2]
	}
	switch {
	case toks[i].quoted, before.is(","):
		return true
	case before.quoted:
		return false
	}
	switch before.text {
	case "from", "to", "port", "type", "dev", "vlan", "vni", "rate", "burst", "expires":
		return !toks[i].is("not")
	}
	return false
}
