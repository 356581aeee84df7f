// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"hooktop/ui/column"
)

// entry is a row in the ranking, with its place frozen at the time it was ranked: a and b order it, tie and then the
// whole key tell equal ones apart, so that nothing swaps at random.
type entry struct {
	a, b, tie  uint64
	id, serial uint32
}

// ranking is the rows that pass a filter. [0, done) is in order, with the sticky corrections; what lies behind comes
// after it in the order of the entries, and is put in order where somebody looks.
type ranking struct {
	list []entry
	done int
	full func(x, y entry) int // compares what the words don't tell apart
}

const (
	slack     = 64   // rows ordered beyond the window, so that small moves need no work
	maxPrefix = 4096 // rows kept in order from the top; windows further down are ordered by themselves
)

func (k *ranking) less(x, y *entry) bool {
	if x.a != y.a {
		return x.a < y.a
	}
	if x.b != y.b {
		return x.b < y.b
	}
	if x.tie != y.tie {
		return x.tie < y.tie
	}
	return k.full(*x, *y) < 0
}

func (k *ranking) compare(x, y entry) int {
	switch {
	case k.less(&x, &y):
		return -1
	case k.less(&y, &x):
		return 1
	}
	return 0
}

// entryFor freezes a record's place. Numbers need one word, the other two hold its 5-tuple then.
func entryFor(c *column.Column, asc bool, x *reader) entry {
	o := c.OrderOf(x)
	if !asc {
		o.Hi, o.Lo = ^o.Hi, ^o.Lo
	}
	k := &x.r.key
	e := entry{a: o.Hi, b: o.Lo, id: x.id, serial: x.r.serial}
	ports := uint64(binary.BigEndian.Uint32(k[32:]))
	if c.Kind.Numeric() || c.Kind == column.Proto {
		e.b = uint64(binary.BigEndian.Uint32(k[12:]))<<32 | uint64(binary.BigEndian.Uint32(k[28:]))
		e.tie = ports << 32
		return e
	}
	if c.Kind == column.Endpoint || c.Kind == column.Address {
		e.tie = ports<<32 | uint64(binary.BigEndian.Uint32(k[28:]))
		if c.Field == column.Destination {
			e.tie = ports<<48 | ports>>16<<32 | uint64(binary.BigEndian.Uint32(k[12:]))
		}
	}
	return e
}

// window puts [from, to) in order and returns it.
func (k *ranking) window(from, to int) []entry {
	n := len(k.list)
	from, to = min(from, n), min(to, n)
	switch {
	case to <= k.done:
	case to <= maxPrefix || from <= k.done:
		end := min(n, to+slack)
		k.selectTop(k.done, end)
		k.sort(k.done, end)
		k.done = end
	default:
		k.selectTop(k.done, from)
		rest := ranking{list: k.list[from:], full: k.full}
		rest.selectTop(0, to-from)
		rest.sort(0, to-from)
	}
	return k.list[from:to]
}

func (k *ranking) sort(from, to int) { slices.SortFunc(k.list[from:to], k.compare) }

// selectTop moves the entries that belong into [from, n) of the list there, in any order: quickselect. After too many
// bad pivots it sorts.
func (k *ranking) selectTop(from, n int) {
	lo, hi := from, len(k.list)
	for limit := 2 * bits.Len(uint(hi)); n > lo && n < hi; limit-- {
		if limit == 0 || hi-lo < 32 {
			k.sort(lo, hi)
			return
		}
		lt, gt := k.partition(lo, hi)
		switch {
		case n <= lt:
			hi = lt
		case n >= gt:
			lo = gt
		default:
			return
		}
	}
}

// partition splits [lo, hi) around a pivot: [lo, lt) before it, the pivot alone in [lt, gt), [gt, hi) after it.
func (k *ranking) partition(lo, hi int) (lt, gt int) {
	l := k.list
	mid := lo + (hi-lo)/2
	if k.less(&l[mid], &l[lo]) {
		l[mid], l[lo] = l[lo], l[mid]
	}
	if k.less(&l[hi-1], &l[lo]) {
		l[hi-1], l[lo] = l[lo], l[hi-1]
	}
	if k.less(&l[hi-1], &l[mid]) {
		l[hi-1], l[mid] = l[mid], l[hi-1]
	}
	pivot := l[mid]
	l[mid], l[hi-2] = l[hi-2], l[mid]
	i, j := lo, hi-2
	for {
		for i++; k.less(&l[i], &pivot); i++ {
		}
		for j--; k.less(&pivot, &l[j]); j-- {
		}
		if i >= j {
			break
		}
		l[i], l[j] = l[j], l[i]
	}
	l[i], l[hi-2] = l[hi-2], l[i]
	return i, i + 1
}

// position is the index of a record in the order, -1 when it is not among the entries.
func (k *ranking) position(id, serial uint32) int {
	at := slices.IndexFunc(k.list, func(e entry) bool { return e.id == id && e.serial == serial })
	if at < k.done {
		return at
	}
	me, before := k.list[at], k.done
	for i := k.done; i < len(k.list); i++ {
		if k.less(&k.list[i], &me) {
			before++
		}
	}
	return before
}

// drop removes the entries for which dead is true; the others keep their order.
func (k *ranking) drop(dead func(*entry) bool) {
	n, done := 0, 0
	for i := range k.list {
		if dead(&k.list[i]) {
			continue
		}
		if i < k.done {
			done++
		}
		k.list[n] = k.list[i]
		n++
	}
	k.list, k.done = k.list[:n], done
}

// stickyBy is by how much a row must beat its neighbour to pass it (UX 6).
const stickyBy = 1.05

// stick brings the top in order into the order of before, but for rows that beat their neighbours clearly. value says
// how high a row stands; before gives its former place, -1 if it had none.
func (k *ranking) stick(value func(*entry) float64, before func(*entry) int) {
	type row struct {
		entry
		value float64
		was   int
	}
	rows := make([]row, k.done)
	for i := range rows {
		e := &k.list[i]
		rows[i] = row{*e, value(e), before(e)}
		if rows[i].was < 0 {
			rows[i].was = math.MaxInt
		}
	}
	slices.SortStableFunc(rows, func(x, y row) int { // newcomers stay in true order at the end
		switch {
		case x.was < y.was:
			return -1
		case x.was > y.was:
			return 1
		}
		return 0
	})
	for i := 1; i < len(rows); i++ {
		x, to := rows[i], i
		for j := i - 1; j >= 0 && x.value > rows[j].value; j-- {
			if x.was == math.MaxInt || x.value > stickyBy*rows[j].value {
				to = j
			}
		}
		copy(rows[to+1:i+1], rows[to:i])
		rows[to] = x
	}
	for i := range rows {
		k.list[i] = rows[i].entry
	}
}

// byKey compares the identities of two records.
func (s *Store) byKey(x, y entry) int {
	return bytes.Compare(s.rec(x.id).key[:], s.rec(y.id).key[:])
}
