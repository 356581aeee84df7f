// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"sync/atomic"
	"testing"

	"github.com/cilium/ebpf"
)

// slotOf finds the live entry of a key.
func slotOf(t *testing.T, p *Pipeline, k RawKey) *Entry {
	t.Helper()
	for i := range p.table.slots {
		if s := &p.table.slots[i]; s.packets != 0 && s.key == k {
			return s
		}
	}
	return nil
}

func frameKey(frame []byte, slot uint16) RawKey {
	var w twin
	w.flows, w.in = map[RawKey]Count{}, map[uint16]Count{}
	w.count(frame, slot, false, false)
	for k := range w.flows {
		return k
	}
	return RawKey{}
}

// A counter at its end folds, with its bytes, and begins again; nothing is lost, the flags stay.
func TestTableFullCounter(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, TCEgress)
	forward := canForward(t, prog)
	frame := udpFrame(1, 100)
	run(t, prog, frame, forward)
	k := frameKey(frame, 1)
	k[41] |= tagEgress >> 8
	s := slotOf(t, p, k)
	if s == nil {
		t.Fatal("no entry")
	}
	s.packets, s.bytesFlags = flowPackets-1, s.bytesFlags&^bytesMask|5_000_000
	run(t, prog, frame, forward)
	if s.packets != flowPackets || s.bytesFlags&bytesMask != 5_000_100 {
		t.Fatalf("%d packets, %d bytes", s.packets, s.bytesFlags&bytesMask)
	}
	run(t, prog, frame, forward)
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	folded, through := Count{flowPackets, 5_000_100}, Count{}
	if forward {
		through = folded
	}
	d := c.Devices[1]
	if s.packets != 1 || s.Bytes() != 100 || s.Forwarded() != forward {
		t.Errorf("entry begins again with %d packets, %d bytes, flags %x", s.packets, s.bytesFlags&bytesMask, s.bytesFlags>>52)
	}
	if d.FoldedOut != folded || d.FoldedForwarded != through || d.FoldedIn != (Count{}) || c.Stats.Wraps != 1 {
		t.Errorf("folded %+v, %d wraps", d, c.Stats.Wraps)
	}
}

// Another generation decides anew: what was counted is folded under the one before first.
func TestTableGeneration(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	frame := udpFrame(1, 100)
	k := frameKey(frame, 1)
	run(t, prog, frame, false)
	first, second := writePolicy(t, p, "allow in udp"), writePolicy(t, p, "deny in tcp\nallow in udp")
	p.setGeneration(1, first)
	run(t, prog, frame, false)
	run(t, prog, frame, false)
	s := slotOf(t, p, k)
	if s.gen != uint16(first) || s.packets != 2 || s.Bytes() != 200 {
		t.Fatalf("generation %d, %d packets", s.gen, s.packets)
	}
	p.setGeneration(1, second)
	run(t, prog, frame, false)
	if s.gen != uint16(second) || s.packets != 1 || s.Bytes() != 100 {
		t.Errorf("another: generation %d, %d packets", s.gen, s.packets)
	}
	for gen, want := range map[uint32][]uint64{first: {2}, second: {0, 1}} {
		c, err := p.PolicyCounts(gen)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range want {
			if c.Rules[i].Packets != n || c.Rules[i].Bytes != 100*n {
				t.Errorf("generation %d, rule %d: %+v, want %d packets", gen, i, c.Rules[i], n)
			}
		}
	}
	c, err := p.Counters()
	if err != nil || c.Devices[1].FoldedIn != (Count{3, 300}) {
		t.Errorf("folded: %+v, %v", c.Devices[1], err)
	}
}

// bucketMates finds frames whose keys share a bucket, by the Go twin of the hash.
func bucketMates(p *Pipeline, n int) [][]byte {
	want := uint32(3)
	var out [][]byte
	for i := uint32(0); len(out) < n; i++ {
		f := udpFrame(i, 64)
		k := frameKey(f, 1)
		if uint32(p.consts.hash(k)>>32)&p.policy.states[1].Mask == want {
			out = append(out, f)
		}
	}
	return out
}

// Who is driven out: nobody while there is room, then a flow of one packet, then the oldest.
func TestTableReplacement(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64, HashSeed: [6]uint64{1, 2, 3, 4, 5, 6}})
	prog := loadFor(t, p, 1, XDPGeneric)
	frames := bucketMates(p, ways+3)
	for _, f := range frames[:ways] {
		run(t, prog, f, false)
	}
	stats := func() Stats {
		c, err := p.Counters()
		if err != nil {
			t.Fatal(err)
		}
		return c.Stats
	}
	if s := stats(); s.NewFlows != ways || s.Evictions != 0 {
		t.Fatalf("eight flows of a bucket: %+v: the twin's hash is not the kernel's", s)
	}
	now := p.Clock().Jiffies
	for i, f := range frames[:ways] {
		if i != 5 {
			run(t, prog, f, false)
		}
		slotOf(t, p, frameKey(f, 1)).last = now - uint32(10*(ways-i)) // the first is the oldest
	}
	young := slotOf(t, p, frameKey(frames[5], 1))
	run(t, prog, frames[ways], false)
	if slotOf(t, p, frameKey(frames[5], 1)) != nil {
		t.Error("the flow of one packet is still there")
	}
	if s := slotOf(t, p, frameKey(frames[ways], 1)); s == nil || s != young {
		t.Error("the newcomer is not in its place")
	}
	run(t, prog, frames[ways], false)
	run(t, prog, frames[ways+1], false)
	if slotOf(t, p, frameKey(frames[0], 1)) != nil {
		t.Error("the oldest flow is still there")
	}
	for i := 1; i < ways; i++ {
		if i != 5 && slotOf(t, p, frameKey(frames[i], 1)) == nil {
			t.Errorf("flow %d was driven out", i)
		}
	}
	// An entry last seen just after `now` was read, or half the clock's range ago, is handled too.
	slotOf(t, p, frameKey(frames[1], 1)).last = now + 1<<31
	run(t, prog, frames[ways+2], false)
	if s := stats(); s.Evictions != 3 || s.NewFlows != ways+3 {
		t.Errorf("stats %+v", s)
	}
}

