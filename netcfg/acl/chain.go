// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"slices"
)

// Chain sends matching packets that arrive on one device through a service and on from there. Immutable once made.
type Chain struct {
	Line int // of the file, from 1; 0: not in a file

	Off        bool
	Name       string
	In         string // device that the packets arrive on
	Match      Rule   // protocol, from and to only
	Service    Hop
	Return     Hop // where packets come back; its next hop is that of replies, invalid: the device's network tells
	Mark, Mask uint32
	Upstream   Hop
	Open       bool   // when the service is away: packets pass it by; else they go nowhere
	Oneway     bool   // replies take their own way
	Comment    string // with its #, "" for none
}

// Hop is the next hop on a device.
type Hop struct {
	Via netip.Addr
	Dev string
}

// LegKind is a leg's place in its chain.
type LegKind uint8

const (
	ToService LegKind = iota
	ToUpstream
	ReplyToService
	ReplyBack
)

func (k LegKind) String() string {
	return [...]string{"to service", "upstream", "reply to service", "reply back"}[k]
}

// Leg is one way between two devices: packets that match on arrival at From carry the chain's mark, and by the mark and From they
// are sent to Hop.
type Leg struct {
	Kind LegKind
	From string
	Rule Rule // what matches, From among it
	Hop  Hop  // Dev is "" where routing goes on as it would without the chain
}

// Legs are the ways of a chain, in the order of a connection's packets.
func (c *Chain) Legs() []Leg {
	there := Leg{Kind: ToService, From: c.In, Hop: c.Service}
	on := Leg{Kind: ToUpstream, From: c.Return.Dev, Hop: c.Upstream}
	there.Rule, on.Rule = c.rule(false, c.In), c.rule(false, c.Return.Dev)
	if c.Oneway {
		return []Leg{there, on}
	}
	reply := Leg{Kind: ReplyToService, From: c.Upstream.Dev, Rule: c.rule(true, c.Upstream.Dev), Hop: c.Return}
	back := Leg{Kind: ReplyBack, From: c.Service.Dev, Rule: c.rule(true, c.Service.Dev)}
	return []Leg{there, on, reply, back}
}

// rule is what matches on arrival at a device. A chain is of the family of its next hops: packets of the other one would be
// marked and have no way.
func (c *Chain) rule(reply bool, dev string) Rule {
	r := Rule{Line: c.Line, Dir: In, Proto: c.Match.Proto, From: c.Match.From, To: c.Match.To, Dev: Device{Name: dev}}
	if reply {
		r.From, r.To = r.To, r.From
	}
	all := netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	if c.Service.Via.Is4() {
		all = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	switch {
	case r.To.Any():
		r.To.Prefix = all
	case r.From.Any():
		r.From.Prefix = all
	}
	return r
}

// Meets reports whether a packet that was marked for one chain may look marked for the other.
func (c *Chain) Meets(o *Chain) bool { return (c.Mark^o.Mark)&c.Mask&o.Mask == 0 }

// Marking is the mark as policies write it: 0x10/0xf0.
func (c *Chain) Marking() string { return MarkText(c.Mark, c.Mask) }

// MarkText writes a mark under its mask.
func MarkText(mark, mask uint32) string { return fmt.Sprintf("%#x/%#x", mark, mask) }

// String is the canonical line of the file.
func (c *Chain) String() string {
	off := ""
	if c.Off {
		off = "off "
	}
	return commented(off+c.bare(), c.Comment)
}

// bare is what makes a difference, but whether the chain is switched off.
func (c *Chain) bare() string {
	match := c.Match.fields(nil)
	if len(match) == 0 {
		match = []byte(" any")
	}
	text := fmt.Sprintf("chain %s in %s match%s service via %s dev %s return %s", c.Name, deviceWord(c.In), match, c.Service.Via,
		deviceWord(c.Service.Dev), deviceWord(c.Return.Dev))
	if c.Return.Via.IsValid() {
		text += " via " + c.Return.Via.String()
	}
	text += fmt.Sprintf(" mark %s upstream via %s dev %s", c.Marking(), c.Upstream.Via, deviceWord(c.Upstream.Dev))
	if text += " fail closed"; c.Open {
		text = text[:len(text)-len("closed")] + "open"
	}
	if c.Oneway {
		text += " oneway"
	}
	return text
}

// Same reports whether two chains do the same, whatever their comments and places in the file.
func (c *Chain) Same(o *Chain) bool { return c.Off == o.Off && c.bare() == o.bare() }

// Devices are those that a chain names, each once.
func (c *Chain) Devices() []string {
	list := []string{c.In, c.Service.Dev, c.Return.Dev, c.Upstream.Dev}
	slices.Sort(list)
	return slices.Compact(list)
}

// Marked says whose mark a packet gets when it is allowed: the first chain that matches has it.
func Marked(p *Policy, k Packet) LegOf {
	k.Src, k.Dst = k.Src.Unmap(), k.Dst.Unmap()
	if k.NotIP || k.Malformed {
		return LegOf{}
	}
	for i := range p.Chains {
		c := &p.Chains[i]
		if c.Off {
			continue
		}
		for _, l := range c.Legs() {
			// A fragment without ports goes the way of those that have them.
			if p.matches(&l.Rule, &k, nil, true) {
				return LegOf{i + 1, l.Kind}
			}
		}
	}
	return LegOf{}
}
