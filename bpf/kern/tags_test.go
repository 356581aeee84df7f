// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"testing"

	"hooktop/bpf"
)

// Under a policy, tags say which bucket need not be looked at: they must never hide a flow that is there, which would get a
// second entry then. The table is small: flows drive each other out.
func TestTagsHideNoFlow(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 16})
	prog := loadFor(t, p, 1, XDPGeneric)
	deny := writePolicy(t, p, "deny in udp")
	keep(t, p, writePolicy(t, p, "deny in tcp"))
	const flows = 200
	for i := range uint32(flows) {
		for range 2 {
			run(t, prog, udpFrame(i, 64), false)
		}
	}
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.Stats.NewFlows != flows {
		t.Errorf("%d flows of two packets each were new %d times", flows, c.Stats.NewFlows)
	}
	live := tagsFit(t, p)
	if c.Stats.Evictions == 0 || uint64(live)+c.Stats.Evictions != flows {
		t.Errorf("%d entries and %d evictions of %d flows", live, c.Stats.Evictions, flows)
	}
	// What is denied leaves its entry, and finds it again when it is let in.
	last := udpFrame(flows-1, 64)
	for _, gen := range []uint32{deny, writePolicy(t, p, "allow in udp")} {
		p.setGeneration(1, gen)
		passed, there := passes(t, prog, last), slotOf(t, p, frameKey(last, 1)) != nil
		if passed != (gen != deny) || there != passed {
			t.Errorf("generation %d: passed: %t, entry there: %t", gen, passed, there)
		}
		tagsFit(t, p)
	}
}

// tagsFit holds the tags of all live entries against the Go twin of the hash, and counts the entries.
func tagsFit(t *testing.T, p *Pipeline) int {
	t.Helper()
	live := 0
	for i := range p.table.slots {
		s := &p.table.slots[i]
		if s.packets == 0 {
			continue
		}
		live++
		var tags [ways]byte
		if err := p.maps[bpf.XdpMapHtTags].Lookup(uint32(i/ways), &tags); err != nil {
			t.Fatal(err)
		}
		if want := tagOf(p.consts.hash(s.key)); tags[i%ways]&0xfe != want {
			t.Errorf("slot %d: tag %#x, want %#x", i, tags[i%ways], want)
		}
	}
	return live
}

// tagOf is the twin of the kernel's, for a flow of more than one packet.
func tagOf(hash uint64) byte { return max(byte(hash>>24)&0xfe, 2) }
