// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"math"
	"slices"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// trendLen is how many seconds of a counter are kept.
const trendLen = 60

// counter adds up what generations counted for one thing.
type counter struct {
	packets, bytes, limited uint64
	missed                  uint64
	before, heldBefore      uint64 // packets and limited a second ago
	last                    time.Time
	pps, heldPPS            float64
	trend                   []float32 // never changed: frames share it
}

// tally adds up all generations: rules by identity, so that counters survive edits, moves and comments.
type tally struct {
	rules map[acl.ID]*counter
	fixed [2]counter
	guard map[string]*counter // by name and text
	legs  map[legKey]*counter
	lines map[string]*counter // of tunnel lines, by text
	read  map[uint32]Counts   // what each generation had counted at the last look
}

func newTally() *tally {
	return &tally{rules: map[acl.ID]*counter{}, guard: map[string]*counter{}, legs: map[legKey]*counter{}, lines: map[string]*counter{},
		read: map[uint32]Counts{}}
}

// take adds what a generation counted since the last look. A counter that went back is told again later: flows that move
// between table and totals are missed for an instant.
func (t *tally) take(gen uint32, p *acl.Policy, c Counts, now time.Time) {
	old := t.read[gen]
	gain := func(to *counter, is Count, was *Count) {
		if is.Packets > was.Packets {
			to.packets += is.Packets - was.Packets
			was.Packets = is.Packets
		}
		if is.Bytes > was.Bytes {
			to.bytes += is.Bytes - was.Bytes
			was.Bytes = is.Bytes
		}
		if is.Limited > was.Limited {
			to.limited += is.Limited - was.Limited
			was.Limited = is.Limited
		}
		if is.Missed > was.Missed {
			to.missed += is.Missed - was.Missed
			was.Missed = is.Missed
		}
		if is.Last >= 0 && is.Packets > 0 {
			if at := now.Add(-is.Last); at.After(to.last) {
				to.last = at
			}
		}
	}
	marks := Counts{Default: old.Default, Rules: grown(old.Rules, len(c.Rules)), Guard: grown(old.Guard, len(c.Guard))}
	for i := range min(len(c.Rules), len(p.Rules)) {
		gain(t.rule(p.Rules[i].ID), c.Rules[i], &marks.Rules[i])
	}
	for i := range c.Default {
		gain(&t.fixed[i], c.Default[i], &marks.Default[i])
	}
	for i := range min(len(c.Guard), len(p.Guard)) {
		gain(t.line(&p.Guard[i]), c.Guard[i], &marks.Guard[i])
	}
	marks.Legs = old.Legs
	marks.Tunnels = grown(old.Tunnels, len(c.Tunnels))
	for i := range min(len(c.Tunnels), len(p.Tunnels)) {
		gain(t.tunnel(&p.Tunnels[i]), c.Tunnels[i], &marks.Tunnels[i])
	}
	t.read[gen] = marks
}

func grown(list []Count, n int) []Count {
	out := slices.Clone(list)
	return append(out, make([]Count, max(0, n-len(out)))...)
}

func (t *tally) rule(id acl.ID) *counter {
	c := t.rules[id]
	if c == nil {
		c = &counter{}
		t.rules[id] = c
	}
	return c
}

func (t *tally) line(g *acl.GuardLine) *counter {
	key := g.Name + "\n" + g.Text()
	c := t.guard[key]
	if c == nil {
		c = &counter{}
		t.guard[key] = c
	}
	return c
}

// second makes rates and steps the trends.
func (t *tally) second(dt float64) {
	for _, c := range t.rules {
		c.second(dt)
	}
	for i := range t.fixed {
		t.fixed[i].second(dt)
	}
	for _, c := range t.guard {
		c.second(dt)
	}
	for _, c := range t.legs {
		c.second(dt)
	}
	for _, c := range t.lines {
		c.second(dt)
	}
}

func (c *counter) second(dt float64) {
	c.pps = float64(c.packets-c.before) / dt
	c.heldPPS = float64(c.limited-c.heldBefore) / dt
	c.before, c.heldBefore = c.packets, c.limited
	keep := c.trend[max(0, len(c.trend)-trendLen+1):]
	c.trend = append(slices.Clone(keep), float32(min(c.pps, math.MaxFloat32)))
}

func (c *counter) hits(now time.Time) snap.Hits {
	h := snap.Hits{Packets: c.packets, Bytes: c.bytes, PPS: c.pps, Last: -1, Trend: c.trend}
	if !c.last.IsZero() {
		h.Last = max(0, now.Sub(c.last))
	}
	return h
}

// keep forgets what belongs to neither of these policies, so that a long session does not grow with every edit.
func (t *tally) keep(gens []uint32, policies ...*acl.Policy) {
	rules, lines := map[acl.ID]*counter{}, map[string]*counter{}
	for _, p := range policies {
		for i := range p.Rules {
			rules[p.Rules[i].ID] = t.rule(p.Rules[i].ID)
		}
		for i := range p.Guard {
			lines[p.Guard[i].Name+"\n"+p.Guard[i].Text()] = t.line(&p.Guard[i])
		}
	}
	t.rules, t.guard = rules, lines
	t.keepLegs(policies)
	t.keepTunnels(policies)
	for gen := range t.read {
		if !slices.Contains(gens, gen) {
			delete(t.read, gen)
		}
	}
}

// totals sums up what a policy's rules counted.
func (t *tally) totals(p *acl.Policy) totals {
	var out totals
	count := func(c *counter, denies bool) {
		out.Packets += c.packets
		out.Limited += c.limited
		if denies {
			out.Denied += c.packets
		}
	}
	for i := range p.Rules {
		if c := t.rules[p.Rules[i].ID]; c != nil {
			count(c, p.Rules[i].Action == acl.Deny)
		}
	}
	count(&t.fixed[0], p.In == acl.Deny)
	count(&t.fixed[1], p.Out == acl.Deny)
	return out
}

// deniedPPS is what a policy's rules deny now, and what its limits hold back.
func (t *tally) deniedPPS(p *acl.Policy) float64 {
	sum := 0.0
	for i := range p.Rules {
		c := t.rules[p.Rules[i].ID]
		switch {
		case c == nil:
		case p.Rules[i].Action == acl.Deny:
			sum += c.pps
		case p.Rules[i].Action == acl.Limit:
			sum += c.heldPPS
		}
	}
	for i, a := range []acl.Action{p.In, p.Out} {
		if a == acl.Deny {
			sum += t.fixed[i].pps
		}
	}
	return sum
}
