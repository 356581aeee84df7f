// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"net/netip"
	"slices"
	"time"
)

// The oracle: what the rules mean, written to be read and not to be fast. Kernel, compiler and explain are compared
// with it.

// Frag says which part of an IP packet a packet is.
type Frag uint8

const (
	Whole Frag = iota
	First      // first fragment: it carries the L4 header
	Later      // any other fragment: neither ports nor ICMP type
)

// Packet is what the pipeline's parser knows of a frame.
type Packet struct {
	Dir          Dir // In or Out
	Dev          string
	Src, Dst     netip.Addr // IPv4-mapped ones are their IPv4 selves
	Proto        uint8
	SPort, DPort uint16 // 0 unless HasPorts(Proto) and Frag != Later
	Type, Code   uint8  // of both ICMPs, unless Frag == Later
	Frag         Frag
	VLAN         uint16 // outermost tag that is not 0, 0: untagged
	VNI          uint32 // 0: not inside a tunnel
	NotIP        bool   // ARP, LLDP …: nothing of the above but Dir and Dev
	Malformed    bool   // could not be parsed: likewise
}

// Tuple names one direction of a flow for established. The tunnel that a packet came in is not part of it: answers to what was
// unwrapped are sent without one.
type Tuple struct {
	Src, Dst     netip.Addr
	SPort, DPort uint16 // ICMP: type and code in SPort, as in the flow table
	Proto        uint8
}

// Bucket names one token bucket.
type Bucket struct {
	Rule int // index in Policy.Rules
	Src  netip.Addr
}

// State is what decisions depend on beside rules and packet.
type State struct {
	Now     time.Time
	Flows   map[Tuple]bool       // allowed packets seen, either direction, any device
	Buckets map[Bucket]time.Time // when the bucket is full again
}

// NewState makes an empty state.
func NewState(now time.Time) *State {
	return &State{Now: now, Flows: map[Tuple]bool{}, Buckets: map[Bucket]time.Time{}}
}

// By says what decided a packet.
type By uint8

const (
	ByDefault By = iota
	ByRule
	ByGuard
	ByTunnel // decides nothing: the counters of a tunnel line
)

// Decision is what becomes of a packet, and why.
type Decision struct {
	Verdict Action // Allow or Deny
	By      By
	Index   int   // of the deciding rule or guard line; -1: the default decided
	Line    int   // of the deciding rule or default entry; 0: guard, or a default that no line sets
	Counted []int // indexes of the count rules that were passed
	Limited bool  // a limit rule's bucket was empty
	Leg     LegOf // whose mark an allowed packet gets
}

// LegOf names a leg of a policy's chains.
type LegOf struct {
	Chain int // index in Policy.Chains, plus one; 0: none
	Kind  LegKind
}

// Evaluate decides one packet and takes the tokens that it costs. A nil state has no flows and full buckets, and no rule
// has expired.
func Evaluate(p *Policy, k Packet, s *State) Decision {
	d := decide(p, k, s)
	if d.Verdict == Allow {
		d.Leg = Marked(p, k)
	}
	return d
}

func decide(p *Policy, k Packet, s *State) Decision {
	k.Src, k.Dst = k.Src.Unmap(), k.Dst.Unmap()
	for i := range p.Guard {
		if p.Guard[i].matches(p, &k) {
			return Decision{Verdict: Allow, By: ByGuard, Index: i}
		}
	}
	var counted []int
	if !k.NotIP && !k.Malformed {
		for i := range p.Rules {
			r := &p.Rules[i]
			if r.Off || s != nil && r.Expires.Passed(s.Now) || !p.matches(r, &k, s, r.Action == Allow || r.Action == Limit) {
				continue
			}
			d := Decision{Verdict: r.Action, By: ByRule, Index: i, Line: r.Line, Counted: counted}
			switch r.Action {
			case Count:
				counted = append(counted, i)
				continue
			case Limit:
				d.Verdict = Allow
				if !s.token(i, r, k.Src) {
					d.Verdict, d.Limited = Deny, true
				}
			}
			return d
		}
	}
	verdict, line := p.Default(k.Dir)
	return Decision{Verdict: verdict, By: ByDefault, Index: -1, Line: line, Counted: counted}
}

// Denied finds when a packet is denied first, now or once rules have ended that let it pass. False: it never is.
func Denied(p *Policy, k Packet, s *State) (d Decision, at time.Time, denied bool) {
	rest, then := *p, *s
	for from := 0; ; {
		d = Evaluate(&rest, k, &then)
		if d.By == ByRule {
			d.Index += from
		}
		if d.Verdict == Deny {
			return d, then.Now, true
		}
		if d.By != ByRule || p.Rules[d.Index].Expires.At.IsZero() {
			return d, then.Now, false
		}
		// Rules begin at no time: those above go on having no part in it.
		then.Now, from = p.Rules[d.Index].Expires.At, d.Index+1
		rest.Rules = p.Rules[from:]
	}
}

