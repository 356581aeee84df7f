// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"maps"
	"testing"
	"time"
)

// withDenied adds the sample of denied flows to a table.
type withDenied struct {
	*fakeTable
	sample Sample
}

func (w *withDenied) Scan(known func(slot uint32, print uint64) bool, yield func(*Sample) bool) {
	w.fakeTable.Scan(known, yield)
	if e := w.sample; e.Packets > 0 {
		e.Slot, e.Denied = uint32(w.Slots()), true
		yield(&e)
	}
}

func TestDeniedFlowsAreDropsAndCountOnce(t *testing.T) {
	f := &withDenied{fakeTable: newFake(1, 8)}
	s := New(f, Options{Verdict: func(path, _ uint16) (int, string) { return int(path), "pass" }})
	c := newClock(f.fakeTable)
	k := keyN(1)
	f.send(k, 0, 5, 100, 0, false, 0)
	collect(t, s, c.tick(time.Second))
	if rows := all(s, c.now); len(rows) != 1 || rows[0].Verdict != "pass" {
		t.Fatalf("allowed: %+v", rows)
	}
	before := s.Device(k.device())
	f.sample = Sample{Key: k, Packets: 7, Bytes: 700, Path: 3, Last: f.jiffies + 50}
	d := f.device(k.device())
	d.OtherIn, d.Denied = d.OtherIn.plus(Counter{7, 700}), 7
	collect(t, s, c.tick(time.Second))
	rows := all(s, c.now)
	if len(rows) != 1 || rows[0].Verdict != "drop" || rows[0].Rule != 3 || rows[0].Packets != 12 {
		t.Fatalf("denied: %+v", rows)
	}
	after := s.Device(k.device())
	if got := after.InPackets + after.OutPackets - before.InPackets - before.OutPackets; got != 7 {
		t.Fatalf("the device gained %d packets, 7 came", got)
	}
	if got := s.Totals().Drops; got <= 0 {
		t.Fatalf("drops per second: %g", got)
	}
}

// Denied flows that differ in their source port alone share an entry: what it gained is the newest's.
func TestDeniedFlowsThatShareAnEntryCountOnce(t *testing.T) {
	f := &withDenied{fakeTable: newFake(1, 8)}
	s := New(f, Options{})
	c := newClock(f.fakeTable)
	first, second, third := keyN(1), keyN(1), keyN(2)
	second[33]++
	collect(t, s, c.tick(time.Second))
	for _, step := range []struct {
		key     RawKey
		packets uint32
	}{{first, 5}, {first, 7}, {second, 10}, {second, 11}, {first, 20}, {third, 4}, {first, 2}} {
		f.sample = Sample{Key: step.key, Packets: step.packets, Bytes: 100 * uint64(step.packets), Last: f.jiffies}
		collect(t, s, c.tick(time.Second))
	}
	got := map[RawKey]uint64{}
	for _, r := range all(s, c.now) {
		got[Encode(&r.Key)] = r.Packets
	}
	if want := map[RawKey]uint64{first: 7 + 9 + 2, second: 4, third: 4}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFastestAreTheFastest(t *testing.T) {
	f := newFake(1, 64)
	s, c := New(f, Options{}), newClock(f)
	collect(t, s, c.tick(time.Second))
	for n := range 20 {
		f.send(keyN(n), 0, uint32(1+n), 100, 0, false, 0)
	}
	collect(t, s, c.tick(time.Second))
	rows := s.Fastest(c.now, 5, nil)
	if len(rows) != 5 {
		t.Fatalf("%d rows, want 5", len(rows))
	}
	for i, r := range rows {
		if r.Packets != uint64(20-i) {
			t.Errorf("row %d has %d packets, want %d", i, r.Packets, 20-i)
		}
	}
}

func TestTalkingFlowsAreThoseThatSend(t *testing.T) {
	f := newFake(1, 64)
	s, c := New(f, Options{}), newClock(f)
	collect(t, s, c.tick(time.Second))
	for n := range 20 {
		f.send(keyN(n), 0, 1, 100, 0, false, 0)
	}
	collect(t, s, c.tick(time.Second))
	sum := func() (n int) {
		for _, flows := range s.Talking(c.now, 2*time.Second) {
			n += flows
		}
		return n
	}
	if got := sum(); got != 20 {
		t.Errorf("%d flows talk, 20 sent a packet", got)
	}
	for range 3 {
		c.tick(time.Second)
		for n := range 5 {
			f.send(keyN(n), 0, 1, 100, 0, false, 0)
		}
		collect(t, s, c.now)
	}
	if got := sum(); got != 5 {
		t.Errorf("%d flows talk, 5 still send", got)
	}
}
