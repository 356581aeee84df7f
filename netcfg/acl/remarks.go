// SPDX-License-Identifier: Apache-2.0

package acl

// remarks says what works as written and may not be what was meant.
func (s *shadows) remarks(f *form, c Circumstances, add func(Kind, int, int, string, ...any)) {
	r := f.rule
	src, dst := s.addresses[f.src].spans, s.addresses[f.dst].spans
	srcOnly, dstOnly := only(src), only(dst)
	switch {
	case srcOnly != 0 && dstOnly != 0 && srcOnly != dstOnly:
		add(Odd, r.Line, 0, "from is IPv%d and to is IPv%d: no real packet is both", srcOnly, dstOnly)
	case max(srcOnly, dstOnly) == 6 && r.Proto.only(func(n uint8) bool { return n == ICMP }):
		add(Odd, r.Line, 0, "ICMP for IPv4 with IPv6 addresses: write icmpv6 or icmp")
	case max(srcOnly, dstOnly) == 4 && r.Proto.only(func(n uint8) bool { return n == ICMPv6 }):
		add(Odd, r.Line, 0, "ICMPv6 with IPv4 addresses: write icmpv4 or icmp")
	}
	if r.blind() && r.Action != Deny && r.Action != Count {
		for _, e := range []End{r.From, r.To} {
			if e.Not && e.Prefix.IsValid() && e.Prefix.Addr().Is4() {
				add(Note, r.Line, 0, "not %s holds for every IPv6 address too", e.Prefix)
			}
		}
	}
	for _, n := range c.NAT {
		s.behind(f, n, add)
	}
}

// only gives the family that all addresses are of, 0 when both are among them.
func only(list spans) int {
	four := spans{mapped}
	switch {
	case len(list) == 0:
		return 0
	case four.covers(list):
		return 4
	case !four.meets(list):
		return 6
	}
	return 0
}

// behind flags a rule whose address only exists on the other side of a translation.
func (s *shadows) behind(f *form, n NAT, add func(Kind, int, int, string, ...any)) {
	inside := spans{spanOf(n.Inside)}
	r, side, when, list := f.rule, "to", "before DNAT", s.addresses[f.dst].spans
	if n.Dir == Out {
		side, when, list = "from", "after SNAT", s.addresses[f.src].spans
	}
	// A rule for more than the inside still has something to match.
	if r.Dir != n.Dir || !inside.covers(list) {
		return
	}
	instead := ""
	if n.Outside.IsValid() {
		instead = ": write " + side + " " + n.Outside.String()
	}
	add(BehindNAT, r.Line, 0, "rules %s see addresses %s, where %s does not appear%s", n.Dir, when, n.Inside, instead)
}
