// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// slowAnswer filters and sorts everything, on whole rows.
func slowAnswer(t *testing.T, s *Store, now time.Time, q snap.FlowQuery, join Joiner) []snap.Flow {
	t.Helper()
	f, err := column.Flows().Parse(q.Filter)
	if err != nil {
		t.Fatal(err)
	}
	match, col := f.Compile(), column.Flows().Find(q.Sort)
	var rows []snap.Flow
	s.each(func(id uint32, r *record) bool {
		x := reader{s: s, join: join, now: now, window: q.Window, devices: map[uint16]string{}}
		row := x.set(id, r).flow(false)
		if match(column.FlowRow{Flow: &row, Window: q.Window}) {
			rows = append(rows, row)
		}
		return true
	})
	slices.SortFunc(rows, func(a, b snap.Flow) int {
		o := compareCells(col, column.FlowRow{Flow: &a, Window: q.Window}, column.FlowRow{Flow: &b, Window: q.Window})
		if !q.Asc {
			o = -o
		}
		return o
	})
	return rows
}

// compareCells compares the cells of two rows the obvious way; what is missing is least.
func compareCells(c *column.Column, a, b column.FlowRow) int {
	switch c.Kind {
	case column.Text, column.Word:
		return cmp.Compare(strings.ToLower(a.Text(c.Field)), strings.ToLower(b.Text(c.Field)))
	case column.Address, column.Endpoint:
		x, y := a.Address(c.Field), b.Address(c.Field)
		return slices.Compare(x[:], y[:])
	}
	return cmp.Compare(a.Number(c.Field), b.Number(c.Field)) // NaN is less than everything
}

// Every sort order, both ways, with and without a filter, in windows near and far: the same cells in the same order as a
// full sort of everything, no row twice, and the same answer when asked again.
func TestRankAgainstFullSort(t *testing.T) {
	s, c := filled(3000)
	join := &fakeJoin{}
	set := column.Flows()
	for i := range set.All() {
		col := &set.All()[i]
		for _, asc := range []bool{false, true} {
			for _, filter := range []string{"", "proto:tcp !port:81"} {
				q := snap.FlowQuery{Filter: filter, Sort: col.Key, Asc: asc, Window: i % 3, Limit: 40}
				want := slowAnswer(t, s, c.now, q, join)
				for _, q.Offset = range []int{0, 7, 500, len(want) - 20, 100} {
					got := s.Answer(c.now, q, join)
					checkWindow(t, col, q, got, want)
					again := s.Answer(c.now, q, join)
					if !slices.EqualFunc(got.Rows, again.Rows, func(a, b snap.Flow) bool { return a.Key == b.Key }) {
						t.Fatalf("%+v: another order when asked again", q)
					}
				}
			}
		}
	}
}

func checkWindow(t *testing.T, col *column.Column, q snap.FlowQuery, got snap.FlowsView, want []snap.Flow) {
	t.Helper()
	if got.Err != "" || got.Matched != len(want) || len(got.Rows) != min(q.Limit, len(want)-q.Offset) || got.Offset != q.Offset {
		t.Fatalf("%+v: err %q, %d rows of %d at %d, want %d", q, got.Err, len(got.Rows), got.Matched, got.Offset, len(want))
	}
	seen := map[snap.FlowKey]bool{}
	for i := range got.Rows {
		a, b := column.FlowRow{Flow: &got.Rows[i], Window: q.Window}, column.FlowRow{Flow: &want[q.Offset+i], Window: q.Window}
		if compareCells(col, a, b) != 0 {
			t.Fatalf("%+v: row %d has %q, a full sort %q", q, i, col.Plain(a), col.Plain(b))
		}
		if seen[a.Key] {
			t.Fatalf("%+v: %v twice", q, a.Key)
		}
		seen[a.Key] = true
	}
}

