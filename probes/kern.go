// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/probes/attach"
	"hooktop/probes/flows"
	"hooktop/probes/snap"
)

// openKern opens the pipeline of bpf/kern and fits it to what attach and flows ask for.
func openKern(cfg Config) (*dataplane, error) {
	p, err := kern.Open(kern.Options{Flows: cfg.Flows, LogRate: cfg.LogRate})
	if errors.Is(err, unix.EPERM) && os.Geteuid() != 0 {
		return nil, fmt.Errorf("this user may not use eBPF: %w", err)
	}
	if err != nil {
		return nil, err
	}
	k := &kernPlane{p: p}
	return &dataplane{
		plane:  k,
		source: &kernSource{p: p, live: p.Live(), denied: p.LiveDenied(), clock: p.Clock()},
		kern:   p,
		tally:  k.tally,
		close:  k.close,
	}, nil
}

// kernPlane is attach.Plane, attach.Handover and attach.Preparer over bpf/kern.
type kernPlane struct {
	p *kern.Pipeline

	mu      sync.Mutex
	loading int  // Prepare calls under way
	closed  bool // no more of them; the last one closes the maps that it uses
}

// Prepare loads a program; see attach.Preparer.
func (k *kernPlane) Prepare(d attach.Device, h attach.Hook) error {
	k.mu.Lock()
	closed := k.closed
	if !closed {
		k.loading++
	}
	k.mu.Unlock()
	if closed {
		return errors.New("load a program: the pipeline is closed")
	}
	err := k.p.Prepare(device(d), kernHook(h))
	k.mu.Lock()
	k.loading--
	last := k.closed && k.loading == 0
	k.mu.Unlock()
	if last {
		return errors.Join(err, k.p.Close())
	}
	return err
}

// Discard unloads what was prepared and not used.
func (k *kernPlane) Discard(slot uint16) error { return k.p.Discard(slot) }

// close lets go of maps and programs. The end doesn't wait for the verifier: a load that is under way does it.
func (k *kernPlane) close() error {
	k.mu.Lock()
	k.closed = true
	wait := k.loading > 0
	k.mu.Unlock()
	if wait {
		return nil
	}
	return k.p.Close()
}

func kernHook(h attach.Hook) kern.Hook {
	switch h {
	case attach.XDPNative:
		return kern.XDPNative
	case attach.XDPGeneric:
		return kern.XDPGeneric
	case attach.TCEgress:
		return kern.TCEgress
	case attach.TCMark:
		return kern.TCMark
	}
	return kern.TCIngress
}

func (k *kernPlane) MaxSlots() int { return int(k.p.MaxSlot()) }

func (k *kernPlane) Forget(slot uint16) error { return k.p.Forget(slot) }

// Handover and Settle make mode changes exact; see attach.Handover.
func (k *kernPlane) Handover(slot uint16, on bool) error { return k.p.Handover(slot, on) }

func (k *kernPlane) Settle() error { return k.p.Settle() }

func (k *kernPlane) Attach(d attach.Device, h attach.Hook) (attach.Hold, error) {
	var a *kern.Attachment
	var err error
	switch h {
	case attach.XDPNative, attach.XDPGeneric:
		a, err = k.p.AttachXDP(device(d), h == attach.XDPNative)
	default:
		a, err = k.p.AttachTCX(device(d), kernHook(h))
	}
	if errors.Is(err, kern.ErrNoTCX) {
		return nil, fmt.Errorf("%w: %w", attach.ErrNoTCX, err)
	}
	if err != nil {
		return nil, err
	}
	return kernHold{a}, nil
}

func (k *kernPlane) Program(d attach.Device, h attach.Hook) (attach.Program, error) {
	prog, err := k.p.LoadFilter(device(d), kernHook(h))
	if err != nil {
		return nil, err // not a nil *FilterProgram in an interface
	}
	return prog, nil
}

func (k *kernPlane) Describe(id uint32) string { return kern.Describe(id) }

// tally reads what the programs count outside the flow table. Evictions lose nothing, their counters are folded; they are
// told because a row of the table may be missing.
func (k *kernPlane) tally() (malformed, lost []snap.Count, err error) {
	c, err := k.p.Counters()
	if err != nil {
		return nil, nil, err
	}
	for i, n := range c.Malformed {
		if name := kern.Malformed(i); n > 0 && name != "none" {
			malformed = append(malformed, snap.Count{Name: name, N: n})
		}
	}
	for _, s := range []snap.Count{
		{Name: "flows evicted", N: c.Stats.Evictions},
		{Name: "skb headers unreadable", N: c.Stats.PullFailed},
		{Name: "map lookups failed", N: c.Stats.LookupFailed},
		{Name: "packets past more than 16 count rules", N: c.Stats.CountLost},
		{Name: "flows not noted for established", N: c.Stats.SeenFailed},
		{Name: "token buckets not made", N: c.Stats.BucketFailed},
		{Name: "packets in tunnels without a row", N: c.Stats.TunnelFull},
		{Name: lostEvents, N: c.Stats.EventLost},
		{Name: "headers of denied packets lost", N: c.Stats.SampleLost},
		{Name: "packets counted twice while a hook changed", N: c.Stats.NoteLost},
		{Name: "chain packets with a mark of somebody else", N: c.Stats.MarkForeign},
		{Name: "chain packets without room for their mark", N: c.Stats.MarkLost},
		{Name: "chain marks of a policy that is gone", N: c.Stats.MarkStale},
	} {
		if s.N > 0 {
			lost = append(lost, s)
		}
	}
	return malformed, lost, nil
}

