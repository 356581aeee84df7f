// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"slices"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// question is the part of a query that makes a new ranking when it changes.
type question struct {
	filter, sort, group string
	asc                 bool
	window              int
}

// view is what is kept between answers: the question's predicate and column, and the ranking.
type view struct {
	q        question
	asked    bool
	match    func(column.Row) bool
	filtered bool
	bad      string // why the filter can't be used
	col      *column.Column
	joined   bool // filter or order need the process or the socket

	rank     ranking
	rankedAt time.Time
	born     uint32 // Store.born when the entries were complete
	freed    uint32 // Store.freed when the entries were clean
	again    bool   // joins were short: rank again soon

	reader reader
	was    map[uint32]int       // former places, while ranking
	known  []uint32             // serials of the entries by record, while extending
	names  map[snap.Addr]string // resolved for rows in view
	groups groups
	rows   int // length of the last window
}

const maxNames = 4096

func (v *view) init(s *Store) {
	v.reader = reader{s: s, devices: map[uint16]string{}}
	v.was, v.names = map[uint32]int{}, map[snap.Addr]string{}
	v.groups.init()
}

// name keeps a resolved name, so that filters find it.
func (v *view) name(a snap.Addr, name string) {
	if name == "" {
		return
	}
	if len(v.names) >= maxNames {
		clear(v.names)
	}
	v.names[a] = name
}

// Answer filters, ranks, groups and windows. join may be nil.
func (s *Store) Answer(now time.Time, q snap.FlowQuery, join Joiner) snap.FlowsView {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.view
	v.reader.join, v.reader.now = join, now
	clear(v.reader.devices)
	v.reader.slotName = ""
	fresh := v.ask(s, q)
	out := snap.FlowsView{Query: q, Total: s.present, Cursor: -1, Err: v.bad, TrendEnd: s.trends.ended}
	if v.bad != "" {
		return out
	}
	if fresh {
		v.rank.list, v.rank.done = v.rank.list[:0], 0
	}
	s.joins.begin(s.ticks(now))
	due := fresh || q.Rerank || v.again || !q.Hold && now.Sub(v.rankedAt) >= RankEvery
	if due {
		v.rankedAt = now
	}
	from, want := max(0, q.Offset), max(0, q.Limit)
	if v.q.group != "" {
		s.answerGroups(q, from, want, due, fresh, &out)
	} else {
		s.answerFlows(q, from, want, due, fresh, &out)
	}
	v.again = s.joins.short
	out.Partial = v.again
	out.RankedAt = v.rankedAt
	return out
}

// ask takes over the question; it reports whether it is a new one.
func (v *view) ask(s *Store, q snap.FlowQuery) (fresh bool) {
	next := question{filter: q.Filter, sort: q.Sort, group: q.Group, asc: q.Asc, window: min(max(q.Window, 0), windows-1)}
	if v.asked && next == v.q {
		return false
	}
	if !v.asked || next.filter != v.q.filter {
		v.bad = ""
		f, err := s.columns.Parse(next.filter)
		if err != nil {
			v.bad = err.Error()
		} else {
			v.match, v.filtered = f.Compile(), !f.Empty()
		}
	}
	v.q, v.asked = next, true
	v.reader.window = next.window
	if v.col = s.columns.Find(next.sort); v.col == nil {
		v.col = s.columns.Find("pps")
	}
	return true
}

