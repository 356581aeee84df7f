// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"slices"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// View gives what a frame shows. Counters only when they are looked at; they cost a walk over the rules.
func (s *Service) View(counters bool) snap.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	out := snap.Policy{
		Why: s.why, File: format.Clean(s.saved.path), Kept: s.kept.id, Text: s.kept.text, Draft: s.draft, Versions: s.versions,
		Lease: s.opt.Lease, Soak: s.opt.Soak,
	}
	if s.opt.ReadOnly != "" {
		out.Why = s.opt.ReadOnly
	}
	e := s.newest()
	out.Readmits.PPS = s.hits.deniedPPS(&s.kept.acl)
	out.Devices = s.devices()
	switch t := s.trial; {
	case t.soaking():
		out.Canary = s.canaryView(t)
	case t != nil:
		out.Trial = snap.Trial{
			Gen: t.id, Text: t.text, Started: t.started, Lease: t.lease, Code: t.code, Fresh: t.fresh,
			Forecast: t.forecast, DropPPS: t.dropPPS,
		}
	}
	if !counters {
		return out
	}
	byLine := map[int]int{}
	for i := range e.acl.Rules {
		byLine[e.acl.Rules[i].Line] = i
	}
	for n := 1; n <= e.file.Len(); n++ {
		l := e.file.Line(n)
		if l.Kind != policy.Rule {
			continue
		}
		row := snap.RuleHits{Line: n, Hits: snap.Hits{Last: -1}}
		if i, ok := byLine[n]; ok {
			if c := s.hits.rules[e.acl.Rules[i].ID]; c != nil {
				row.Hits, row.Limited, row.Missed = c.hits(now), c.limited, c.missed
			}
		}
		if x := l.Rule.Expires; !x.At.IsZero() {
			row.Ends = x.At.Sub(now)
			if row.Ends == 0 {
				row.Ends = -time.Nanosecond // 0 means never
			}
		}
		out.Limited += row.Limited
		out.Rules = append(out.Rules, row)
	}
	for i := range s.hits.fixed {
		out.Default[i] = s.hits.fixed[i].hits(now)
	}
	guard := e.acl.Guard
	if e.gen == 0 { // what the first policy will begin with
		guard = s.guarded(e.file, s.world).Guard
	}
	for i := range guard {
		g := &guard[i]
		out.Guard = append(out.Guard, snap.GuardHits{Name: g.Name, Text: g.Text(), Hits: s.hits.line(g).hits(now)})
	}
	return out
}

// newest is what was committed last of all that decides: a canary in its soak decides on some devices only, and is what the
// operator has before their eyes. mu is held.
func (s *Service) newest() *edition {
	if s.trial != nil {
		return &s.trial.edition
	}
	return &s.kept
}

// devices says what decides on each device, by the numbers that the operator knows. mu is held.
func (s *Service) devices() []snap.PolicyDevice {
	if s.plane == nil {
		return nil
	}
	names := map[uint16]string{}
	for name, slot := range s.world.Devices {
		names[slot] = format.Clean(name)
	}
	var out []snap.PolicyDevice
	for _, w := range s.plane.State() {
		if name, ok := names[w.Slot]; ok {
			out = append(out, snap.PolicyDevice{Name: name, Slot: w.Slot, Gen: s.idOf(w.Gen), Lease: w.Lease})
		}
	}
	slices.SortFunc(out, func(a, b snap.PolicyDevice) int { return int(a.Slot) - int(b.Slot) })
	return out
}

// idOf gives the version that a generation of the kernel is of; swaps are made under mu, so that it is one of these. mu is held.
func (s *Service) idOf(gen uint32) uint32 {
	if s.trial != nil && s.trial.gen == gen {
		return s.trial.id
	}
	if s.kept.gen == gen {
		return s.kept.id
	}
	for _, e := range s.fading {
		if e.gen == gen {
			return e.id
		}
	}
	return gen
}

// Verdict says which line let a flow pass, by the generation and the path that its entry holds: 0 where no rule did. gen is
// 0xffff for flows that are judged anew with each packet: what decides now decides them.
func (s *Service) Verdict(path, gen uint16) (line int, verdict string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plane == nil || gen == 0 {
		return 0, "pass"
	}
	by, index, ok := s.plane.What(uint32(gen), path)
	if !ok || by != acl.ByRule {
		return 0, "pass"
	}
	rules := s.rulesOf(uint32(gen))
	if index < 0 || index >= len(rules) {
		return 0, "pass"
	}
	if rules[index].Action == acl.Limit {
		return rules[index].Line, "limit"
	}
	return rules[index].Line, "pass"
}

// rulesOf gives the rules of a generation; those in force where it is none of the last. mu is held.
func (s *Service) rulesOf(gen uint32) []acl.Rule {
	if s.kept.gen == gen {
		return s.kept.acl.Rules
	}
	for i := range s.fading {
		if s.fading[i].gen == gen {
			return s.fading[i].acl.Rules
		}
	}
	return s.inForce().acl.Rules
}
