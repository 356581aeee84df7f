// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Set holds every attachment of the process, so that no handle is ever left to the garbage collector. It belongs to one
// goroutine.
type Set struct {
	plane   Plane
	filters Filters
	journal Journal
	noTCX   string // why clsact is used in place of tcx, "" while tcx works
	slots   slots
	devs    []*Dev          // in the order of their attachment
	ours    map[uint32]bool // ids of every program this set ever attached: device news may be older than the set
	Notify  func(sev snap.Severity, text string)

	// Aside takes slow work to other goroutines; nil: it is done on the spot.
	Aside Aside

	// Forgotten hears that a slot was cleared and goes to another device.
	Forgotten func(slot uint16)
}

// NewSet makes an empty set. noTCX forces clsact filters.
func NewSet(p Plane, f Filters, j Journal, noTCX bool) *Set {
	s := &Set{
		plane: p, filters: f, journal: j, ours: map[uint32]bool{},
		slots:  slots{max: uint16(p.MaxSlots())},
		Notify: func(snap.Severity, string) {}, Forgotten: func(uint16) {},
	}
	s.slots.forget = func(n uint16) error {
		defer s.Forgotten(n)
		return p.Forget(n)
	}
	if noTCX {
		s.noTCX = "asked for"
	}
	return s
}

// Devs are the watched devices. The slice must not be changed or kept.
func (s *Set) Devs() []*Dev { return s.devs }

// Find returns the watched device with an ifindex, or nil.
func (s *Set) Find(ifindex int) *Dev {
	i := slices.IndexFunc(s.devs, func(d *Dev) bool { return d.Link.Index == ifindex })
	if i < 0 {
		return nil
	}
	return s.devs[i]
}

// Begin gives a device a slot. Its programs are attached by Ingress and Egress.
func (s *Set) Begin(c Choice, want Mode) (*Dev, error) {
	slot, err := s.slots.take()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", c.Link.Name, err)
	}
	d := &Dev{Link: c.Link, Slot: slot, Reason: c.Reason, Want: want, Mode: None, Why: "its programs are being loaded", Since: time.Now(), base: c.Link}
	s.devs = append(s.devs, d)
	return d, nil
}

// Pending is the status line of a program that is about to be attached.
func Pending(name string, egress bool) snap.Status {
	return snap.Status{Name: line(&Dev{Link: snap.Link{Name: name}}, egress)}
}

// Ingress attaches the pipeline to what arrives on a device, by the best means that works.
func (s *Set) Ingress(d *Dev) snap.Status {
	st := snap.Status{Name: line(d, false)}
	step := Choose(d.Link, d.Want, s.foreign(d))
	first := step.Mode
	for {
		h, err := s.attach(d, modeHook(step.Mode))
		if err == nil {
			d.in, d.Mode, d.Why = h, step.Mode, step.Why
			st.Outcome, st.To, st.Why = Outcome(step.Mode, first, d.Want, s.noTCX), h.to, step.Why
			if step.Mode == TC && s.noTCX != "" {
				st.Why += "; clsact filter: " + s.noTCX
			}
			return st
		}
		next, ok := Next(step, err)
		if !ok {
			d.Mode, d.Why = None, step.Why+"; "+err.Error()
			return unavailable(st, err)
		}
		step = next
	}
}

// Outcome of an ingress that ended with mode got. Auto is degraded only when its own first choice failed.
func Outcome(got, first, want Mode, noTCX string) snap.Outcome {
	switch {
	case got != first, want == Native && got != Native, want == Generic && got != Generic, got == TC && noTCX != "":
		return snap.Degraded
	}
	return snap.Attached
}

// Egress attaches the pipeline to what leaves a device: tcx, else a clsact filter.
func (s *Set) Egress(d *Dev) snap.Status {
	st := snap.Status{Name: line(d, true)}
	h, err := s.attach(d, TCEgress)
	if err != nil {
		return unavailable(st, err)
	}
	d.out = h
	st.Outcome, st.To = snap.Attached, h.to
	if s.noTCX != "" {
		st.Outcome, st.Why = snap.Degraded, s.noTCX
	}
	return st
}

// attach puts the pipeline on one hook of a device.
func (s *Set) attach(d *Dev, k Hook) (*held, error) {
	if k == XDPNative || k == XDPGeneric {
		h, err := s.attachXDP(d, k)
		if err != nil {
			return nil, err
		}
		return s.hold(d, h, string(hookMode(k))+" XDP"), nil
	}
	dir := "ingress"
	if k == TCEgress {
		dir = "egress"
	}
	if s.noTCX == "" {
		h, err := s.plane.Attach(d.device(), k)
		if err == nil {
			return s.hold(d, h, "tcx "+dir), nil
		}
		if !errors.Is(err, ErrNoTCX) {
			return nil, err
		}
		s.noTCX = ErrNoTCX.Error()
	}
	h, err := s.attachFilter(d, k)
	if err != nil {
		s.dropQdisc(d)
		return nil, err
	}
	return s.hold(d, h, "clsact "+dir), nil
}

func (s *Set) hold(d *Dev, h Hold, to string) *held {
	k := &held{Hold: h, to: to}
	_, id := h.IDs()
	s.ours[id] = true
	k.refresh(d)
	return k
}

// foreign describes the XDP program of somebody else on a device, "" when there is none.
func (s *Set) foreign(d *Dev) string {
	for _, id := range []uint32{d.Link.XDP.Native, d.Link.XDP.Generic, d.Link.XDP.Offload} {
		if id != 0 && !s.ours[id] {
			return s.plane.Describe(id)
		}
	}
	return ""
}

func unavailable(st snap.Status, err error) snap.Status {
	st.Outcome, st.Why, st.Fix = snap.Unavailable, err.Error(), Fix(err)
	return st
}

// Fix says what to do about an attach error, "" when only the reason helps.
func Fix(err error) string {
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "run as root, or with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_DAC_READ_SEARCH"
	case errors.Is(err, unix.ENODEV):
		return "the device vanished; it is followed if it comes back"
	case errors.Is(err, unix.ENOMEM):
		return "lower --flows, or raise the memory limit of this cgroup"
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EEXIST):
		return "somebody else's program sits there: use --mode tc"
	case errors.Is(err, ErrNoSlot):
		return "name fewer devices with -i"
	}
	return ""
}
