// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"fmt"
	"slices"
	"time"

	"hooktop/probes/snap"
)

// decide has a generation decide on the devices of the trial.
func (e *Enforcer) decide(gen uint32, lease time.Duration) {
	p := &e.Policy
	p.Devices = slices.Clone(p.Devices) // frames share it
	for i := range p.Devices {
		d := &p.Devices[i]
		if e.On == nil || slices.Contains(e.On, d.Name) {
			d.Gen, d.Lease = gen, lease
		}
	}
}

// keep keeps a trial. On some devices it becomes a canary; the next keep lets the rest follow.
func (e *Enforcer) keep(what string) snap.Answer {
	p := &e.Policy
	switch {
	case what == snap.Rest && p.Canary.Gen == 0:
		return snap.Answer{Err: "keep: no canary is watched"}
	case what != snap.Rest && p.Canary.Gen != 0:
		return snap.Answer{Err: "keep: it is kept already"}
	case what != snap.Rest && what != p.Trial.Code:
		return snap.Answer{Err: "keep: this is not the code of the trial that runs"}
	case p.Canary.Gen != 0:
		p.Kept, p.Text, p.Canary, e.On = p.Canary.Gen, p.Canary.Text, snap.Canary{}, nil
	case p.Trial.Gen == 0:
		return snap.Answer{Err: "keep: the lease has ended"}
	case e.On != nil:
		e.Watch(p.Trial.Gen, p.Trial.Text)
		return snap.Answer{Text: fmt.Sprintf("v%d is watched", p.Canary.Gen)}
	default:
		p.Kept, p.Text, p.Trial = p.Trial.Gen, p.Trial.Text, snap.Trial{}
	}
	e.Kept++
	e.decide(p.Kept, 0)
	return snap.Answer{Text: fmt.Sprintf("v%d kept", p.Kept)}
}

// Watch makes a policy a canary on the devices of On.
func (e *Enforcer) Watch(gen uint32, text string) {
	p := &e.Policy
	p.Canary = snap.Canary{Gen: gen, Text: text, Devices: e.On, Started: Epoch(), Left: 292 * time.Second, Lease: 5 * time.Second, Checks: Checks()}
	for _, d := range p.Devices {
		if !slices.Contains(e.On, d.Name) {
			p.Canary.Rest = append(p.Canary.Rest, d.Name)
		}
	}
	p.Trial = snap.Trial{}
	e.decide(gen, 5*time.Second)
}

// Checks are the figures of a canary that does well.
func Checks() []snap.CanaryCheck {
	return []snap.CanaryCheck{{Name: "errors/s", Limit: 1}, {Name: "drops/s", Before: 2, Now: 3, Limit: 14}, {Name: "denied/s", Before: 88100, Now: 100400, Limit: 120420},
		{Name: "cpu %", Before: 11, Now: 12.4, Limit: 31}}
}

// Several gives the engine three devices to judge packets on.
func (e *Enforcer) Several() {
	e.Policy.Devices = []snap.PolicyDevice{{Name: "eth0", Slot: 1, Gen: e.Policy.Kept}, {Name: "bond0", Slot: 2, Gen: e.Policy.Kept}, {Name: "wg0", Slot: 3, Gen: e.Policy.Kept}}
}
