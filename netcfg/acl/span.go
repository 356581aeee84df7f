// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// u128 is an address as a number; IPv4 as ::ffff:a.b.c.d.
type u128 struct{ hi, lo uint64 }

func (a u128) compare(b u128) int {
	return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo))
}

func (a u128) next() u128 {
	a.lo++
	if a.lo == 0 {
		a.hi++
	}
	return a
}

func (a u128) prev() u128 {
	if a.lo == 0 {
		a.hi--
	}
	a.lo--
	return a
}

func numberOf(a netip.Addr) u128 {
	b := a.As16()
	return u128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a u128) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrFrom16(b).Unmap()
}

// span is inclusive; spans are sorted, apart from each other, and cover an address match exactly.
type span struct{ lo, hi u128 }

type spans []span

var (
	everything = span{hi: u128{^uint64(0), ^uint64(0)}}
	mapped     = span{u128{0, 0xffff << 32}, u128{0, 0xffff<<32 | 0xffffffff}} // ::ffff:0:0/96, where IPv4 lives
)

func spanOf(p netip.Prefix) span {
	lo, host := numberOf(p.Addr()), 128-p.Bits()
	if p.Addr().Is4() {
		host = 32 - p.Bits()
	}
	hi := lo
	switch {
	case host == 128:
		hi = everything.hi
	case host >= 64:
		hi.lo, hi.hi = ^uint64(0), lo.hi|(1<<(host-64)-1)
	default:
		hi.lo |= 1<<host - 1
	}
	return span{lo, hi}
}

// join sorts and merges.
func join(list spans) spans {
	slices.SortFunc(list, func(a, b span) int { return a.lo.compare(b.lo) })
	var out spans
	for _, s := range list {
		n := len(out)
		if n > 0 && (out[n-1].hi == everything.hi || s.lo.compare(out[n-1].hi.next()) <= 0) {
			if s.hi.compare(out[n-1].hi) > 0 {
				out[n-1].hi = s.hi
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

func (s spans) complement() spans {
	var out spans
	from := u128{}
	for _, one := range s {
		if one.lo.compare(from) > 0 {
			out = append(out, span{from, one.lo.prev()})
		}
		if one.hi == everything.hi {
			return out
		}
		from = one.hi.next()
	}
	return append(out, span{from, everything.hi})
}

// covers reports whether every address of b is in s.
func (s spans) covers(b spans) bool {
	i := 0
	for _, one := range b {
		for i < len(s) && s[i].hi.compare(one.lo) < 0 {
			i++
		}
		if i == len(s) || s[i].lo.compare(one.lo) > 0 || s[i].hi.compare(one.hi) < 0 {
			return false
		}
	}
	return true
}

// meets reports whether some address is in both.
func (s spans) meets(b spans) bool {
	i := 0
	for _, one := range b {
		for i < len(s) && s[i].hi.compare(one.lo) < 0 {
			i++
		}
		if i < len(s) && s[i].lo.compare(one.hi) <= 0 {
			return true
		}
	}
	return false
}

// spans gives the addresses that one side of a rule matches. An IPv6 prefix leaves out the IPv4-mapped ones.
func (p *Policy) spans(e *End) spans {
	if e.Any() {
		return spans{everything}
	}
	list := p.Sets[e.Set].List
	if e.Set == "" {
		list = []netip.Prefix{e.Prefix}
	}
	var out spans
	for _, one := range list {
		s := spanOf(one)
		if one.Addr().Is4() || s.lo.compare(mapped.lo) > 0 || s.hi.compare(mapped.hi) < 0 {
			out = append(out, s)
			continue
		}
		if s.lo.compare(mapped.lo) < 0 {
			out = append(out, span{s.lo, mapped.lo.prev()})
		}
		if s.hi.compare(mapped.hi) > 0 {
			out = append(out, span{mapped.hi.next(), s.hi})
		}
	}
	out = join(out)
	if e.Not {
		out = out.complement()
	}
	return out
}

// bits is a set of 256 small numbers.
type bits [4]uint64

func (b *bits) add(n uint8) { b[n/64] |= 1 << (n % 64) }

func (b bits) has(n uint8) bool { return b[n/64]>>(n%64)&1 == 1 }

func (b bits) not() bits { return bits{^b[0], ^b[1], ^b[2], ^b[3]} }

func (b bits) covers(c bits) bool {
	for i := range b {
		if c[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

func (p Protos) bits() bits {
	var b bits
	for _, n := range p.List {
		b.add(n)
	}
	if len(p.List) == 0 || p.Not {
		b = b.not()
	}
	return b
}

// bits gives the types of one of the ICMPs.
func (t Types) bits(proto uint8) bits {
	var b bits
	for _, one := range t.List {
		switch {
		case proto == ICMP && one.V4 >= 0:
			b.add(uint8(one.V4))
		case proto == ICMPv6 && one.V6 >= 0:
			b.add(uint8(one.V6))
		}
	}
	if len(t.List) == 0 || t.Not {
		b = b.not()
	}
	return b
}

// ranges gives the ports that match, without not, neighbours joined.
func (p Ports) ranges() []Range {
	if len(p.List) == 0 {
		return []Range{{0, 65535}}
	}
	var out []Range
	for _, r := range p.List {
		if n := len(out); n > 0 && int(r.Lo) == int(out[n-1].Hi)+1 {
			out[n-1].Hi = r.Hi
			continue
		}
		out = append(out, r)
	}
	if !p.Not {
		return out
	}
	var rest []Range
	from := 0
	for _, r := range out {
		if int(r.Lo) > from {
			rest = append(rest, Range{uint16(from), r.Lo - 1})
		}
		from = int(r.Hi) + 1
	}
	if from <= 65535 {
		rest = append(rest, Range{uint16(from), 65535})
	}
	return rest
}

func coversRanges(a, b []Range) bool {
	for _, one := range b {
		if !slices.ContainsFunc(a, func(r Range) bool { return r.Lo <= one.Lo && one.Hi <= r.Hi }) {
			return false
		}
	}
	return true
}
