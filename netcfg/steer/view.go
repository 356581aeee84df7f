// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"fmt"
	"slices"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/chain"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// View tells what stands and what doesn't, without counters. whole asks for what must be read for it: other owners and settings.
func (s *Steer) View(chains []acl.Chain, whole bool) snap.Chains {
	out := snap.Chains{}
	if whole {
		out.Owners, out.Checks = s.bits(chains), s.checks(chains)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Why = format.Clean(s.why)
	for i := range chains {
		if !chains[i].Off {
			out.Rows = append(out.Rows, s.row(&chains[i]))
		}
	}
	if whole {
		out.Steer = s.steered()
	}
	return out
}

// row is a chain as its next hops and rules have it.
func (s *Steer) row(c *acl.Chain) snap.Chain {
	row := snap.Chain{Line: c.Line, Name: format.Clean(c.Name), Text: format.Clean(c.String()), Open: c.Open, Lost: -1, State: "ok"}
	for _, l := range c.Legs() {
		leg := snap.Leg{Name: l.Kind.String(), From: format.Clean(l.From), To: format.Clean(l.Hop.Dev), Mark: c.Mark, Mask: c.Mask, NextHop: l.Hop.Via, State: "ok"}
		w := s.wayOf(c, l)
		switch {
		case l.Hop.Dev == "":
			leg.To, leg.Table = format.Clean(c.In), mainTable
		case w == nil:
			leg.State = "unknown"
		default:
			leg.Table, leg.NextHop, leg.State = chain.FirstTable+uint32(w.n), w.Hop.Via, "unknown"
			if h := s.hops[w.Hop]; h != nil {
				leg.State = h.state
				if h.table.State != "" {
					leg.Neighbour = format.Clean(h.table.String())
				}
				if h.why != "" && row.Why == "" {
					row.Why = format.Clean(h.why)
				}
			}
			s.judge(&row, w)
		}
		row.Legs = append(row.Legs, leg)
	}
	if s.ways == nil && s.why == "" {
		row.Why = "its rules and routes are not made"
	}
	return row
}

const mainTable = 254

// judge lets one way decide about its chain, the gravest first.
func (s *Steer) judge(row *snap.Chain, w *way) {
	d := w.drifted()
	switch {
	case w.away && w.Open:
		row.State = "bypassed"
	case w.away:
		row.State = "closed"
	case w.gone() && row.State != "closed" && row.State != "bypassed":
		row.Why = w.Kind.String() + ": " + s.whyGone(w)
		switch {
		case !w.Open:
			row.State = "closed"
		case w.ByService():
			row.State = "bypassed"
		}
	case d != "" && row.State == "ok":
		row.State, row.Why = "drift", w.Kind.String()+": "+d
	}
}

func (s *Steer) wayOf(c *acl.Chain, l acl.Leg) *way {
	for _, w := range s.ways {
		if w.Mark == c.Mark && w.Mask == c.Mask && w.From == l.From && (w.Hop == l.Hop || !l.Hop.Via.IsValid() && w.Hop.Dev == l.Hop.Dev) {
			return w
		}
	}
	return nil
}

// steered lists what was made, and what is beside it.
func (s *Steer) steered() []snap.Steer {
	var out []snap.Steer
	put := func(w *way, text, state string) {
		st := snap.Steer{Text: format.Clean(text), Chain: format.Clean(w.Chain), State: state}
		old, next := wants(s.kept, w), wants(s.trial, w)
		switch {
		case state != inPlace || s.trial == nil || old && next:
		case next:
			st.State, st.Why = "staged", "for the trial: matches no packet of what was kept"
		case old:
			st.State, st.Why = "old", "until the trial is kept"
		}
		out = append(out, st)
	}
	for _, w := range s.ways {
		put(w, w.Rule(w.n).String(), w.rule)
	}
	for _, w := range s.ways {
		route := w.route
		if route == missing && (w.away || w.lost) {
			route = away
		}
		put(w, w.Route(w.n).String(), route)
		switch {
		case w.away && w.route == missing:
			out[len(out)-1].Why = "taken away: the service does not answer"
		case w.lost && w.route != inPlace:
			out[len(out)-1].Why = "went with its device, and comes back with it"
			if w.why != "" {
				out[len(out)-1].Why += ": " + format.Clean(w.why)
			}
		}
		if g, ok := w.Guard(w.n); ok {
			put(w, g.String(), w.guard)
		}
		for _, r := range w.beside {
			put(w, r.String(), changed)
			out[len(out)-1].Why = "it is in this way's table and was not made here"
		}
	}
	for _, r := range s.extra {
		out = append(out, snap.Steer{Text: format.Clean(r.String()), State: changed, Why: "it has our marks of ownership and was not made here"})
	}
	return out
}

// wants reports whether a chain of a list has the way.
func wants(chains []acl.Chain, w *way) bool {
	return slices.ContainsFunc(chains, func(c acl.Chain) bool {
		return !c.Off && c.Mark == w.Mark && c.Mask == w.Mask && slices.ContainsFunc(c.Legs(), func(l acl.Leg) bool {
			return l.From == w.From && l.Hop.Dev == w.Hop.Dev && (l.Hop.Via == w.Hop.Via || !l.Hop.Via.IsValid())
		})
	})
}

// Lineage says what becomes of a packet by the mark of a chain's leg.
func (s *Steer) Lineage(c *acl.Chain, leg acl.LegKind) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{fmt.Sprintf("mark: %s, chain %s: %s", c.Marking(), format.Clean(c.Name), leg)}
	for _, l := range c.Legs() {
		if l.Kind != leg {
			continue
		}
		w := s.wayOf(c, l)
		switch {
		case l.Hop.Dev == "":
			return append(out, "rule: none asks for the mark on "+format.Clean(l.From), "table: main", "device: where the destination is routed")
		case w == nil:
			return append(out, "rule: not made yet")
		}
		out = append(out, "rule: "+format.Clean(w.Rule(w.n).String())+" ("+w.rule+")")
		switch {
		case w.route == inPlace:
			out = append(out, "table: "+format.Clean(w.Route(w.n).String()))
		case w.Open:
			return append(out, fmt.Sprintf("table: %d has no route, the next rules decide (fail open)", chain.FirstTable+w.n), "device: as without the chain")
		default:
			return append(out, fmt.Sprintf("table: %d is unreachable (fail closed)", chain.FirstTable+w.n), "device: none, the packet ends here")
		}
		state := "unknown"
		if h := s.hops[w.Hop]; h != nil {
			state = h.state
		}
		out = append(out, fmt.Sprintf("device: %s, next hop %s (%s)", format.Clean(w.Hop.Dev), w.Hop.Via, state))
	}
	return out
}
