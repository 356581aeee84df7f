// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"hooktop/probes/snap"
)

func collect(t *testing.T, s *Store, now time.Time) {
	t.Helper()
	if err := s.Collect(now); err != nil {
		t.Fatal(err)
	}
}

func all(s *Store, now time.Time) []snap.Flow {
	return s.Answer(now, snap.FlowQuery{Limit: 1 << 20, Rerank: true}, nil).Rows
}

// Random traffic over several CPUs with eviction, reinsertion and forwarding, against the truth: totals are exact after
// every look, flows never count more than was sent nor less than what stands in the table, rates never exceed what was sent.
func TestStoreAgainstTruth(t *testing.T) {
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		f := newFake(1+rnd.IntN(3), 8+rnd.IntN(40))
		s, c := New(f, Options{}), newClock(f)
		seen := map[RawKey]Counter{}
		for look := range 120 {
			sent := map[RawKey]uint64{}
			for range rnd.IntN(60) {
				k := keyN(rnd.IntN(60))
				n := uint32(1 + rnd.IntN(50))
				f.send(k, rnd.IntN(f.cpus), n, uint64(14+rnd.IntN(1500)), 0x10, k.tag()&tagEgress != 0 && k.device() == 2, rnd.IntN(1<<20))
				sent[k] += uint64(n)
			}
			if rnd.IntN(4) == 0 {
				f.evict(rnd.IntN(len(f.slots)))
			}
			dt := time.Duration(100+rnd.IntN(900)) * time.Millisecond
			collect(t, s, c.tick(dt))
			checkTotals(t, s, f)
			checkFlows(t, s, f, c.now, seen)
			for _, r := range all(s, c.now) {
				k := Encode(&r.Key)
				if look > 0 && r.Rates[0].PPS > 2*50*60/0.1 {
					t.Fatalf("absurd rate %v of %v", r.Rates[0], r.Key)
				}
				seen[k] = Counter{r.Packets, r.Bytes}
			}
		}
	}
}

func checkTotals(t *testing.T, s *Store, f *fakeTable) {
	t.Helper()
	var want Counter
	dev := map[uint16]Counter{}
	for k, n := range f.truth {
		dev[k.device()] = dev[k.device()].plus(n)
		if k.tag()&tagEgress == 0 || k.device() != 2 {
			want = want.plus(n)
		}
	}
	got := s.Totals()
	if got.Packets != want.Packets || got.Bytes != want.Bytes {
		t.Fatalf("totals %d packets %d bytes, want %+v", got.Packets, got.Bytes, want)
	}
	for slot, n := range dev {
		d := s.Device(slot)
		if d.InPackets+d.OutPackets != n.Packets || d.InBytes+d.OutBytes != n.Bytes {
			t.Fatalf("device %d: %+v, want %+v", slot, d, n)
		}
	}
}

func checkFlows(t *testing.T, s *Store, f *fakeTable, now time.Time, seen map[RawKey]Counter) {
	t.Helper()
	table := map[RawKey]Counter{}
	for i := range f.slots {
		if e := &f.slots[i]; e.Packets > 0 {
			table[e.Key] = table[e.Key].plus(Counter{uint64(e.Packets), e.Bytes})
		}
	}
	present := 0
	for _, r := range all(s, now) {
		k := Encode(&r.Key)
		in, inTable := table[k]
		if inTable == (r.Gone > 0) {
			t.Fatalf("%v: in table %v, gone %v", r.Key, inTable, r.Gone)
		}
		if inTable {
			present++
		}
		truth := f.truth[k]
		if r.Packets > truth.Packets || r.Bytes > truth.Bytes || r.Packets < in.Packets || r.Bytes < in.Bytes {
			t.Fatalf("%v counts %d/%d, sent %+v, in the table %+v", r.Key, r.Packets, r.Bytes, truth, in)
		}
		for _, rate := range r.Rates {
			if rate.PPS < 0 || rate.BPS < 0 || math.IsNaN(rate.PPS) || math.IsInf(rate.BPS, 0) {
				t.Fatalf("%v has rate %+v", r.Key, rate)
			}
		}
		if r.Age < 0 || r.Idle < 0 {
			t.Fatalf("%v: age %v idle %v", r.Key, r.Age, r.Idle)
		}
	}
	if present != len(table) || s.Totals().Flows != len(table) {
		t.Fatalf("%d flows shown, %d in totals, %d in the table", present, s.Totals().Flows, len(table))
	}
}

func TestPacketCounterWraps(t *testing.T) {
	f := newFake(2, 8)
	s, c := New(f, Options{}), newClock(f)
	k := keyN(0)
	f.send(k, 0, math.MaxUint32-100, 100, 0, false, 0)
	f.send(k, 1, 50, 100, 0, false, 0)
	collect(t, s, c.tick(time.Second))
	f.send(k, 0, 1100, 100, 0, false, 0)
	collect(t, s, c.tick(time.Second))
	r := all(s, c.now)[0]
	if want := f.truth[k]; r.Packets != want.Packets || r.Bytes != want.Bytes {
		t.Errorf("flow counts %d/%d, want %+v", r.Packets, r.Bytes, want)
	}
	if r.Rates[0].PPS != 1100 {
		t.Errorf("rate %v after a wrap, want 1100", r.Rates[0])
	}
	checkTotals(t, s, f)
}

