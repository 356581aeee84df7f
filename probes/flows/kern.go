// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"time"

	"hooktop/bpf/kern"
)

// FromKern makes the pipeline's flow table a Source.
func FromKern(p *kern.Pipeline) Source { return &kernSource{p: p, table: p.Table()} }

type kernSource struct {
	p     *kern.Pipeline
	table *kern.FlowTable
	clock kern.Clock
}

// Scan implements Source. It reads the clock first, so that Since is right for the whole scan.
func (k *kernSource) Scan(yield func(*Sample) bool) {
	k.clock = k.p.Clock()
	var s Sample
	k.table.Scan(func(e *kern.Entry) bool {
		s = Sample{
			Key: RawKey(e.Raw()), Packets: uint32(e.Packets()), Bytes: e.Bytes(), TCPFlags: e.TCPFlags(),
			Forwarded: e.Forwarded(), Path: e.Path(), Gen: e.Gen(), Last: e.Last(),
		}
		return yield(&s)
	})
}

// Slots implements Source.
func (k *kernSource) Slots() int { return k.table.Slots() }

// Since implements Source.
func (k *kernSource) Since(jiffies uint32) time.Duration {
	if k.clock.HZ == 0 {
		return 0
	}
	return k.clock.Ago(jiffies)
}

// Folded implements Source.
func (k *kernSource) Folded() ([]DeviceCount, error) {
	c, err := k.p.Counters()
	if err != nil {
		return nil, err
	}
	var out []DeviceCount
	for slot := range c.Devices {
		d := &c.Devices[slot]
		if *d == (kern.DeviceCounters{}) {
			continue
		}
		out = append(out, DeviceCount{
			Slot: uint16(slot), FoldedIn: Counter(d.FoldedIn), FoldedOut: Counter(d.FoldedOut), FoldedFwd: Counter(d.FoldedForwarded),
			OtherIn:  Counter(d.NonIPIn).plus(Counter(d.MalformedIn)),
			OtherOut: Counter(d.NonIPOut).plus(Counter(d.MalformedOut)),
		})
	}
	return out, nil
}
