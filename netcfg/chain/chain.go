// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"fmt"
	"net/netip"

	"hooktop/netcfg/acl"
)

// Marks of ownership. iproute2 knows no other owner of the protocol number.
const (
	Protocol      = 199
	FirstTable    = 267400
	FirstPriority = 7400
	Tables        = 256 // so many numbers from the first on, of tables and of priorities
	GuardMetric   = 4_000_000_000
)

// Rule is an ip rule: what matches is looked up in a table.
type Rule struct {
	Six        bool
	Priority   uint32
	Table      uint32
	Mark, Mask uint32
	From       string // device that the packet came in on, "": any
	Protocol   uint8
	Rest       string // of one that asks for more than that, or does something else: all of it, as the kernel tells it
}

// Own reports whether a rule is one of ours: by protocol, priority and table.
func (r Rule) Own() bool {
	return r.Protocol == Protocol && within(r.Priority, FirstPriority) && within(r.Table, FirstTable)
}

func within(n, first uint32) bool { return n >= first && n < first+Tables }

// String is the rule as ip(8) prints it.
func (r Rule) String() string {
	text := fmt.Sprintf("%d: from all", r.Priority)
	if r.Mark != 0 || r.Mask != 0 {
		text += " fwmark " + acl.MarkText(r.Mark, r.Mask)
	}
	if r.From != "" {
		text += " iif " + r.From
	}
	text += fmt.Sprintf(" lookup %d proto %d", r.Table, r.Protocol)
	if r.Rest != "" {
		text += " and more: ip rule show pref " + fmt.Sprint(r.Priority)
	}
	return text
}

// Route is a default route of one of our tables.
type Route struct {
	Six      bool
	Table    uint32
	Via      netip.Addr
	Dev      string
	Guard    bool // unreachable, behind everything else
	Protocol uint8
	Other    bool // it is of another kind
}

// Own reports whether a route is one of ours.
func (r Route) Own() bool { return r.Protocol == Protocol && within(r.Table, FirstTable) }

// String is the route as ip(8) prints it.
func (r Route) String() string {
	if r.Guard {
		return fmt.Sprintf("unreachable default table %d proto %d metric %d", r.Table, r.Protocol, uint32(GuardMetric))
	}
	if r.Other {
		return fmt.Sprintf("a route to elsewhere in table %d proto %d", r.Table, r.Protocol)
	}
	return fmt.Sprintf("default via %s dev %s table %d proto %d", r.Via, r.Dev, r.Table, r.Protocol)
}

// Way is a leg that goes by its mark.
type Way struct {
	Chain      string
	Line       int
	Kind       acl.LegKind
	Mark, Mask uint32
	From       string // device
	Hop        acl.Hop
	Open       bool
}

// Key tells ways apart: what is the same here is the same rule and route, whatever else an edit changed.
type Key struct {
	Mark, Mask uint32
	From       string
	Hop        acl.Hop
}

// Key of a way.
func (w *Way) Key() Key { return Key{w.Mark, w.Mask, w.From, w.Hop} }

// ByService reports whether the way leads to the service.
func (w *Way) ByService() bool { return w.Kind == acl.ToService || w.Kind == acl.ReplyToService }

// Rule of the way that has number n.
func (w *Way) Rule(n int) Rule {
	return Rule{Six: w.Hop.Via.Is6(), Priority: FirstPriority + uint32(n), Table: FirstTable + uint32(n), Mark: w.Mark, Mask: w.Mask, From: w.From, Protocol: Protocol}
}

// Route of the way that has number n.
func (w *Way) Route(n int) Route {
	return Route{Six: w.Hop.Via.Is6(), Table: FirstTable + uint32(n), Via: w.Hop.Via, Dev: w.Hop.Dev, Protocol: Protocol}
}

// Guard of the way that has number n; false for one that fails open.
func (w *Way) Guard(n int) (Route, bool) {
	return Route{Six: w.Hop.Via.Is6(), Table: FirstTable + uint32(n), Guard: true, Protocol: Protocol}, !w.Open
}

