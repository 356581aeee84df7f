// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"hash/maphash"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// twin is the store in slow and obvious: each look touches every flow.
type twin struct {
	slots map[uint32]stood
	held  map[uint32]bool // by the last look
	flows map[RawKey]*twinFlow
	looks int
	at    time.Time // of the last look that made rates
	clock uint32    // the same in ticks
}

// stood is what the last look that met a slot's entry found there.
type stood struct {
	Sample
	flow *twinFlow
}

type twinFlow struct {
	packets, bytes uint64
	pps            [windows]float64
	gained         float64
	start, moved   uint32 // ticks
	met, told      int    // looks
	goneAt         time.Time
	flags          uint8
	last           Sample
}

func (w *twin) look(f Source, now time.Time, ticks uint32) {
	w.looks++
	if w.looks == 1 {
		w.at, w.clock = now, ticks
	}
	dt := now.Sub(w.at).Seconds()
	since, rating := w.clock, dt >= shortest.Seconds()
	if rating {
		w.at, w.clock = now, ticks
	}
	next, held := maps.Clone(w.slots), map[uint32]bool{}
	f.Scan(func(uint32, uint64) bool { return false }, func(e *Sample) bool {
		held[e.Slot] = true
		old, was := w.slots[e.Slot]
		dp, db := uint64(e.Packets), e.Bytes
		r := w.flows[e.Key]
		if was && old.flow == r || was && e.Denied && w.flows[old.Key] == old.flow && old.Key.sharesVerdict(&e.Key) {
			s := slot{packets: old.Packets, bytes: old.Bytes}
			dp, db = s.gain(e.Packets, e.Bytes)
		}
		if r == nil {
			r = &twinFlow{start: since, moved: since, last: *e}
			w.flows[e.Key] = r
		}
		next[e.Slot] = stood{*e, r}
		if r.met != w.looks && !r.goneAt.IsZero() {
			r.goneAt, r.moved = time.Time{}, since
		}
		if !w.held[e.Slot] || old.Sample != *e { // of entries of one time, the first that changed in a look tells
			if int32(e.Last-r.last.Last) > 0 || e.Last == r.last.Last && r.told != w.looks {
				r.last = *e
			}
			r.told = w.looks
		}
		r.met = w.looks
		r.packets, r.bytes, r.flags = r.packets+dp, r.bytes+db, r.flags|e.TCPFlags
		if w.looks > 1 {
			r.gained += float64(dp)
		}
		return true
	})
	w.slots, w.held = next, held
	for k, r := range w.flows {
		switch {
		case r.met != w.looks && r.goneAt.IsZero():
			r.goneAt = now
		case r.met != w.looks && now.Sub(r.goneAt) > GoneFor:
			delete(w.flows, k)
		case r.met == w.looks && rating:
			r.rate(dt, since, w.clock)
		}
		if rating {
			r.gained = 0
		}
	}
}

// rate is the mean of each window, of what there is of it.
func (r *twinFlow) rate(dt float64, before, now uint32) {
	age := max(float64(now-r.start)*tick.Seconds(), dt)
	silent := now - r.moved
	if r.gained > 0 {
		silent = before - r.moved
		r.moved = now
	}
	for i := range windows {
		if silent > uint32(quietAfter*snap.Windows[i])*100 {
			r.pps[i] = 0
		}
		a := (1 - math.Exp(-dt/constant(i))) / (1 - math.Exp(-age/constant(i)))
		r.pps[i] += min(1, a) * (r.gained/dt - r.pps[i])
	}
}

// sampled adds a changing sample of denied flows to a table.
type sampled struct {
	*fakeTable
	denied [6]Sample
}

func (s *sampled) Scan(known func(uint32, uint64) bool, yield func(*Sample) bool) {
	s.fakeTable.Scan(known, yield)
	for i := range s.denied {
		if e := s.denied[i]; e.Packets > 0 {
			e.Slot, e.Denied = uint32(s.Slots()+i), true
			if e.Print = maphash.Comparable(s.seed, e); !known(e.Slot, e.Print) {
				yield(&e)
			}
		}
	}
}

