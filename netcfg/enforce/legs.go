// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// LegCount is what was marked on one leg of a generation's chains.
type LegCount struct {
	Of             acl.LegOf
	Packets, Bytes uint64
}

// legKey names a leg's counter: a chain that is edited keeps it.
type legKey struct {
	chain string
	leg   string
}

// idleAfter is how many seconds without a packet make a leg idle, and how many a loss is told of.
const idleAfter = 10

// countLegs reads what was marked: few counters, so that it is done for each look at chains. mu is held.
func (s *Service) countLegs(now time.Time) {
	if s.plane == nil {
		return
	}
	list := append([]edition{}, s.fading...)
	list = append(list, s.kept)
	if s.trial != nil {
		list = append(list, s.trial.edition)
	}
	for i := range list {
		e := &list[i]
		if e.gen == 0 || len(e.acl.Chains) == 0 {
			continue
		}
		legs, err := s.plane.Legs(e.gen)
		if err != nil {
			if i >= len(s.fading) { // the slot of one that fades may be in use again
				s.trouble("counters of chains can't be read: " + err.Error())
			}
			continue
		}
		s.hits.takeLegs(e.gen, &e.acl, legs, now)
	}
}

// takeLegs adds what a generation marked since the last look.
func (t *tally) takeLegs(gen uint32, p *acl.Policy, legs []LegCount, now time.Time) {
	read := t.read[gen]
	out := append([]LegCount(nil), read.Legs...)
	for len(out) < len(legs) {
		out = append(out, LegCount{})
	}
	for i, l := range legs {
		if l.Of.Chain < 1 || l.Of.Chain > len(p.Chains) {
			continue
		}
		c := t.leg(legKey{p.Chains[l.Of.Chain-1].Name, l.Of.Kind.String()})
		if l.Packets > out[i].Packets {
			c.packets += l.Packets - out[i].Packets
			c.bytes += l.Bytes - out[i].Bytes
			c.last = now
			out[i] = l
		}
	}
	read.Legs = out
	t.read[gen] = read
}

func (t *tally) leg(key legKey) *counter {
	c := t.legs[key]
	if c == nil {
		c = &counter{}
		t.legs[key] = c
	}
	return c
}

// keepLegs forgets the chains of other policies.
func (t *tally) keepLegs(policies []*acl.Policy) {
	legs := map[legKey]*counter{}
	for _, p := range policies {
		for i := range p.Chains {
			for _, l := range p.Chains[i].Legs() {
				key := legKey{p.Chains[i].Name, l.Kind.String()}
				legs[key] = t.leg(key)
			}
		}
	}
	t.legs = legs
}

// chain writes the counters of a chain's legs, and what they say.
func (t *tally) chain(row *snap.Chain, now time.Time) {
	busy := false
	legs := make([]snap.Leg, len(row.Legs)) // the frame's own
	copy(legs, row.Legs)
	row.Legs = legs
	var sent, back float64
	for i := range legs {
		l := &legs[i]
		c := t.legs[legKey{row.Name, l.Name}]
		if c == nil {
			continue
		}
		l.Packets, l.Bytes, l.PPS, l.Trend = c.packets, c.bytes, c.pps, c.trend
		lately := c.lately()
		busy = busy || lately > 0
		if lately == 0 && l.State == "ok" {
			l.State = "idle"
		}
		switch l.Name {
		case acl.ToService.String():
			sent = lately
		case acl.ToUpstream.String():
			back = lately
			if sent > 0 && back == 0 && !c.last.IsZero() {
				row.Silent = max(0, now.Sub(c.last))
			}
		}
	}
	if sent > 0 && row.State != "bypassed" {
		row.Lost = max(0, 1-back/sent)
	}
	if !busy && row.State == "ok" {
		row.State = "idle"
	}
}

// lately is how many packets came in the last seconds.
func (c *counter) lately() float64 {
	sum := 0.0
	for _, n := range c.trend[max(0, len(c.trend)-idleAfter):] {
		sum += float64(n)
	}
	return sum
}
