// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"sync"
	"time"

	"hooktop/probes/snap"
)

// Store keeps the flows. Its methods may be called from any goroutine.
type Store struct {
	mu  sync.Mutex
	src Source
}

// New makes a store over a flow table.
func New(src Source, o Options) *Store { return &Store{src: src} }

// Collect reads the table once. It must be called regularly, 1 to 10 times a second; now must not run backwards.
func (s *Store) Collect(now time.Time) error { return nil }

// Answer filters, ranks, groups and windows. join may be nil.
func (s *Store) Answer(now time.Time, q snap.FlowQuery, join Joiner) snap.FlowsView {
	return snap.FlowsView{}
}

// Totals are those of the last Collect.
func (s *Store) Totals() snap.Totals { return snap.Totals{} }

// Device returns the counters and rates of a device slot at the last Collect.
func (s *Store) Device(slot uint16) Traffic { return Traffic{} }

// Forget drops a device's flows and counters at once, before its slot is used again.
func (s *Store) Forget(slot uint16) {}

// Drops adds to the packets that were dropped; Totals.Drops is their rate.
func (s *Store) Drops(packets uint64) {}

// Traffic of one device, since attach.
type Traffic struct {
	InPackets, InBytes, OutPackets, OutBytes uint64
	In, Out                                  snap.Rate
}
