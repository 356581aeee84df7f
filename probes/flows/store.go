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
	slots []slot
	epoch uint32 // looks at the table, from 1
	began time.Time
	at    time.Time // of the last look
	rated time.Time // when rates were made last
	born  uint32    // records made since the start
	freed uint32    // records forgotten since the start

	present int // flows that the last look met

	devices []device // by slot
	past    Counter  // of devices that were forgotten
	total   totals
	synOnly []uint32 // TCP flows of this look with nothing but SYNs

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
	s.slots = make([]slot, src.Slots())
	s.trends.init()
	s.view.init(s)
	return s
}

// shortest is the least time over which a rate is made: two looks in quick succession count as one.
const shortest = 20 * time.Millisecond

// ticks is the store's clock: time since the first look.
func (s *Store) ticks(now time.Time) uint32 { return uint32(now.Sub(s.began) / tick) }

// Forget drops a device's flows and counters at once, before its slot is used again. The totals keep them.
func (s *Store) Forget(slot uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.each(func(id uint32, r *record) bool {
		if r.key.device() == slot {
			s.release(id)
		}
		return true
	})
	if int(slot) < len(s.devices) {
		d := &s.devices[slot]
		s.past = s.past.plus(d.in).plus(d.out).minus(d.fwd)
		*d = device{}
	}
}

func (s *Store) release(id uint32) {
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
	before := s.ticks(s.at)
	folded, err := s.src.Folded() // before the entries: one that is evicted meanwhile is missed for once, never counted twice
	for i := range s.devices {
		s.devices[i].live = sums{}
	}
	s.src.Scan(func(e *Sample) bool {
		s.take(e, before)
		return true
	})
	if now.After(s.at) {
		s.at = now
	}
	dt := s.at.Sub(s.rated).Seconds()
	if dt < shortest.Seconds() {
		dt = 0
	} else {
		s.rated = s.at
	}
	s.settle(dt)
	s.count(folded, err == nil, dt)
	s.trends.second(s)
	return err
}

// take counts one entry.
func (s *Store) take(e *Sample, before uint32) {
	dev := e.Key.device()
	for int(dev) >= len(s.devices) {
		s.devices = append(s.devices, device{})
	}
	if !e.Denied && !e.Inner {
		s.devices[dev].live.add(e)
	}
	if int(e.Slot) >= len(s.slots) {
		s.slots = append(s.slots, make([]slot, int(e.Slot)+1-len(s.slots))...)
	}
	at := &s.slots[e.Slot]
	dp, db := uint64(e.Packets), e.Bytes
	id := at.rec - 1
	known := at.rec != 0 && s.rec(id).state&used != 0
	if known && (s.rec(id).key == e.Key || e.Denied && s.rec(id).key.sharesVerdict(&e.Key)) {
		dp, db = at.gain(e.Packets, e.Bytes)
	}
	if !known || s.rec(id).key != e.Key {
		if id, known = s.find(&e.Key); !known {
			id = s.add(&e.Key)
			s.rec(id).start = before
			s.born++
		}
	}
	*at = slot{rec: id + 1, packets: e.Packets, bytes: e.Bytes}
	r := s.rec(id)
	if r.epoch != s.epoch || int32(e.Last-r.last) > 0 {
		r.path, r.gen, r.last = e.Path, e.Gen, e.Last
		r.state &^= denied | inner
		if e.Denied {
			r.state |= denied
		}
		if e.Inner {
			r.state |= inner
		}
	}
	r.epoch = s.epoch
	r.packets += dp
	r.bytes += db
	r.dp += float32(dp)
	r.db += float32(db)
	r.flags |= e.TCPFlags
	r.state &^= gone
	if e.Forwarded {
		r.state |= forwarded
	}
}

const (
	tcp     = 6
	synFlag = 2
	ecnBits = 0xc0 // ECE and CWR may stand on a SYN (RFC 3168)
)

// settle makes rates over dt seconds (0: none), and lets go of flows that left the table.
func (s *Store) settle(dt float64) {
	now := s.ticks(s.at)
	st := newSteps(max(dt, 1e-3))
	first, since := s.epoch == 1, s.src.Since
	s.synOnly, s.present = s.synOnly[:0], 0
	s.each(func(id uint32, r *record) bool {
		if r.epoch != s.epoch {
			s.leave(id, r, now)
			return true
		}
		s.present++
		if r.key.proto() == tcp && r.flags&^ecnBits == synFlag {
			s.synOnly = append(s.synOnly, id)
		}
		switch {
		case first: // counted over a time that nobody measured
			r.dp, r.db = 0, 0
		case dt > 0:
			r.update(&st, now, since)
		}
		return true
	})
}

// leave keeps a flow that is gone as it was for GoneFor.
func (s *Store) leave(id uint32, r *record, now uint32) {
	if r.state&gone == 0 {
		r.state |= gone
		r.goneAt = now
	} else if now-r.goneAt > uint32(GoneFor/tick) {
		s.release(id)
	}
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
