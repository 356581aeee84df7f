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
	crowd := make(map[value]int, 2*len(m.Records))
	for i := range m.Records {
		for _, k := range values(&m.Records[i]) {
			crowd[k]++
		}
	}
	var every []uint16
	lists := [4][][]uint16{make([][]uint16, len(m.Sides[0].Lists)), make([][]uint16, len(m.Sides[1].Lists)),
		make([][]uint16, len(ports[0].bounds)), make([][]uint16, len(ports[1].bounds))}
	var later [2][]uint16
	for i := range m.Records {
		r, n := &m.Records[i], uint16(i)
		spans := [4][]interval{c.covers(0, r), c.covers(1, r), ports[0].covers(r.SPortLo, r.SPortHi), ports[1].covers(r.DPortLo, r.DPortHi)}
		on := choose(r, spans, crowd)
		if on == wild {
			every = append(every, n)
			continue
		}
		for _, one := range spans[on-1] {
			for at := int(one.lo); at <= int(one.hi); at++ {
				if list := lists[on-1][at]; len(list) == 0 || list[len(list)-1] != n { // prefixes of a set may lie in one interval
					lists[on-1][at] = append(list, n)
				}
			}
		}
		if on >= bySPort && r.Flags&Later != 0 {
			later[on-bySPort] = append(later[on-bySPort], n)
		}
	}
	w := writer{seen: map[string]List{}}
	for i := range 2 {
		w.all(m.Sides[i].Lists, lists[i])
		m.PortSides[i].Lists = make([]List, len(lists[2+i]))
		w.all(m.PortSides[i].Lists, lists[2+i])
		m.PortSides[i].Later = w.put(later[i])
	}
	m.Wild = w.put(every)
	if m.Lists = w.out; len(m.Lists) > MaxLists {
		return fmt.Errorf("compile policy: the lists of which packet is held against which rules have %d entries, there is room for %d: too many wide prefixes or port ranges over narrow ones", len(m.Lists), MaxLists)
	}
	return nil
}

// covers are the intervals of a record on a side; nil when that side tells nothing.
func (c *compiler) covers(side int, r *Record) []interval {
	lo, hi, set, not := r.SrcLo, r.SrcHi, r.Src, NotSrc
	if side == 1 {
		lo, hi, set, not = r.DstLo, r.DstHi, r.Dst, NotDst
	}
	switch {
	case r.Flags&not != 0 || set == 0 && lo == 0 && hi == 0xffff:
		return nil
	case set != 0:
		return c.sides[side].of(c.sides[side].used[set-1])
	}
	return []interval{{lo, hi}}
}

// value is what a record asks for in one field.
type value struct {
	field, set uint8
	lo, hi     uint16
}

func values(r *Record) [4]value {
	return [4]value{{0, r.Src, r.SrcLo, r.SrcHi}, {1, r.Dst, r.DstLo, r.DstHi}, {2, 0, r.SPortLo, r.SPortHi}, {3, 0, r.DPortLo, r.DPortHi}}
}

// choose takes the field with the shortest lists: few other records with the same value, and few places.
func choose(r *Record, spans [4][]interval, crowd map[value]int) field {
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
		if score := places + 4*crowd[asked[i]]; best == wild || score < least {
			best, least = field(i+1), score
		}
	}
	return best
}

// portClasses cuts ports at every bound that a record names.
type portClasses struct{ bounds []uint16 }

func newPortClasses(records []Record, dst bool) *portClasses {
	p := &portClasses{bounds: []uint16{0}}
	for i := range records {
		lo, hi := records[i].SPortLo, records[i].SPortHi
		if dst {
			lo, hi = records[i].DPortLo, records[i].DPortHi
		}
		if lo > hi {
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
	at := 0
	for port := range Ports {
		if at+1 < len(p.bounds) && int(p.bounds[at+1]) <= port {
			at++
		}
		s.Class[port] = uint16(at)
	}
}

// covers are the classes of a range; nil when it is all ports.
func (p *portClasses) covers(lo, hi uint16) []interval {
	switch {
	case lo == 0 && hi == Ports-1:
		return nil
	case lo > hi:
		return []interval{} // no class, only later fragments
	}
	first, _ := slices.BinarySearch(p.bounds, lo)
	last := len(p.bounds) - 1
	if hi != Ports-1 {
		at, _ := slices.BinarySearch(p.bounds, hi+1)
		last = at - 1
	}
	return []interval{{uint16(first), uint16(last)}}
}

// writer puts lists one behind the other; equal ones share their place.
type writer struct {
	out  []uint16
	seen map[string]List
}

func (w *writer) put(list []uint16) List {
	if len(list) == 0 {
		return List{}
	}
	b := make([]byte, 0, 2*len(list))
	for _, n := range list {
		b = append(b, byte(n), byte(n>>8))
	}
	at, ok := w.seen[string(b)]
	if !ok {
		at = List{uint32(len(w.out)), uint32(len(list))}
		w.out = append(w.out, list...)
		w.seen[string(b)] = at
	}
	return at
}

func (w *writer) all(to []List, lists [][]uint16) {
	for i, list := range lists {
		to[i] = w.put(list)
	}
}
