// SPDX-License-Identifier: Apache-2.0

package flows

// moved counts an entry that is not what its slot held at the last look. Path, generation and what else may change are of the newest
// packet; of entries that changed at one time, the first in the table tells.
func (s *Store) moved(e *Sample, at *slot) {
	s.touched++
	dp, db := uint64(e.Packets), e.Bytes
	live := &s.device(&e.Key).live
	id := at.id()
	known := at.rec != 0 && at.isOf(s.rec(id))
	same := known && s.rec(id).key == e.Key
	if same || known && e.Denied && s.rec(id).key.sharesVerdict(&e.Key) {
		dp, db = at.gain(e.Packets, e.Bytes)
	}
	if same && at.held() {
		live.remove(at, &e.Key)
	} else {
		s.lose(at) // whose device is there already: live stays where it is
		id = s.enter(&e.Key)
	}
	*at = e.slot(id, s.rec(id).serial)
	live.add(at, &e.Key)
	r := s.rec(id)
	newer := int32(e.Last - r.last)
	if newer > 0 || newer == 0 && r.epoch != s.epoch || r.packets == 0 {
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
	r.flags |= e.TCPFlags
	if e.Forwarded {
		r.state |= forwarded
	}
	switch {
	case s.epoch == 1 || dp == 0 && db == 0: // counted over a time that nobody measured
	case s.rating:
		s.decays.gain(r, float64(dp), float64(db))
	default:
		s.waiting = append(s.waiting, gained{id: id, serial: r.serial, packets: float32(dp), bytes: float32(db)})
	}
}

// device is where a flow's device is counted.
func (s *Store) device(k *RawKey) *device {
	dev := int(k.device())
	if dev >= len(s.devices) {
		s.devices = append(s.devices, make([]device, dev+1-len(s.devices))...)
	}
	return &s.devices[dev]
}

// gained waits for the next look that makes rates.
type gained struct {
	id, serial     uint32
	packets, bytes float32
}

// enter finds or makes the record of an entry that is new in its slot.
func (s *Store) enter(k *RawKey) uint32 {
	id, known := s.find(k)
	if !known {
		id = s.add(k)
		r := s.rec(id)
		r.start, r.rated = s.since, s.since
		s.born++
	}
	r := s.rec(id)
	if r.refs++; r.refs == 1 {
		s.present++
	}
	if r.state&gone != 0 {
		r.state &^= gone
		r.rated = s.since
	}
	return id
}

// lose takes an entry that left its slot from its flow.
func (s *Store) lose(at *slot) {
	if !at.held() {
		return
	}
	s.touched++
	id := at.id()
	r := s.rec(id)
	s.device(&r.key).live.remove(at, &r.key)
	if r.refs > 1 {
		r.refs--
	} else {
		r.refs = 0
		s.present--
		s.lost = append(s.lost, id)
	}
	at.rec |= slotLeft
}

// settle ends a look: what waited gets its rates, and flows that left the table are let go.
func (s *Store) settle() {
	s.slots.missed(s.lose)
	now, shown := s.ticks(s.at), &s.decays
	if s.rating {
		shown = &s.former
	}
	for _, id := range s.lost {
		if r := s.rec(id); r.refs == 0 && r.state&gone == 0 {
			shown.freeze(r)
			r.state |= gone
			r.rated = now
			s.leaving.add(left{id: id, serial: r.serial, at: now})
		}
	}
	s.lost = s.lost[:0]
	if s.rating {
		for _, g := range s.waiting {
			if r := s.rec(g.id); r.serial == g.serial && r.state&gone == 0 {
				s.decays.gain(r, float64(g.packets), float64(g.bytes))
			}
		}
		s.waiting = s.waiting[:0]
	}
	for {
		l, ok := s.leaving.next(now)
		if !ok {
			break
		}
		if r := s.rec(l.id); r.serial == l.serial && r.state&gone != 0 && r.rated == l.at {
			s.release(l.id)
		}
	}
}

// left is a flow that left the table. Until GoneFor has passed it is kept as it was; it may have come back by then.
type left struct{ id, serial, at uint32 }

// leaving is those that left, in the order in which they did.
type leaving struct {
	list []left
	head int
}

func (q *leaving) add(l left) { q.list = append(q.list, l) }

// next takes out the first for which GoneFor has passed.
func (q *leaving) next(now uint32) (l left, ok bool) {
	if q.head == len(q.list) || now-q.list[q.head].at <= uint32(GoneFor/tick) {
		if 2*q.head >= len(q.list) {
			q.list, q.head = q.list[:copy(q.list, q.list[q.head:])], 0
		}
		return left{}, false
	}
	q.head++
	return q.list[q.head-1], true
}
