// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"math"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// TestAllocationsOfALookStayWithinBudget: what a look at the kernel and the frame of it allocate, with every probe of this build and
// some hundred flows. Counts and not times: a regression is the same on each machine.
func TestAllocationsOfALookStayWithinBudget(t *testing.T) {
	r := newGround(t)
	r.start(Config{Interfaces: []string{"v0"}, Mode: "tc", NoTrace: true})
	const flows = 200
	r.ns.UDPSocket(t, here+":9000") // so that nobody answers with ICMP
	for range flows {
		r.peer.SendUDP(t, there+":0", here+":9000", []byte("x"), 1)
	}
	r.until("all flows", func(f *snap.Frame) bool { return f.Totals.Flows >= flows })
	for _, c := range []struct {
		name   string
		query  snap.Query
		budget float64
	}{
		{"flows, 20 rows", snap.Query{Focus: true, Flows: snap.FlowQuery{Limit: 20}}, 120},
		{"flows, 60 rows", snap.Query{Focus: true, Flows: snap.FlowQuery{Limit: 60}}, 120},
		{"another tab", snap.Query{Focus: true, Tab: snap.ChainTab}, 120},
	} {
		done := make(chan float64)
		e := r.engine
		e.results <- func() { // the engine's goroutine, and nothing else goes on in it meanwhile
			least := math.Inf(1)
			for range 5 { // what workers and this test allocate meanwhile is counted too, and is not in each
				least = min(least, testing.AllocsPerRun(20, func() {
					now := time.Now()
					e.gather(now)
					_ = e.frame(now, &c.query)
				}))
			}
			done <- least
		}
		got := <-done
		if t.Logf("%s: %.0f allocations, budget %.0f", c.name, got, c.budget); got > c.budget {
			t.Errorf("%s: %.0f allocations, budget %.0f", c.name, got, c.budget)
		}
	}
}
