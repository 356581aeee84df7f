// SPDX-License-Identifier: Apache-2.0

package acltest

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// number is an address, or a port, protocol, type …, whose high half is 0.
type number struct{ hi, lo uint64 }

func small(n int) number { return number{0, uint64(n)} }

func (a number) compare(b number) int {
	return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo))
}

func (a number) next() number {
	if a.lo++; a.lo == 0 {
		a.hi++
	}
	return a
}

func (a number) prev() number {
	if a.lo == 0 {
		a.hi--
	}
	a.lo--
	return a
}

// numberOf gives IPv4 addresses as numbers of 32 bits.
func numberOf(a netip.Addr) number {
	if a.Is4() {
		b := a.As4()
		return number{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return number{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (a number) addr(six bool) netip.Addr {
	if !six {
		return netip.AddrFrom4([4]byte{byte(a.lo >> 24), byte(a.lo >> 16), byte(a.lo >> 8), byte(a.lo)})
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrFrom16(b)
}

// run is inclusive.
type run struct{ lo, hi number }

// ranges are sorted and apart from each other.
type ranges []run

func from(lo, hi int) ranges { return ranges{{small(lo), small(hi)}} }

// each makes ranges of single numbers.
func each(list ...int) ranges {
	var out ranges
	for _, n := range list {
		out = append(out, run{small(n), small(n)})
	}
	return out.sorted()
}

// sorted sorts runs and joins those that touch.
func (r ranges) sorted() ranges {
	slices.SortFunc(r, func(a, b run) int { return a.lo.compare(b.lo) })
	var out ranges
	for _, one := range r {
		if n := len(out); n > 0 && one.lo.compare(out[n-1].hi) <= 0 {
			if one.hi.compare(out[n-1].hi) > 0 {
				out[n-1].hi = one.hi
			}
			continue
		}
		out = append(out, one)
	}
	return out
}

func (r ranges) meets(o ranges) bool {
	for i, j := 0, 0; i < len(r) && j < len(o); {
		switch {
		case r[i].hi.compare(o[j].lo) < 0:
			i++
		case o[j].hi.compare(r[i].lo) < 0:
			j++
		default:
			return true
		}
	}
	return false
}

func (r ranges) both(o ranges) ranges {
	var out ranges
	for i, j := 0, 0; i < len(r) && j < len(o); {
		one := run{r[i].lo, r[i].hi}
		if o[j].lo.compare(one.lo) > 0 {
			one.lo = o[j].lo
		}
		if o[j].hi.compare(one.hi) < 0 {
			one.hi = o[j].hi
		}
		if one.lo.compare(one.hi) <= 0 {
			out = append(out, one)
		}
		if r[i].hi.compare(o[j].hi) < 0 {
			i++
		} else {
			j++
		}
	}
	return out
}

// without gives what is in r and not in o.
func (r ranges) without(o ranges) ranges {
	var out ranges
	for _, one := range r {
		for _, cut := range o {
			if cut.hi.compare(one.lo) < 0 || cut.lo.compare(one.hi) > 0 {
				continue
			}
			if cut.lo.compare(one.lo) > 0 {
				out = append(out, run{one.lo, cut.lo.prev()})
			}
			if cut.hi.compare(one.hi) >= 0 {
				one.lo, one.hi = small(1), small(0) // nothing is left
				break
			}
			one.lo = cut.hi.next()
		}
		if one.lo.compare(one.hi) <= 0 {
			out = append(out, one)
		}
	}
	return out
}

// pick takes a number at the bounds or within.
func (r ranges) pick(rnd *rand.Rand) number {
	one := r[rnd.IntN(len(r))]
	switch rnd.IntN(3) {
	case 0:
		return one.lo
	case 1:
		return one.hi
	}
	in := one.lo
	if span := one.hi.lo - one.lo.lo; one.lo.hi == one.hi.hi && span < 1<<62 {
		in.lo += rnd.Uint64N(span + 1)
	}
	return in
}