// Random operations where a store that leaves flows alone could go wrong: a flow on two CPUs, evicted and back in another slot,
// denied, gone and back, released, its device forgotten with and without its entries, looks at one time and after a long one.
func TestStoreAgainstTwinThatTouchesEveryFlow(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 23))
		f := &sampled{fakeTable: newFake(1+rnd.IntN(3), 6+rnd.IntN(30))}
		s, c := New(f, Options{}), newClock(f.fakeTable)
		w := &twin{slots: map[uint32]stood{}, flows: map[RawKey]*twinFlow{}}
		began := c.now
		for range 300 {
			for range rnd.IntN(4) * rnd.IntN(8) {
				k := keyN(rnd.IntN(50))
				f.send(k, rnd.IntN(f.cpus), uint32(1+rnd.IntN(3)), 60, uint8(rnd.IntN(3)), k.tag()&tagEgress != 0 && rnd.IntN(3) == 0, rnd.IntN(1<<20))
			}
			switch rnd.IntN(12) {
			case 0:
				f.evict(rnd.IntN(len(f.slots)))
			case 1:
				f.evictKey(keyN(rnd.IntN(50)))
			case 2, 3:
				f.denied[rnd.IntN(len(f.denied))] = Sample{Key: keyN(rnd.IntN(50)), Packets: uint32(rnd.IntN(4)), Bytes: 240, Last: f.jiffies}
			case 4:
				forget(s, w, f, uint16(1+rnd.IntN(2)), rnd.IntN(2) == 0)
			}
			dt := time.Duration(1+rnd.IntN(90)) * 10 * time.Millisecond
			if rnd.IntN(6) == 0 {
				dt = []time.Duration{0, 0, 10 * time.Millisecond, 6 * time.Second, 30 * time.Second}[rnd.IntN(5)]
			}
			collect(t, s, c.tick(dt))
			w.look(f, c.now, uint32(c.now.Sub(began)/tick))
			compareTwins(t, s, w)
			checkSlots(t, s, f)
		}
	}
}

// forget drops a device, maybe before its entries leave the table.
func forget(s *Store, w *twin, f *sampled, dev uint16, entries bool) {
	for i := range f.slots {
		if f.slots[i].Key.device() == dev && entries {
			f.slots[i] = Sample{}
		}
	}
	delete(f.folded, dev)
	s.Forget(dev)
	for k := range w.flows {
		if k.device() == dev {
			delete(w.flows, k)
		}
	}
	for i, e := range w.slots {
		if e.Key.device() == dev {
			delete(w.slots, i)
		}
	}
}

func compareTwins(t *testing.T, s *Store, w *twin) {
	t.Helper()
	n, present := 0, 0
	s.each(func(id uint32, r *record) bool {
		n++
		want := w.flows[r.key]
		if want == nil {
			t.Fatalf("look %d: %v is kept, the twin has forgotten it", w.looks, r.key.Decode())
		}
		if r.state&gone == 0 {
			present++
		}
		isGone, isDenied := r.state&gone != 0, r.state&denied != 0
		if r.packets != want.packets || r.bytes != want.bytes || r.flags != want.flags || isGone == want.goneAt.IsZero() || isDenied != want.last.Denied {
			t.Fatalf("look %d: %v has %d/%d, gone %v, denied %v; the twin %+v", w.looks, r.key.Decode(), r.packets, r.bytes, isGone, isDenied, want)
		}
		for i := range windows {
			if got := float64(s.decays.pps(r, i)); math.Abs(got-want.pps[i]) > 1e-4*want.pps[i]+1e-3 {
				t.Fatalf("look %d: %v sends %v in window %d, the twin says %v", w.looks, r.key.Decode(), got, i, want.pps[i])
			}
		}
		return true
	})
	if n != len(w.flows) || present != s.present || s.Totals().Flows != present {
		t.Fatalf("look %d: %d flows of %d, %d present of %d", w.looks, n, len(w.flows), present, s.present)
	}
}

// checkSlots compares what the store keeps up by changes with the table.
func checkSlots(t *testing.T, s *Store, f Source) {
	t.Helper()
	refs, live := map[uint32]uint16{}, make([]sums, len(s.devices))
	f.Scan(func(uint32, uint64) bool { return false }, func(e *Sample) bool {
		at := &s.slots.at[e.Slot]
		if !at.held() || s.rec(at.id()).key != e.Key {
			t.Fatalf("slot %d holds %v, the store does not know", e.Slot, e.Key.Decode())
		}
		refs[at.rec-1]++
		sample := e.slot(0, 0)
		live[e.Key.device()].add(&sample, &e.Key)
		return true
	})
	s.each(func(id uint32, r *record) bool {
		if r.refs != refs[id] {
			t.Fatalf("%v has %d entries, the store says %d", r.key.Decode(), refs[id], r.refs)
		}
		return true
	})
	for i := range live {
		if live[i] != s.devices[i].live {
			t.Fatalf("device %d has %+v in the table, the store says %+v", i, live[i], s.devices[i].live)
		}
	}
}

// A look touches the records of flows that came, moved or left, and no other, however many there are and whatever rates they have.
func TestALookTouchesWhatMoved(t *testing.T) {
	const n = 5000
	s, c := filled(n)
	f := s.src.(*fakeTable)
	for _, want := range []int{0, 1, 7, 0, n, 0} {
		for i := range want {
			f.slots[i].Packets++
			f.slots[i].Bytes += 60
		}
		collect(t, s, c.tick(500*time.Millisecond))
		if s.touched != want {
			t.Errorf("%d flows moved, %d records were touched", want, s.touched)
		}
	}
	f.evict(17)
	collect(t, s, c.tick(500*time.Millisecond))
	if s.touched != 1 {
		t.Errorf("one flow left, %d records were touched", s.touched)
	}
	if got := all(s, c.now)[0].Rates[0].PPS; got <= 0 {
		t.Errorf("the fastest sends %v", got)
	}
}
