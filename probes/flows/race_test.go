// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"sync"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// Readers of every kind beside the collector: the race detector looks, and totals never run backwards.
func TestAStoreForManyGoroutines(t *testing.T) {
	s, c := filled(3000)
	begin := c.now
	stop := make(chan struct{})
	var readers sync.WaitGroup
	loop := func(f func(now time.Time)) {
		readers.Go(func() {
			for now := begin; ; now = now.Add(time.Second) {
				select {
				case <-stop:
					return
				default:
					f(now)
				}
			}
		})
	}
	for _, q := range []snap.FlowQuery{
		{Limit: 40}, {Limit: 40, Filter: "10.4 proto:tcp"}, {Limit: 40, Group: "source"}, {Limit: 10, Sort: "process", Rerank: true},
	} {
		join := &fakeJoin{}
		loop(func(now time.Time) {
			if v := s.Answer(now, q, join); v.Err != "" {
				t.Errorf("%+v: %s", q, v.Err)
			}
		})
	}
	var last uint64
	loop(func(time.Time) {
		n := s.Totals().Packets
		if n < last {
			t.Errorf("%d packets after %d", n, last)
		}
		last = n
	})
	loop(func(time.Time) { s.Device(1) })
	for i := range 30 {
		if err := s.Collect(begin.Add(time.Duration(i+1) * time.Second / 2)); err != nil { // the fake table is not for many

			t.Fatal(err)
		}
	}
	s.Forget(2)
	close(stop)
	readers.Wait()
}
