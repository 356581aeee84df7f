// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"slices"
	"strconv"

	"hooktop/probes/snap"
	"hooktop/probes/trace/functions"
	"hooktop/ui/column"
	"hooktop/ui/format"
)

// maxRows is what one answer carries (snap.TraceQuery.Limit).
const maxRows = 300

// viewer answers questions about events. What it keeps between answers is the compiled filter, and which events passed.
type viewer struct {
	set      *column.Set
	filter   string
	packet   int
	bad      string
	match    func(column.Row) bool
	passed   []uint64 // Seq of the events that passed, oldest first
	seen     uint64   // store.total when passed was complete
	prepared bool
}

// answer fills rows, counts and cursor.
func (v *viewer) answer(s *store, q snap.TraceQuery, out *snap.TraceView) {
	out.Query, out.Cursor, out.Total, out.Forgotten = q, -1, s.len(), s.forgotten()
	v.ask(q)
	if out.Err = v.bad; v.bad != "" {
		return
	}
	v.follow(s)
	out.Matched = len(v.passed)
	limit := min(max(q.Limit, 0), maxRows)
	from := min(max(q.Offset, 0), out.Matched)
	if q.Follow {
		from = max(0, out.Matched-limit)
	}
	out.Offset = from
	for _, seq := range v.passed[from:min(from+limit, out.Matched)] {
		out.Rows = append(out.Rows, *s.bySeq(seq))
	}
	if at, ok := slices.BinarySearch(v.passed, q.Cursor); ok {
		out.Cursor = at
	}
}

func (v *viewer) ask(q snap.TraceQuery) {
	if v.prepared && v.filter == q.Filter && v.packet == q.Packet {
		return
	}
	if v.set == nil {
		v.set = column.Traces()
	}
	v.prepared, v.filter, v.packet, v.bad = true, q.Filter, q.Packet, ""
	v.passed, v.seen = nil, 0
	f, err := v.set.Parse(q.Filter)
	if err != nil {
		v.bad = err.Error()
		return
	}
	v.match = f.Compile()
}

// follow brings passed up to date: new events are asked once, forgotten ones go.
func (v *viewer) follow(s *store) {
	first := s.forgotten()
	for i := max(v.seen, first) - first; i < uint64(s.len()); i++ {
		e := s.at(int(i))
		if (v.packet == 0 || e.Packet == v.packet) && v.match(column.TraceRow{TraceEvent: e}) {
			v.passed = append(v.passed, e.Seq)
		}
	}
	v.seen = s.total
	gone, _ := slices.BinarySearch(v.passed, first+1)
	v.passed = v.passed[gone:]
}

// bySeq finds an event that is held; events are numbered from 1 without gaps.
func (s *store) bySeq(seq uint64) *snap.TraceEvent { return s.at(int(seq - 1 - s.forgotten())) }

// nameStack names the addresses of the row under the cursor.
func nameStack(cat *functions.Catalog, view *snap.TraceView) {
	for i := range view.Rows {
		row := &view.Rows[i]
		if row.Seq != view.Query.Cursor || row.StackIDs == nil {
			continue
		}
		row.Stack = make([]string, len(row.StackIDs))
		for j, addr := range row.StackIDs {
			name, offset := cat.Symbol(addr)
			row.Stack[j] = format.Clean(name) + "+0x" + strconv.FormatUint(offset, 16)
			if name == "" {
				row.Stack[j] = "0x" + strconv.FormatUint(addr, 16)
			}
		}
	}
}

// Functions answers the picker.
func Functions(cat *functions.Catalog, text string) ([]snap.TraceFunction, int) {
	found, total := cat.Search(text, maxRows)
	out := make([]snap.TraceFunction, len(found))
	for i, f := range found {
		out[i] = snap.TraceFunction{Name: f.Name, Signature: format.Clean(f.Signature), SKB: f.SKB >= 0, Event: f.Event}
	}
	return out, total
}