// Networks gives the prefixes with the host's own addresses on a device.
type Networks func(dev string) []netip.Prefix

// Ways are those that kept and trial need together; trial may be nil. Rules and routes of both stand beside each other until one
// is dropped, and only marks tell them apart: a chain whose way changes needs a mark of its own. Of a way that is in both, what
// was kept says how it fails.
func Ways(kept, trial []acl.Chain, nets Networks) ([]Way, error) {
	var out []Way
	for i, list := range [][]acl.Chain{kept, trial} {
		for j := range list {
			c := &list[j]
			if c.Off {
				continue
			}
			ways, err := waysOf(c, nets)
			if err != nil {
				return nil, err
			}
			for _, w := range ways {
				if err := add(&out, w, i == 1); err != nil {
					return nil, err
				}
			}
		}
	}
	if len(out) > Tables {
		return nil, fmt.Errorf("chains need %d routing tables, there are %d", len(out), Tables)
	}
	return out, nil
}

func waysOf(c *acl.Chain, nets Networks) ([]Way, error) {
	var out []Way
	for _, l := range c.Legs() {
		if l.Hop.Dev == "" {
			continue
		}
		hop := l.Hop
		if !hop.Via.IsValid() {
			via, err := peer(c, nets(hop.Dev))
			if err != nil {
				return nil, err
			}
			hop.Via = via
		}
		out = append(out, Way{Chain: c.Name, Line: c.Line, Kind: l.Kind, Mark: c.Mark, Mask: c.Mask, From: l.From, Hop: hop, Open: c.Open})
	}
	return out, nil
}

// peer is the only other address of the return device's network.
func peer(c *acl.Chain, own []netip.Prefix) (netip.Addr, error) {
	var found []netip.Addr
	for _, p := range own {
		if p.Addr().Is4() != c.Service.Via.Is4() || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if a, ok := other(p); ok {
			found = append(found, a)
		}
	}
	if len(found) != 1 {
		return netip.Addr{}, fmt.Errorf("line %d: chain %s: the network of %s does not tell the service's address there: write return %s via ADDR, or oneway",
			c.Line, c.Name, c.Return.Dev, c.Return.Dev)
	}
	return found[0], nil
}

// other is the second host of a network of two.
func other(p netip.Prefix) (netip.Addr, bool) {
	a, host := p.Addr(), p.Addr().BitLen()-p.Bits()
	first := p.Masked().Addr()
	switch {
	case host == 1 && a == first: // RFC 3021
		return a.Next(), true
	case host == 1:
		return first, true
	case host == 2 && a == first.Next():
		return a.Next(), true
	case host == 2 && a == first.Next().Next():
		return first.Next(), true
	}
	return netip.Addr{}, false
}

// add puts a way behind those that are there, unless one of them is the same or can't be told from it.
func add(out *[]Way, w Way, trial bool) error {
	for i := range *out {
		o := &(*out)[i]
		if o.From != w.From || (o.Mark^w.Mark)&o.Mask&w.Mask != 0 {
			continue
		}
		if o.Key() == w.Key() {
			return nil
		}
		hint := "give one of them another mark"
		if trial {
			hint = fmt.Sprintf("while both stand the old way would be taken: write another mark, such as %s", free(*out, w))
		}
		return fmt.Errorf("line %d: chain %s: %s on %s leads to %s already (chain %s): %s", w.Line, w.Chain, acl.MarkText(w.Mark, w.Mask), w.From, o.Hop.Via, o.Chain, hint)
	}
	*out = append(*out, w)
	return nil
}

// free is a mark within the way's mask that none of the others has.
func free(taken []Way, w Way) string {
	step := w.Mask & -w.Mask
	for mark := step; mark != 0 && mark <= w.Mask; mark += step {
		if mark&^w.Mask != 0 {
			continue
		}
		clash := false
		for i := range taken {
			clash = clash || (taken[i].Mark^mark)&taken[i].Mask&w.Mask == 0
		}
		if !clash {
			return acl.MarkText(mark, w.Mask)
		}
		if mark > 1<<16*step {
			break
		}
	}
	return "one under a wider mask"
}