// All windows together show every row once, in one order, and Follow finds each row where it is shown.
func TestWindowsTileAndFollowFindsRows(t *testing.T) {
	s, c := filled(6000)
	var keys []snap.FlowKey
	for off := 0; off < 6000; off += 100 {
		for _, r := range s.Answer(c.now, snap.FlowQuery{Sort: "bps", Offset: off, Limit: 100}, nil).Rows {
			keys = append(keys, r.Key)
		}
	}
	seen := map[snap.FlowKey]int{}
	for i, k := range keys {
		if j, twice := seen[k]; twice {
			t.Fatalf("row %d and %d are the same", i, j)
		}
		seen[k] = i
	}
	if len(keys) != 6000 {
		t.Fatalf("%d rows", len(keys))
	}
	for i := 0; i < 6000; i += 371 {
		v := s.Answer(c.now, snap.FlowQuery{Sort: "bps", Offset: 20, Limit: 10, Follow: keys[i]}, nil)
		if v.Cursor != i {
			t.Fatalf("row %d is found at %d", i, v.Cursor)
		}
	}
	if v := s.Answer(c.now, snap.FlowQuery{Sort: "bps", Limit: 10, Follow: snap.FlowKey{Dev: 9}}, nil); v.Cursor != -1 {
		t.Errorf("a flow that is not there is found at %d", v.Cursor)
	}
}

// four is a store with flows that send at the given rates; rates can be changed.
type four struct {
	s    *Store
	c    *clock
	f    *fakeTable
	pps  []uint32
	keys []snap.FlowKey
}

func newFour(pps ...uint32) *four {
	f := newFake(1, 64)
	x := &four{s: New(f, Options{}), c: newClock(f), f: f, pps: pps}
	for i := range pps {
		k := keyN(5 * i)
		x.keys = append(x.keys, k.Decode())
	}
	if x.s.Collect(x.c.now) != nil {
		panic("collect")
	}
	return x
}

func (x *four) run(seconds float64) {
	for range int(seconds * 2) {
		for i, n := range x.pps {
			if n > 0 {
				x.f.send(Encode(&x.keys[i]), 0, n/2, 100, 0x10, false, 0)
			}
		}
		if x.s.Collect(x.c.tick(500*time.Millisecond)) != nil {
			panic("collect")
		}
	}
}

// order is the flows' numbers from the top.
func (x *four) order(q snap.FlowQuery) string {
	var out []string
	if q.Limit == 0 {
		q.Limit = 10
	}
	for _, r := range x.s.Answer(x.c.now, q, nil).Rows {
		out = append(out, fmt.Sprint(slices.Index(x.keys, r.Key)))
	}
	return strings.Join(out, " ")
}

func (x *four) want(t *testing.T, why string, q snap.FlowQuery, order string) {
	t.Helper()
	if got := x.order(q); got != order {
		t.Errorf("%s: order %s, want %s", why, got, order)
	}
}

func TestRowsResist(t *testing.T) {
	x := newFour(4000, 3000, 2000, 1000)
	q := snap.FlowQuery{}
	x.run(5)
	x.want(t, "at first", q, "0 1 2 3")
	x.pps = []uint32{4000, 4100, 2000, 1000}
	x.run(60)
	x.want(t, "2.5 % more than the neighbour", q, "0 1 2 3")
	x.pps = []uint32{4000, 4400, 2000, 1000}
	x.run(60)
	x.want(t, "10 % more than the neighbour", q, "1 0 2 3")
	x.pps = []uint32{4000, 4400, 2000, 10000}
	x.run(60)
	x.want(t, "the last one is first", q, "3 1 0 2")
	x.want(t, "by other column and back", snap.FlowQuery{Sort: "source"}, "3 2 1 0")
	x.pps = []uint32{4000, 4100, 2000, 10000}
	x.run(60)
	x.want(t, "a new question ranks by value", q, "3 1 0 2")
}

func TestRanksEveryTwoSecondsAtMost(t *testing.T) {
	x := newFour(4000, 3000)
	q := snap.FlowQuery{}
	x.run(5)
	x.want(t, "at first", q, "0 1")
	x.pps = []uint32{100, 9000}
	x.run(1.5)
	x.want(t, "after 1.5 s", q, "0 1")
	v := x.s.Answer(x.c.now, snap.FlowQuery{Limit: 2}, nil)
	if v.Rows[1].Rates[0].PPS <= v.Rows[0].Rates[0].PPS {
		t.Errorf("values are not live between rankings: %+v", v.Rows)
	}
	x.run(0.5)
	x.want(t, "after 2 s", q, "1 0")
	x.pps = []uint32{9000, 100}
	x.run(1)
	x.want(t, "after 1 s more", q, "1 0")
	q.Rerank = true
	x.run(0.5)
	x.want(t, "when ranked at a wish", q, "0 1")
	x.pps = []uint32{10, 90000}
	x.run(0.5)
	x.want(t, "at a second wish right after it", q, "1 0")
}

