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

// steps are the weights of the newest sample, for flows that are at least settled old and for younger ones.
type steps struct {
	dt      float64 // seconds
	settled [windows]float64
	young   [windows]float64 // of flows that began at start
	start   uint32
	valid   bool
}

func newSteps(dt float64) steps {
	s := steps{dt: dt}
	for w := range windows {
		s.settled[w] = 1 - math.Exp(-dt/constant(w))
	}
	return s
}

// of returns the weights for a flow that began at start (in ticks). A mean over less time than its window weighs the
// samples that there are: after the first look it is that sample. Neighbours mostly began together.
func (s *steps) of(start, now uint32) *[windows]float64 {
	if s.valid && s.start == start {
		return &s.young
	}
	s.start, s.valid = start, true
	age := float64(now-start) * tick.Seconds()
	for w := range windows {
		s.young[w] = min(1, s.settled[w]/(1-math.Exp(-max(age, s.dt)/constant(w))))
	}
	return &s.young
}

// update takes what was gained in s.dt seconds into a flow's rates. idle is the time since the last packet.
func (r *record) update(s *steps, now uint32, idle func(uint32) time.Duration) {
	if r.dp == 0 && r.db == 0 && r.state&quiet != 0 {
		return
	}
	weights := s.of(r.start, now)
	x, y := float64(r.dp)/s.dt, float64(r.db)/s.dt
	busy := false
	var silent float64
	if r.dp == 0 {
		silent = idle(r.last).Seconds()
	}
	for w := range windows {
		a := weights[w]
		r.pps[w] += float32(a * (x - float64(r.pps[w])))
		r.bps[w] += float32(a * (y - float64(r.bps[w])))
		if silent > float64(quietAfter*snap.Windows[w]) {
			r.pps[w], r.bps[w] = 0, 0
		}
		busy = busy || r.pps[w] > 0 || r.bps[w] > 0
	}
	r.dp, r.db = 0, 0
	r.state &^= quiet
	if !busy {
		r.state |= quiet
	}
}

// rates returns a record's rates as the screen wants them.
func (r *record) rates() (out [windows]snap.Rate) {
	for w := range windows {
		out[w] = snap.Rate{PPS: float64(r.pps[w]), BPS: 8 * float64(r.bps[w])}
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

// minFrame is the fewest bytes that a frame has: an Ethernet header, or more in an IP header.
const minFrame = 14

// slot remembers what stood in a slot of the table at the last look.
type slot struct {
	rec     uint32 // id+1, 0: nothing
	packets uint32
	bytes   uint64
}

// gain returns what an entry of the same flow in the same slot gained. Its counters only grow, bytes never wrap,
// packets wrap at 2^32; anything else is a new entry of the flow, all of which is gain. One frame may be counted in
// packets and not yet in bytes.
func (s *slot) gain(packets uint32, bytes uint64) (dp, db uint64) {
	if bytes >= s.bytes {
		db = bytes - s.bytes
		dp = uint64(packets - s.packets) // modulo 2^32
		if dp == 0 || minFrame*(dp-1) <= db {
			return dp, db
		}
	}
	return uint64(packets), bytes
}
