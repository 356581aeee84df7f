// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"fmt"
	"slices"

	"hooktop/netcfg/chain"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// States of what should be there.
const (
	inPlace = "in place"
	missing = "missing"
	changed = "changed"
	away    = "away" // a route that is not there for now: its service or its device is not
)

// looked looks, and brings back what went with a link or its addresses. again asks for one more look soon: a route may be seen to be missing
// before the news of its device are read, and drift is told of when it is still there then.
func (s *Steer) looked() (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ways) == 0 {
		s.why, s.told, s.suspect = "", "", ""
		return false
	}
	if err := s.look(); err != nil {
		s.why = err.Error()
		return false
	}
	s.why = ""
	s.relink()
	if s.restore() {
		s.lookAgain()
	}
	s.tellGone()
	switch now := s.drift(); now {
	case "":
		s.told, s.suspect = "", ""
	case s.told:
		s.suspect = ""
	case s.suspect:
		s.told, s.suspect = now, ""
		s.tell(snap.Warn, now+": repair it on the Chain tab")
	default:
		s.suspect = now
	}
	return s.suspect != ""
}

// down reports whether a device takes no packets.
func (s *Steer) down(dev string) bool {
	l, ok := s.links[dev]
	return !ok || !l.Up || !l.Carrier
}

// look reads what is there and holds it against what is wanted. mu is held.
func (s *Steer) look() error {
	fell := s.fell.take() // before devices are read: what falls later is seen by the next look
	err := s.lookFor(fell)
	if err != nil {
		s.fell.put(fell)
	}
	return err
}

func (s *Steer) lookFor(fell map[int]bool) error {
	links, err := s.host.Links()
	if err != nil {
		return err
	}
	s.links = make(map[string]snap.Link, len(links))
	for _, l := range links {
		s.links[l.Name] = l
	}
	if s.addrs, err = s.host.Addressed(); err != nil {
		return err
	}
	if s.rules, err = s.host.Rules(); err != nil {
		return err
	}
	wanted := map[chain.Rule]bool{}
	for _, w := range s.ways {
		wanted[w.Rule(w.n)] = true
		if err := s.lookAt(w, fell); err != nil {
			return err
		}
	}
	s.extra = s.extra[:0]
	for _, r := range s.rules {
		switch {
		case wanted[r]:
			delete(wanted, r) // the second of two that are alike is one too many
		case r.Own():
			s.extra = append(s.extra, r)
		}
	}
	return nil
}

func (s *Steer) lookAt(w *way, fell map[int]bool) error {
	rule := w.Rule(w.n)
	w.rule = stateOf(slices.Contains(s.rules, rule), slices.ContainsFunc(s.rules, func(r chain.Rule) bool {
		return r.Own() && r.Priority == rule.Priority
	}))
	routes, err := s.host.ChainRoutes(rule.Table, rule.Six)
	if err != nil {
		return err
	}
	route := w.Route(w.n)
	guard, guarded := w.Guard(w.n)
	w.route = stateOf(slices.Contains(routes, route), slices.ContainsFunc(routes, func(r chain.Route) bool { return !r.Guard }))
	w.guard = inPlace
	if guarded {
		w.guard = stateOf(slices.Contains(routes, guard), false)
	}
	w.beside = slices.DeleteFunc(routes, func(r chain.Route) bool { return r == route || guarded && r == guard })
	now, made := stintOf(s.links[w.Hop.Dev]), s.addressed(w.Hop)
	if s.down(w.Hop.Dev) || now != w.stint || made != w.made || fell[now.index] || fell[0] {
		w.lost = true
	}
	w.stint, w.made = now, made
	return nil
}

func stateOf(there, like bool) string {
	switch {
	case there:
		return inPlace
	case like:
		return changed
	}
	return missing
}

// drifted says what of a way is not as it was made, "" when all is.
func (w *way) drifted() string {
	switch {
	case w.rule != inPlace:
		return "the ip rule is " + w.rule
	case w.guard != inPlace:
		return "the guard route is " + w.guard
	case w.route != inPlace && !w.away && !w.lost:
		return "the route is " + w.route
	case len(w.beside) > 0:
		return "another route is in its table"
	case w.away && w.route == inPlace:
		return "the route is there, and the service is away"
	}
	return ""
}

// drift says what somebody changed first, "" when nothing.
func (s *Steer) drift() string {
	for _, w := range s.ways {
		if d := w.drifted(); d != "" {
			return fmt.Sprintf("chain %s, %s: %s", format.Clean(w.Chain), w.Kind, d)
		}
	}
	if len(s.extra) > 0 {
		return "an ip rule is beside ours: " + format.Clean(s.extra[0].String())
	}
	return ""
}
