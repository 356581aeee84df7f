// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// clock is a fake one.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Unix(1700000000, 0)} }

func (c *clock) after(d time.Duration) time.Time {
	c.now = c.now.Add(d)
	return c.now
}

func total(v uint64) counter {
	return counter{row: snap.LedgerRow{Stage: "ip", Name: "InDiscards", Total: v}}
}

// only is the one row of a look.
func only(t *testing.T, b *book, at time.Time, c counter) snap.LedgerRow {
	t.Helper()
	rows := b.enter(at, []counter{c}, true)
	if len(rows) != 1 {
		t.Fatalf("rows: %+v", rows)
	}
	return rows[0]
}

func TestSinceAndRateAreOfTheTimeThatPassed(t *testing.T) {
	var b book
	c := newClock()
	for i, step := range []struct {
		after time.Duration
		total uint64
		since uint64
		rate  float64
	}{
		{0, 1000, 0, 0},
		{2 * time.Second, 1010, 10, 5},
		{time.Second, 1040, 40, 40.0 / 3},
		{3 * time.Second, 1040, 40, 30.0 / 4}, // the first look is more than 5 s old
		{6 * time.Second, 1040, 40, 0},
		{time.Minute, 1640, 640, 10}, // after a pause: the average over it
		{time.Second, 1640, 640, 0},
		{time.Second, 1700, 700, 30},
	} {
		got := only(t, &b, c.after(step.after), total(step.total))
		if got.Total != step.total || got.Since != step.since || math.Abs(got.Rate-step.rate) > 1e-9 {
			t.Errorf("look %d: %+v, want %+v", i, got, step)
		}
	}
}

func TestLooksRightAfterEachOtherMakeNoRate(t *testing.T) {
	var b book
	c := newClock()
	only(t, &b, c.after(0), total(1))
	if got := only(t, &b, c.after(time.Microsecond), total(101)); got.Since != 100 || got.Rate != 0 {
		t.Errorf("after a microsecond: %+v", got)
	}
	if got := only(t, &b, c.after(time.Second-time.Microsecond), total(101)); got.Rate != 100 {
		t.Errorf("after a second: %+v", got)
	}
	if got := only(t, &b, c.after(-time.Hour), total(102)); got.Rate != 100 || got.Since != 101 {
		t.Errorf("a clock that went back: %+v", got)
	}
}

func TestACounterThatGoesBackSetsItsMark(t *testing.T) {
	var b book
	c := newClock()
	dev := func(thing, v uint64) counter {
		return counter{thing: thing, row: snap.LedgerRow{Stage: "driver", Name: "rx_dropped", Dev: "eth0", Total: v}}
	}
	only(t, &b, c.after(0), dev(3, 1e9))
	only(t, &b, c.after(time.Second), dev(3, 1e9+5))
	if got := only(t, &b, c.after(time.Second), dev(3, 7)); got.Since != 5 {
		t.Errorf("after a reset: %+v", got)
	}
	if got := only(t, &b, c.after(time.Second), dev(3, 9)); got.Since != 7 {
		t.Errorf("after the reset: %+v", got)
	}
	// Another device of that name, with a past of its own.
	if got := only(t, &b, c.after(time.Second), dev(4, 1e12)); got.Since != 7 || got.Rate > 10 {
		t.Errorf("a device made anew: %+v", got)
	}
	if got := only(t, &b, c.after(time.Second), dev(4, 1e12+1)); got.Since != 8 {
		t.Errorf("the device made anew: %+v", got)
	}
}

func TestNarrowCountersWrap(t *testing.T) {
	var b book
	c := newClock()
	narrow := func(v uint64) counter {
		k := total(v)
		k.wraps = true
		return k
	}
	only(t, &b, c.after(0), narrow(1<<32-3))
	if got := only(t, &b, c.after(time.Second), narrow(4)); got.Since != 7 || got.Rate != 7 {
		t.Errorf("over the end: %+v", got)
	}
	only(t, &b, c.after(time.Second), narrow(1000))
	if got := only(t, &b, c.after(time.Second), narrow(10)); got.Since != 1003 {
		t.Errorf("a module loaded again is no wrap: %+v", got)
	}
}

func TestWhatIsGoneIsForgottenUnlessASourceFailed(t *testing.T) {
	var b book
	c := newClock()
	only(t, &b, c.after(0), total(10))
	only(t, &b, c.after(time.Second), total(15))
	b.enter(c.after(time.Second), nil, false)
	if got := only(t, &b, c.after(time.Second), total(16)); got.Since != 6 {
		t.Errorf("after a failed look: %+v", got)
	}
	b.enter(c.after(time.Second), nil, true)
	if got := only(t, &b, c.after(time.Second), total(20)); got.Since != 0 || len(b.marks) != 1 {
		t.Errorf("after it was gone: %+v", got)
	}
}

func TestZerosAreLeftOutUnlessTheyAreHeadlines(t *testing.T) {
	var b book
	headline := total(0)
	headline.headline, headline.row.Name = true, "NoPorts"
	level := total(5)
	level.level, level.row.Name = true, "entries"
	now := newClock().after(0)
	rows := b.enter(now, []counter{total(0), headline, level}, true)
	if len(rows) != 2 || rows[0].Name != "NoPorts" || rows[1].Name != "entries" {
		t.Errorf("%+v", rows)
	}
	level.row.Total = 3
	if rows := b.enter(now.Add(time.Second), []counter{level}, true); rows[0].Since != 0 || rows[0].Rate != 0 {
		t.Errorf("a level that fell: %+v", rows)
	}
}

// Random walks with resets, new devices, pauses and clocks that jump: since never goes back and never exceeds what was
// counted, and no rate is negative, infinite or above the most that was counted in a second.
func TestNothingAbsurdWhateverHappens(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for range 200 {
		var b book
		c := newClock()
		var value, thing, counted, last uint64
		const most = 1000.0 // a second
		for range 100 {
			dt := time.Duration(r.Int64N(int64(3 * time.Second)))
			switch r.IntN(12) {
			case 0:
				value = uint64(r.IntN(5))
			case 1:
				thing++
				value = r.Uint64() >> 1
			case 2:
				dt = -dt
			case 3:
				dt = time.Duration(r.Int64N(int64(time.Hour)))
			default:
				more := uint64(r.Float64() * most * max(dt.Seconds(), 0))
				value += more
				counted += more
			}
			row := total(value)
			row.thing, row.headline = thing, true
			got := only(t, &b, c.after(dt), row)
			if got.Since < last || got.Since > counted+5*100 {
				t.Fatalf("since %d after %d, counted %d", got.Since, last, counted)
			}
			if got.Rate < 0 || math.IsNaN(got.Rate) || math.IsInf(got.Rate, 0) {
				t.Fatalf("rate %v", got.Rate)
			}
			last = got.Since
		}
	}
}
