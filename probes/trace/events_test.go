// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"slices"
	"testing"

	"hooktop/bpf/kern"
	"hooktop/probes/trace/functions"
)

// flood is what the rings hold after a moment of a flood: packets that pass two functions each, from two CPUs.
func flood(events int, from uint64) []kern.TraceEvent {
	out := make([]kern.TraceEvent, events)
	for i := range out {
		packet := from + uint64(i/2)
		out[i] = kern.TraceEvent{Ts: packet<<10 | uint64(i%2), Journey: packet + 1, Skb: packet<<8 | 1, Func: uint32(i % 2), Cpu: uint32(i % 2), Len: 92,
			Proto: 17, Sport: 1, Dport: 2, Flags: kern.TraceHasKey}
		copy(out[i].Dev[:], []int8{'v', '1'})
		copy(out[i].Comm[:], []int8{'n', 'c'})
	}
	return out
}

// A flood must not become the garbage collector's: what an event needs is used again. Only journeys are made, until as many are
// remembered as there are at most.
func TestDecodingAllocatesNothing(t *testing.T) {
	points := []functions.Function{{Name: "netif_receive_skb", SKB: 0}, {Name: "udp_rcv", SKB: 0}}
	d := newDecoder(nil, points, 1<<40)
	s := &Session{}
	next, shown := uint64(0), 0
	round := func(events []kern.TraceEvent) {
		for i := range events {
			d.add(&events[i], nil)
		}
		batch := d.flush(true)
		shown += len(batch)
		for i := range batch {
			s.store.add(&batch[i])
		}
	}
	const events = 1000
	for d.begun < 2*remembered {
		round(flood(events, next))
		next += events / 2
	}
	before := shown
	batches := make([][]kern.TraceEvent, 12) // one more than the runs: AllocsPerRun runs once to warm up
	for i := range batches {
		batches[i] = flood(events, next)
		next += events / 2
	}
	at := 0
	perEvent := testing.AllocsPerRun(len(batches)-1, func() { round(batches[at]); at++ }) / events
	t.Logf("%.4f allocations an event", perEvent)
	if perEvent > 0.01 {
		t.Errorf("%.4f allocations an event, at most 0.01", perEvent)
	}
	if shown-before != len(batches)*events {
		t.Errorf("%d events shown, want %d", shown-before, len(batches)*events)
	}
}

// What is handed on is valid until the next flush; a journey that serves again begins anew.
func TestAJourneyThatServesAgainBeginsAnew(t *testing.T) {
	d := newDecoder(nil, []functions.Function{{Name: "ip_rcv", SKB: 0}}, 1<<40)
	for i := range uint64(remembered + 3) {
		d.add(&kern.TraceEvent{Ts: i + 1, Journey: i + 1, Mark: uint32(i), Flags: kern.TraceHasKey}, nil)
	}
	d.flush(true)
	d.add(&kern.TraceEvent{Ts: remembered + 10, Journey: remembered + 2, Flags: kern.TraceIsReturn}, nil) // known
	d.add(&kern.TraceEvent{Ts: remembered + 11, Journey: 1, Flags: kern.TraceIsReturn}, nil)              // forgotten
	got := []string{}
	for _, e := range d.flush(true) {
		got = append(got, fmt.Sprintf("packet %d, mark %d, after %v", e.Packet, e.Mark, e.Delta))
	}
	want := []string{fmt.Sprintf("packet %d, mark %d, after 8ns", remembered+2, remembered+1), fmt.Sprintf("packet %d, mark 0, after 0s", remembered+4)}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
