// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/netcfg/acl"
	"hooktop/probes/ktest"
)

// skbMark runs a frame through a tc program with a mark on it, and gives the mark that it has then, and the action.
func skbMark(t *testing.T, prog *ebpf.Program, frame []byte, mark uint32) (uint32, uint32) {
	t.Helper()
	const size, at = 192, 8 // struct __sk_buff and its member mark (include/uapi/linux/bpf.h)
	in, out := make([]byte, size), make([]byte, size)
	binary.NativeEndian.PutUint32(in[at:], mark)
	code, err := prog.Run(&ebpf.RunOptions{Data: frame, Context: in, ContextOut: out})
	if err != nil {
		t.Error(err)
	}
	return binary.NativeEndian.Uint32(out[at:]), code
}

// A chain's packet gets the chain's bits and keeps all others; one that somebody else has marked within them is left alone. What
// belongs to no chain is not touched.
func TestMarksTouchOwnBitsOnly(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, slotsByName["eth0"], TCIngress)
	gen := writePolicy(t, p, "chain fw in eth0 match tcp to any port 443 service via 10.9.0.2 dev x0 return x1 mark 0x10/0xf0 upstream via 10.0.0.1 dev eth1 fail open\n")
	for slot := range p.policy.states {
		p.setGeneration(uint16(slot), gen)
	}
	rnd := rand.New(rand.NewPCG(5, 1))
	frame := func(dport uint16) []byte {
		return frameOf(acl.Packet{Src: netip.MustParseAddr("10.0.0.9"), Dst: netip.MustParseAddr("10.0.0.8"), Proto: acl.TCP, SPort: 4000, DPort: dport}, rnd)
	}
	chained, other := frame(443), frame(80)
	var marked, foreign uint64
	for range ktest.Rounds(t, 5000) {
		mark := rnd.Uint32()
		if rnd.IntN(2) == 0 {
			mark &^= 0xf0
		}
		want := mark&^0xf0 | 0x10
		if own := mark & 0xf0; own != 0 && own != 0x10 {
			want = mark
			foreign++
		} else {
			marked++
		}
		if got, _ := skbMark(t, prog, chained, mark); got != want {
			t.Fatalf("mark %#x became %#x, want %#x", mark, got, want)
		}
		if got, _ := skbMark(t, prog, other, mark); got != mark {
			t.Fatalf("no packet of the chain: mark %#x became %#x", mark, got)
		}
	}
	legs, err := p.LegCounts(gen)
	if err != nil || len(legs) != 4 || legs[0].Packets != marked || legs[0].Bytes != marked*uint64(len(chained)) || legs[1].Packets != 0 {
		t.Errorf("%d marked: legs %+v, %v", marked, legs, err)
	}
	c, err := p.Counters()
	if err != nil || c.Stats.MarkForeign != foreign || c.Stats.MarkStale != 0 {
		t.Errorf("%d foreign: %+v, %v", foreign, c.Stats, err)
	}
	// Written again in the same slot, the counters of the new generation begin at nothing.
	for range aclSlots {
		gen = writePolicy(t, p, "chain fw in eth0 match tcp service via 10.9.0.2 dev x0 return x1 mark 0x10/0xf0 upstream via 10.0.0.1 dev eth1 fail open oneway\n")
		if legs, err := p.LegCounts(gen); err != nil || len(legs) != 2 || legs[0].Packets != 0 {
			t.Fatalf("generation %d: %+v, %v", gen, legs, err)
		}
	}
}

// A driver that leaves no room for metadata: what can't be noted is counted, for all and for the device, and passes.
func TestMarksThatAreLostAreCounted(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	slot := slotsByName["eth0"]
	prog := loadFor(t, p, slot, XDPGeneric)
	gen := writePolicy(t, p, "chain fw in eth0 match tcp to any port 443 service via 10.9.0.2 dev x0 return x1 mark 0x10/0xf0 upstream via 10.0.0.1 dev eth1 fail open\n")
	p.setGeneration(slot, gen)
	frame := frameOf(acl.Packet{Src: netip.MustParseAddr("10.0.0.9"), Dst: netip.MustParseAddr("10.0.0.8"), Proto: acl.TCP, SPort: 4000, DPort: 443}, rand.New(rand.NewPCG(5, 2)))
	run := func(meta int) {
		t.Helper()
		type xdpMD struct{ Data, DataEnd, DataMeta, Ingress, Queue, Egress uint32 }
		in := xdpMD{Data: uint32(meta), DataEnd: uint32(meta + len(frame))}
		code, err := prog.Run(&ebpf.RunOptions{Data: append(make([]byte, meta), frame...), Context: in, ContextOut: &xdpMD{}})
		if err != nil || code != 2 {
			t.Fatalf("%d bytes of metadata: action %d, %v", meta, code, err)
		}
	}
	// So much room is taken by somebody else's metadata that ours does not fit: 256 bytes hold it and struct xdp_frame.
	const full = 216
	for range 3 {
		run(full)
	}
	c, err := p.Counters()
	if err != nil || c.Stats.MarkLost != 3 || p.MarksLost(slot) != 3 || p.MarksLost(slotsByName["eth1"]) != 0 {
		t.Errorf("%d lost, %d on the device, %v", c.Stats.MarkLost, p.MarksLost(slot), err)
	}
	// While the hook changes each packet says that it was counted: what can't is counted too, marked or not.
	if c.Stats.NoteLost != 0 {
		t.Errorf("%d could not say that they were counted, and nobody asked", c.Stats.NoteLost)
	}
	if err := p.Handover(slot, true); err != nil {
		t.Fatal(err)
	}
	run(full)
	run(0)
	if err := p.Handover(slot, false); err != nil {
		t.Fatal(err)
	}
	if c, err = p.Counters(); err != nil || c.Stats.NoteLost != 1 || c.Stats.MarkLost != 4 || c.Stats.LookupFailed != 0 {
		t.Errorf("while the hook changes: %+v, %v", c.Stats, err)
	}
	run(0)
	if n := p.MarksLost(slot); n != 4 {
		t.Errorf("%d lost with room", n)
	}
	if err := p.Forget(slot); err != nil || p.MarksLost(slot) != 0 {
		t.Errorf("after the device is gone: %d, %v", p.MarksLost(slot), err)
	}
}