func TestGain(t *testing.T) {
	for _, c := range []struct {
		name           string
		old            slot
		packets        uint32
		bytes          uint64
		wantDP, wantDB uint64
	}{
		{"nothing", slot{1, 10, 1000, 0}, 10, 1000, 0, 0},
		{"growth", slot{1, 10, 1000, 0}, 30, 3000, 20, 2000},
		{"wrap", slot{1, math.MaxUint32, 1 << 40, 0}, 9, 1<<40 + 1000, 10, 1000},
		{"reinserted smaller", slot{1, 1000, 100000, 0}, 5, 500, 5, 500},
		{"reinserted: fewer packets, more bytes", slot{1, 1000, 64000, 0}, 100, 150000, 100, 150000},
		{"reinserted: more packets, fewer bytes", slot{1, 100, 150000, 0}, 1000, 64000, 1000, 64000},
		{"one frame not yet in bytes", slot{1, 10, 1000, 0}, 11, 1000, 1, 0},
	} {
		if dp, db := c.old.gain(c.packets, c.bytes); dp != c.wantDP || db != c.wantDB {
			t.Errorf("%s: gained %d/%d, want %d/%d", c.name, dp, db, c.wantDP, c.wantDB)
		}
	}
}

// A flow that is evicted between two looks and comes back counts what it had and what it has.
func TestReinsertionIsNoNegativeRate(t *testing.T) {
	f := newFake(1, 4)
	s, c := New(f, Options{}), newClock(f)
	k := keyN(0)
	f.send(k, 0, 1000, 100, 0, false, 0)
	collect(t, s, c.tick(time.Second))
	f.evictKey(k)
	f.send(k, 0, 20, 100, 0, false, 0)
	collect(t, s, c.tick(time.Second))
	r := all(s, c.now)[0]
	if r.Packets != 1020 || r.Rates[0].PPS != 20 {
		t.Errorf("flow counts %d at %v, want 1020 at 20 pps", r.Packets, r.Rates[0])
	}
	checkTotals(t, s, f)
}

func TestGoneFlowStaysFiveSecondsAsItWas(t *testing.T) {
	f := newFake(1, 4)
	s, c := New(f, Options{}), newClock(f)
	k := keyN(0)
	for range 4 {
		f.send(k, 0, 100, 100, 0, false, 0)
		collect(t, s, c.tick(time.Second))
	}
	before := all(s, c.now)[0]
	f.evictKey(k)
	collect(t, s, c.tick(time.Second))
	for i := range 5 {
		collect(t, s, c.tick(time.Second))
		rows := all(s, c.now)
		if len(rows) != 1 || rows[0].Gone < time.Duration(i+1)*time.Second || rows[0].Rates != before.Rates {
			t.Fatalf("%d s after it went: %+v", i+1, rows)
		}
	}
	collect(t, s, c.tick(time.Second))
	if rows := all(s, c.now); len(rows) != 0 {
		t.Fatalf("after %v still there: %+v", GoneFor, rows)
	}
	f.send(k, 0, 7, 100, 0, false, 0)
	collect(t, s, c.tick(time.Second))
	if rows := all(s, c.now); len(rows) != 1 || rows[0].Packets != 7 || rows[0].Gone != 0 {
		t.Fatalf("after it came back: %+v", rows)
	}
}

func TestForgetKeepsTotals(t *testing.T) {
	f := newFake(1, 64)
	s, c := New(f, Options{}), newClock(f)
	for i := range 40 {
		f.send(keyN(i), 0, 10, 100, 0, false, i)
	}
	collect(t, s, c.tick(time.Second))
	before := s.Totals().Packets
	for i := range f.slots {
		if f.slots[i].Key.device() == 1 {
			f.slots[i] = Sample{}
		}
	}
	delete(f.folded, 1)
	s.Forget(1)
	collect(t, s, c.tick(time.Second))
	if got := s.Totals().Packets; got != before {
		t.Errorf("totals went from %d to %d packets when a device left", before, got)
	}
	for _, r := range all(s, c.now) {
		if r.Key.Dev == 1 {
			t.Errorf("%v is still there", r.Key)
		}
	}
	if s.Device(1) != (Traffic{}) {
		t.Errorf("device still counts %+v", s.Device(1))
	}
}

