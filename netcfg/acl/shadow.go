// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"net/netip"
	"time"
)

// form is a rule in a shape whose parts can be compared.
type form struct {
	rule         *Rule
	n            int // place in the list
	src, dst     int // index of shadows.addresses
	protos       bits
	sport, dport []Range
	t4, t6       bits
}

// shadows finds the earlier rule that takes all packets of a later one. Address matches are interned, and rules found by
// the pair of theirs, so that ten thousand rules do not compare each with each.
type shadows struct {
	p         *Policy
	addresses []addressMatch
	index     map[string]int
	prefixes  map[netip.Prefix]int
	wide      []int // sets, and whatever is inverted; at most maxWide
	any       int
	earlier   map[[2]int][]*form
}

type addressMatch struct {
	spans spans
	above []int // the matches that cover this one, as far as known; computed once
	known bool
}

// maxWide bounds the comparison of sets with sets. Beyond it some shadows are not found; none is made up.
const maxWide = 256

func newShadows(p *Policy) *shadows {
	s := &shadows{p: p, index: map[string]int{}, prefixes: map[netip.Prefix]int{}, earlier: map[[2]int][]*form{}}
	s.any = s.intern(&End{})
	return s
}

func (s *shadows) intern(e *End) int {
	bare := End{Not: e.Not, Prefix: e.Prefix, Set: e.Set}
	key := string(bare.words(nil, " "))
	if i, ok := s.index[key]; ok {
		return i
	}
	i := len(s.addresses)
	s.index[key] = i
	s.addresses = append(s.addresses, addressMatch{spans: s.p.spans(e)})
	switch {
	case e.Any():
	case e.Set == "" && !e.Not:
		s.prefixes[e.Prefix] = i
	case len(s.wide) < maxWide:
		s.wide = append(s.wide, i)
	}
	return i
}

func (s *shadows) form(r *Rule) *form {
	return &form{rule: r, src: s.intern(&r.From), dst: s.intern(&r.To), protos: r.Proto.bits(), sport: r.From.Ports.ranges(),
		dport: r.To.Ports.ranges(), t4: r.Type.bits(ICMP), t6: r.Type.bits(ICMPv6)}
}

// above lists the address matches that cover match i.
func (s *shadows) above(i int) []int {
	m := &s.addresses[i]
	if m.known {
		return m.above
	}
	m.known = true
	m.above = []int{i}
	add := func(j int) {
		if j != i && s.addresses[j].spans.covers(m.spans) {
			m.above = append(m.above, j)
		}
	}
	add(s.any)
	for _, j := range s.wide {
		add(j)
	}
	if len(m.spans) > 0 {
		for _, p := range ancestors(m.spans[0].lo.addr(), m.spans[len(m.spans)-1].hi.addr()) {
			if j, ok := s.prefixes[p]; ok {
				add(j)
			}
		}
	}
	return m.above
}

// ancestors gives the prefixes that hold both addresses, the longest first.
func ancestors(lo, hi netip.Addr) []netip.Prefix {
	var out []netip.Prefix
	for n := lo.BitLen(); n >= 0 && lo.BitLen() == hi.BitLen(); n-- {
		if p, err := lo.Prefix(n); err == nil && p.Contains(hi) {
			out = append(out, p)
		}
	}
	return out
}

// all interns the addresses of every rule first: what covers a match is then known when it is asked.
func (s *shadows) all(rules []Rule) []*form {
	forms := make([]*form, len(rules))
	for i := range rules {
		forms[i] = s.form(&rules[i])
		forms[i].n = i
	}
	return forms
}

// of gives the first of the rules added so far that takes all of f's packets, nil when none does.
func (s *shadows) of(f *form) *Rule {
	var best *form
	for _, src := range s.above(f.src) {
		for _, dst := range s.above(f.dst) {
			for _, g := range s.earlier[[2]int{src, dst}] {
				if best != nil && g.n >= best.n {
					break
				}
				if g.covers(f) {
					best = g
					break
				}
			}
		}
	}
	if best == nil {
		return nil
	}
	return best.rule
}

func (s *shadows) add(f *form) {
	key := [2]int{f.src, f.dst}
	s.earlier[key] = append(s.earlier[key], f)
}

// covers reports whether g, whose addresses cover f's, takes every packet that f would: while f stands, whole packets and
// fragments.
func (g *form) covers(f *form) bool {
	a, b := g.rule, f.rule
	return a.passesLater(b) && g.rest(f) && outlasts(a.Expires, b.Expires)
}

// rest compares everything but addresses, fragments and time.
func (g *form) rest(f *form) bool {
	a, b := g.rule, f.rule
	switch {
	case a.Dir != Both && a.Dir != b.Dir,
		a.Established && !b.Established,
		!g.protos.covers(f.protos),
		!coversRanges(g.sport, f.sport) || !coversRanges(g.dport, f.dport),
		f.protos.has(ICMP) && !g.t4.covers(f.t4),
		f.protos.has(ICMPv6) && !g.t6.covers(f.t6),
		!a.VLAN.covers(b.VLAN) || !a.VNI.covers(b.VNI),
		!a.Dev.covers(b.Dev):
		return false
	}
	return true
}

// blind reports whether a later fragment whose addresses and protocol fit is the rule's.
func (r *Rule) blind() bool { return r.Action == Allow || r.Action == Limit || !r.deep() }

// passesLater reports whether a takes the later fragments that b takes, as far as ports, types and flows go.
func (a *Rule) passesLater(b *Rule) bool { return a.blind() || !b.blind() }

func (t Tag) covers(u Tag) bool {
	switch {
	case t.ID == 0:
		return true
	case u.ID == 0:
		return false
	case t.Not && u.Not, !t.Not && !u.Not:
		return t.ID == u.ID
	}
	return t.Not && t.ID != u.ID
}

func (d Device) covers(e Device) bool {
	switch {
	case d.Name == "":
		return true
	case e.Name == "":
		return false
	case d.Not == e.Not:
		return d.Name == e.Name
	}
	return d.Not && d.Name != e.Name
}

// outlasts reports whether a rule stands at least as long as another.
func outlasts(a, b Expiry) bool {
	switch {
	case a.Never():
		return true
	case !a.At.IsZero() && !b.At.IsZero():
		return !b.At.After(a.At)
	}
	return a.After > 0 && b.After > 0 && b.After <= a.After
}

// ended reports whether a rule has no part in decisions at now; the zero time means that nothing has ended.
func (r *Rule) ended(now time.Time) bool { return r.Off || !now.IsZero() && r.Expires.Passed(now) }
