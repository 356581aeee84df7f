// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"math/rand/v2"
	"net/netip"
)

// Sampler makes packets from the boundaries of rules: the first and last address, port and type that a rule matches, their
// neighbours outside, and what other rules name. The same seed gives the same packets.
type Sampler struct {
	rnd       *rand.Rand
	addrs     [2][]netip.Addr // IPv4, IPv6
	ports     []uint16
	protos    []uint8
	devs      []string
	vlans     []uint16
	vnis      []uint32
	policy    *Policy
	spans     map[string]spans
	addresses int // so many were offered to the pools
}

// maxPool bounds each pool of values; those of later rules take the place of earlier ones by chance.
const maxPool = 512

// NewSampler collects the boundaries of policies. Packets are made for the rules of the first.
func NewSampler(seed uint64, policies ...*Policy) *Sampler {
	s := &Sampler{rnd: rand.New(rand.NewPCG(seed, 0)), policy: policies[0], spans: map[string]spans{},
		ports: []uint16{0, 1, 22, 53, 443, 49152, 65535}, protos: []uint8{ICMP, TCP, UDP, ICMPv6, SCTP, 47},
		devs: []string{"eth0"}, vlans: []uint16{0}, vnis: []uint32{0}}
	for _, text := range []string{"10.0.0.1", "192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::1", "::", "fe80::1"} {
		s.pool(netip.MustParseAddr(text))
	}
	for _, p := range policies {
		for i := range p.Rules {
			s.collect(p, &p.Rules[i])
		}
	}
	return s
}

func (s *Sampler) pool(a netip.Addr) {
	family := 0
	if a.Is6() {
		family = 1
	}
	s.addresses++
	if list := s.addrs[family]; len(list) < maxPool {
		s.addrs[family] = append(list, a)
	} else if at := s.rnd.IntN(s.addresses); at < maxPool {
		list[at] = a
	}
}

func (s *Sampler) collect(p *Policy, r *Rule) {
	for _, e := range []*End{&r.From, &r.To} {
		for _, one := range s.first(p.spans(e)) {
			s.pool(one.lo.addr())
			s.pool(one.hi.addr())
			s.pool(one.lo.prev().addr())
			s.pool(one.hi.next().addr())
		}
		for _, one := range e.Ports.List {
			s.ports = keep(s.ports, one.Lo, one.Hi, one.Lo-1, one.Hi+1)
		}
	}
	s.protos = keep(s.protos, r.Proto.List...)
	if r.Dev.Name != "" {
		s.devs = keep(s.devs, r.Dev.Name)
	}
	s.vlans = keep(s.vlans, uint16(r.VLAN.ID))
	s.vnis = keep(s.vnis, r.VNI.ID)
}

// first leaves it at a few spans of a large set.
func (s *Sampler) first(list spans) spans { return list[:min(len(list), 8)] }

func keep[T comparable](list []T, more ...T) []T {
	if len(list) > maxPool {
		return list
	}
	return append(list, more...)
}

func one[T any](s *Sampler, list []T) T { return list[s.rnd.IntN(len(list))] }

// Any makes a packet from all that the pools hold.
func (s *Sampler) Any() Packet {
	k := s.fresh(s.rnd.IntN(2))
	k.Proto = one(s, s.protos)
	s.carry(&k, nil)
	return k
}

func (s *Sampler) fresh(family int) Packet {
	list := s.addrs[family]
	return Packet{Dir: In + Dir(s.rnd.IntN(2)), Dev: one(s, s.devs), Src: one(s, list), Dst: one(s, list), VLAN: one(s, s.vlans), VNI: one(s, s.vnis)}
}

