// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"sync"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// Store keeps the flows. Its methods may be called from any goroutine; they exclude each other.
type Store struct {
	mu      sync.Mutex
	src     Source
	verdict func(path, gen uint16) (rule int, verdict string)
	columns *column.Set

	records
	slots  slots
	stands func(slot uint32, print uint64) bool // slots.stands
	take   func(*Sample) bool
	epoch  uint32 // looks at the table, from 1
	began  time.Time
	at     time.Time // of the last look
	rated  time.Time // when rates were made last
	born   uint32    // records made since the start
	freed  uint32    // records forgotten since the start

	decays  decays
	former  decays // of the look before, whose rates a flow keeps that is gone
	rating  bool   // this look makes rates
	since   uint32 // ticks of the look before this one that made rates
	present int    // flows that the last look met
	touched int    // records that the last look read or wrote

	devices []device // by slot
	past    Counter  // of devices that were forgotten
	total   totals

	lost    []uint32 // flows of this look that lost an entry
	waiting []gained // counted by looks that made no rates
	leaving leaving
	synOnly []uint32 // TCP flows with nothing but SYNs, while their answers are looked for

	answeredAt uint32 // look for which the answered bits hold
	trends     trends
	joins      joinCache
	view       view
}

// New makes a store over a flow table.
func New(src Source, o Options) *Store {
	s := &Store{src: src, verdict: o.Verdict, columns: column.Flows(), records: newRecords()}
	if s.verdict == nil {
		s.verdict = func(uint16, uint16) (int, string) { return 0, "pass" }
	}
	s.slots = newSlots(src.Slots())
	s.stands = s.slots.stands
	s.take = func(e *Sample) bool {
		s.moved(e, s.slots.meet(e.Slot))
		return true
	}
	s.trends.init()
	s.view.init(s)
	return s
}

// shortest is the least time over which a rate is made: two looks in quick succession count as one.
const shortest = 20 * time.Millisecond

// ticks is the store's clock: time since the first look.
func (s *Store) ticks(now time.Time) uint32 { return uint32(now.Sub(s.began) / tick) }

// Forget drops a device's flows and counters at once, before its slot is used again. The totals keep them.
func (s *Store) Forget(dev uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slots.each(func(i uint32, at *slot) {
		if s.rec(at.rec-1).key.device() == dev {
			s.slots.empty(i)
		}
	})
	s.each(func(id uint32, r *record) bool {
		if r.key.device() == dev {
			s.release(id)
		}
		return true
	})
	if int(dev) < len(s.devices) {
		d := &s.devices[dev]
		s.past = s.past.plus(d.in).plus(d.out).minus(d.fwd)
		*d = device{}
	}
}

func (s *Store) release(id uint32) {
	if s.rec(id).refs > 0 {
		s.present--
	}
	s.remove(id)
	s.freed++
}

// Collect reads the table once. It must be called regularly, 1 to 10 times a second; a time that does not run on gives
// no new rates. After an error the totals lack what was evicted since the last look that had none.
func (s *Store) Collect(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.began, s.at, s.rated = now, now, now
	}
	s.epoch++
	s.touched = 0
	if now.After(s.at) {
		s.at = now
	}
	dt := s.at.Sub(s.rated).Seconds()
	s.since = s.decays.now
	if s.rating = dt >= shortest.Seconds(); s.rating {
		s.rated = s.at
		s.former = s.decays
		s.decays.advance(s.ticks(s.at), dt)
	} else {
		dt = 0
	}
	folded, err := s.src.Folded() // before the entries: one that is evicted meanwhile is missed for once, never counted twice
	s.src.Scan(s.stands, s.take)
	s.settle()
	s.count(folded, err == nil, dt)
	s.trends.second(s)
	return err
}

// Totals are those of the last Collect. The slices are never changed later.
func (s *Store) Totals() snap.Totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total.snap(s)
}

// Device returns the counters and rates of a device slot at the last Collect.
func (s *Store) Device(slot uint16) Traffic {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(slot) >= len(s.devices) {
		return Traffic{}
	}
	d := &s.devices[slot]
	return Traffic{
		InPackets: d.in.Packets, InBytes: d.in.Bytes, OutPackets: d.out.Packets, OutBytes: d.out.Bytes,
		In: d.inRate.rate(), Out: d.outRate.rate(),
	}
}

// Drops adds to the packets that were dropped; Totals.Drops is their rate.
func (s *Store) Drops(packets uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total.drops += packets
}

// Traffic of one device, since attach.
type Traffic struct {
	InPackets, InBytes, OutPackets, OutBytes uint64
	In, Out                                  snap.Rate
}
