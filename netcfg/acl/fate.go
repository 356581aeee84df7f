// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Sample is a packet that two policies treat differently.
type Sample struct {
	Packet   Packet
	Seen     bool // an allowed packet of the other direction had been seen
	Old, New Decision
	Was, Is  string // in words: "deny by line 5", "allow by default"
}

const (
	maxSamples   = 16
	packetsARule = 64
	maxWork      = 20_000_000 // rules asked in all, about a second
)

// samples looks for packets whose fate changes: around each rule that differs, in the order of the file, and anywhere.
// One packet for each pair of fates is kept.
func samples(a, b *Policy, d *Difference) (out []Sample, tried int) {
	around := map[*Policy][]*Rule{}
	for _, c := range d.Rules {
		if c.Old != nil {
			around[a] = append(around[a], c.Old)
		}
		if c.New != nil {
			around[b] = append(around[b], c.New)
		}
	}
	for _, p := range []*Policy{a, b} {
		for _, set := range d.Sets {
			for i := range p.Rules {
				if r := &p.Rules[i]; r.From.Set == set.Name || r.To.Set == set.Name {
					around[p] = append(around[p], r)
				}
			}
		}
	}
	known := []bool{false}
	if a.asksFlows() || b.asksFlows() {
		known = append(known, true)
	}
	most := maxWork / (2 * len(known) * (len(a.Rules) + len(b.Rules) + 1))
	seen := map[[2]string]bool{}
	try := func(k Packet) {
		tried++
		for _, back := range known {
			s := fate(a, b, k, back)
			if key := [2]string{s.Was, s.Is}; s.Was[:5] != s.Is[:5] && !seen[key] && len(out) < maxSamples {
				seen[key] = true
				out = append(out, plainest(a, b, s))
			}
		}
	}
	for _, pair := range [][2]*Policy{{a, b}, {b, a}} {
		s := NewSampler(1, pair[0], pair[1])
		half := most / 2
		for n := 0; n < packetsARule && half > 0; n++ {
			for _, r := range around[pair[0]] {
				if half > 0 && len(out) < maxSamples {
					try(s.For(r))
					half--
				}
			}
		}
		for n := 0; n < 4*packetsARule && half > 0 && len(out) < maxSamples; n++ {
			try(s.Any())
			half--
		}
	}
	return out, tried
}

// plainest makes of a packet the plainest one with the same fate: what was found at random is a fragment with a tag as often as not.
func plainest(a, b *Policy, s Sample) Sample {
	address := func(at *netip.Addr, four, six string) {
		if *at = netip.MustParseAddr(six); s.Packet.Src.Is4() {
			*at = netip.MustParseAddr(four)
		}
	}
	for _, simpler := range []func(*Packet){
		func(k *Packet) { k.Frag = Whole },
		func(k *Packet) { k.VLAN = 0 },
		func(k *Packet) { k.VNI = 0 },
		func(k *Packet) { k.Dev = "" },
		func(k *Packet) { k.Proto, k.Type, k.Code, k.SPort, k.DPort = TCP, 0, 0, 40000, 443 },
		func(k *Packet) { k.SPort = 40000 },
		func(k *Packet) { k.DPort = 443 },
		func(k *Packet) { address(&k.Src, "203.0.113.7", "2001:db8::7") },
		func(k *Packet) { address(&k.Dst, "192.0.2.1", "2001:db8::1") },
	} {
		k := s.Packet
		simpler(&k)
		if !HasPorts(k.Proto) || k.Frag == Later {
			k.SPort, k.DPort = 0, 0
		}
		if try := fate(a, b, k, s.Seen); try.Was == s.Was && try.Is == s.Is {
			s = try
		}
	}
	return s
}

func (p *Policy) asksFlows() bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Established && !r.Off })
}

// fate evaluates a packet under both policies, with full buckets, at a time when nothing has expired.
func fate(a, b *Policy, k Packet, seen bool) Sample {
	out := Sample{Packet: k, Seen: seen}
	judge := func(p *Policy) (Decision, string) {
		s := NewState(time.Time{})
		if back, ok := k.tuple().reverse(); ok && seen {
			s.Flows[back] = true
		}
		d := Evaluate(p, k, s)
		return d, p.Words(d)
	}
	out.Old, out.Was = judge(a)
	out.New, out.Is = judge(b)
	return out
}

// Words says what decided: "deny by line 5", "limit by line 7", "allow by default", "allow by guard (DHCP)".
func (p *Policy) Words(d Decision) string {
	switch {
	case d.By == ByGuard:
		return fmt.Sprintf("%s by guard (%s)", d.Verdict, p.Guard[d.Index].Name)
	case d.By == ByDefault:
		return fmt.Sprintf("%s by default", d.Verdict)
	}
	return fmt.Sprintf("%s by line %d", p.Rules[d.Index].Action, d.Line)
}
