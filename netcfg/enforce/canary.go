// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// A canary is a trial on some devices only. Its keep begins a soak: the devices are watched while the rest goes on by what was
// kept, and the kernel's word for them goes on having a lease, renewed with each look at the host. So it is the kernel that
// falls back when this process stalls or the host can't be looked at. After the soak the rest follows.

const (
	// DefaultSoak is how long a canary is watched after its keep.
	DefaultSoak = 5 * time.Minute
	// MaxSoak is the longest soak: nobody remembers a change of yesterday.
	MaxSoak = 24 * time.Hour
	// soakLease is what a canary's lease is renewed to. A look at the host that is late by a few seconds is no stall.
	soakLease = 5 * time.Second
)

// canary is what a trial on some devices has besides. The zero value: it is on all.
type canary struct {
	on     []string          // devices by the kernel's name, sorted
	slots  map[string]uint16 // of these, when the trial began
	soak   time.Duration     // that its keep begins
	normal normal
	kept   actor     // who kept it
	began  time.Time // of the soak, zero: it is not kept
	until  time.Time
	checks []snap.CanaryCheck // of the latest look
}

// soaking reports whether a canary was kept and is watched.
func (t *trial) soaking() bool { return t != nil && !t.began.IsZero() }

// where says on which devices a trial is.
func (t *trial) where() string {
	if len(t.on) == 0 {
		return ""
	}
	return " on " + strings.Join(cleaned(t.on), ", ")
}

func cleaned(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = format.Clean(name)
	}
	return out
}

// canaryOf finds the devices of a wish; on nil stands for all of them.
func (s *Service) canaryOf(w snap.PolicyWish, drops map[string]float64) (c canary, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(w.On) == 0 {
		return c, nil
	}
	c.slots = map[string]uint16{}
	for _, asked := range w.On {
		name, ok := s.device(asked)
		if !ok {
			return c, fmt.Errorf("canary %s: no such device is watched, and these are: %s", format.Clean(asked), strings.Join(s.names(), ", "))
		}
		c.slots[name] = s.world.Devices[name]
	}
	if len(c.slots) == len(s.world.Devices) {
		return c, errors.New("canary: these are all devices that are watched, and none would follow: commit without one")
	}
	c.on = slices.Sorted(maps.Keys(c.slots))
	switch c.soak = w.Soak; {
	case c.soak == 0:
		c.soak = s.opt.Soak
	case c.soak < time.Second || c.soak > MaxSoak:
		return c, fmt.Errorf("a soak of %s: it may last from 1s to %s", c.soak, MaxSoak)
	}
	if c.normal, err = s.past.normalOf(c.on); err != nil {
		return c, err
	}
	for _, name := range c.on {
		c.normal.forecast += drops[name]
	}
	return c, nil
}

// slotsOf gives what the plane is asked for. A device may have gone since the wish was looked at. mu is held.
func (s *Service) slotsOf(c *canary) ([]uint16, error) {
	if name, lost := s.lostCanary(c); lost {
		return nil, fmt.Errorf("canary %s: it is gone", format.Clean(name))
	}
	var slots []uint16
	for _, name := range c.on {
		slots = append(slots, c.slots[name])
	}
	return slots, nil
}

// device finds a watched device by its name, as the kernel has it or as screens show it. mu is held.
func (s *Service) device(asked string) (string, bool) {
	if _, ok := s.world.Devices[asked]; ok {
		return asked, true
	}
	for name := range s.world.Devices {
		if format.Clean(name) == asked {
			return name, true
		}
	}
	return "", false
}

// names lists the watched devices for humans. mu is held.
func (s *Service) names() []string { return cleaned(slices.Sorted(maps.Keys(s.world.Devices))) }

// rest lists the devices that follow a canary. mu is held.
func (s *Service) rest(t *trial) []string {
	return cleaned(slices.DeleteFunc(slices.Sorted(maps.Keys(s.world.Devices)), func(name string) bool { return slices.Contains(t.on, name) }))
}

// lostCanary reports which device of a canary is not what it was. mu is held.
func (s *Service) lostCanary(c *canary) (name string, lost bool) {
	for _, name := range c.on {
		if slot, ok := s.world.Devices[name]; !ok || slot != c.slots[name] {
			return name, true
		}
	}
	return "", false
}