func (s *Store) answerFlows(q snap.FlowQuery, from, want int, due, fresh bool, out *snap.FlowsView) {
	v := &s.view
	if v.freed != s.freed {
		v.rank.drop(s.dead)
		v.freed = s.freed
	}
	switch {
	case due:
		s.rankFlows(from+want, fresh)
	case v.born != s.born && (len(v.rank.list) < from+want || q.Hold):
		s.extend()
	}
	rows := v.rank.window(from, from+want)
	out.Offset, out.Matched = min(from, len(v.rank.list)), len(v.rank.list)
	out.Rows = make([]snap.Flow, len(rows))
	var buf []float32
	if len(rows) <= trendMax {
		buf = make([]float32, 0, len(rows)*trendLen)
	}
	for i := range rows {
		x := v.reader.set(rows[i].id, s.rec(rows[i].id))
		out.Rows[i] = x.flow(q.Names)
		if len(rows) <= trendMax {
			out.Rows[i].Trend, buf = s.trends.flow(x.r, s.at, buf)
		}
	}
	if q.Follow != (snap.FlowKey{}) {
		key := Encode(&q.Follow)
		if id, ok := s.find(&key); ok {
			out.Cursor = v.rank.position(id, s.rec(id).serial)
		}
	}
}

func (s *Store) dead(e *entry) bool { return s.rec(e.id).serial != e.serial }

// rankFlows makes the ranking anew. The same question keeps rows where they are unless they beat their neighbours.
func (s *Store) rankFlows(top int, fresh bool) {
	v := &s.view
	sticky := !fresh && v.col.Kind.Numeric()
	clear(v.was)
	if sticky {
		for i := range v.rank.list[:min(v.rank.done, maxSticky)] {
			v.was[v.rank.list[i].id] = i
		}
	}
	k := &v.rank
	k.list, k.done, k.full = k.list[:0], 0, s.fullOrder(v.col, v.q.asc)
	v.born, v.freed = s.born, s.freed
	s.each(func(id uint32, r *record) bool {
		if x := v.reader.set(id, r); !v.filtered || v.match(x) {
			k.list = append(k.list, entryFor(v.col, v.q.asc, x))
		}
		return true
	})
	k.window(0, min(top, maxSticky))
	if sticky && len(v.was) > 0 {
		k.stick(s.height, s.wasAt)
	}
}

// maxSticky is how far down rows resist; further down they are ranked by value alone.
const maxSticky = 1024

// height is how high a row stands by its value: for ascending order, the smaller the higher.
func (s *Store) height(e *entry) float64 {
	v := &s.view
	x := v.reader.set(e.id, s.rec(e.id)).Number(v.col.Field)
	if v.q.asc {
		return 1 / (x + 1e-9)
	}
	return x
}

func (s *Store) wasAt(e *entry) int {
	if at, ok := s.view.was[e.id]; ok {
		return at
	}
	return -1
}

// extend appends flows that are new since the ranking, below everything: rows in view do not move.
func (s *Store) extend() {
	v := &s.view
	known := slices.Grow(v.known[:0], int(s.n))[:s.n]
	clear(known)
	v.known = known
	for i := range v.rank.list {
		known[v.rank.list[i].id] = v.rank.list[i].serial
	}
	s.each(func(id uint32, r *record) bool {
		if known[id] == r.serial {
			return true
		}
		if x := v.reader.set(id, r); !v.filtered || v.match(x) {
			v.rank.list = append(v.rank.list, entry{a: ^uint64(0), b: ^uint64(0), tie: uint64(r.serial), id: id, serial: r.serial})
		}
		return true
	})
	v.born = s.born
}

// fullOrder compares what the words of two entries leave open: long texts, then identities.
func (s *Store) fullOrder(c *column.Column, asc bool) func(x, y entry) int {
	if c.Kind != column.Text && c.Kind != column.Word {
		return s.byKey
	}
	read := reader{s: s, join: s.view.reader.join, now: s.view.reader.now, devices: s.view.reader.devices}
	end := uint64(0xff)
	if asc {
		end = 0
	}
	return func(x, y entry) int {
		if x.b&0xff == end { // both texts fit into the words
			return s.byKey(x, y)
		}
		a := strings.ToLower(read.set(x.id, s.rec(x.id)).Text(c.Field))
		b := strings.ToLower(read.set(y.id, s.rec(y.id)).Text(c.Field))
		if !asc {
			a, b = b, a
		}
		if o := strings.Compare(a, b); o != 0 {
			return o
		}
		return s.byKey(x, y)
	}
}