func device(d attach.Device) kern.Device {
	return kern.Device{Index: d.Index, Name: d.Name, Slot: d.Slot, L3: d.L3}
}

type kernHold struct{ a *kern.Attachment }

func (h kernHold) Close() error                { return h.a.Close() }
func (h kernHold) IDs() (link, prog uint32)    { return h.a.ID() }
func (h kernHold) Info() (snap.Program, error) { return h.a.Info() }
func (h kernHold) Sits() (bool, error)         { return h.a.Alive() }

// kernSource is flows.Source over bpf/kern.
type kernSource struct {
	p      *kern.Pipeline
	live   *kern.Live
	denied *kern.Live
	clock  kern.Clock // read at each Scan
}

// Of denied flows, those are shown that sent something of late, and of a flood of them a part.
const (
	deniedFor  = time.Minute
	deniedMost = 1024
)

func (s *kernSource) Slots() int { return s.p.Table().Slots() }

func (s *kernSource) Scan(known func(slot uint32, print uint64) bool, yield func(*flows.Sample) bool) {
	s.clock = s.p.Clock()
	table := s.p.Table()
	var out flows.Sample
	more := true
	sample := func(slot int, e *kern.Entry, denied bool) bool {
		out = flows.Sample{
			Slot: uint32(slot), Key: flows.RawKey(e.Raw()), Packets: uint32(e.Packets()), Bytes: e.Bytes(), TCPFlags: e.TCPFlags(),
			Forwarded: e.Forwarded(), Inner: e.Inner(), Denied: denied, Path: e.Path(), Gen: e.Gen(), Last: e.Last(), Print: table.Print(e),
		}
		more = yield(&out)
		return more
	}
	copied := func(slot int, e *kern.Entry) bool { return sample(slot, e, false) }
	stands := func(slot int, print uint64) bool { return known(uint32(slot), print) }
	if s.live.Scan(stands, copied) != nil { // the counter can't be read; the table can, it is memory
		table.ScanChanged(stands, copied)
	}
	if more {
		s.scanDenied(stands, func(slot int, e *kern.Entry) bool { return sample(slot, e, true) })
	}
}

// scanDenied yields those that came again before those of a single packet, which a flood from random sources is made of. When the
// kernel's counter can't be read they are shown with the next look.
func (s *kernSource) scanDenied(stands func(slot int, print uint64) bool, yield func(slot int, e *kern.Entry) bool) {
	slots, left, more := s.Slots(), deniedMost, true
	for _, again := range []bool{true, false} {
		_ = s.denied.Scan(nil, func(place int, e *kern.Entry) bool {
			if (e.Packets() > 1) != again || s.clock.Ago(e.Last()) > deniedFor {
				return true
			}
			left--
			more = stands(slots+place, s.p.Table().Print(e)) || yield(slots+place, e)
			return more && left > 0
		})
		if !more || left == 0 {
			return
		}
	}
}

func (s *kernSource) Since(last uint32) time.Duration { return s.clock.Ago(last) }

func (s *kernSource) Folded() ([]flows.DeviceCount, error) {
	c, err := s.p.Counters()
	if err != nil {
		return nil, err
	}
	out := make([]flows.DeviceCount, 0, len(c.Devices))
	for slot, d := range c.Devices {
		if d == (kern.DeviceCounters{}) {
			continue
		}
		out = append(out, flows.DeviceCount{
			Slot: uint16(slot), FoldedIn: flows.Counter(d.FoldedIn), FoldedOut: flows.Counter(d.FoldedOut),
			FoldedFwd: flows.Counter(d.FoldedForwarded),
			OtherIn:   sum(d.NonIPIn, d.MalformedIn, d.DeniedIn), Denied: d.DeniedIn.Packets + d.DeniedOut.Packets, OtherOut: sum(d.NonIPOut, d.MalformedOut, d.DeniedOut),
		})
	}
	return out, nil
}

func sum(list ...kern.Count) flows.Counter {
	var out flows.Counter
	for _, c := range list {
		out.Packets += c.Packets
		out.Bytes += c.Bytes
	}
	return out
}
