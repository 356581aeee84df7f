// SPDX-License-Identifier: Apache-2.0

package acltest

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"hooktop/netcfg/acl"
)

// Reach constructs packets for rules out of the rules themselves and of what stands above them: a rule for which it finds
// none is one that no packet outside of a tunnel can reach.
type Reach struct {
	p     *acl.Policy
	devs  []string
	rnd   *rand.Rand
	boxes map[space][]box // of guard lines, then of rules
}

// Fate says what became of a rule's search.
type Fate uint8

const (
	Reached  Fate = iota
	Off           // switched off
	InTunnel      // asks for a VNI
	Shadowed      // what stands above takes all of its packets, or it has none
	Unknown       // the search gave up
)

// NewReach looks at a policy on devices that have these names.
func NewReach(p *acl.Policy, devs []string, rnd *rand.Rand) *Reach {
	return &Reach{p: p, devs: devs, rnd: rnd, boxes: map[space][]box{}}
}

// space is a kind of packets, within which every field is independent of the others.
type space struct {
	six, later, seen bool // seen: the other direction is in the flow table
	class            class
}

type class uint8

const (
	withPorts class = iota
	icmp4
	icmp6
	other
	classes
)

// Fields of a packet, those first in which rules differ most.
const (
	dst = iota
	src
	dport
	proto
	dir
	sport
	kind
	dev
	vlan
	fields
)

// box is the packets of a space that have a number out of each field's ranges; none when a field has none.
type box [fields]ranges

func (b *box) empty() bool {
	return slices.ContainsFunc(b[:], func(r ranges) bool { return len(r) == 0 })
}

func (b *box) meets(o *box) bool {
	for i := range b {
		if !b[i].meets(o[i]) {
			return false
		}
	}
	return true
}

// effort bounds a search.
const effort = 200_000

// Packet constructs a packet that rule i decides or, when it only counts, meets. seen tells that the other direction must
// have been seen.
func (r *Reach) Packet(i int) (k acl.Packet, seen bool, fate Fate) {
	rule := &r.p.Rules[i]
	switch {
	case rule.Off:
		return k, false, Off
	case rule.VNI.ID != 0 && !rule.VNI.Not:
		return k, false, InTunnel
	}
	fate = Shadowed
	for _, sp := range r.spaces() {
		all := r.in(sp)
		own := len(r.p.Guard) + i
		left := effort
		found, ok := search(all[own], all[:own], r.finals(own), &left)
		if ok {
			return r.packet(sp, found), sp.seen, Reached
		}
		if left <= 0 {
			fate = Unknown
		}
	}
	return k, false, fate
}

// spaces are all kinds of packets in a random order, those that need no flow first.
func (r *Reach) spaces() []space {
	var out []space
	for c := range classes {
		for n := range 4 {
			out = append(out, space{six: n&1 == 1, later: n&2 == 2, class: c})
		}
	}
	r.rnd.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for _, sp := range out {
		if sp.seen = true; !sp.later {
			out = append(out, sp)
		}
	}
	return out
}

// finals tells of the n first guard lines and rules which decide.
func (r *Reach) finals(n int) func(int) bool {
	return func(i int) bool {
		return i < n && (i < len(r.p.Guard) || r.p.Rules[i-len(r.p.Guard)].Action.Final())
	}
}

// search finds a part of b that none of the deciding boxes above meets.
func search(b box, above []box, decides func(int) bool, left *int) (box, bool) {
	if *left--; *left < 0 || b.empty() {
		return b, false
	}
	for i := range above {
		if !b.meets(&above[i]) || !decides(i) {
			continue
		}
		// Whoever gets past it differs in some field: in the first one, or not in that but in the second one …
		for f := range fields {
			part := b
			part[f] = b[f].without(above[i][f])
			if len(part[f]) > 0 {
				shifted := func(j int) bool { return decides(j + i + 1) }
				if found, ok := search(part, above[i+1:], shifted, left); ok {
					return found, true
				}
			}
			b[f] = b[f].both(above[i][f])
		}
		return b, false
	}
	return b, true
}

// in gives the boxes of all guard lines and rules in a space.
func (r *Reach) in(sp space) []box {
	if list, ok := r.boxes[sp]; ok {
		return list
	}
	whole := r.whole(sp)
	var list []box
	for i := range r.p.Guard {
		g := &r.p.Guard[i]
		if g.NotIP {
			list = append(list, box{})
			continue
		}
		list = append(list, r.box(sp, &whole, &g.Rule, false))
	}
	for i := range r.p.Rules {
		rule := &r.p.Rules[i]
		list = append(list, r.box(sp, &whole, rule, rule.Action == acl.Allow || rule.Action == acl.Limit))
	}
	r.boxes[sp] = list
	return list
}

