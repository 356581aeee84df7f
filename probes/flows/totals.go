// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"time"

	"hooktop/probes/snap"
)

// history is how many seconds Totals remembers.
const history = 300

// sums is what stands in the table for a device.
type sums struct{ in, out, fwd Counter }

// of returns where an entry counts, and what.
func (t *sums) of(s *slot, k *RawKey) (at, forwarded *Counter, c Counter) {
	c = Counter{uint64(s.packets), s.bytes & slotBytes}
	switch {
	case k.tag()&tagEgress == 0:
		return &t.in, nil, c
	case s.bytes&slotForwarded != 0:
		return &t.out, &t.fwd, c
	}
	return &t.out, nil, c
}

func (t *sums) add(s *slot, k *RawKey) {
	if s.bytes&slotAside != 0 {
		return
	}
	at, forwarded, c := t.of(s, k)
	*at = at.plus(c)
	if forwarded != nil {
		*forwarded = forwarded.plus(c)
	}
}

// remove undoes add.
func (t *sums) remove(s *slot, k *RawKey) {
	if s.bytes&slotAside != 0 {
		return
	}
	at, forwarded, c := t.of(s, k)
	*at = at.minus(c)
	if forwarded != nil {
		*forwarded = forwarded.minus(c)
	}
}

// device is one device slot.
type device struct {
	live            sums
	other           DeviceCount // outside the table
	denied          uint64      // DeviceCount.Denied of the last look
	in, out, fwd    Counter     // everything, since attach; fwd is the part of out that arrived on another device
	inRate, outRate ewma
}

// sum adds up a device. An entry that was evicted during the look is in neither part: the sum waits for the next.
func (d *device) sum(dt float64) {
	in := d.in.atLeast(d.live.in.plus(d.other.FoldedIn).plus(d.other.OtherIn))
	out := d.out.atLeast(d.live.out.plus(d.other.FoldedOut).plus(d.other.OtherOut))
	if dt > 0 {
		di, do := in.minus(d.in), out.minus(d.out)
		d.inRate.update(float64(di.Packets), float64(di.Bytes), dt)
		d.outRate.update(float64(do.Packets), float64(do.Bytes), dt)
	}
	d.in, d.out = in, out
	d.fwd = d.fwd.atLeast(d.live.fwd.plus(d.other.FoldedFwd))
}

// totals over all devices; a forwarded packet counts where it arrived.
type totals struct {
	sum      Counter
	drops    uint64
	rate     ewma
	dropRate ewma
	live     int

	ratedSum          Counter // at the last rates
	ratedDrops        uint64
	second            time.Time // end of the last second in the history
	secondRead        time.Time // look that gave its value
	secondSum         Counter
	secondDrops       uint64
	pps, bps, dropPPS []float32 // replaced, never changed
}

// count makes the totals of a look. Without fresh folded counters the former ones stand.
func (s *Store) count(folded []DeviceCount, fresh bool, dt float64) {
	if fresh {
		for i := range s.devices {
			s.devices[i].other = DeviceCount{}
		}
		for _, f := range folded {
			for int(f.Slot) >= len(s.devices) {
				s.devices = append(s.devices, device{})
			}
			d := &s.devices[f.Slot]
			d.other = f
			if f.Denied > d.denied { // else its programs were attached anew
				s.total.drops += f.Denied - d.denied
			}
			d.denied = f.Denied
		}
	}
	first := s.epoch == 1
	if first {
		dt = 0
	}
	t := &s.total
	sum := s.past
	for i := range s.devices {
		d := &s.devices[i]
		d.sum(dt)
		sum = sum.plus(d.in).plus(d.out).minus(d.fwd)
	}
	t.sum = t.sum.atLeast(sum)
	t.live = s.present
	if first {
		t.ratedSum, t.ratedDrops = t.sum, t.drops
		t.second, t.secondRead, t.secondSum, t.secondDrops = s.at, s.at, t.sum, t.drops
		return
	}
	if dt > 0 {
		gain := t.sum.minus(t.ratedSum)
		t.rate.update(float64(gain.Packets), float64(gain.Bytes), dt)
		t.dropRate.update(float64(t.drops-t.ratedDrops), 0, dt)
		t.ratedSum, t.ratedDrops = t.sum, t.drops
	}
	t.remember(s.at)
}

// remember appends the mean of what passed since the last value, once for every second that ended.
func (t *totals) remember(now time.Time) {
	n := int(now.Sub(t.second) / time.Second)
	if n == 0 {
		return
	}
	took := now.Sub(t.secondRead)
	t.second = t.second.Add(time.Duration(n) * time.Second)
	gain, drops := t.sum.minus(t.secondSum), t.drops-t.secondDrops
	n = min(n, history)
	t.pps = appended(t.pps, float32(float64(gain.Packets)/took.Seconds()), n)
	t.bps = appended(t.bps, float32(8*float64(gain.Bytes)/took.Seconds()), n)
	t.dropPPS = appended(t.dropPPS, float32(float64(drops)/took.Seconds()), n)
	t.secondRead, t.secondSum, t.secondDrops = now, t.sum, t.drops
}

// appended returns a new slice with n times v at the end, history values at most.
func appended(old []float32, v float32, n int) []float32 {
	keep := old[max(0, len(old)+n-history):]
	next := make([]float32, 0, len(keep)+n)
	next = append(next, keep...)
	for range n {
		next = append(next, v)
	}
	return next
}

func (t *totals) snap(s *Store) snap.Totals {
	return snap.Totals{
		Rate: t.rate.rate(), Drops: t.dropRate.packets, Flows: t.live, Capacity: len(s.slots.at),
		Packets: t.sum.Packets, Bytes: t.sum.Bytes, PPS: t.pps, BPS: t.bps, DropPS: t.dropPPS,
	}
}
