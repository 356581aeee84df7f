// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"
)

// A record that would be in more lists than this by its best field is held against every packet instead.
const maxCover = 1024

// field is what a record can hang on.
type field int

const (
	wild field = iota
	bySrc
	byDst
	bySPort
	byDPort
)

// lists hangs each record on one field, and writes the lists.
func (c *compiler) lists() error {
	m := c.m
	ports := [2]*portClasses{newPortClasses(m.Records, false), newPortClasses(m.Records, true)}
	for i, p := range ports {
		p.classes(&m.PortSides[i])
		if len(p.bounds) > MaxPortLists {
			return fmt.Errorf("compile policy: its port ranges cut ports into %d classes, there is room for %d", len(p.bounds), MaxPortLists)
		}
	}
	h := hanger{c: c, ports: ports, crowd: crowds(m.Records)}
	on := make([]field, len(m.Records))
	shelves := [4]*shelf{newShelf(len(m.Sides[0].Lists)), newShelf(len(m.Sides[1].Lists)), newShelf(len(ports[0].bounds)), newShelf(len(ports[1].bounds))}
	for i := range m.Records {
		r := &m.Records[i]
		spans := h.spans(r)
		if on[i] = choose(r, &spans, h.crowd); on[i] != wild {
			shelves[on[i]-1].count(spans[on[i]-1], uint16(i))
		}
	}
	for _, s := range shelves {
		s.build()
	}
	var every []uint16
	var later [2][]uint16
	for i := range m.Records {
		r, n := &m.Records[i], uint16(i)
		if on[i] == wild {
			every = append(every, n)
			continue
		}
		shelves[on[i]-1].put(h.span(int(on[i]-1), r), n)
		if on[i] >= bySPort && r.Flags&Later != 0 {
			later[on[i]-bySPort] = append(later[on[i]-bySPort], n)
		}
	}
	w := writer{seen: make(map[uint64]List, 2*len(m.Records))}
	for i := range 2 {
		w.all(m.Sides[i].Lists, shelves[i])
		m.PortSides[i].Lists = make([]List, len(ports[i].bounds))
		w.all(m.PortSides[i].Lists, shelves[2+i])
		m.PortSides[i].Later = w.put(later[i])
	}
	m.Wild = w.put(every)
	if m.Lists = w.out; len(m.Lists) > MaxLists {
		return fmt.Errorf("compile policy: the lists of which packet is held against which rules have %d entries, there is room for %d: too many wide prefixes or port ranges over narrow ones", len(m.Lists), MaxLists)
	}
	return nil
}

// hanger says where a record can hang.
type hanger struct {
	c     *compiler
	ports [2]*portClasses
	crowd map[value]int32
	one   [4]interval // what the spans of a record point to, until the next one's
}

// spans are the places of a record in each field; nil where that field tells nothing.
func (h *hanger) spans(r *Record) (out [4][]interval) {
	for i := range out {
		out[i] = h.span(i, r)
	}
	return out
}

// span is one of them; f counts from 0.
func (h *hanger) span(f int, r *Record) []interval {
	var ok bool
	switch f {
	case 0, 1:
		lo, hi, set, not := r.SrcLo, r.SrcHi, r.Src, NotSrc
		if f == 1 {
			lo, hi, set, not = r.DstLo, r.DstHi, r.Dst, NotDst
		}
		switch {
		case r.Flags&not != 0 || set == 0 && lo == 0 && hi == 0xffff:
			return nil
		case set != 0:
			side := h.c.sides[f]
			return side.of(side.used[set-1])
		}
		h.one[f] = interval{lo, hi}
	case 2:
		if h.one[f], ok = h.ports[0].covers(r.SPortLo, r.SPortHi); !ok {
			return nil
		}
	default:
		if h.one[f], ok = h.ports[1].covers(r.DPortLo, r.DPortHi); !ok {
			return nil
		}
	}
	return h.one[f : f+1]
}

// shelf has the lists of one field's places, one behind the other.
type shelf struct {
	at   []uint32 // where each place's list begins; while it is built, where its next number goes
	last []uint16 // the record counted last, plus one
	list []uint16
}

func newShelf(places int) *shelf {
	return &shelf{at: make([]uint32, places+1), last: make([]uint16, places)}
}

// count makes room for a record; prefixes of a set may lie in one place.
func (s *shelf) count(spans []interval, n uint16) {
	for _, one := range spans {
		for at := int(one.lo); at <= int(one.hi); at++ {
			if s.last[at] != n+1 {
				s.last[at] = n + 1
				s.at[at]++
			}
		}
	}
}

// build turns counts into the ends of lists: put fills them from behind.
func (s *shelf) build() {
	sum := uint32(0)
	for i, n := range s.at {
		s.at[i] = sum
		sum += n
	}
	s.list = make([]uint16, sum)
	clear(s.last)
}

