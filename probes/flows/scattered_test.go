// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"math/rand/v2"
	"testing"
	"time"
)

// plain is a table that costs nothing to scan.
type plain struct {
	*fakeTable
	samples []Sample
}

func (p *plain) Scan(known func(uint32, uint64) bool, yield func(*Sample) bool) {
	for i := range p.samples {
		e := &p.samples[i]
		if e.Print = uint64(e.Packets); !known(e.Slot, e.Print) {
			yield(e)
		}
	}
}

// BenchmarkScattered is a look at a million flows whose records lie in another order than their slots, as after some time with new
// flows and old ones: each touch of a record is one of memory that no cache has.
func BenchmarkScattered(b *testing.B) {
	const n = 1_000_000
	for _, c := range []struct {
		name  string
		share int // one flow of so many moves between looks
	}{{"all-moved", 1}, {"tenth-moved", 10}, {"none-moved", 0}} {
		b.Run(c.name, func(b *testing.B) {
			p := &plain{fakeTable: newFake(1, 0), samples: make([]Sample, n)}
			for i := range p.samples {
				p.samples[i] = Sample{Slot: uint32(i), Key: keyN(i), Packets: 1, Bytes: 60}
			}
			s, clock := New(p, Options{}), newClock(p.fakeTable)
			look := func() {
				if err := s.Collect(clock.tick(500 * time.Millisecond)); err != nil {
					b.Fatal(err)
				}
			}
			look()
			rand.New(rand.NewPCG(1, 3)).Shuffle(n, func(i, j int) {
				p.samples[i].Key, p.samples[j].Key = p.samples[j].Key, p.samples[i].Key
			})
			for i := range p.samples {
				p.samples[i].Packets = 2
			}
			look()
			for b.Loop() {
				for i := 0; c.share > 0 && i < n; i += c.share {
					p.samples[i].Packets++
					p.samples[i].Bytes += 100
				}
				look()
			}
		})
	}
}
