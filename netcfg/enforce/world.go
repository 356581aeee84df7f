// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Look takes in the world and what the kernel says, and never waits for the disk or a compiler. It reports whether what
// decides must be written again for this world: Rewrite does that.
func (s *Service) Look(w World) (rewrite bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plane == nil {
		return false
	}
	s.notice()
	if s.unsteady != "" {
		s.unsteer()
	}
	w.gone = s.remember(w.Ways)
	moved := w.moved(s.world)
	s.world = w
	select {
	case <-s.looked:
	default:
		close(s.looked)
	}
	s.stale = s.stale || moved
	if t := s.trial; t != nil {
		t.fresh = t.fresh || anew(t.seen, w.Ways)
		if name, lost := s.lostCanary(&t.canary); lost {
			s.rollBack(fmt.Sprintf("%s, where it was tried first, is gone", format.Clean(name)))
		}
	}
	return s.stale && (s.kept.gen != 0 || s.trial != nil)
}

// moved reports whether a policy is written otherwise for w than for o. A second session from the same peer makes no
// difference to the guard: on a busy host generations would be used up by logins.
func (w World) moved(o World) bool {
	return !slices.EqualFunc(w.guarded(), o.guarded(), sameGuard) || !maps.Equal(w.Devices, o.Devices)
}

// different leaves out ways in that the guard lets in already.
func different(ways []acl.WayIn) []acl.WayIn {
	var out []acl.WayIn
	for _, w := range ways {
		if !slices.ContainsFunc(out, func(o acl.WayIn) bool { return sameGuard(w, o) }) {
			out = append(out, w)
		}
	}
	return out
}

// sameGuard reports whether the guard's lines for both are the same.
func sameGuard(a, b acl.WayIn) bool {
	return a.Proto == b.Proto && a.Local == b.Local && a.Peer == b.Peer && a.Port == b.Port && a.Both == b.Both
}

// Looked is closed when the ways in are known: nothing is committed before.
func (s *Service) Looked() <-chan struct{} { return s.looked }

// anew reports whether a connection stands that did not stand before.
func anew(before, now []acl.WayIn) bool {
	return slices.ContainsFunc(now, func(w acl.WayIn) bool { return w.PeerPort != 0 && !slices.Contains(before, w) })
}

// Rewrite writes what decides again, with the guard and the device names of now, and swaps it in. The lease stays as it
// is: the plane puts one number in the place of another and leaves the deadline alone.
func (s *Service) Rewrite() error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	world, idle := s.world, s.plane == nil || s.ended
	todo := []edition{}
	if s.kept.gen != 0 {
		todo = append(todo, s.kept)
	}
	if s.trial != nil {
		todo = append(todo, s.trial.edition)
	}
	s.stale = false
	s.mu.Unlock()
	if idle {
		return nil
	}
	for _, old := range todo {
		next := old
		next.acl = s.guarded(old.file, world)
		var err error
		if next.gen, err = s.write(&next.acl, world.Devices, s.opt.Now()); err == nil {
			err = s.swap(old, next)
		}
		if errors.Is(err, errEnded) {
			return nil
		}
		if err != nil {
			s.mu.Lock()
			s.stale = true
			s.mu.Unlock()
			return fmt.Errorf("write v%d again for those who have logged in and the devices that came: %w: the one that decides stays", old.id, err)
		}
	}
	return nil
}

// swap puts next in the place of old, unless old decides no more.
func (s *Service) swap(old, next edition) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plane == nil || s.ended {
		return nil
	}
	s.notice()
	var at *edition
	switch {
	case s.kept.gen == old.gen:
		at = &s.kept
	case s.trial != nil && s.trial.gen == old.gen:
		at = &s.trial.edition
	default:
		return nil
	}
	if err := s.plane.Swap(old.gen, next.gen); err != nil {
		return err
	}
	at.gen, at.acl = next.gen, next.acl
	s.fade(old)
	return nil
}

// fade remembers an edition that decided a moment ago: its last packets are still to be counted. mu is held.
func (s *Service) fade(e edition) {
	const keep = 2 // their slots are used again soon
	if e.gen == 0 {
		return
	}
	s.fading = append(s.fading, e)
	s.fading = slices.Clone(s.fading[max(0, len(s.fading)-keep):])
}

// Count reads the counters. It is to be called once a second.
func (s *Service) Count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plane == nil {
		return
	}
	if why := s.audit.why.Load(); why != nil {
		s.trouble(*why)
	}
	now := s.opt.Now()
	s.count(now)
	if dt := now.Sub(s.second).Seconds(); !s.second.IsZero() && dt > 0 {
		s.hits.second(dt)
		if s.trial != nil {
			s.trial.dropPPS = max(0, s.hits.deniedPPS(&s.trial.acl)-s.trial.denied)
		}
	}
	s.second = now
}

// count reads the counters of all generations that decide or just did. mu is held.
func (s *Service) count(now time.Time) {
	if s.plane == nil {
		return
	}
	list := append([]edition{}, s.fading...)
	list = append(list, s.kept)
	if s.trial != nil {
		list = append(list, s.trial.edition)
	}
	var gens []uint32
	var policies []*acl.Policy
	for i := range list {
		e := &list[i]
		policies = append(policies, &e.acl)
		if e.gen == 0 {
			continue
		}
		gens = append(gens, e.gen)
		c, err := s.plane.Counts(e.gen)
		if err != nil {
			if i >= len(s.fading) { // the slot of one that fades may be in use again
				s.trouble(fmt.Sprintf("counters of v%d can't be read: %v", e.id, err))
			}
			continue
		}
		s.hits.take(e.gen, &e.acl, c, now)
	}
	s.countLegs(now)
	s.hits.keep(gens, policies...)
}

// trouble tells about something once. mu is held.
func (s *Service) trouble(text string) {
	if s.said != text {
		s.said = text
		s.tell(snap.Warn, text)
	}
}
