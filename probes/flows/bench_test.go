// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"testing"
	"time"

	"hooktop/probes/snap"
)

func benchmarkCollect(b *testing.B, n int) {
	s, c := filled(n)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Collect(c.tick(500 * time.Millisecond)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/flow")
}

func BenchmarkCollect100k(b *testing.B) { benchmarkCollect(b, 100_000) }
func BenchmarkCollect1M(b *testing.B)   { benchmarkCollect(b, 1_000_000) }

// BenchmarkAnswer100k is a new question each time: filter, rank, window. The goal is 15 ms.
func BenchmarkAnswer100k(b *testing.B) {
	for _, c := range []struct {
		name string
		q    snap.FlowQuery
	}{
		{"pps", snap.FlowQuery{}},
		{"filter", snap.FlowQuery{Filter: "proto:tcp !src:10.4.200.0/24"}},
		{"word", snap.FlowQuery{Filter: "10.1"}},
		{"source", snap.FlowQuery{Sort: "source"}},
		{"deep", snap.FlowQuery{Sort: "bytes", Offset: 90000}},
		{"process", snap.FlowQuery{Filter: "process:nginx"}},
		{"group-source", snap.FlowQuery{Group: "source"}},
		{"group-port", snap.FlowQuery{Group: "port"}},
		{"steady", snap.FlowQuery{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, clock := filled(100_000)
			join := &fakeJoin{}
			c.q.Limit = 43
			for range 6 {
				s.Answer(clock.now, c.q, join)
			}
			b.ReportAllocs()
			for b.Loop() {
				if c.name != "steady" {
					c.q.Asc = !c.q.Asc
				}
				s.Answer(clock.now, c.q, join)
			}
		})
	}
}
