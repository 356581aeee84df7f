// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"slices"
	"strings"
)

// Entry is one parsed line: exactly one of its parts is set.
type Entry struct {
	Rule    *Rule
	Set     *Set
	Default *Default
	Chain   *Chain
	Tunnel  *Tunnel
}

// Reader reads lines one after another; the zero value is ready. It keeps its memory from line to line.
type Reader struct{ p parser }

// Entry reads one line that holds a rule, a set, a default, a tunnel or a chain. All of the line's errors are returned, with Line 0;
// there is no entry then.
func (r *Reader) Entry(text string) (Entry, []Error) {
	p := &r.p
	p.begin(text)
	var e Entry
	if len(p.errs) == 0 {
		e = p.entry()
	}
	if len(p.errs) > 0 {
		return Entry{}, p.errs
	}
	return e, nil
}

// ParseEntry reads one line.
func ParseEntry(text string) (Entry, []Error) { return new(Reader).Entry(text) }

func (p *parser) entry() Entry {
	off := p.accept("off")
	first := p.take()
	switch {
	case first.is("default"):
		return Entry{Default: p.parseDefault(off)}
	case first.is("chain"):
		return Entry{Chain: p.parseChain(off)}
	case first.is("set") && off:
		p.fail(0, "a set can't be off", "switch off the rules that use it")
		return Entry{}
	case first.is("set"):
		return Entry{Set: p.parseSet()}
	case first.is("tunnel"):
		return Entry{Tunnel: p.parseTunnel(off)}
	}
	action, ok := actionOf(first)
	switch {
	case ok:
		return Entry{Rule: p.rule(off, action)}
	case first.is("off"):
		p.fail(first.at, "off is given twice", "keep one of them")
	case first.text == "" && !first.quoted:
		p.fail(first.at, "nothing follows off", "off stands before a rule that is to rest")
	default:
		p.fail(first.at, quote(first.text)+" begins no line", hintAction(first.text))
	}
	return Entry{}
}

func actionOf(t token) (Action, bool) {
	for a := Allow; a <= Count; a++ {
		if t.is(a.String()) {
			return a, true
		}
	}
	return 0, false
}

func hintAction(word string) string {
	for _, same := range []struct{ words, is string }{
		{"drop block reject discard", "deny"}, {"accept permit pass", "allow"}, {"ratelimit meter police", "limit"}, {"log", "count … log"},
		{"counter", "count"},
	} {
		if slices.Contains(strings.Fields(same.words), strings.ToLower(word)) {
			return "write " + same.is
		}
	}
	words := []string{"allow", "deny", "limit", "count", "off", "default", "set", "tunnel", "chain"}
	if near := nearest(word, words); near != "" {
		return "did you mean " + near + "?"
	}
	return "lines begin with allow, deny, limit, count, set, default, tunnel, chain or #"
}

func (p *parser) parseDefault(off bool) *Default {
	d := &Default{Off: off, Comment: p.comment}
	const form = "write default in deny"
	switch t := p.take(); {
	case t.is("in"):
		d.Dir = In
	case t.is("out"):
		d.Dir = Out
	case t.is("allow"), t.is("deny"):
		p.fail(t.at, "default: the direction is missing", "write default in "+t.text+" and default out "+t.text)
		return d
	case t.text == "":
		p.fail(t.at, "default: the direction is missing", form)
		return d
	default:
		p.fail(t.at, "default: "+quote(t.text)+" is no direction", form)
		return d
	}
	t := p.take()
	a, ok := actionOf(t)
	switch {
	case t.text == "":
		p.fail(t.at, "default: the action is missing", form)
	case ok && (a == Allow || a == Deny):
		d.Action = a
		p.done("default")
	case ok:
		p.fail(t.at, "default: "+t.text+" can't be a default", "allow or deny")
	default:
		p.fail(t.at, "default: "+quote(t.text)+" is no action", "allow or deny")
	}
	return d
}