func TestHoldKeepsOrderAndAppendsNewFlows(t *testing.T) {
	x := newFour(4000, 3000, 0, 0)
	x.run(5)
	x.want(t, "at first", snap.FlowQuery{}, "0 1")
	q := snap.FlowQuery{Hold: true}
	x.pps = []uint32{10, 3000, 9000, 0}
	x.run(20)
	x.want(t, "held", q, "0 1 2")
	x.pps = []uint32{10, 3000, 9000, 20000}
	x.run(20)
	x.want(t, "held", q, "0 1 2 3")
	x.f.evictKey(Encode(&x.keys[1]))
	x.pps[1] = 0
	x.run(3)
	x.want(t, "gone, still shown", q, "0 1 2 3")
	x.run(4)
	x.want(t, "gone for good", q, "0 2 3")
	x.want(t, "released", snap.FlowQuery{}, "3 2 0")
}

func TestBadFilterSaysWhy(t *testing.T) {
	s, c := filled(10)
	v := s.Answer(c.now, snap.FlowQuery{Filter: "port:99999", Limit: 5}, nil)
	if v.Err != "port: 99999 is over 65535" || len(v.Rows) != 0 || v.Total != 10 {
		t.Errorf("%+v", v)
	}
	if v = s.Answer(c.now, snap.FlowQuery{Limit: 5}, nil); v.Err != "" || len(v.Rows) != 5 {
		t.Errorf("after the filter was cleared: %+v", v)
	}
}

func TestAnswerAllocatesLittle(t *testing.T) {
	s, c := filled(20000)
	join := &fakeJoin{}
	for _, q := range []snap.FlowQuery{
		{Limit: 43}, {Limit: 43, Filter: "proto:tcp !src:10.4.200.0/24"}, {Limit: 43, Sort: "source", Filter: "443"}, {Limit: 43, Sort: "idle", Offset: 15000},
		{Limit: 43, Group: "source"}, {Limit: 43, Group: "subnet", Filter: "udp"},
	} {
		s.Answer(c.now, q, join)
		n := testing.AllocsPerRun(10, func() {
			q.Rerank = !q.Rerank
			s.Answer(c.now, q, join)
		})
		if n > 200 { // two strings and more for each of 43 groups; nothing for each flow
			t.Errorf("%+v: %v allocations", q, n)
		}
	}
}

// Whatever the rows did before: they are the true top, no row stands below one that it beats by 5 %, and rows that
// changed by less than that stay as they were.
func TestStickyOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for range 2000 {
		n := 1 + rnd.IntN(40)
		values, was := map[uint32]float64{}, map[uint32]int{}
		k := ranking{done: n, full: func(x, y entry) int { return cmp.Compare(x.id, y.id) }}
		for i := range n {
			values[uint32(i)] = float64(rnd.IntN(60))
		}
		calm := rnd.IntN(3) == 0
		for i := range n {
			if calm {
				values[uint32(i)] = 1000 - float64(rnd.IntN(40))
			}
			if rnd.IntN(4) > 0 || calm {
				was[uint32(i)] = len(was)
			}
			k.list = append(k.list, entry{a: ^uint64(values[uint32(i)]), id: uint32(i)})
		}
		k.sort(0, n)
		k.stick(func(e *entry) float64 { return values[e.id] }, func(e *entry) int {
			if at, ok := was[e.id]; ok {
				return at
			}
			return -1
		})
		seen := map[uint32]bool{}
		for i, e := range k.list {
			seen[e.id] = true
			if i > 0 && values[e.id] > stickyBy*values[k.list[i-1].id] {
				t.Fatalf("row %d with %v stands below %v", i, values[e.id], values[k.list[i-1].id])
			}
			if calm && was[e.id] != i {
				t.Fatalf("row %d was %d though nothing changed much", i, was[e.id])
			}
		}
		if len(seen) != n {
			t.Fatalf("%d of %d rows are left", len(seen), n)
		}
	}
}
