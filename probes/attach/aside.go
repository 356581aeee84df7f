// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"slices"
	"time"

	"hooktop/probes/snap"
)

// Preparer is what a Plane offers so that the verifier's work, some 0.1 s a program, can be done on other goroutines.
type Preparer interface {
	// Prepare loads the program that the next attach of a device to a hook takes. It may be called from any goroutine.
	Prepare(d Device, h Hook) error
	// Discard unloads what was prepared for a slot and not taken.
	Discard(slot uint16) error
}

// Aside runs work on other goroutines and then calls then on the set's own. It drops both when the set is about to end.
type Aside func(work, then func())

// errWentMeanwhile says why a device that was begun has no programs.
var errWentMeanwhile = errors.New("it went while its programs were loaded")

// Watch begins to watch a device: both its programs are loaded aside, and attached as they are ready. say hears of each,
// done of the end; its error says that nothing sits on the device.
func (s *Set) Watch(c Choice, want Mode, say func(snap.Status), done func(*Dev, error)) {
	d, err := s.Begin(c, want)
	if err != nil {
		say(unavailable(Pending(c.Link.Name, false), err))
		done(nil, err)
		return
	}
	var in snap.Status
	left := 2
	side := func(egress bool, put func(*Dev) snap.Status) func() {
		return func() {
			if s.has(d) && *d.side(egress) == nil {
				st := put(d)
				d.Since = time.Now()
				if !egress {
					in = st
				}
				say(st)
			}
			if left--; left > 0 {
				return
			}
			s.discard(d)
			switch {
			case !s.has(d):
				done(d, errors.New(d.Link.Name+": "+errWentMeanwhile.Error()))
			case !d.Watching():
				done(d, errors.New(d.Link.Name+": "+in.Why))
			default:
				done(d, nil)
			}
		}
	}
	s.prepare(d, side(false, s.Ingress), modeHook(Choose(d.Link, want, s.foreign(d)).Mode))
	s.prepare(d, side(true, s.Egress), TCEgress)
}

// ChangeMode is SetMode with the programs loaded aside; done hears what came of it.
func (s *Set) ChangeMode(d *Dev, want Mode, done func(snap.Status)) {
	step := Choose(d.Link, want, s.foreign(d))
	hooks := []Hook{modeHook(step.Mode)}
	if d.in != nil && d.Mode != TC && step.Mode != TC {
		hooks = append(hooks, TCIngress) // the change goes over tc
	}
	if d.in != nil && !d.in.lost && d.Mode == step.Mode {
		hooks = nil
	}
	s.prepare(d, func() {
		if !s.has(d) {
			s.discard(d)
			done(unavailable(snap.Status{Name: line(d, false)}, errWentMeanwhile))
			return
		}
		st := s.SetMode(d, want)
		s.discard(d)
		done(st)
	}, hooks...)
}

// prepare loads programs aside, one after another, then calls then. A load that fails is not told: the attach meets the
// same error.
func (s *Set) prepare(d *Dev, then func(), hooks ...Hook) {
	p, ok := s.plane.(Preparer)
	if !ok || s.Aside == nil || len(hooks) == 0 {
		then()
		return
	}
	dev := d.device()
	s.Aside(func() {
		for _, h := range hooks {
			if p.Prepare(dev, h) != nil {
				return
			}
		}
	}, then)
}

// discard unloads what was prepared for a device and not used. What can't be unloaded goes with the plane.
func (s *Set) discard(d *Dev) {
	if p, ok := s.plane.(Preparer); ok {
		_ = p.Discard(d.Slot)
	}
}

func (s *Set) has(d *Dev) bool { return slices.Contains(s.devs, d) }