func TestFailingCountersKeepTotals(t *testing.T) {
	f := newFake(1, 2)
	s, c := New(f, Options{}), newClock(f)
	for i := range 6 {
		f.send(keyN(2*i), 0, 10, 100, 0, false, i) // all in, on device 1
	}
	collect(t, s, c.tick(time.Second))
	before := s.Totals().Packets
	f.failing = errors.New("read counters: no such map")
	if err := s.Collect(c.tick(time.Second)); !errors.Is(err, f.failing) {
		t.Errorf("error %v, want %v", err, f.failing)
	}
	if got := s.Totals().Packets; got != before {
		t.Errorf("totals went from %d to %d", before, got)
	}
	f.failing = nil
	collect(t, s, c.tick(time.Second))
	checkTotals(t, s, f)
}

func TestHistoryHasOneValueASecond(t *testing.T) {
	f := newFake(1, 4)
	s, c := New(f, Options{}), newClock(f)
	rnd := rand.New(rand.NewPCG(4, 4))
	began := c.now
	collect(t, s, c.now)
	for c.now.Sub(began) < 400*time.Second {
		dt := time.Duration(300+10*rnd.IntN(40)) * time.Millisecond
		f.send(keyN(0), 0, uint32(dt/time.Millisecond), 100, 0, false, 0)
		s.Drops(uint64(dt / time.Millisecond / 10))
		collect(t, s, c.tick(dt))
		got := s.Totals()
		want := min(int(c.now.Sub(began)/time.Second), history)
		if len(got.PPS) != want || len(got.BPS) != want || len(got.DropPS) != want {
			t.Fatalf("after %v: %d values, want %d", c.now.Sub(began), len(got.PPS), want)
		}
	}
	got := s.Totals()
	for i := range got.PPS {
		if math.Abs(float64(got.PPS[i])-1000) > 0.5 || math.Abs(float64(got.DropPS[i])-100) > 1 || math.Abs(float64(got.BPS[i])-800e3) > 400 {
			t.Fatalf("second %d: %v pps %v bps %v drops, sent 1000 800k 100", i, got.PPS[i], got.BPS[i], got.DropPS[i])
		}
	}
	if math.Abs(got.Rate.PPS-1000) > 1 || math.Abs(got.Drops-100) > 2 {
		t.Errorf("rate %v drops %v", got.Rate, got.Drops)
	}
}

func TestRecordIsSmallAndWithoutPointers(t *testing.T) {
	if n := unsafe.Sizeof(record{}); n > 120 {
		t.Errorf("a record has %d bytes, 120 were planned", n)
	}
	s, c := filled(20000)
	n := testing.AllocsPerRun(5, func() { collect(t, s, c.tick(500*time.Millisecond)) })
	if n > 20 {
		t.Errorf("a look at known flows makes %v allocations", n)
	}
}

func TestRecordsAgainstMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	recs, twin := newRecords(), map[RawKey]uint32{}
	for range 200000 {
		k := keyN(rnd.IntN(3000))
		id, ok := recs.find(&k)
		if want, has := twin[k]; ok != has || ok && id != want {
			t.Fatalf("find: %d %v, want %d %v", id, ok, want, has)
		}
		switch {
		case !ok:
			twin[k] = recs.add(&k)
		case rnd.IntN(2) == 0:
			recs.remove(id)
			delete(twin, k)
		}
	}
	n := 0
	recs.each(func(id uint32, r *record) bool {
		if twin[r.key] != id {
			t.Fatalf("record %d stands for another flow", id)
		}
		n++
		return true
	})
	if n != len(twin) {
		t.Errorf("%d records, want %d", n, len(twin))
	}
}

func TestKeyRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for range 1000 {
		var k snap.FlowKey
		for i := range k.Src {
			k.Src[i], k.Dst[i] = byte(rnd.Uint32()), byte(rnd.Uint32())
		}
		k.SPort, k.DPort, k.Proto = uint16(rnd.Uint32()), uint16(rnd.Uint32()), uint8(rnd.Uint32())
		k.Frag, k.Egress, k.Stacked = snap.Frag(rnd.IntN(3)), rnd.IntN(2) == 0, rnd.IntN(2) == 0
		k.VLAN, k.VNI, k.Dev = uint16(rnd.IntN(4096)), rnd.Uint32N(1<<24), uint16(rnd.Uint32())
		raw := Encode(&k)
		if got := raw.Decode(); got != k {
			t.Fatalf("%+v became %+v", k, got)
		}
	}
}

// The whole program may take 120 MiB with 100,000 flows: the store's part is the records, the slots and one ranking.
func TestMemoryOf100kFlows(t *testing.T) {
	f := newFake(1, 1<<19) // slots as by default on two CPUs
	for i := range 100_000 {
		f.slots[i*5] = Sample{Key: keyN(i), Packets: 1, Bytes: 100}
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s, c := New(f, Options{}), newClock(f)
	collect(t, s, c.tick(time.Second))
	s.Answer(c.now, snap.FlowQuery{Limit: 43}, &fakeJoin{})
	if used := heap() - before; used > 36<<20 {
		t.Errorf("%d MiB for 100,000 flows, 36 were planned", used>>20)
	} else {
		t.Logf("%d KiB for 100,000 flows", used>>10)
	}
	runtime.KeepAlive(s)
}
