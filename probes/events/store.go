// SPDX-License-Identifier: Apache-2.0

package events

import (
	"slices"
	"sync"
	"time"

	"hooktop/probes/snap"
)

// maxRows is how many rows a frame carries.
const maxRows = 500

// Packet is one that a rule told of.
type Packet struct {
	At      time.Time
	By      snap.Decider
	Key     snap.FlowKey // with Bare: direction and device only
	Bare    bool         // not IP, or malformed
	Dev     string       // cleaned
	L3      bool         // Data begins with the IP header
	Len     int          // on the wire
	Log     bool         // the rule has log
	Sample  bool         // it denied the packet: Data is wanted
	Deny    bool         // what became of the packet, whichever rule decided
	Limited bool         // because no token was left
	Missed  uint64       // that the rule's log did not tell of since the one before
	Data    []byte       // of the frame; never changed
}

// Store keeps rows and headers.
type Store struct {
	mu      sync.Mutex
	seq     uint64
	rows    []row        // the newest last
	shown   []snap.Event // rows as a frame has them, nil: to be made
	headers headers
}

// row is an event and what it folds.
type row struct {
	snap.Event
	fold fold
}

// fold names what becomes one row. The zero value folds with nothing.
type fold struct {
	key, kind string
	flow      snap.FlowKey
}

// NewStore makes an empty one.
func NewStore() *Store { return &Store{headers: newHeaders()} }

// Packet takes in a packet: its header where it is a sample, a row where the rule has log.
func (s *Store) Packet(p *Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Sample {
		s.headers.add(p)
	}
	if !p.Log {
		return
	}
	e := snap.Event{
		At: p.At, Kind: p.kind(), Text: p.text(), Line: p.By.Line, Gen: p.By.Gen, Label: p.By.Label, Flow: p.Key, Dev: p.Dev,
		Repeat: 1, Missed: p.Missed,
	}
	s.add(e, fold{p.By.Key, e.Kind, p.Key})
}

// Add takes in an event that is of no packet.
func (s *Store) Add(e snap.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Repeat = max(1, e.Repeat)
	s.add(e, fold{})
}

func (s *Store) add(e snap.Event, f fold) {
	s.shown = nil
	i := -1
	if f != (fold{}) {
		i = slices.IndexFunc(s.rows, func(r row) bool { return r.fold == f })
	}
	if i >= 0 {
		old := s.rows[i]
		e.Seq, e.Repeat, e.Missed = old.Seq, old.Repeat+e.Repeat, old.Missed+e.Missed
		s.rows = slices.Delete(s.rows, i, i+1)
	} else {
		s.seq++
		e.Seq = s.seq
	}
	if len(s.rows) >= maxRows {
		s.rows = slices.Delete(s.rows, 0, len(s.rows)-maxRows+1)
	}
	s.rows = append(s.rows, row{e, f})
}

// Rows are the events, the newest last.
func (s *Store) Rows() []snap.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown == nil {
		s.shown = make([]snap.Event, len(s.rows))
		for i := range s.rows {
			s.shown[i] = s.rows[i].Event
		}
	}
	return s.shown
}
