// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"math"
	"time"

	"hooktop/probes/snap"
)

const windows = len(snap.Windows)

// A window of W seconds is an exponential mean with a time constant of W/2: its samples are W/2 old on average, as
// those of a plain mean over W are.
func constant(w int) float64 { return float64(snap.Windows[w]) / 2 }

// quietAfter is how long, in windows, a flow must be silent until its rate is 0; by then 0.03 % of it is left.
const quietAfter = 4

// tick is the unit of the store's 32-bit clock: it runs for 497 days.
const tick = 10 * time.Millisecond

// decays is how rates fade between looks. A mean over less time than its window weighs the samples that there are: after
// the first look it is that sample. So of a rate that was made at the time t, of a flow that began at b, this much is left
// at the time now if nothing came since, with e(t) = exp((t-now)/constant):
//
//	(e(t) - e(b)) / (1 - e(b))
//
// It does not matter how many looks there were in between, so none of them needs to touch the flow.
type decays struct {
	now, before uint32  // ticks of the last two looks that made rates
	dt          float64 // seconds between them
	newest      faded   // e(before)
	memo        [256]faded
	last        pair
}

// faded is e of one time, for each window. Flows share the times of the looks.
type faded struct {
	tick, now uint32 // valid while now is that of decays
	e         [windows]float64
	inverse   [windows]float64 // 1 / (1 - e)
}

// advance begins a look that makes rates over dt seconds.
func (d *decays) advance(now uint32, dt float64) {
	d.before, d.now, d.dt = d.now, now, dt
	d.newest = *d.of(d.before)
	d.last = pair{rated: now + 1} // no flow's
}

func (d *decays) of(tick uint32) *faded {
	m := &d.memo[tick*0x9e3779b1>>24]
	if m.tick == tick && m.now == d.now && m.inverse[0] != 0 {
		return m
	}
	m.tick, m.now = tick, d.now
	for w := range windows {
		m.e[w] = math.Exp(-seconds(d.now-tick) / constant(w))
		m.inverse[w] = 1 / (1 - m.e[w])
	}
	return m
}

func seconds(ticks uint32) float64 { return float64(ticks) * tick.Seconds() }

// left is the part of its rates that a flow still has in a window. What is gone stays as it was.
func (d *decays) left(r *record, w int) float64 {
	gap := d.now - r.rated
	if gap == 0 || r.state&gone != 0 {
		return 1
	}
	if gap > silence(w) {
		return 0
	}
	return d.pair(r).left[w]
}

// pair is the part of its rates that each flow with these times still has, and what a packet in this look adds to them.
type pair struct {
	rated, start uint32
	left, weight [windows]float64
}

// pair finds a flow's and keeps the last one: neighbours mostly began together and moved together.
func (d *decays) pair(r *record) *pair {
	p := &d.last
	if p.rated == r.rated && p.start == r.start {
		return p
	}
	p.rated, p.start = r.rated, r.start
	e := d.of(r.rated).e // copied: both may lie in one place of the memo
	b := d.of(r.start)
	for w := range windows {
		p.left[w] = (e[w] - b.e[w]) * b.inverse[w]
		p.weight[w] = (1 - d.newest.e[w]) * b.inverse[w] / d.dt
		if d.before-r.rated > silence(w) && r.rated != d.now {
			p.left[w] = 0
		}
	}
	return p
}

// silence is after how many ticks without a packet a rate is 0.
func silence(w int) uint32 { return uint32(quietAfter * snap.Windows[w] * int(time.Second/tick)) }

func (d *decays) pps(r *record, w int) float32 { return fade(r.pps[w], r, w, d) }
func (d *decays) bps(r *record, w int) float32 { return fade(r.bps[w], r, w, d) }

func fade(rate float32, r *record, w int, d *decays) float32 {
	if rate == 0 {
		return 0
	}
	return float32(float64(rate) * d.left(r, w))
}

// gain takes what came since the look before into a flow's rates. What comes in several parts adds up.
func (d *decays) gain(r *record, packets, bytes float64) {
	p, more := d.pair(r), r.rated == d.now
	for w := range windows {
		left := p.left[w]
		if more {
			left = 1
		}
		r.pps[w] = float32(left*float64(r.pps[w]) + p.weight[w]*packets)
		r.bps[w] = float32(left*float64(r.bps[w]) + p.weight[w]*bytes)
	}
	r.rated = d.now
}

// freeze makes the rates that a flow has now those that it keeps.
func (d *decays) freeze(r *record) {
	for w := range windows {
		r.pps[w], r.bps[w] = d.pps(r, w), d.bps(r, w)
	}
}

// rates returns a record's rates as the screen wants them.
func (d *decays) rates(r *record) (out [windows]snap.Rate) {
	for w := range windows {
		out[w] = snap.Rate{PPS: float64(d.pps(r, w)), BPS: 8 * float64(d.bps(r, w))}
	}
	return out
}

// ewma is the same mean for a single value: devices and totals.
type ewma struct {
	packets, bytes float64 // per second
	age            float64 // seconds
}

func (e *ewma) update(packets, bytes, dt float64) {
	tau := constant(0)
	e.age += dt
	a := (1 - math.Exp(-dt/tau)) / (1 - math.Exp(-e.age/tau))
	e.packets += a * (packets/dt - e.packets)
	e.bytes += a * (bytes/dt - e.bytes)
	if packets == 0 && e.packets < 0.01 {
		e.packets, e.bytes = 0, 0
	}
}

func (e *ewma) rate() snap.Rate { return snap.Rate{PPS: e.packets, BPS: 8 * e.bytes} }