// whole is every packet of a space.
func (r *Reach) whole(sp space) box {
	b := box{dir: from(int(acl.In), int(acl.Out)), dev: from(0, len(r.devs)-1), vlan: from(0, 4094), sport: from(0, 0), dport: from(0, 0), kind: from(0, 0)}
	b[src] = ranges{{number{}, number{0, 1<<32 - 1}}}
	if sp.six { // the mapped ones are IPv4
		b[src] = ranges{{number{}, number{0, 0xffff<<32 - 1}}, {number{0, 1 << 48}, number{^uint64(0), ^uint64(0)}}}
	}
	b[dst] = b[src]
	ports := each(acl.TCP, acl.UDP, acl.SCTP)
	switch sp.class {
	case withPorts:
		b[proto] = ports
	case icmp4:
		b[proto] = each(acl.ICMP)
	case icmp6:
		b[proto] = each(acl.ICMPv6)
	default:
		b[proto] = from(0, 255).without(append(ports, each(acl.ICMP, acl.ICMPv6)...).sorted())
		if sp.six {
			b[proto] = b[proto].without(each(0, 43, 44, 50, 51, 59, 60, 135, 139, 140)) // extension headers, or not parsed
		}
	}
	switch {
	case sp.later:
	case sp.class == withPorts:
		b[sport], b[dport] = from(0, 65535), from(0, 65535)
	case sp.class == icmp4 && sp.seen: // only these have answers
		b[kind] = each(0, 8, 13, 14)
	case sp.class == icmp6 && sp.seen:
		b[kind] = each(128, 129)
	case sp.class != other:
		b[kind] = from(0, 255)
	}
	return b
}

// box is the packets of a space that a rule matches; blind: later fragments are its, whatever they do not show.
func (r *Reach) box(sp space, whole *box, rule *acl.Rule, blind bool) box {
	b := *whole
	deep := len(rule.From.Ports.List) > 0 || len(rule.To.Ports.List) > 0 || len(rule.Type.List) > 0 || rule.Established
	if rule.Off || rule.VNI.ID != 0 && !rule.VNI.Not || sp.later && deep && !blind || !sp.later && rule.Established && !sp.seen {
		return box{}
	}
	narrow := func(f int, to ranges, not bool) {
		if not {
			b[f] = b[f].without(to)
		} else {
			b[f] = b[f].both(to)
		}
	}
	if rule.Dir != acl.Both {
		narrow(dir, each(int(rule.Dir)), false)
	}
	if list := rule.Proto.List; len(list) > 0 {
		var to ranges
		for _, n := range list {
			to = append(to, run{small(int(n)), small(int(n))})
		}
		narrow(proto, to.sorted(), rule.Proto.Not)
	}
	for f, e := range map[int]*acl.End{src: &rule.From, dst: &rule.To} {
		if !e.Any() {
			narrow(f, r.addresses(sp.six, e), e.Not)
		}
	}
	if name := rule.Dev.Name; name != "" {
		var to ranges
		if i := slices.Index(r.devs, name); i >= 0 {
			to = each(i)
		}
		narrow(dev, to, rule.Dev.Not)
	}
	if rule.VLAN.ID != 0 {
		narrow(vlan, each(int(rule.VLAN.ID)), rule.VLAN.Not)
	}
	if sp.later {
		return b
	}
	for f, p := range map[int]acl.Ports{sport: rule.From.Ports, dport: rule.To.Ports} {
		if len(p.List) > 0 {
			var to ranges
			for _, one := range p.List {
				to = append(to, run{small(int(one.Lo)), small(int(one.Hi))})
			}
			narrow(f, to.sorted(), p.Not)
		}
	}
	if len(rule.Type.List) > 0 {
		narrow(kind, kindsOf(sp.class, rule.Type), rule.Type.Not)
	}
	return b
}

// kindsOf gives the numbers that a class of packets has for a list of types.
func kindsOf(c class, t acl.Types) ranges {
	var list []int
	for _, one := range t.List {
		switch n := [...]int16{icmp4: one.V4, icmp6: one.V6, other: -1}[c]; {
		case c != withPorts && n >= 0:
			list = append(list, int(n))
		}
	}
	return each(list...)
}

func (r *Reach) addresses(six bool, e *acl.End) ranges {
	list := r.p.Sets[e.Set].List
	if e.Set == "" {
		list = []netip.Prefix{e.Prefix}
	}
	var out ranges
	for _, p := range list {
		if p.Addr().Is6() != six {
			continue
		}
		lo, host := numberOf(p.Addr()), p.Addr().BitLen()-p.Bits()
		hi := lo
		switch {
		case host >= 64:
			hi.lo, hi.hi = ^uint64(0), lo.hi|(1<<(host-64)-1)
		default:
			hi.lo |= 1<<host - 1
		}
		out = append(out, run{lo, hi})
	}
	return out.sorted()
}

// packet is one out of a box.
func (r *Reach) packet(sp space, b box) acl.Packet {
	n := func(f int) int { return int(b[f].pick(r.rnd).lo) }
	k := acl.Packet{
		Dir: acl.Dir(n(dir)), Dev: r.devs[n(dev)], Proto: uint8(n(proto)), VLAN: uint16(n(vlan)), Type: uint8(n(kind)),
		SPort: uint16(n(sport)), DPort: uint16(n(dport)), Src: b[src].pick(r.rnd).addr(sp.six), Dst: b[dst].pick(r.rnd).addr(sp.six),
	}
	switch {
	case sp.later:
		k.Frag = acl.Later
	case r.rnd.IntN(8) == 0:
		k.Frag = acl.First
	}
	return k
}
