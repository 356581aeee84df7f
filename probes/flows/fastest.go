// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"cmp"
	"slices"
	"time"

	"hooktop/probes/snap"
)

// Fastest gives the n flows with the most packets per second, the fastest first, whatever the question on the screen is.
func (s *Store) Fastest(now time.Time, n int, join Joiner) []snap.Flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	type candidate struct {
		id  uint32
		pps float32
	}
	var list []candidate
	s.each(func(id uint32, r *record) bool {
		if r.state&gone == 0 {
			list = append(list, candidate{id, s.decays.pps(r, 0)})
		}
		return true
	})
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Or(cmp.Compare(b.pps, a.pps), cmp.Compare(a.id, b.id)) })
	list = list[:min(n, len(list))]
	x := reader{s: s, join: join, now: now, devices: map[uint16]string{}}
	out := make([]snap.Flow, len(list))
	for i, c := range list {
		out[i] = x.set(c.id, s.rec(c.id)).flow(false)
	}
	return out
}

// Talking counts the flows by device slot that have sent a packet within that time and still have a rate, also those whose packets
// are denied.
func (s *Store) Talking(now time.Time, within time.Duration) map[uint16]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[uint16]int{}
	s.each(func(_ uint32, r *record) bool {
		if r.state&gone == 0 && s.idle(r, now) < within && s.decays.pps(r, 0) > 0 {
			out[r.key.device()]++
		}
		return true
	})
	return out
}