// done refuses what follows a complete line.
func (p *parser) done(what string) {
	if p.more() {
		t := p.peek()
		p.fail(t.at, what+": "+quote(t.text)+" is too much", "a comment begins with #")
	}
}

// clause bits: what a rule may say once.
type clause uint16

const (
	hasDir clause = 1 << iota
	hasProto
	hasFrom
	hasTo
	hasType
	hasEstablished
	hasDev
	hasVLAN
	hasVNI
	hasRate
	hasBurst
	hasLog
	hasExpires
)

// clauses are the words that begin a clause, in the order of the canonical form.
var clauses = []struct {
	word string
	bit  clause
	read func(*parser, *Rule)
}{
	{"in", hasDir, func(_ *parser, r *Rule) { r.Dir = In }},
	{"out", hasDir, func(_ *parser, r *Rule) { r.Dir = Out }},
	{"from", hasFrom, func(p *parser, r *Rule) { r.From = p.side("from") }},
	{"to", hasTo, func(p *parser, r *Rule) { r.To = p.side("to") }},
	{"type", hasType, (*parser).types},
	{"established", hasEstablished, func(_ *parser, r *Rule) { r.Established = true }},
	{"dev", hasDev, (*parser).device},
	{"vlan", hasVLAN, func(p *parser, r *Rule) { r.VLAN = p.tag("vlan", maxVLAN) }},
	{"vni", hasVNI, func(p *parser, r *Rule) { r.VNI = p.tag("vni", maxVNI) }},
	{"rate", hasRate, (*parser).rate},
	{"burst", hasBurst, (*parser).burst},
	{"log", hasLog, (*parser).log},
	{"expires", hasExpires, (*parser).expires},
}

const (
	maxVLAN = 4094
	maxVNI  = 1<<24 - 1
)

// isClause reports whether a word can't be a value because it begins a clause or joins parts of one.
func isClause(word string) bool {
	switch word {
	case "port", "per", "not", "in", "out", "from", "to", "type", "established", "dev", "vlan", "vni", "rate", "burst", "log", "expires":
		return true
	}
	return false
}

// rule reads what follows the action. After an error it goes on with the next clause.
func (p *parser) rule(off bool, action Action) *Rule {
	r := &Rule{Off: off, Action: action, Comment: p.comment}
	var seen clause
	for p.more() && len(p.errs) < maxErrors {
		before := len(p.errs)
		bit := p.clause(r, seen)
		seen |= bit
		if len(p.errs) > before {
			p.skip()
		}
	}
	if len(p.errs) == 0 {
		p.whole(r, seen)
	}
	return r
}

// clause reads one clause and says which.
func (p *parser) clause(r *Rule, seen clause) clause {
	t := p.take()
	twice := func(bit clause, what string) bool {
		if seen&bit == 0 {
			return false
		}
		p.fail(t.at, what+" is given twice", "keep one of them")
		return true
	}
	for i := range clauses {
		c := &clauses[i]
		if !t.is(c.word) {
			continue
		}
		what := c.word
		if c.bit == hasDir {
			what = "the direction"
		}
		if !twice(c.bit, what) {
			c.read(p, r)
		}
		return c.bit
	}
	if not := t.is("not"); !t.quoted && (not || protoByName(t.text) != nil) {
		if !twice(hasProto, "the protocol") {
			p.protocols(r, t, not)
		}
		return hasProto
	}
	p.stray(t)
	return 0
}

// skip goes to the next word that begins a clause.
func (p *parser) skip() {
	for p.more() && (p.peek().quoted || !isClause(p.peek().text) || p.peek().is("port") || p.peek().is("per") || p.peek().is("not")) {
		p.i++
	}
}

