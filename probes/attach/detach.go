// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"hooktop/probes/snap"
)

// End detaches everything from a device, XDP first, and forgets the device. It says what was detached.
func (s *Set) End(d *Dev) []snap.Status { return s.end([]*Dev{d}) }

// EndAll detaches from every device.
func (s *Set) EndAll() []snap.Status { return s.end(slices.Clone(s.devs)) }

// end takes the ingress programs off first, then the egress ones, each side of all devices at a time: the kernel lets go
// of a program only after a grace period.
func (s *Set) end(devs []*Dev) []snap.Status {
	sides := map[bool][]*snap.Status{}
	for _, egress := range []bool{false, true} {
		sides[egress] = make([]*snap.Status, len(devs))
		var all sync.WaitGroup
		for i, d := range devs {
			if p := d.side(egress); *p != nil {
				h := *p
				*p = nil
				all.Add(1)
				go func() { // can't panic: closeOne recovers
					defer all.Done()
					sides[egress][i] = closeOne(line(d, egress), h)
				}()
			}
		}
		all.Wait()
	}
	var report []snap.Status
	for i, d := range devs {
		for _, egress := range []bool{false, true} {
			if st := sides[egress][i]; st != nil {
				report = append(report, *st)
			}
		}
		if err := s.dropQdisc(d); err != nil {
			report = append(report, snap.Status{
				Name: "clsact qdisc " + d.Link.Name, Outcome: snap.Unavailable,
				Why: err.Error(), Fix: "tc qdisc del dev " + d.Link.Name + " clsact",
			})
		}
		s.remove(d)
	}
	return report
}

// closeOne detaches one program. A panic keeps no other one attached.
func closeOne(name string, h *held) (st *snap.Status) {
	st = &snap.Status{Name: name, Outcome: snap.Detached, To: h.to}
	defer func() {
		if r := recover(); r != nil {
			st.Outcome, st.Why, st.Fix = snap.Unavailable, fmt.Sprintf("panic while detaching: %v", r), "hooktop cleanup"
		}
	}()
	if err := h.Close(); err != nil {
		st.Outcome, st.Why, st.Fix = snap.Unavailable, fmt.Sprintf("detach: %v", err), "hooktop cleanup"
	}
	return st
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
	hold := h.Hold
	if x, ok := hold.(*xdpHold); ok {
		hold = x.mark
	}
	_, ok := hold.(*filterHold)
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
