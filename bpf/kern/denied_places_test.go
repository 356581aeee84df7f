// SPDX-License-Identifier: Apache-2.0

package kern

import "testing"

// A flood of some thousand flows: all but one in some hundred have an entry, without which each of their packets would be judged; and
// entries lie in all cache lines alike, so that they share all sets of the caches.
func TestDeniedFlowsHaveTheirPlaces(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{HashSeed: [6]uint64{1, 2, 3, 4, 5, 6}})
	flows := p.sizes.DeniedPerCPU * deniedWays / 4
	prog := loadFor(t, p, 1, XDPGeneric)
	keep(t, p, writePolicy(t, p, "deny in udp"))
	for i := range uint32(flows) {
		if passes(t, prog, udpFrame(i, 64)) {
			t.Fatal("it is not denied")
		}
	}
	live, by := 0, [deniedWays]int{}
	if err := p.LiveDenied().Scan(nil, func(slot int, _ *Entry) bool {
		live++
		by[slot%deniedWays]++
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if live < flows*99/100 || live > flows {
		t.Errorf("%d of %d flows have an entry", live, flows)
	}
	for way, n := range by {
		if n < flows/deniedWays*3/4 {
			t.Errorf("%d of %d entries are in way %d: %v", n, live, way, by)
		}
	}
	t.Logf("%d of %d flows have an entry, by way %v", live, flows, by)
}
