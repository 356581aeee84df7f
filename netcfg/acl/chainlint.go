// SPDX-License-Identifier: Apache-2.0

package acl

import "slices"

// chainRemarks says what is suspicious about chains.
func chainRemarks(p *Policy, c Circumstances, add func(Kind, int, int, string, ...any)) {
	for i := range p.Chains {
		ch := &p.Chains[i]
		if ch.Off {
			continue
		}
		for _, dev := range ch.Devices() {
			if c.Devices != nil && !slices.Contains(c.Devices, dev) {
				add(Note, ch.Line, 0, "chain %s: %s is not watched: what arrives there is not marked", ch.Name, dev)
			}
		}
		for j := range p.Chains[:i] {
			if o := &p.Chains[j]; !o.Off && p.takes(o, ch) {
				add(Shadowed, ch.Line, o.Line, "never reached: chain %s of line %d takes all of its packets", o.Name, o.Line)
				break
			}
		}
	}
}

// takes reports whether every packet of chain b is chain a's, as far as one comparison of their first legs tells.
func (p *Policy) takes(a, b *Chain) bool {
	s := newShadows(p)
	ra, rb := a.rule(false, a.In), b.rule(false, b.In)
	f, g := s.form(&ra), s.form(&rb)
	return a.In == b.In && s.addresses[f.src].spans.covers(s.addresses[g.src].spans) &&
		s.addresses[f.dst].spans.covers(s.addresses[g.dst].spans) && f.rest(g)
}

// ChainClash says why two chains can't stand in one policy, "" when they can.
func ChainClash(a, b *Chain) (msg, hint string) {
	switch {
	case a.Off || b.Off:
	case a.Name == b.Name:
		return "chain " + b.Name + " is made twice", "rename one, or join them"
	case a.Meets(b):
		return "chains " + a.Name + " and " + b.Name + " can't be told apart by " + a.Marking() + " and " + b.Marking(), "give " + b.Name + " a mark of its own"
	}
	return "", ""
}
