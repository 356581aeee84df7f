// SPDX-License-Identifier: Apache-2.0

package trace

import "hooktop/probes/snap"

// held is how many events a session keeps for the screen; older ones are forgotten.
const held = 8192

// store is the newest events, oldest first.
type store struct {
	ring  []snap.TraceEvent
	total uint64 // ever added
}

func (s *store) add(e *snap.TraceEvent) {
	if len(s.ring) < held {
		s.ring = append(s.ring, *e)
	} else {
		s.ring[s.total%held] = *e
	}
	s.total++
}

func (s *store) len() int { return len(s.ring) }

func (s *store) forgotten() uint64 { return s.total - uint64(len(s.ring)) }

// at returns the i-th event, from the oldest.
func (s *store) at(i int) *snap.TraceEvent {
	if len(s.ring) < held {
		return &s.ring[i]
	}
	return &s.ring[(s.total+uint64(i))%held]
}
