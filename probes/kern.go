// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"hooktop/bpf/kern"
	"hooktop/probes/attach"
	"hooktop/probes/flows"
	"hooktop/probes/snap"
)

// openKern opens the pipeline of bpf/kern and fits it to what attach and flows ask for.
func openKern(cfg Config) (*dataplane, error) {
	p, err := kern.Open(kern.Options{Flows: cfg.Flows})
	if err != nil {
		return nil, err
	}
	k := &kernPlane{p}
	return &dataplane{
		plane:  k,
		source: flows.FromKern(p),
		tally:  k.tally,
		close:  p.Close,
	}, nil
}

// kernPlane is attach.Plane over bpf/kern.
type kernPlane struct{ p *kern.Pipeline }

func (k *kernPlane) MaxSlots() int { return int(k.p.MaxSlot()) }

func (k *kernPlane) Forget(slot uint16) error { return k.p.Forget(slot) }

func (k *kernPlane) Attach(d attach.Device, h attach.Hook) (attach.Hold, error) {
	var a *kern.Attachment
	var err error
	switch h {
	case attach.XDPNative, attach.XDPGeneric:
		a, err = k.p.AttachXDP(device(d), h == attach.XDPNative)
	default:
		a, err = k.p.AttachTCX(device(d), h == attach.TCEgress)
	}
	if errors.Is(err, kern.ErrNoTCX) {
		return nil, fmt.Errorf("%w: %w", attach.ErrNoTCX, err)
	}
	if err != nil {
		return nil, err
	}
	return kernHold{a}, nil
}

func (k *kernPlane) Program(d attach.Device, egress bool) (attach.Program, error) {
	prog, err := k.p.ProgramForFilter(device(d), egress)
	if err != nil {
		return nil, err
	}
	info, err := kern.DescribeProgram(prog)
	if err != nil {
		return nil, errors.Join(err, k.p.Unload(prog))
	}
	return &kernProgram{k.p, prog, info.ID}, nil
}

func (k *kernPlane) Describe(id uint32) string {
	prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return fmt.Sprintf("program %d", id)
	}
	defer prog.Close()
	info, err := kern.DescribeProgram(prog)
	if err != nil || info.Name == "" {
		return fmt.Sprintf("program %d", id)
	}
	return fmt.Sprintf("program %d %q", id, info.Name)
}

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

type kernProgram struct {
	p    *kern.Pipeline
	prog *ebpf.Program
	id   uint32
}

func (k *kernProgram) Close() error                { return k.p.Unload(k.prog) }
func (k *kernProgram) FD() int                     { return k.prog.FD() }
func (k *kernProgram) ID() uint32                  { return k.id }
func (k *kernProgram) Info() (snap.Program, error) { return kern.DescribeProgram(k.prog) }