// stray says what is wrong with a word that begins nothing.
func (p *parser) stray(t token) {
	_, isAction := actionOf(t)
	switch {
	case t.quoted:
		p.fail(t.at, "quoted text stands alone", `only log takes a label: log "text"`)
	case t.is("port"):
		p.fail(t.at, "port stands alone", "write to any port … or from any port …")
	case t.is("per"):
		p.fail(t.at, "per: without a rate", "write rate 500/s per source burst 100")
	case t.is("proto"):
		p.fail(t.at, `"proto" is not needed`, "write the protocol itself: tcp, udp, 47")
	case isAction:
		p.fail(t.at, "a rule has one action", "begin a new line with "+t.text)
	case t.is("off"):
		p.fail(t.at, "off stands first", "write off before the action")
	case t.is("any"):
		p.fail(t.at, "any stands alone", "write from any, to any, or leave it out")
	case t.is("{"), t.is("}"), t.is("@"):
		p.fail(t.at, quote(t.text)+" has no place in a rule", "define set name { … } and write from @name")
	case t.is(","):
		p.fail(t.at, `"," joins nothing`, "lists are protocols, ports and types: 80,443")
	case looksAddress(t.text):
		p.fail(t.at, quote(t.text)+" stands alone", "write from "+clip(t.text)+" or to "+clip(t.text))
	case digits(t.text):
		p.fail(t.at, "protocol "+clip(t.text)+" is out of range", "0 to 255")
	case strings.HasPrefix(t.text, "#"):
		p.fail(t.at, "a comment ends the line", "put it last")
	default:
		p.fail(t.at, quote(t.text)+" is not known", hintClause(t.text))
	}
}

func clip(word string) string {
	q := quote(word)
	return q[1 : len(q)-1]
}

func hintClause(word string) string {
	for _, same := range []struct{ words, is string }{
		{"src saddr source", "from"}, {"dst daddr dest destination", "to"}, {"dport ports", "to any port …"}, {"sport", "from any port …"},
		{"iif iifname oif oifname interface iface", "dev"}, {"input ingress inbound", "in"}, {"output egress outbound", "out"},
		{"icmp6 ipv6-icmp", "icmpv6"}, {"icmp4", "icmpv4"}, {"related new", "established, or leave it out"}, {"until", "expires"},
		{"ip ip4 inet", "from 0.0.0.0/0 for IPv4 alone"}, {"ip6 inet6", "from ::/0 for IPv6 alone"}, {"!", "not"},
	} {
		if slices.Contains(strings.Fields(same.words), strings.ToLower(word)) {
			return "write " + same.is
		}
	}
	words := []string{"port", "per", "not", "icmp"}
	for _, c := range clauses {
		words = append(words, c.word)
	}
	for _, n := range protoNames {
		words = append(words, n.name)
	}
	if near := nearest(word, words); near != "" {
		return "did you mean " + near + "?"
	}
	return "a rule reads: action, in or out, protocol, from … port …, to … port …, options"
}

// whole checks what one clause asks of another.
func (p *parser) whole(r *Rule, seen clause) {
	action := p.toks[0].at
	if r.Off && len(p.toks) > 1 {
		action = p.toks[1].at
	}
	switch {
	case r.Action == Limit && seen&hasRate == 0:
		p.fail(p.end, "limit: the rate is missing", "add rate 500/s per source burst 100")
	case r.Action != Limit && seen&(hasRate|hasBurst) != 0:
		p.fail(action, fmt.Sprintf("%s takes no rate", r.Action), "write limit … rate …")
	case seen&hasBurst == 0 && r.Action == Limit:
		r.Rate.Burst = defaultBurst(r.Rate)
	}
	for _, e := range []struct {
		end  End
		word string
	}{{r.From, "from"}, {r.To, "to"}} {
		if len(e.end.Ports.List) > 0 && !r.Proto.only(HasPorts) {
			p.fail(p.portAt(e.word), "port: the protocol has none", "write tcp, udp or sctp before it")
		}
	}
	if len(r.Type.List) > 0 {
		p.wholeTypes(r)
	}
}

// portAt finds the port clause of one side.
func (p *parser) portAt(side string) int {
	at := 0
	for i := range p.toks {
		switch t := &p.toks[i]; {
		case t.is(side):
			at = 1
		case at == 1 && t.is("port"):
			return t.at
		}
	}
	return 0
}
