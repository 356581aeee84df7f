// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// What an engine reads with each frame, also when nothing happens, is bounded in allocations, a number that is the same on each machine.
func TestReadingCountersAllocatesLittle(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	most := 25.0
	var at ebpf.MapBatchCursor
	if _, err := p.maps[bpf.XdpMapHtStats].BatchLookup(&at, make([]uint32, 1), make([]uint64, p.sizes.CPUs), nil); err != nil {
		most = 250 // one by one, before Linux 5.14
	}
	n := testing.AllocsPerRun(20, func() {
		if _, err := p.Counters(); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("%.0f of %.0f allocations", n, most)
	if n > most {
		t.Errorf("%.0f allocations, budget %.0f", n, most)
	}
}
