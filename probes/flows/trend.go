// SPDX-License-Identifier: Apache-2.0

package flows

import "time"

const (
	trendLen   = 60  // seconds
	trendMax   = 512 // flows and groups that have a history at a time
	trendUnuse = 60  // seconds after which nobody looks any more
)

// trends are the histories of rows in view. A flow has one from the moment it is first in view.
type trends struct {
	flows  map[RawKey]*trend
	groups map[string]*trend
	at     time.Time // end of the last second
	ended  int64     // seconds that have ended
}

type trend struct {
	packets uint64    // at the last second
	read    time.Time // when that was
	group   float32   // groups: rate of the last answer
	values  []float32
	unused  int // seconds since it was last in view
}

func (t *trends) init() {
	t.flows, t.groups = map[RawKey]*trend{}, map[string]*trend{}
}

// second appends a value to each history when a second has ended.
func (t *trends) second(s *Store) {
	if t.at.IsZero() {
		t.at = s.at
	}
	n := s.at.Sub(t.at) / time.Second
	if n == 0 {
		return
	}
	t.at = t.at.Add(n * time.Second)
	t.ended += int64(n)
	for key, tr := range t.flows {
		id, ok := s.find(&key)
		if tr.unused += int(n); !ok || tr.unused > trendUnuse {
			delete(t.flows, key)
			continue
		}
		r := s.rec(id)
		if took := s.at.Sub(tr.read).Seconds(); took > 0 {
			tr.push(float32(float64(r.packets-min(tr.packets, r.packets)) / took))
			tr.packets, tr.read = r.packets, s.at
		}
	}
	for value, tr := range t.groups {
		if tr.unused += int(n); tr.unused > trendUnuse {
			delete(t.groups, value)
			continue
		}
		tr.push(tr.group)
	}
}

func (tr *trend) push(v float32) {
	if len(tr.values) == trendLen {
		copy(tr.values, tr.values[1:])
		tr.values = tr.values[:trendLen-1]
	}
	tr.values = append(tr.values, v)
}

// flow returns a copy of a flow's history at the end of buf.
func (t *trends) flow(r *record, at time.Time, buf []float32) ([]float32, []float32) {
	tr := t.flows[r.key]
	if tr == nil {
		if !makeRoom(t.flows) {
			return nil, buf
		}
		tr = &trend{packets: r.packets, read: at}
		t.flows[r.key] = tr
	}
	tr.unused = 0
	return share(tr.values, buf)
}

// group does the same for a group, whose rate is sampled when it is answered.
func (t *trends) group(value string, pps float64, buf []float32) ([]float32, []float32) {
	tr := t.groups[value]
	if tr == nil {
		if !makeRoom(t.groups) {
			return nil, buf
		}
		tr = &trend{}
		t.groups[value] = tr
	}
	tr.unused, tr.group = 0, float32(pps)
	return share(tr.values, buf)
}

// makeRoom drops what has been out of view for a while when there are too many.
func makeRoom[K comparable](m map[K]*trend) bool {
	if len(m) < trendMax {
		return true
	}
	for k, tr := range m {
		if tr.unused > 1 {
			delete(m, k)
		}
	}
	return len(m) < trendMax
}

func share(values, buf []float32) (out, rest []float32) {
	n := len(buf)
	buf = append(buf, values...)
	return buf[n:len(buf):len(buf)], buf
}
