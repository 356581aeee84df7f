// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"errors"
	"fmt"
	"slices"

	"hooktop/netcfg/chain"
)

// put makes whatever of a way is not there, and then takes away what is beside it: at no moment is there less than there was.
func (s *Steer) put(w *way) error {
	for _, r := range w.beside {
		if !r.Own() || r.Other {
			return fmt.Errorf("a foreign route is in table %d: take it away by hand: ip route show table %d", r.Table, r.Table)
		}
	}
	if w.away && w.route == inPlace {
		if err := s.host.RemoveChainRoute(w.Route(w.n)); err != nil {
			return err
		}
	}
	if g, wanted := w.Guard(w.n); wanted && w.guard != inPlace {
		if err := s.host.AddChainRoute(g); err != nil {
			return err
		}
	}
	if !w.away && !s.down(w.Hop.Dev) && w.route != inPlace {
		make := s.host.AddChainRoute
		if w.route == changed { // two routes of one metric can't stand beside each other
			make = s.host.ReplaceChainRoute
		}
		switch err := make(w.Route(w.n)); {
		case err != nil && s.addressed(w.Hop) == 0:
			w.lost, w.why = true, err.Error() // it comes with an address, as it comes with a link that is down
		case err != nil:
			return err
		}
	}
	for _, r := range w.beside {
		if err := s.host.RemoveChainRoute(r); err != nil {
			return err
		}
	}
	switch w.rule {
	case missing, "":
		return s.host.AddRule(w.Rule(w.n))
	case changed: // the kernel may take the changed one for the same: it does not compare a "not"
		return s.host.AddRuleAgain(w.Rule(w.n))
	}
	return nil
}

// Repair puts in place again what somebody changed. What is right stands before what is wrong goes.
func (s *Steer) Repair() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return "", errClosed
	}
	if len(s.ways) == 0 {
		return "", errors.New("repair chains: there is none")
	}
	n, err := s.repair()
	if err != nil {
		return "", fmt.Errorf("repair chains: %w", err)
	}
	if n == 0 {
		return "every rule and route is in place", nil
	}
	return fmt.Sprintf("%d repaired", n), nil
}

func (s *Steer) repair() (n int, err error) {
	if err := s.look(); err != nil {
		return n, err
	}
	for _, w := range s.ways {
		if w.drifted() == "" {
			continue
		}
		if err := s.put(w); err != nil {
			return n, err
		}
		n++
	}
	for _, r := range s.extra {
		if err := s.clear(r); err != nil {
			return n, err
		}
		n++
	}
	return n, s.look()
}

// clearTries bounds how often a rule is asked to go: one of ours may have gone in its place each time.
const clearTries = 16

// clear removes a rule that is beside ours. The kernel deletes the first rule that has all that a request names: where the one that is
// meant names less than ours it may be ours. So another one like ours stands behind both meanwhile.
func (s *Steer) clear(r chain.Rule) error {
	ours := slices.IndexFunc(s.ways, func(w *way) bool {
		is := w.Rule(w.n)
		return is.Six == r.Six && is.Priority == r.Priority && is.Table == r.Table
	})
	if ours < 0 {
		return s.thin(r, 0)
	}
	rule := s.ways[ours].Rule(s.ways[ours].n)
	if rule == r {
		return s.thin(r, 1)
	}
	if err := s.host.AddRuleAgain(rule); err != nil {
		return err
	}
	return errors.Join(s.thin(r, 0), s.thin(rule, 1))
}

// thin removes rules that are alike until so many are left.
func (s *Steer) thin(r chain.Rule, most int) error {
	for range clearTries {
		rules, err := s.host.Rules()
		if err != nil {
			return err
		}
		have := 0
		for _, o := range rules {
			if o == r {
				have++
			}
		}
		if have <= most {
			return nil
		}
		if err := s.host.RemoveRule(r); err != nil {
			return err
		}
	}
	return fmt.Errorf("the ip rule %s is added again and again: see who does it (ip monitor rule)", r)
}
