// SPDX-License-Identifier: Apache-2.0

package kern

import "testing"

// What the first packet of a flow costs that takes another one's place, in instructions that are run. A call and its return cost as much
// as a search for an address where the processor is told not to guess returns: there are three, and any other one fails.
func TestInstructionsOfANewFlow(t *testing.T) {
	const most = 1400
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64, HashSeed: [6]uint64{1}})
	prog := loadFor(t, p, 1, XDPGeneric)
	keep(t, p, writePolicy(t, p, "default in deny\ndeny in udp from 10.9.0.0/16\nallow in tcp to 192.0.2.0/24 port 53\nallow in udp to 192.0.2.0/24 port 50-59"))
	flows := uint32(8 * p.sizes.FlowSlots())
	for i := range flows { // until each bucket is full of flows of a single packet
		run(t, prog, udpFrame(i, 64), false)
	}
	before, err := p.Counters()
	if err != nil || before.Stats.Evictions == 0 {
		t.Fatalf("no flow gave way: %+v, %v", before.Stats, err)
	}
	m := stepperOf(t, XDPGeneric, udpFrame(flows, 64), p.consts, p.sizes)
	m.adopt(t, p, "ht_flow_slow", "ht_acl_judge", "ht_acl_scan")
	if ret := m.run(t); ret != 2 {
		t.Errorf("the program returned %d", ret)
	}
	t.Logf("%d of %d instructions", m.steps, most)
	if m.steps > most {
		t.Errorf("%d instructions, budget %d", m.steps, most)
	}
}