// put adds a record to the lists of its places, in which numbers ascend. Afterwards at says where each list ends.
func (s *shelf) put(spans []interval, n uint16) {
	for _, one := range spans {
		for at := int(one.lo); at <= int(one.hi); at++ {
			if s.last[at] != n+1 {
				s.last[at] = n + 1
				s.list[s.at[at]] = n
				s.at[at]++
			}
		}
	}
}

// of is the list of a place, once all records were put.
func (s *shelf) of(place int) []uint16 {
	begin := uint32(0)
	if place > 0 {
		begin = s.at[place-1]
	}
	return s.list[begin:s.at[place]]
}

// value is what a record asks for in one field: the field, the set, and a range, from the highest bits down.
type value uint64

func valueOf(f, set uint8, lo, hi uint16) value {
	return value(f)<<56 | value(set)<<48 | value(lo)<<16 | value(hi)
}

func values(r *Record) [4]value {
	return [4]value{valueOf(0, r.Src, r.SrcLo, r.SrcHi), valueOf(1, r.Dst, r.DstLo, r.DstHi), valueOf(2, 0, r.SPortLo, r.SPortHi), valueOf(3, 0, r.DPortLo, r.DPortHi)}
}

// crowds says how many records ask for the same.
func crowds(records []Record) map[value]int32 {
	out := make(map[value]int32, 2*len(records))
	for i := range records {
		for _, v := range values(&records[i]) {
			if v&0xffffffff != 0xffff { // all: nothing hangs there
				out[v]++
			}
		}
	}
	return out
}

// choose takes the field with the shortest lists: few other records with the same value, and few places.
func choose(r *Record, spans *[4][]interval, crowd map[value]int32) field {
	best, least := wild, 0
	asked := values(r)
	for i, list := range spans {
		if list == nil {
			continue
		}
		places := 0
		for _, one := range list {
			places += int(one.hi) - int(one.lo) + 1
		}
		if places > maxCover {
			continue
		}
		if score := places + 4*int(crowd[asked[i]]); best == wild || score < least {
			best, least = field(i+1), score
		}
	}
	return best
}

// portClasses cuts ports at every bound that a record names.
type portClasses struct{ bounds []uint16 }

func newPortClasses(records []Record, dst bool) *portClasses {
	p := &portClasses{bounds: make([]uint16, 1, 2*len(records)+1)} // from 0 on
	for i := range records {
		lo, hi := records[i].SPortLo, records[i].SPortHi
		if dst {
			lo, hi = records[i].DPortLo, records[i].DPortHi
		}
		if lo > hi || lo == 0 && hi == Ports-1 {
			continue
		}
		p.bounds = append(p.bounds, lo)
		if hi != Ports-1 {
			p.bounds = append(p.bounds, hi+1)
		}
	}
	slices.Sort(p.bounds)
	p.bounds = slices.Compact(p.bounds)
	return p
}

func (p *portClasses) classes(s *PortSide) {
	for at, lo := range p.bounds {
		end := Ports
		if at+1 < len(p.bounds) {
			end = int(p.bounds[at+1])
		}
		fill(s.Class[lo:end], uint16(at))
	}
}

func fill(list []uint16, n uint16) {
	for i := range list {
		list[i] = n
	}
}

// covers are the classes of a range; false when it is all ports. A range without ports has none: only later fragments.
func (p *portClasses) covers(lo, hi uint16) (interval, bool) {
	switch {
	case lo == 0 && hi == Ports-1:
		return interval{}, false
	case lo > hi:
		return interval{1, 0}, true
	}
	first, _ := slices.BinarySearch(p.bounds, lo)
	last := len(p.bounds) - 1
	if hi != Ports-1 {
		at, _ := slices.BinarySearch(p.bounds, hi+1)
		last = at - 1
	}
	return interval{uint16(first), uint16(last)}, true
}

// writer puts lists one behind the other; equal ones share their place.
type writer struct {
	out  []uint16
	seen map[uint64]List // by a hash: what shares one without being equal is written once more
}

func (w *writer) put(list []uint16) List {
	if len(list) == 0 {
		return List{}
	}
	hash := uint64(len(list))
	for _, n := range list {
		hash = (hash ^ uint64(n)) * 0x9e3779b97f4a7c15 // 2^64 by the golden ratio (Knuth, multiplicative hashing)
		hash ^= hash >> 32
	}
	at, ok := w.seen[hash]
	if !ok || !slices.Equal(w.out[at.Offset:at.Offset+at.Len], list) {
		at = List{uint32(len(w.out)), uint32(len(list))}
		w.out = append(w.out, list...)
		w.seen[hash] = at
	}
	return at
}

func (w *writer) all(to []List, from *shelf) {
	for i := range to {
		to[i] = w.put(from.of(i))
	}
}
