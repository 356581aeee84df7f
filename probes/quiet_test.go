// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"testing"
	"time"

	"hooktop/probes/snap"
)

// TestQuietFlows: what was closed, scans and single queries are no evidence against a trial; what fell silent is.
func TestQuietFlows(t *testing.T) {
	p := policer{b: &Bench{engine: newEngine(Config{}, &quietHost{}, nil)}}
	flow := func(port uint16, packets uint64, pps float64, flags uint8) snap.Flow {
		f := snap.Flow{Key: snap.FlowKey{DPort: port}, Packets: packets, TCPFlags: flags}
		f.Rates[0].PPS = pps
		return f
	}
	p.talked = p.talking([]snap.Flow{flow(1, 100, 5, 0), flow(2, 100, 5, 0), flow(3, 100, 5, 0), flow(4, 100, 5, 0), flow(5, 1, 1, 0), flow(6, 100, 5, 1), flow(7, 100, 0, 0)})
	if len(p.talked) != 4 {
		t.Fatalf("talking: %v", p.talked)
	}
	silent := flow(2, 100, 5, 0)
	silent.Idle = time.Minute
	p.hush([]snap.Flow{flow(1, 120, 5, 0), silent, flow(3, 110, 0, 0x11), flow(8, 100, 5, 0)}) // 4 is out of the table
	if p.quiet != 2 {
		t.Errorf("%d flows went quiet, want 2 and 4", p.quiet)
	}
	if p.hush([]snap.Flow{flow(1, 130, 5, 0), silent}); p.quiet != 2 { // 3, which was closed, is out of the table as well
		t.Errorf("%d flows went quiet, want 2 and 4 still", p.quiet)
	}
}
