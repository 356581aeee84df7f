// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/compile"
	"hooktop/probes/snap"
)

// OnKern is a Service on the pipeline of bpf/kern: what the engine's probe calls.
type OnKern struct{ *Service }

// Begin gives the service the pipeline.
func (s OnKern) Begin(p *kern.Pipeline, tell func(snap.Severity, string)) error {
	return s.Service.Begin(&kernPlane{p}, tell)
}

// Look takes in the world.
func (s OnKern) Look(ways []acl.WayIn, noRemote bool, devices map[string]uint16) bool {
	return s.Service.Look(World{Ways: ways, NoRemote: noRemote, Devices: devices})
}

// kernPlane is Plane over bpf/kern.
type kernPlane struct{ p *kern.Pipeline }

func (k *kernPlane) Write(p *acl.Policy, devices map[string]uint16, now time.Time) (uint32, error) {
	image, err := compile.Compile(p, compile.Options{Devices: devices, Now: now})
	if err != nil {
		return 0, err
	}
	return k.p.WritePolicy(image)
}

func (k *kernPlane) Try(gen uint32, slots []uint16, lease time.Duration) error {
	return k.p.TryPolicy(gen, slots, lease)
}
func (k *kernPlane) Extend(lease time.Duration) error { return over(k.p.ExtendLease(lease)) }
func (k *kernPlane) Keep(gen uint32) error            { return over(k.p.KeepPolicy(gen)) }
func (k *kernPlane) Restore() error                   { return k.p.RestorePolicy() }
func (k *kernPlane) Swap(old, next uint32) error      { return k.p.SwapPolicy(old, next) }

// over makes the end of a lease this package's error.
func over(err error) error {
	if errors.Is(err, kern.ErrLeaseOver) {
		return ErrLeaseOver
	}
	return err
}

func (k *kernPlane) State() []Word {
	words := k.p.PolicyState()
	out := make([]Word, len(words))
	for i, w := range words {
		out[i] = Word(w)
	}
	return out
}

func (k *kernPlane) Counts(gen uint32) (Counts, error) {
	c, err := k.p.PolicyCounts(gen)
	if err != nil {
		return Counts{}, err
	}
	out := Counts{Rules: counted(c.Rules), Guard: counted(c.Guard), Tunnels: counted(c.Tunnels)}
	for i := range c.Default {
		out.Default[i] = Count(c.Default[i])
	}
	return out, nil
}

func (k *kernPlane) Legs(gen uint32) ([]LegCount, error) {
	legs, err := k.p.LegCounts(gen)
	if err != nil {
		return nil, err
	}
	out := make([]LegCount, len(legs))
	for i, l := range legs {
		out[i] = LegCount{l.Of, l.Packets, l.Bytes}
	}
	return out, nil
}

func counted(list []kern.RuleCount) []Count {
	out := make([]Count, len(list))
	for i, c := range list {
		out[i] = Count(c)
	}
	return out
}

func (k *kernPlane) Judge(gen uint32, packets []acl.Packet, devices map[string]uint16) ([]acl.Decision, error) {
	said, err := k.p.JudgePolicy(gen, framesOf(packets, devices))
	if err != nil {
		return nil, err
	}
	if len(said) != len(packets) {
		return nil, fmt.Errorf("judge by policy %d: %d verdicts on %d packets", gen, len(said), len(packets))
	}
	out := make([]acl.Decision, len(said))
	for i, j := range said {
		out[i] = acl.Decision{By: j.By, Index: j.Index, Counted: j.Counted, Limited: j.Limited, Leg: j.Leg}
		if j.Deny {
			out[i].Verdict = acl.Deny
		}
	}
	return out, nil
}

func framesOf(packets []acl.Packet, devices map[string]uint16) []kern.Judge {
	frames := make([]kern.Judge, len(packets))
	for i, p := range packets {
		b := frame(p)
		frames[i] = kern.Judge{Frame: b, Wire: len(b), Egress: p.Dir == acl.Out, Slot: devices[p.Dev]}
	}
	return frames
}

func (k *kernPlane) Note(list []Tuple) (int, error) {
	tuples := make([]kern.Tuple, len(list))
	for i := range list {
		t := &list[i]
		tuples[i] = kern.Tuple{Src: t.Src, Dst: t.Dst, SPort: t.SPort, DPort: t.DPort, Proto: t.Proto}
	}
	return k.p.NoteSeen(tuples)
}

// pricedRuns is how often each packet is run for a price, in each of pricedRounds.
const pricedRuns = 12

func (k *kernPlane) Price(gen uint32, packets []acl.Packet, devices map[string]uint16) (float64, error) {
	return k.p.JudgePolicyNs(gen, framesOf(packets, devices), pricedRuns)
}

func (k *kernPlane) What(gen uint32, path uint16) (acl.By, int, bool) { return k.p.What(gen, path) }