// Step evaluates a packet and remembers it for established when it was allowed.
func (s *State) Step(p *Policy, k Packet) Decision {
	d := Evaluate(p, k, s)
	if d.Verdict == Allow {
		s.Saw(k)
	}
	return d
}

// Saw remembers an allowed packet.
func (s *State) Saw(k Packet) {
	if !k.NotIP && !k.Malformed && k.Frag != Later {
		s.Flows[k.tuple()] = true
	}
}

// matches asks every clause. A later fragment shows neither ports nor ICMP type, nor is its flow known: blind is what a
// clause that asks for them answers. Rules that let packets through take a later fragment for theirs, others pass it
// over. The datagram needs its first fragment to be put together, and that one is judged by all of its fields: a denied
// datagram stays denied, an allowed one arrives whole.
func (p *Policy) matches(r *Rule, k *Packet, s *State, blind bool) bool {
	if r.Dir != Both && r.Dir != k.Dir {
		return false
	}
	if len(r.Proto.List) > 0 && slices.Contains(r.Proto.List, k.Proto) == r.Proto.Not {
		return false
	}
	if !p.address(&r.From, k.Src) || !p.address(&r.To, k.Dst) {
		return false
	}
	if r.Dev.Name != "" && (r.Dev.Name == k.Dev) == r.Dev.Not {
		return false
	}
	if !r.VLAN.matches(uint32(k.VLAN)) || !r.VNI.matches(k.VNI) {
		return false
	}
	if k.Frag == Later {
		return blind || !r.deep()
	}
	return r.From.Ports.matches(k.SPort) && r.To.Ports.matches(k.DPort) && r.Type.matches(k) && (!r.Established || s.established(k))
}

// deep reports whether the rule asks for what later fragments do not show.
func (r *Rule) deep() bool {
	return len(r.From.Ports.List) > 0 || len(r.To.Ports.List) > 0 || len(r.Type.List) > 0 || r.Established
}

func (p *Policy) address(e *End, a netip.Addr) bool {
	if e.Any() {
		return true
	}
	list := p.Sets[e.Set].List
	if e.Set == "" {
		list = []netip.Prefix{e.Prefix}
	}
	inside := slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
	return inside != e.Not
}

func (t Tag) matches(id uint32) bool { return t.ID == 0 || (t.ID == id) != t.Not }

func (p Ports) matches(port uint16) bool {
	if len(p.List) == 0 {
		return true
	}
	inside := slices.ContainsFunc(p.List, func(r Range) bool { return r.Lo <= port && port <= r.Hi })
	return inside != p.Not
}

func (t Types) matches(k *Packet) bool {
	if len(t.List) == 0 {
		return true
	}
	inside := slices.ContainsFunc(t.List, func(one ICMPType) bool {
		return k.Proto == ICMP && int(one.V4) == int(k.Type) || k.Proto == ICMPv6 && int(one.V6) == int(k.Type)
	})
	return inside != t.Not
}

// token takes one from the source's bucket.
func (s *State) token(rule int, r *Rule, src netip.Addr) bool {
	if s == nil {
		return true
	}
	key, cost := Bucket{rule, src}, r.Rate.Cost()
	full := s.Buckets[key]
	if full.Before(s.Now) {
		full = s.Now
	}
	if full.Add(cost).Sub(s.Now) > time.Duration(r.Rate.Burst)*cost {
		return false
	}
	s.Buckets[key] = full.Add(cost)
	return true
}

// established reports whether an allowed packet of the reverse tuple was seen.
func (s *State) established(k *Packet) bool {
	if s == nil {
		return false
	}
	t, ok := k.tuple().reverse()
	return ok && s.Flows[t]
}

func (k *Packet) tuple() Tuple {
	t := Tuple{Src: k.Src.Unmap(), Dst: k.Dst.Unmap(), Proto: k.Proto}
	switch {
	case isICMP(k.Proto):
		t.SPort = uint16(k.Type)<<8 | uint16(k.Code)
	case HasPorts(k.Proto):
		t.SPort, t.DPort = k.SPort, k.DPort
	}
	return t
}

// reverse gives the tuple of the answers. Of the ICMPs only echo and timestamp have any.
func (t Tuple) reverse() (Tuple, bool) {
	t.Src, t.Dst = t.Dst, t.Src
	t.SPort, t.DPort = t.DPort, t.SPort
	if !isICMP(t.Proto) {
		return t, true
	}
	kind := t.DPort
	t.DPort = 0
	for _, pair := range [][3]uint16{{ICMP, 8, 0}, {ICMP, 13, 14}, {ICMPv6, 128, 129}} {
		switch {
		case uint16(t.Proto) == pair[0] && kind == pair[1]<<8:
			t.SPort = pair[2] << 8
			return t, true
		case uint16(t.Proto) == pair[0] && kind == pair[2]<<8:
			t.SPort = pair[1] << 8
			return t, true
		}
	}
	return t, false
}
