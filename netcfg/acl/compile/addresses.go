// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"hooktop/netcfg/acl"
)

// addresses cuts one side's addresses into intervals.
type addresses struct {
	p       *acl.Policy
	bounds4 []uint32
	bounds6 [][2]uint64
	used    []string         // sets, in order of their bits
	bit     map[string]uint8 // of sets
	spans   map[string][]interval
}

// interval is a run of interval numbers, inclusive.
type interval struct{ lo, hi uint16 }

// newAddresses collects the bounds that rules name on side 0 (source) or 1 (destination).
func newAddresses(p *acl.Policy, rules []input, side int) *addresses {
	a := &addresses{p: p, bounds4: []uint32{0}, bounds6: [][2]uint64{{}}, bit: map[string]uint8{}, spans: map[string][]interval{}}
	for _, r := range rules {
		e := &r.From
		if side == 1 {
			e = &r.To
		}
		switch {
		case e.Set != "":
			if _, known := a.bit[e.Set]; !known {
				a.used = append(a.used, e.Set)
				a.bit[e.Set] = uint8(min(len(a.used), 255))
				for _, prefix := range p.Sets[e.Set].List {
					a.bound(prefix)
				}
			}
		case e.Prefix.IsValid():
			a.bound(e.Prefix)
		}
	}
	slices.Sort(a.bounds4)
	a.bounds4 = slices.Compact(a.bounds4)
	slices.SortFunc(a.bounds6, compare6)
	a.bounds6 = slices.Compact(a.bounds6)
	return a
}

func compare6(x, y [2]uint64) int { return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1])) }

func halves(a netip.Addr) [2]uint64 {
	b := a.As16()
	return [2]uint64{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func four(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// bound adds the first address of a prefix and the first one behind it.
func (a *addresses) bound(p netip.Prefix) {
	if p.Addr().Is4() {
		first := four(p.Masked().Addr())
		a.bounds4 = append(a.bounds4, first)
		if end := uint64(first) + 1<<(32-p.Bits()); end < 1<<32 {
			a.bounds4 = append(a.bounds4, uint32(end))
		}
		return
	}
	first := halves(p.Masked().Addr())
	a.bounds6 = append(a.bounds6, first)
	if end, ok := after6(first, p.Bits()); ok {
		a.bounds6 = append(a.bounds6, end)
	}
}

// after6 is the first address behind a prefix; false at the end of all.
func after6(first [2]uint64, bits int) ([2]uint64, bool) {
	switch {
	case bits == 0:
		return first, false
	case bits <= 64:
		end := first[0] + 1<<(64-bits)
		return [2]uint64{end, 0}, end != 0
	}
	end := [2]uint64{first[0], first[1] + 1<<(128-bits)}
	if end[1] == 0 {
		end[0]++
	}
	return end, end != [2]uint64{}
}

// cut writes the intervals into a side of the image.
func (a *addresses) cut(s *Side) error {
	if n := len(a.bounds4) + len(a.bounds6); n > MaxBounds {
		return fmt.Errorf("compile policy: its prefixes cut addresses into %d intervals, there is room for %d", n, MaxBounds)
	}
	if len(a.used) >= MaxSets {
		return fmt.Errorf("compile policy: rules name more than %d sets on one side", MaxSets-1)
	}
	s.Bounds4, s.Bounds6 = a.bounds4, a.bounds6
	top := 0
	for i, first := range a.bounds4[1:] { // interval i ends there
		next := int((uint64(first) + 0xffff) >> 16)
		fill(s.Root[top:next], uint16(i))
		top = next
	}
	fill(s.Root[top:Ports], uint16(len(a.bounds4)-1))
	s.Root[Ports] = uint16(len(a.bounds4) - 1)
	n := len(a.bounds4) + len(a.bounds6)
	s.Lists = make([]List, n)
	s.Sets = make([]uint64, n)
	for i := range s.Sets {
		s.Sets[i] = 1
	}
	for _, name := range a.used {
		for _, one := range a.of(name) {
			for i := int(one.lo); i <= int(one.hi); i++ {
				s.Sets[i] |= 1 << a.bit[name]
			}
		}
	}
	return nil
}

// number is the interval that an address is in.
func (a *addresses) number(addr netip.Addr) int {
	if addr.Is4() {
		at, found := slices.BinarySearch(a.bounds4, four(addr))
		if !found {
			at--
		}
		return at
	}
	at, found := slices.BinarySearchFunc(a.bounds6, halves(addr), compare6)
	if !found {
		at--
	}
	return len(a.bounds4) + at
}

// prefix gives the intervals of a prefix.
func (a *addresses) prefix(p netip.Prefix) interval {
	lo := a.number(p.Masked().Addr())
	if p.Addr().Is4() {
		end := uint64(four(p.Masked().Addr())) + 1<<(32-p.Bits())
		if end >= 1<<32 {
			return interval{uint16(lo), uint16(len(a.bounds4) - 1)}
		}
		at, _ := slices.BinarySearch(a.bounds4, uint32(end))
		return interval{uint16(lo), uint16(at - 1)}
	}
	end, ok := after6(halves(p.Masked().Addr()), p.Bits())
	if !ok {
		return interval{uint16(lo), uint16(len(a.bounds4) + len(a.bounds6) - 1)}
	}
	at, _ := slices.BinarySearchFunc(a.bounds6, end, compare6)
	return interval{uint16(lo), uint16(len(a.bounds4) + at - 1)}
}

// of gives the intervals of a set.
func (a *addresses) of(set string) []interval {
	if out, ok := a.spans[set]; ok {
		return out
	}
	out := []interval{}
	for _, p := range a.p.Sets[set].List {
		out = append(out, a.prefix(p))
	}
	a.spans[set] = out
	return out
}

// match gives what a record holds of an address match: intervals, and the bit of a set.
func (a *addresses) match(e *acl.End) (lo, hi uint16, set uint8, err error) {
	switch {
	case e.Set != "":
		if _, ok := a.p.Sets[e.Set]; !ok {
			return 0, 0, 0, errors.New("there is no set @" + e.Set)
		}
		return 0, 0xffff, a.bit[e.Set], nil
	case e.Prefix.IsValid():
		one := a.prefix(e.Prefix)
		return one.lo, one.hi, 0, nil
	}
	return 0, 0xffff, 0, nil
}
