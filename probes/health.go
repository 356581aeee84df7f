// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"errors"
	"fmt"
	"time"

	"hooktop/probes/ledger"
	"hooktop/probes/procfs"
	"hooktop/probes/snap"
)

// staleDevices is the age from which on a listing of the devices says nothing about the host's health any more: a canary's lease is 5 s.
const staleDevices = 3 * time.Second

// tellHealth looks at the host and tells the policy. Without devices, or with old news of them, there is no look; the pipeline has
// told why.
func (p *policer) tellHealth(now time.Time, flows bool) {
	if seen := &p.pl.devices; !p.on || seen.links == nil || now.Sub(seen.at) > staleDevices {
		return
	}
	h, err := p.health(now, p.pl.devices.links, flows)
	p.pl.trouble("health", "a canary would not be renewed", err)
	if err == nil {
		p.svc.Health(h)
	}
}

// health reads the counters that a canary is held against, and counts the flows that send packets where that is wanted. It runs on
// the engine's goroutine: that no look comes is how the policy learns that the engine stalls. A tick that had to wait says when it
// was due, and the look when it was made: the gap tells of the stall.
func (p *policer) health(now time.Time, links []snap.Link, flows bool) (snap.Health, error) {
	h := snap.Health{At: time.Now(), Devices: map[string]snap.DeviceHealth{}}
	counted, err := p.pl.dp.kern.Counters()
	if err != nil {
		return h, fmt.Errorf("look at the host's health: %w", err)
	}
	var talking map[uint16]int
	if flows {
		talking, h.Talking = p.pl.store.Talking(now, p.quietAfter()), map[string]int{}
	}
	for i := range links {
		l := &links[i]
		d := p.pl.set.Find(l.Index)
		if d == nil {
			continue
		}
		c := snap.DeviceHealth{Errors: l.Errors.RxErrors + l.Errors.TxErrors, Dropped: l.RxDropped + l.TxDropped + l.Errors.RxMissed}
		if int(d.Slot) < len(counted.Devices) {
			c.Denied = counted.Devices[d.Slot].DeniedIn.Packets + counted.Devices[d.Slot].DeniedOut.Packets
		}
		h.Devices[d.Link.Name] = c
		if flows {
			h.Talking[d.Link.Name] = talking[d.Slot]
		}
	}
	var cpu, tcp error
	h.SoftIRQ, h.CPU, cpu = procfs.CPUTimes()
	h.Retransmits, tcp = ledger.Retransmits()
	if err := errors.Join(cpu, tcp); err != nil {
		return h, fmt.Errorf("look at the host's health: %w", err)
	}
	return h, nil
}
