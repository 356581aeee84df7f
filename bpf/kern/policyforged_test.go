// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"hooktop/netcfg/acl"
	"hooktop/probes/ktest"
)

// forger is an XDP program that puts three words in front of each packet; random: other words each time.
func forger(t *testing.T, words [3]uint32, random bool) *ebpf.Program {
	t.Helper()
	insns := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.Mov.Imm(asm.R2, -12),
		asm.FnXdpAdjustMeta.Call(),
		asm.JNE.Imm(asm.R0, 0, "out"),
	}
	for i, w := range words {
		if random {
			insns = append(insns, asm.FnGetPrandomU32.Call(), asm.Mov.Reg(asm.R7, asm.R0))
		} else {
			insns = append(insns, asm.LoadImm(asm.R7, int64(w), asm.DWord))
		}
		insns = append(insns,
			asm.LoadMem(asm.R2, asm.R6, 8, asm.Word), // data_meta
			asm.LoadMem(asm.R3, asm.R6, 0, asm.Word), // data
			asm.Mov.Reg(asm.R4, asm.R2),
			asm.Add.Imm(asm.R4, 12),
			asm.JGT.Reg(asm.R4, asm.R3, "out"),
			asm.StoreMem(asm.R2, int16(4*i), asm.R7, asm.Word),
		)
	}
	insns = append(insns, asm.Mov.Imm(asm.R0, 2).WithSymbol("out"), asm.Return())
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, Instructions: insns, License: "Dual BSD/GPL"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prog.Close() })
	return prog
}

// Metadata that another program left, or that is of another device or policy, makes no mark (FAULTS 33); that of a policy which is
// gone is counted.
func TestForgedMetadataMakesNoMark(t *testing.T) {
	here, there := ktest.NewNS(t), ktest.NewNS(t)
	for _, n := range []*ktest.NS{here, there} { // a new device's own packets would be marked like any other
		n.Sysctl(t, "ipv6/conf/all/disable_ipv6", "1")
		n.Sysctl(t, "ipv6/conf/default/disable_ipv6", "1")
	}
	ktest.Veth(t, there, "f0", here, "f1")
	p := openPipeline(t, Options{Flows: 64})
	slot := slotsByName["eth0"]
	dev := Device{Index: here.Index(t, "f1"), Name: "f1", Slot: slot}
	here.Do(t, func() error {
		_, err := p.AttachTCX(dev, TCMark)
		return err
	})
	gen := writePolicy(t, p, "chain fw in eth0 match any service via 10.9.0.2 dev x0 return x1 mark 0x10/0xf0 upstream via 10.0.0.1 dev eth1 fail open\n")
	word, place := uint32(p.consts.seed[0]), uint32(slot)|1<<24 // leg 1
	frame := frameOf(acl.Packet{Src: netip.MustParseAddr("10.0.0.9"), Dst: netip.MustParseAddr("10.0.0.8"), Proto: acl.UDP, SPort: 4000, DPort: 443}, rand.New(rand.NewPCG(5, 3)))
	for _, c := range []struct {
		what          string
		words         [3]uint32
		random        bool
		frames        int
		marked, stale uint64
	}{
		{"random", [3]uint32{}, true, ktest.Rounds(t, 2000), 0, 0},
		{"another run's", [3]uint32{word + 1, place, gen}, false, 50, 0, 0},
		{"another device's", [3]uint32{word, place + 1, gen}, false, 50, 0, 0},
		{"no leg", [3]uint32{word, uint32(slot), gen}, false, 50, 0, 0},
		{"another policy's", [3]uint32{word, place, gen + 1}, false, 50, 0, 50},
		{"ours", [3]uint32{word, place, gen}, false, 50, 50, 0},
	} {
		var x link.Link
		here.Do(t, func() (err error) {
			x, err = link.AttachXDP(link.XDPOptions{Program: forger(t, c.words, c.random), Interface: dev.Index, Flags: link.XDPGenericMode})
			return err
		})
		before, marked := readMarks(t, p, gen)
		arrived := received(t, here)
		there.SendFrames(t, "f0", slices.Repeat([][]byte{frame}, c.frames)...)
		look := time.NewTicker(time.Millisecond)
		for late := time.After(ktest.Patience); received(t, here) < arrived+uint64(c.frames); {
			select {
			case <-late:
				t.Fatalf("%s: frames do not arrive", c.what)
			case <-look.C:
			}
		}
		look.Stop()
		if err := p.Settle(); err != nil {
			t.Fatal(err)
		}
		after, now := readMarks(t, p, gen)
		if now-marked != c.marked || after.MarkStale-before.MarkStale != c.stale || after.MarkForeign != 0 {
			t.Errorf("%s: %d marked, want %d; %d stale, want %d", c.what, now-marked, c.marked, after.MarkStale-before.MarkStale, c.stale)
		}
		x.Close()
	}
}

func readMarks(t *testing.T, p *Pipeline, gen uint32) (Stats, uint64) {
	t.Helper()
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	legs, err := p.LegCounts(gen)
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for _, l := range legs {
		n += l.Packets
	}
	return c.Stats, n
}

// received counts the packets that a device has handed on.
func received(t *testing.T, ns *ktest.NS) uint64 {
	t.Helper()
	return ns.Link(t, "f1").Attrs().Statistics.RxPackets
}
