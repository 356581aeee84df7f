// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"
	"time"

	"hooktop/probes/snap"
)

// settle is how long after an attach a device is judged by its carrier and counters.
const settle = 3 * time.Second

// refresh reads what the kernel tells about a program; run time and counts change.
func (h *held) refresh(d *Dev) {
	p, err := h.Info()
	if err != nil {
		p = h.program
		p.Reason = err.Error()
	}
	p.Dev, p.Hook, p.State = d.Link.Name, h.to, "attached"
	if h.lost {
		p.State, p.Reason = "detached", "somebody took it off"
	}
	h.program = p
}

// Programs are ours, two a device, as the kernel counted them at the last Check.
func (s *Set) Programs() []snap.Program {
	var list []snap.Program
	for _, d := range s.devs {
		for _, h := range []*held{d.in, d.out} {
			if h != nil {
				list = append(list, h.program)
			}
		}
	}
	return list
}

// Check looks whether the kernel still has every program on its hook. One that somebody took off is said and attached
// once more; taken off again, it stays off: hooktop fights nobody (FAULTS 15). Call it once a second.
func (s *Set) Check() {
	for _, d := range s.devs {
		for _, egress := range []bool{false, true} {
			if h := *d.side(egress); h != nil && !h.lost {
				s.checkSide(d, egress, h)
			}
		}
	}
}

func (s *Set) checkSide(d *Dev, egress bool, h *held) {
	sits, err := h.Sits()
	if err != nil || sits {
		h.refresh(d)
		return
	}
	name := line(d, egress)
	if h.again {
		h.lost = true
		h.refresh(d)
		s.Notify(snap.Crit, fmt.Sprintf("%s (%s) was taken off again by somebody: it stays off, e on the Programs tab sets its mode anew", name, h.to))
		return
	}
	side, to := d.side(egress), h.to
	_ = h.Close() // the kernel has already let go: only handles are left
	*side = nil
	hook, put := TCEgress, s.Egress
	if !egress {
		hook, put = modeHook(Choose(d.Link, d.Want, s.foreign(d)).Mode), s.Ingress
	}
	s.prepare(d, func() {
		if !s.has(d) || *side != nil {
			s.discard(d)
			return
		}
		st := put(d)
		if *side == nil {
			s.Notify(snap.Crit, fmt.Sprintf("%s (%s) was taken off by somebody, and could not be attached again: %s", name, to, st.Why))
			return
		}
		(*side).again = true
		s.Notify(snap.Warn, fmt.Sprintf("%s (%s) was taken off by somebody: attached again once, as %s", name, to, (*side).to))
	}, hook)
}

// Update takes over what changed about a device: its name, carrier, counters. It reports a carrier that went away right
// after an attach, and whether the name changed.
func (s *Set) Update(d *Dev, l snap.Link, now time.Time) (renamed bool) {
	old := d.Link
	d.Link = l
	if old.Carrier && !l.Carrier && now.Sub(d.Since) < settle {
		d.flapped = true
		why := ": the driver resets the link for it"
		if d.Mode == TC {
			why = ", which touches no driver"
		}
		s.Notify(snap.Warn, fmt.Sprintf("%s lost its carrier %.1f s after attaching %s%s", l.Name, now.Sub(d.Since).Seconds(), toOf(d.in), why))
	}
	if old.Name == l.Name {
		return false
	}
	s.Notify(snap.Info, fmt.Sprintf("%s is called %s now", old.Name, l.Name))
	for _, h := range []*held{d.in, d.out} {
		if h != nil {
			h.refresh(d)
		}
	}
	return true
}

// Restart begins the review anew after a change of mode: an attach of its own. seenIn and seenOut are what the pipeline
// has counted on the device so far.
func (s *Set) Restart(d *Dev, seenIn, seenOut uint64) {
	d.base, d.seen, d.Since = d.Link, [2]uint64{seenIn, seenOut}, time.Now()
	d.reviewed, d.flapped = false, false
}

// Due reports whether it is time for Review.
func (d *Dev) Due(now time.Time) bool {
	return !d.reviewed && d.Watching() && now.Sub(d.Since) >= settle
}

// Review compares, once after an attach, what the device received with what the pipeline saw. l is the device now, seen
// the packets that the pipeline counted on it since it was begun.
func (s *Set) Review(d *Dev, l snap.Link, seenIn, seenOut uint64, now time.Time) {
	if !d.Due(now) {
		return
	}
	d.reviewed = true
	if n := l.CarrierChanges - d.base.CarrierChanges; n > 0 && !d.flapped {
		s.Notify(snap.Warn, fmt.Sprintf("%s changed its carrier %d times within %.0f s of attaching %s", l.Name, n, settle.Seconds(), toOf(d.in)))
	}
	rx, tx := l.RxPackets-d.base.RxPackets, l.TxPackets-d.base.TxPackets
	const enough = 100 // fewer may be in flight or dropped for good reasons
	if d.in != nil && rx > enough && seenIn <= d.seen[0] && l.RxPackets >= d.base.RxPackets {
		s.Notify(snap.Warn, fmt.Sprintf("%s received %d packets and %s saw none of them", l.Name, rx, toOf(d.in)))
	}
	if d.out != nil && tx > enough && seenOut <= d.seen[1] && l.TxPackets >= d.base.TxPackets {
		s.Notify(snap.Warn, fmt.Sprintf("%s sent %d packets and %s saw none of them", l.Name, tx, toOf(d.out)))
	}
	if lost := l.RxDropped - d.base.RxDropped; l.RxDropped > d.base.RxDropped && lost > enough && lost > rx/10 {
		s.Notify(snap.Warn, fmt.Sprintf("%s dropped %d received packets since the attach", l.Name, lost))
	}
}

func toOf(h *held) string {
	if h == nil {
		return "nothing"
	}
	return h.to
}
