// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Steering makes the rules and routes of chains; netcfg/steer does. All may take as long as the kernel does for a few requests.
type Steering interface {
	// Check says why the chains of a policy can't stand beside those that were kept.
	Check(kept, next []acl.Chain) error
	// Want makes what both need and removes what neither does. Nothing is changed when it fails half-way.
	Want(kept, trial []acl.Chain) error
	// Repair puts back what somebody else changed, and says what it did.
	Repair() (string, error)
	// View tells what stands; whole: also what must be read for it.
	View(chains []acl.Chain, whole bool) snap.Chains
	// Lineage says what becomes of a packet by the mark of a chain's leg: mark, rule, table, device.
	Lineage(c *acl.Chain, leg acl.LegKind) []string
	Close() error
}

// SteerBy gives the service who makes the rules and routes of chains, before it begins. Without one no chain can be committed.
func (s *Service) SteerBy(by Steering) {
	s.steering, s.resteer, s.steered = by, make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(s.steered)
		for range s.resteer {
			s.settleSteering()
		}
	}()
}

// settleSteering removes what neither the kept policy nor a trial needs. Routes wait for no packet: it comes after the switch.
func (s *Service) settleSteering() {
	defer func() {
		if r := recover(); r != nil {
			s.notify(snap.Crit, fmt.Sprintf("rules and routes of chains: panic: %v", r))
		}
	}()
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	kept, ended := s.kept.acl.Chains, s.ended
	var trial []acl.Chain
	if s.trial != nil {
		trial = s.trial.acl.Chains
	}
	s.mu.Unlock()
	if ended {
		return
	}
	why := ""
	if err := s.steering.Want(kept, trial); err != nil {
		why = err.Error()
	}
	s.mu.Lock()
	before := s.unsteady
	s.unsteady = why // the next look asks for another try
	s.mu.Unlock()
	if why != "" && why != before {
		s.notify(snap.Crit, why)
	}
}

// unsteer asks for settleSteering. mu is held.
func (s *Service) unsteer() {
	if s.steering == nil || s.ended {
		return
	}
	select {
	case s.resteer <- struct{}{}:
	default:
	}
}

// steerCheck says why a policy's chains can't be.
func (s *Service) steerCheck(kept, next []acl.Chain) error {
	switch {
	case s.steering != nil:
		return s.steering.Check(kept, next)
	case len(next) > 0:
		return errors.New("no chain can be: nobody makes its rules and routes here")
	}
	return nil
}

// steer makes what a trial needs, before it decides. turn is held.
func (s *Service) steer(kept, next []acl.Chain) error {
	if err := s.steerCheck(kept, next); err != nil || s.steering == nil {
		return err
	}
	return s.steering.Want(kept, next)
}

// endSteering removes all rules and routes. Packets are marked a moment longer, and match nothing.
func (s *Service) endSteering() error {
	if s.steering == nil {
		return nil
	}
	close(s.resteer)
	<-s.steered
	return s.steering.Close()
}

// Repair puts rules and routes of chains in place again that somebody changed.
func (s *Service) Repair() snap.Answer {
	s.mu.Lock()
	err := s.writable()
	s.mu.Unlock()
	if err == nil && s.steering == nil {
		err = errors.New("there is no chain")
	}
	if err != nil {
		return snap.Answer{Err: "repair: " + err.Error()}
	}
	text, err := s.steering.Repair()
	if err != nil {
		return snap.Answer{Err: err.Error()}
	}
	return snap.Answer{Text: text}
}

// Chains gives what a frame shows of chains; whole: with rules, routes, owners of bits and settings.
func (s *Service) Chains(whole bool) snap.Chains {
	s.mu.Lock()
	chains := s.inForce().acl.Chains
	why := s.why
	if s.opt.ReadOnly != "" {
		why = s.opt.ReadOnly
	}
	s.mu.Unlock()
	var out snap.Chains
	if s.steering != nil {
		out = s.steering.View(chains, whole)
	}
	if out.Why == "" {
		out.Why = why
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	if len(out.Rows) > 0 {
		s.countLegs(now)
	}
	for i := range out.Rows {
		s.hits.chain(&out.Rows[i], now)
	}
	return out
}

// Lineage follows one packet: who marks it, and what becomes of it by its mark.
func (s *Service) Lineage(k acl.Packet) []string {
	s.mu.Lock()
	p := s.inForce().acl
	now := s.opt.Now()
	s.mu.Unlock()
	if len(p.Chains) == 0 || s.steering == nil {
		return nil
	}
	d := acl.Evaluate(&p, k, acl.NewState(now))
	of := acl.Marked(&p, k)
	switch {
	case of.Chain == 0:
		return []string{"mark: none: no chain is for " + format.Clean(k.String())}
	case d.Verdict == acl.Deny && !d.Limited:
		return []string{"mark: none: " + format.Clean(p.Words(d))}
	}
	return s.steering.Lineage(&p.Chains[of.Chain-1], of.Kind)
}
