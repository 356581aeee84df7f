// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"
	"slices"

	"hooktop/probes/snap"
)

// End detaches everything from a device, XDP first, and forgets the device. It says what was detached.
func (s *Set) End(d *Dev) []snap.Status {
	var report []snap.Status
	for _, egress := range []bool{false, true} {
		p := d.side(egress)
		if *p == nil {
			continue
		}
		st := snap.Status{Name: line(d, egress), Outcome: snap.Detached, To: (*p).to}
		if err := (*p).Close(); err != nil {
			st.Outcome, st.Why, st.Fix = snap.Unavailable, fmt.Sprintf("detach: %v", err), "hooktop cleanup"
		}
		*p = nil
		report = append(report, st)
	}
	if err := s.dropQdisc(d); err != nil {
		report = append(report, snap.Status{
			Name: "clsact qdisc " + d.Link.Name, Outcome: snap.Unavailable,
			Why: err.Error(), Fix: "tc qdisc del dev " + d.Link.Name + " clsact",
		})
	}
	s.remove(d)
	return report
}

// Vanished forgets a device that is gone. The kernel has taken its programs off; their handles are closed.
func (s *Set) Vanished(d *Dev) {
	for _, egress := range []bool{false, true} {
		if p := d.side(egress); *p != nil {
			_ = (*p).Close() // nothing is left that could fail to go
			*p = nil
		}
	}
	if d.madeQdisc {
		d.madeQdisc = false
		s.journal.DoneQdisc(d.Link.Index)
	}
	s.remove(d)
}

// EndAll detaches from every device, newest first.
func (s *Set) EndAll() []snap.Status {
	var report []snap.Status
	for len(s.devs) > 0 {
		report = append(report, s.end(s.devs[len(s.devs)-1])...)
	}
	slices.Reverse(report)
	return report
}

// end is End that survives a panic, so that one device never keeps the others attached.
func (s *Set) end(d *Dev) (report []snap.Status) {
	defer func() {
		if r := recover(); r != nil {
			s.remove(d)
			report = append(report, snap.Status{
				Name: "pipeline " + d.Link.Name, Outcome: snap.Unavailable,
				Why: fmt.Sprintf("panic while detaching: %v", r), Fix: "hooktop cleanup",
			})
		}
	}()
	return s.End(d)
}

func (s *Set) remove(d *Dev) {
	if i := slices.Index(s.devs, d); i >= 0 {
		s.devs = slices.Delete(s.devs, i, i+1)
		s.slots.give(d.Slot)
	}
}

// dropQdisc removes the clsact qdisc that this set made, once none of its filters is left there.
func (s *Set) dropQdisc(d *Dev) error {
	if !d.madeQdisc || usesFilter(d.in) || usesFilter(d.out) {
		return nil
	}
	if _, err := s.filters.RemoveClsact(d.Link.Index); err != nil {
		return fmt.Errorf("remove clsact from %s: %w", d.Link.Name, err)
	}
	d.madeQdisc = false
	s.journal.DoneQdisc(d.Link.Index)
	return nil
}

func usesFilter(h *held) bool {
	if h == nil {
		return false
	}
	_, ok := h.Hold.(*filterHold)
	return ok
}

// detachSide takes one program off.
func (s *Set) detachSide(d *Dev, egress bool) error {
	p := d.side(egress)
	if *p == nil {
		return nil
	}
	err := (*p).Close()
	*p = nil
	return errors.Join(err, s.dropQdisc(d))
}
