// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// A constant rate in is that rate out, in every window, from the second look on, however the looks are spaced.
func TestConstantRateInIsThatRateOut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	for _, pps := range []float64{10, 1000, 250000} {
		f := newFake(1, 4)
		s, c := New(f, Options{}), newClock(f)
		collect(t, s, c.now)
		carry := 0.0
		for look := range 300 {
			dt := time.Duration(10+rnd.IntN(90)) * 10 * time.Millisecond
			carry += pps * dt.Seconds()
			n := uint32(carry)
			carry -= float64(n)
			if n > 0 {
				f.send(keyN(0), 0, n, 125, 0, false, 0)
			}
			collect(t, s, c.tick(dt))
			rows := all(s, c.now)
			if look == 0 && len(rows) == 0 {
				continue
			}
			tolerance := 0.01*pps + 1/dt.Seconds() // of one packet that falls into the next look
			if pps == 10 {
				tolerance = 1 / 0.1
			}
			for w, r := range rows[0].Rates {
				if math.Abs(r.PPS-pps) > tolerance || math.Abs(r.BPS-1000*pps) > 1000*tolerance {
					t.Fatalf("look %d, window %d s: %v, sent %v pps", look, snap.Windows[w], r, pps)
				}
			}
		}
	}
}

// The windows are what they say: after a step the mean has gone 1-1/e of the way after half a window, and a flow that
// stopped is at 0 after four windows.
func TestRateFollowsAStepAndReachesZero(t *testing.T) {
	f := newFake(1, 4)
	s, c := New(f, Options{}), newClock(f)
	collect(t, s, c.now)
	step := func(pps float64, seconds float64) [3]snap.Rate {
		for range int(seconds * 10) {
			if pps > 0 {
				f.send(keyN(0), 0, uint32(pps/10), 100, 0, false, 0)
			}
			collect(t, s, c.tick(100*time.Millisecond))
		}
		return all(s, c.now)[0].Rates
	}
	step(1000, 400)
	for w := range snap.Windows {
		step(1000, 400)
		got := step(2000, float64(snap.Windows[w])/2)[w].PPS
		if want := 2000 - 1000/math.E; math.Abs(got-want) > 20 {
			t.Errorf("window %d s: %v half a window after a step from 1000 to 2000, want %v", snap.Windows[w], got, want)
		}
	}
	got := step(0, 8.2)
	if got[0] != (snap.Rate{}) || got[2].PPS == 0 {
		t.Errorf("8 s after the last packet: %v", got)
	}
	if got = step(0, 160); got != [3]snap.Rate{} {
		t.Errorf("168 s after the last packet: %v", got)
	}
}

// What is new starts at its rate, not at 0; two looks in quick succession don't make a rate of their own.
func TestRateOfANewFlow(t *testing.T) {
	f := newFake(1, 8)
	s, c := New(f, Options{}), newClock(f)
	f.send(keyN(1), 0, 1_000_000, 100, 0, false, 0) // before the first look: over nobody knows what time
	collect(t, s, c.now)
	if r := all(s, c.now)[0].Rates; r != [3]snap.Rate{} {
		t.Errorf("a first look made a rate: %v", r)
	}
	f.send(keyN(0), 0, 500, 100, 0, false, 0)
	collect(t, s, c.tick(time.Second))
	f.send(keyN(0), 0, 500, 100, 0, false, 0)
	collect(t, s, c.tick(0))
	for _, r := range all(s, c.now) {
		if r.Key.Src == ip4(10, 0, 0, 0) && r.Rates[2].PPS != 500 {
			t.Errorf("rates %v, want 500", r.Rates)
		}
	}
	collect(t, s, c.tick(time.Second))
	for _, r := range all(s, c.now) {
		if r.Key.Src == ip4(10, 0, 0, 0) && math.Abs(r.Rates[2].PPS-500) > 10 {
			t.Errorf("rates %v, want 500: the packets between two looks at one time count", r.Rates)
		}
	}
}

func TestDeviceRates(t *testing.T) {
	f := newFake(1, 8)
	s, c := New(f, Options{}), newClock(f)
	collect(t, s, c.now)
	for range 20 {
		f.send(keyN(0), 0, 100, 125, 0, false, 0) // in on 1
		f.send(keyN(3), 0, 50, 125, 0, true, 0)   // out of 2, forwarded
		collect(t, s, c.tick(500*time.Millisecond))
	}
	if d := s.Device(1); math.Abs(d.In.PPS-200) > 1e-6 || math.Abs(d.In.BPS-200000) > 1e-3 || d.Out.PPS != 0 {
		t.Errorf("device 1: %+v", d)
	}
	if d := s.Device(2); math.Abs(d.Out.PPS-100) > 1e-6 || d.OutPackets != 1000 {
		t.Errorf("device 2: %+v", d)
	}
	if got := s.Totals(); got.Packets != 2000 || math.Abs(got.Rate.PPS-200) > 1e-6 {
		t.Errorf("a forwarded packet counts twice: %+v", got.Rate)
	}
}