// beginSoak is the keep of a canary. mu is held.
func (s *Service) beginSoak(t *trial, by actor) (string, error) {
	err := s.plane.Extend(s.renewal)
	if errors.Is(err, ErrLeaseOver) {
		s.over()
		return "", fmt.Errorf("no trial is running: %s", s.lastEnd)
	}
	if err != nil {
		return "", err
	}
	s.recordCommit(t)
	now := s.opt.Now()
	t.kept, t.began, t.until = by, now, now.Add(t.soak)
	t.lease, t.deadline = s.renewal, now.Add(s.renewal)
	s.record("canary", &t.edition, by, func(e *event) { e.Lease, e.Soak, e.On = s.renewal.Seconds(), t.soak.Seconds(), cleaned(t.on) })
	text := fmt.Sprintf("v%d decides%s and is watched for %s, then the rest follows: %s", t.id, t.where(), t.soak, strings.Join(s.rest(t), ", "))
	s.tell(snap.Info, text+", kept by "+by.Who)
	return text, nil
}

// Watched is closed when it is known what is normal: no canary begins before.
func (s *Service) Watched() <-chan struct{} { return s.watched }

// Health takes in a look at the host. It is to be called once a second: what a canary decides by ends soon after the last call.
func (s *Service) Health(h snap.Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past.add(h)
	select {
	case <-s.watched:
	default:
		if s.past.span() >= pastLeast {
			close(s.watched)
		}
	}
	if s.plane == nil || s.ended || !s.trial.soaking() {
		return
	}
	if s.notice(); !s.trial.soaking() {
		return
	}
	t := s.trial
	t.checks = s.past.checks(t.normal, t.on, t.started, s.opt.Limits)
	now := s.opt.Now()
	if why, failed := failure(t.checks); failed {
		s.rollBack(why)
		return
	}
	if now.Before(t.until) {
		s.renew(t, now)
		return
	}
	if way, cut := s.cutsNow(t); cut {
		s.rollBack("it would cut a way in: " + way)
		return
	}
	if _, err := s.keepAll(t, t.kept); err != nil {
		s.trouble(fmt.Sprintf("v%d does not follow on the rest: %v", t.id, err))
	}
}

// renew makes the canary's lease last again. mu is held.
func (s *Service) renew(t *trial, now time.Time) {
	err := s.plane.Extend(s.renewal)
	switch {
	case errors.Is(err, ErrLeaseOver):
		s.over()
	case err != nil:
		s.trouble(fmt.Sprintf("renew the canary's lease: %v: it ends in %s", err, t.lease.Round(time.Second)))
	default:
		t.lease, t.deadline = s.renewal, now.Add(s.renewal)
	}
}

// rollBack takes a canary back at once. mu is held.
func (s *Service) rollBack(why string) {
	s.tell(snap.Crit, fmt.Sprintf("v%d is taken back%s: %s", s.trial.id, s.trial.where(), why))
	if err := s.restore(why); err != nil {
		s.tell(snap.Crit, err.Error())
	}
}

// cutsNow says which way in of now the rest of the devices would close: nobody sits at the keys when they follow. The guard is that of
// now: for who has just logged in it is written again in a moment, and they are no reason to go back. mu is held.
func (s *Service) cutsNow(t *trial) (way string, cut bool) {
	p := s.guarded(t.file, s.world)
	if list := cuts(&p, s.world.onDevices(), s.opt.Now()); len(list) > 0 {
		return list[0], true
	}
	return "", false
}

// attended refuses a canary that closes a way in: it would close it on the rest with no lease.
func attended(p *acl.Policy, c *canary, world World, now time.Time) error {
	if len(c.on) == 0 {
		return nil
	}
	if list := cuts(p, world.onDevices(), now); len(list) > 0 {
		return fmt.Errorf("a canary may not cut a way in, for the rest follows without a lease: %s: commit to all devices", list[0])
	}
	return nil
}

// canaryView is a canary as a frame shows it. mu is held.
func (s *Service) canaryView(t *trial) snap.Canary {
	return snap.Canary{
		Gen: t.id, Text: t.text, Devices: cleaned(t.on), Rest: s.rest(t), Started: t.began,
		Left: max(0, t.until.Sub(s.opt.Now())), Lease: t.lease, Checks: slices.Clone(t.checks),
	}
}
