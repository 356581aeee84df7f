// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"os"
	"testing"
)

// A table that few flows use is small, so that their entries lie on few pages. It grows before a flow that lives gives way for good,
// and no packet is counted less for that.
func TestTableSpreads(t *testing.T) {
	const kept = 300 // KEPT in flow.h
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 4 * firstBuckets * ways / slotsPerFlow, HashSeed: [6]uint64{1, 2, 3, 4, 5, 6}})
	prog := loadFor(t, p, 1, XDPGeneric)
	mask := &p.policy.states[1].Mask
	if *mask != firstBuckets-1 {
		t.Fatalf("%d buckets are in use, want %d", *mask+1, firstBuckets)
	}
	frames := bucketMates(p, ways+2)
	sent := uint64(0)
	send := func(frames [][]byte) {
		for _, f := range frames {
			run(t, prog, f, false)
			sent++
		}
	}
	seen := func(ago uint32) { // all entries, so many seconds ago
		last := p.Clock().Jiffies - ago*uint32(p.hz)
		for i := range p.table.slots {
			p.table.slots[i].last = last
		}
	}
	send(frames[:ways])
	seen(kept + 1)
	send(frames[ways : ways+1])
	if *mask != firstBuckets-1 {
		t.Errorf("a flow that has ended gives way: %d buckets are in use", *mask+1)
	}
	seen(kept / 2)
	send(frames[ways+1:])
	if *mask != 2*firstBuckets-1 {
		t.Errorf("a flow that lives gives way: %d buckets are in use, want %d", *mask+1, 2*firstBuckets)
	}
	for range 3 {
		send(frames)
	}
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.Stats.NewFlows == ways+2 {
		t.Error("no flow has moved")
	}
	total := c.Devices[1].FoldedIn.Packets
	p.table.Scan(func(e *Entry) bool { total += e.Packets(); return true })
	if total != sent {
		t.Errorf("%d packets counted of %d", total, sent)
	}
	moved := c.Stats.NewFlows
	send(frames)
	if c, err = p.Counters(); err != nil || c.Stats.NewFlows != moved {
		t.Errorf("%d flows were new once more (%v)", c.Stats.NewFlows-moved, err)
	}
	*mask = uint32(p.sizes.BucketsPerCPU - 1)
	all := bucketMates(p, ways+1)
	send(all)
	if *mask != uint32(p.sizes.BucketsPerCPU-1) {
		t.Errorf("%d buckets are in use of %d", *mask+1, p.sizes.BucketsPerCPU)
	}
}

// Some thousand flows in a table for many more: what their packets touch is bounded, in pages.
func TestFewFlowsLieOnFewPages(t *testing.T) {
	const flows = firstBuckets
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 16 * flows, HashSeed: [6]uint64{1, 2, 3, 4, 5, 6}})
	prog := loadFor(t, p, 1, XDPGeneric)
	for i := range uint32(flows) {
		run(t, prog, udpFrame(i, 64), false)
	}
	n, pages := 0, map[int]bool{}
	p.table.ScanSlots(func(slot int, _ *Entry) bool {
		n++
		pages[slot*entryBytes/os.Getpagesize()] = true
		return true
	})
	if most := firstBuckets * bucketBytes / os.Getpagesize(); n != flows || len(pages) > most {
		t.Errorf("%d of %d flows lie on %d pages, want at most %d", n, flows, len(pages), most)
	}
}