// For makes a packet for a rule of the first policy: most of it inside the rule, some of it just outside.
func (s *Sampler) For(r *Rule) Packet {
	src, dst := s.spansOf(&r.From), s.spansOf(&r.To)
	k := s.fresh(s.family(src, dst))
	if s.often() && r.Dir != Both {
		k.Dir = r.Dir
	}
	if s.often() && len(src) > 0 && !r.From.Any() {
		k.Src = s.within(src)
	}
	if s.often() && len(dst) > 0 && !r.To.Any() {
		k.Dst = s.within(dst)
	}
	if k.Proto = one(s, s.protos); s.often() && len(r.Proto.List) > 0 && !r.Proto.Not {
		k.Proto = one(s, r.Proto.List)
	}
	if s.often() && r.Dev.Name != "" && !r.Dev.Not {
		k.Dev = r.Dev.Name
	}
	if s.often() && r.VLAN.ID != 0 && !r.VLAN.Not {
		k.VLAN = uint16(r.VLAN.ID)
	}
	if s.often() && r.VNI.ID != 0 && !r.VNI.Not {
		k.VNI = r.VNI.ID
	}
	s.carry(&k, r)
	return k
}

func (s *Sampler) often() bool { return s.rnd.IntN(16) != 0 }

// family chooses one that both sides have.
func (s *Sampler) family(src, dst spans) int {
	switch {
	case only(src) == 6 || only(dst) == 6:
		return 1
	case only(src) == 4 || only(dst) == 4:
		return 0
	}
	return s.rnd.IntN(2)
}

// spansOf keeps what sets and inversions come to: it costs more than the packet.
func (s *Sampler) spansOf(e *End) spans {
	bare := End{Not: e.Not, Prefix: e.Prefix, Set: e.Set}
	key := string(bare.words(nil, ""))
	list, ok := s.spans[key]
	if !ok {
		list = s.policy.spans(e)
		s.spans[key] = list
	}
	return list
}

func (s *Sampler) within(list spans) netip.Addr {
	in := one(s, list)
	switch s.rnd.IntN(3) {
	case 0:
		return in.lo.addr()
	case 1:
		return in.hi.addr()
	}
	// Within /64 of the last one: enough for IPv4, and a step inside for IPv6.
	mid := in.hi
	if span := in.hi.lo - in.lo.lo; in.hi.hi == in.lo.hi && span != 0 {
		mid.lo = in.lo.lo + s.rnd.Uint64N(span)
	}
	return mid.addr()
}

// carry fills what the packet's protocol has, and makes a fragment of some.
func (s *Sampler) carry(k *Packet, r *Rule) {
	if s.rnd.IntN(8) == 0 {
		k.Frag = First + Frag(s.rnd.IntN(2))
	}
	switch {
	case k.Frag == Later:
	case HasPorts(k.Proto):
		k.SPort, k.DPort = one(s, s.ports), one(s, s.ports)
		if r != nil {
			k.SPort, k.DPort = s.port(r.From.Ports, k.SPort), s.port(r.To.Ports, k.DPort)
		}
	case isICMP(k.Proto):
		k.Type = uint8(s.rnd.IntN(256))
		if t := one(s, typeNames); s.often() {
			k.Type = typeOf(t.ICMPType, k.Proto, k.Type)
		}
		if r != nil && s.often() && len(r.Type.List) > 0 && !r.Type.Not {
			k.Type = typeOf(one(s, r.Type.List), k.Proto, k.Type)
		}
	}
}

func (s *Sampler) port(p Ports, other uint16) uint16 {
	if len(p.List) == 0 || !s.often() {
		return other
	}
	list := p.ranges()
	if len(list) == 0 {
		return other
	}
	r := one(s, list)
	return [...]uint16{r.Lo, r.Hi, r.Lo + uint16(s.rnd.IntN(int(r.Hi-r.Lo)+1))}[s.rnd.IntN(3)]
}

func typeOf(t ICMPType, proto, other uint8) uint8 {
	switch {
	case proto == ICMP && t.V4 >= 0:
		return uint8(t.V4)
	case proto == ICMPv6 && t.V6 >= 0:
		return uint8(t.V6)
	}
	return other
}
