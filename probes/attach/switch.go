// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"

	"hooktop/probes/snap"
)

// Handover is what a Plane offers for a mode change that neither loses nor doubles a packet. While it is on, the XDP
// program of a slot marks each packet that it counted, in the metadata in front of it, and the tc ingress program of that
// slot lets marked packets pass uncounted.
type Handover interface {
	Handover(slot uint16, on bool) error
	// Settle returns when every packet that was on its way through the programs has left them.
	Settle() error
}

// SetMode changes how the ingress of a device is watched. The new program is attached before the old one goes, where the
// kernel lets both be there: XDP and tc. Native and generic XDP exclude each other, so that change goes over tc.
func (s *Set) SetMode(d *Dev, want Mode) snap.Status {
	d.Want = want
	step := Choose(d.Link, want, s.foreign(d))
	if d.in != nil && !d.in.lost && d.Mode == step.Mode {
		d.Why = step.Why
		return snap.Status{Name: line(d, false), Outcome: snap.Attached, To: d.in.to, Why: step.Why}
	}
	if d.in == nil || d.in.lost {
		_ = s.detachSide(d, false) // only handles are left of it
		return s.Ingress(d)
	}
	over, ok := s.plane.(Handover)
	if !ok {
		return s.replace(d)
	}
	if err := errors.Join(over.Handover(d.Slot, true), over.Settle()); err != nil {
		s.Notify(snap.Warn, fmt.Sprintf("%s: packets of the moment may be missed: %v", d.Link.Name, err))
		return s.replace(d)
	}
	defer s.settled(d, over)
	if d.Mode != TC && step.Mode != TC {
		if err := s.putBeside(d, TCIngress, over); err != nil {
			return unavailable(snap.Status{Name: line(d, false)}, err)
		}
	}
	return s.overlap(d, step, over)
}

// settled ends a handover once no marked packet is on its way.
func (s *Set) settled(d *Dev, over Handover) {
	if err := errors.Join(over.Settle(), over.Handover(d.Slot, false)); err != nil {
		s.Notify(snap.Warn, fmt.Sprintf("%s: end the change of mode: %v", d.Link.Name, err))
	}
}

// overlap attaches by step, or what comes after it when that fails, beside the old program, which goes last. When
// nothing else works the old one stays.
func (s *Set) overlap(d *Dev, step Step, over Handover) snap.Status {
	st := snap.Status{Name: line(d, false)}
	first := step.Mode
	for {
		if step.Mode == d.Mode {
			d.Why = step.Why
			st.Outcome, st.To, st.Why = Outcome(d.Mode, first, d.Want, s.noTCX), d.in.to, step.Why
			return st
		}
		err := s.putBeside(d, modeHook(step.Mode), over)
		if err == nil {
			d.Why = step.Why
			st.Outcome, st.To, st.Why = Outcome(step.Mode, first, d.Want, s.noTCX), d.in.to, step.Why
			return st
		}
		next, ok := Next(step, err)
		if !ok {
			return unavailable(st, err)
		}
		step = next
	}
}

// putBeside attaches to another ingress hook and takes the old program off once the new one sits.
func (s *Set) putBeside(d *Dev, k Hook, over Handover) error {
	h, err := s.attach(d, k)
	if err != nil {
		return err
	}
	if err := over.Settle(); err != nil {
		s.Notify(snap.Warn, fmt.Sprintf("%s: packets of the moment may be missed: %v", d.Link.Name, err))
	}
	old := d.in
	d.in, d.Mode = h, hookMode(k)
	if err := old.Close(); err != nil {
		s.Notify(snap.Warn, fmt.Sprintf("%s: %s could not be detached: %v", d.Link.Name, old.to, err))
	}
	if err := s.dropQdisc(d); err != nil {
		s.Notify(snap.Warn, err.Error())
	}
	return nil
}

// replace takes the old program off first: the plane has no handover.
func (s *Set) replace(d *Dev) snap.Status {
	if err := s.detachSide(d, false); err != nil {
		s.Notify(snap.Warn, fmt.Sprintf("%s: detach: %v", d.Link.Name, err))
	}
	return s.Ingress(d)
}