// The home slot is where a flow sits as long as nobody else does.
func TestTableHomeSlot(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 4096})
	prog := loadFor(t, p, 1, XDPGeneric)
	for i := range uint32(200) {
		f := udpFrame(i*7919, 64)
		k := frameKey(f, 1)
		run(t, prog, f, false)
		h := p.consts.hash(k)
		bucket := int(h>>32) & (p.sizes.BucketsPerCPU - 1)
		home := bucket*ways + int(h>>61)
		found := false
		for cpu := range p.sizes.CPUs {
			s := &p.table.slots[cpu*p.sizes.BucketsPerCPU*ways+home]
			found = found || s.packets != 0
		}
		if !found {
			t.Fatalf("flow %d: its home slot %d of bucket %d is empty", i, h>>61, bucket)
		}
	}
}

func TestForget(t *testing.T) {
	p := openPipeline(t, Options{Flows: 16})
	one, two := loadFor(t, p, 1, XDPGeneric), loadFor(t, p, 2, XDPGeneric)
	for i := range uint32(300) {
		run(t, one, udpFrame(i, 64), false)
		run(t, two, udpFrame(i, 64), false)
	}
	if err := p.Forget(1); err != nil {
		t.Fatal(err)
	}
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.Devices[1] != (DeviceCounters{}) || c.Devices[2].FoldedIn.Packets == 0 {
		t.Errorf("counters: slot 1 %+v, slot 2 %+v", c.Devices[1], c.Devices[2])
	}
	left := map[uint16]int{}
	p.Table().Scan(func(e *Entry) bool { left[e.Key().Dev]++; return true })
	if left[1] != 0 || left[2] == 0 {
		t.Errorf("entries by slot: %v", left)
	}
}

// A device that is watched again begins at nothing, and its flows are new ones.
func TestForgottenFlowsBeginAnew(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 16})
	prog := loadFor(t, p, 1, XDPGeneric)
	for range 3 {
		run(t, prog, udpFrame(1, 100), false)
	}
	if err := p.Forget(1); err != nil {
		t.Fatal(err)
	}
	before, err := p.newFlows()
	if err != nil {
		t.Fatal(err)
	}
	run(t, prog, udpFrame(1, 64), false)
	if after, err := p.newFlows(); err != nil || after != before+1 {
		t.Errorf("%d flows, then %d: %v", before, after, err)
	}
	p.Table().Scan(func(e *Entry) bool {
		if e.Packets() != 1 || e.Bytes() != 64 {
			t.Errorf("%d packets, %d bytes", e.Packets(), e.Bytes())
		}
		return true
	})
}

// A reader beside a busy writer never sees half an entry: each flow's bytes are its packets times its size.
func TestScanIsConsistent(t *testing.T) {
	p := openPipeline(t, Options{Flows: 16})
	prog := loadFor(t, p, 1, TCIngress)
	var stop atomic.Bool
	done := make(chan error, 1)
	go func() {
		defer close(done)
		for i := uint32(0); !stop.Load(); i++ {
			// The size follows from the flow, and 300 flows share 64 entries.
			n := i * 2654435761 % 300
			if _, err := prog.Run(&ebpf.RunOptions{Data: udpFrame(n, 60+int(n))}); err != nil {
				done <- err
				return
			}
		}
	}()
	seen := 0
	for seen < 300_000 && len(done) == 0 {
		p.Table().Scan(func(e *Entry) bool {
			seen++
			k := e.Key()
			a := k.Src.Netip().As4()
			n := uint64(binary.BigEndian.Uint32(a[:]) & 0xffffff)
			if n >= 300 || k.SPort != uint16(1024+n%7) {
				t.Errorf("torn key %+v", k)
				return false
			}
			// One packet may be counted whose bytes are not yet.
			if d := e.Packets()*(60+n) - e.Bytes(); e.Bytes() > e.Packets()*(60+n) || d > 60+n {
				t.Errorf("flow %d: %d packets, %d bytes", n, e.Packets(), e.Bytes())
				return false
			}
			return true
		})
		if t.Failed() {
			break
		}
	}
	stop.Store(true)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d entries read beside a writer", seen)
}
