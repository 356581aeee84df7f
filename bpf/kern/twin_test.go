// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// The flow table in the kernel against a Go map: random packets, generations, evictions, full counters.

func openPipeline(t testing.TB, o Options) *Pipeline {
	t.Helper()
	p, err := Open(o)
	if err != nil {
		t.Fatalf("open: %+v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	// The device that test runs let packets arrive on; its slot is nobody's.
	if err := p.watch(Device{Index: 1, Slot: uint16(p.sizes.Slots)}, XDPGeneric); err != nil {
		t.Fatal(err)
	}
	return p
}

func loadFor(t testing.TB, p *Pipeline, slot uint16, h Hook) *ebpf.Program {
	t.Helper()
	prog, err := p.Load(Device{Name: "test", Slot: slot}, h)
	if err != nil {
		t.Fatalf("load: %+v", err)
	}
	return prog
}

// onOneCPU keeps the test on a CPU, whose shard of the table it then uses.
func onOneCPU(t testing.TB) {
	t.Helper()
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		t.Fatal(err)
	}
	for cpu := range 1024 {
		if old.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.SchedSetaffinity(0, &old); err != nil {
			t.Error(err)
		}
	})
}

// udpFrame is flow n of a device: addresses and ports differ by n.
func udpFrame(n uint32, size int) []byte {
	b := make([]byte, size)
	b[12], b[14], b[22], b[23] = 8, 0x45, 64, 17
	binary.BigEndian.PutUint16(b[16:], uint16(size-14))
	binary.BigEndian.PutUint32(b[26:], 0x0a000000|n)
	binary.BigEndian.PutUint32(b[30:], 0xc0000201)
	binary.BigEndian.PutUint16(b[34:], uint16(1024+n%7))
	binary.BigEndian.PutUint16(b[36:], 53)
	binary.BigEndian.PutUint16(b[38:], uint16(size-34))
	return b
}

// skb is struct __sk_buff of include/uapi/linux/bpf.h, with the fields that a test run may set.
type skb struct {
	_              [9]uint32
	IngressIfindex uint32
	_              [38]uint32
}

// canForward tells whether a test run can have an ingress device (Linux 5.14); before, TestForwarded stands alone.
func canForward(t testing.TB, prog *ebpf.Program) bool {
	t.Helper()
	_, err := prog.Run(&ebpf.RunOptions{Data: make([]byte, 14), Context: skb{IngressIfindex: 1}})
	if err != nil && !errors.Is(err, unix.EINVAL) {
		t.Fatal(err)
	}
	return err == nil
}

func run(t testing.TB, prog *ebpf.Program, frame []byte, forwarded bool) {
	t.Helper()
	o := &ebpf.RunOptions{Data: frame}
	if forwarded {
		o.Context = skb{IngressIfindex: 1}
	}
	ret, err := prog.Run(o)
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if want := map[ebpf.ProgramType]uint32{ebpf.XDP: 2, ebpf.SchedCLS: 1<<32 - 1}[prog.Type()]; ret != want {
		t.Fatalf("verdict %d of a %v program, want %d", int32(ret), prog.Type(), int32(want))
	}
}

type twin struct {
	flows              map[RawKey]Count
	in, out, forwarded map[uint16]Count // by slot
}

func (c *Count) plus(packets, bytes uint64) { c.Packets += packets; c.Bytes += bytes }

func add[K comparable](m map[K]Count, k K, packets, bytes uint64) {
	c := m[k]
	c.plus(packets, bytes)
	m[k] = c
}

func TestTableTwin(t *testing.T) {
	const rounds, flows = 60_000, 400
	p := openPipeline(t, Options{Flows: 16}) // 64 entries a CPU: most flows are driven out again and again
	rnd := rand.New(rand.NewPCG(3, 4))
	type instance struct {
		prog      *ebpf.Program
		slot      uint16
		out, iifd bool
	}
	var all []instance
	forward := canForward(t, loadFor(t, p, 3, TCEgress))
	for slot := uint16(1); slot <= 2; slot++ {
		all = append(all,
			instance{loadFor(t, p, slot, XDPGeneric), slot, false, false},
			instance{loadFor(t, p, slot, TCIngress), slot, false, false},
			instance{loadFor(t, p, slot, TCEgress), slot, true, false},
			instance{loadFor(t, p, slot, TCEgress), slot, true, forward})
	}
	generations := []uint32{0, writePolicy(t, p, "allow in udp"), writePolicy(t, p, "deny tcp"), writePolicy(t, p, "count udp")}
	w := twin{map[RawKey]Count{}, map[uint16]Count{}, map[uint16]Count{}, map[uint16]Count{}}
	for i := range rounds {
		at := all[rnd.IntN(len(all))]
		n := uint32(rnd.IntN(flows))
		if rnd.IntN(2) == 0 {
			n %= 20 // some flows are busy
		}
		if at.iifd {
			n += 0x10000 // a flow is forwarded or is not
		}
		frame := udpFrame(n, 60+rnd.IntN(200))
		run(t, at.prog, frame, at.iifd)
		w.count(frame, at.slot, at.out, at.iifd)
		if i%5000 == 4999 {
			p.setGeneration(at.slot, generations[rnd.IntN(len(generations))])
		}
	}
	w.check(t, p)
}

// count does in Go what a packet does to the table.
func (w *twin) count(frame []byte, slot uint16, out, forwarded bool) {
	var k RawKey
	k[10], k[11], k[26], k[27] = 0xff, 0xff, 0xff, 0xff
	copy(k[12:], frame[26:30])
	copy(k[28:], frame[30:34])
	copy(k[32:], frame[34:38])
	k[36] = 17
	if out {
		k[41] = tagEgress >> 8
	}
	binary.LittleEndian.PutUint16(k[42:], slot)
	size := uint64(len(frame))
	add(w.flows, k, 1, size)
	if !out {
		add(w.in, slot, 1, size)
		return
	}
	add(w.out, slot, 1, size)
	if forwarded {
		add(w.forwarded, slot, 1, size)
	}
}

// setGeneration makes a generation decide on one device, for good.
func (p *Pipeline) setGeneration(slot uint16, gen uint32) {
	p.policy.states[slot].Expiry = [2]uint64{^uint64(0), ^uint64(0)}
	p.policy.states[slot].Word = uint64(gen)<<48 | uint64(gen)<<32
}

func (w *twin) check(t *testing.T, p *Pipeline) {
	t.Helper()
	c, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.Stats.Evictions == 0 || c.Stats.LookupFailed != 0 || c.Stats.PullFailed != 0 {
		t.Errorf("stats %+v", c.Stats)
	}
	in, out, forwarded := map[uint16]Count{}, map[uint16]Count{}, map[uint16]Count{}
	for slot := uint16(1); slot <= 2; slot++ {
		in[slot], out[slot], forwarded[slot] = c.Devices[slot].FoldedIn, c.Devices[slot].FoldedOut, c.Devices[slot].FoldedForwarded
	}
	live := uint64(0)
	p.Table().Scan(func(e *Entry) bool {
		live++
		k := e.Raw()
		if e.Packets() > w.flows[k].Packets || e.Bytes() > w.flows[k].Bytes {
			t.Errorf("entry %+v: %d packets, %d bytes, more than %+v", e.Key(), e.Packets(), e.Bytes(), w.flows[k])
		}
		if !e.Key().Egress {
			add(in, k.device(), e.Packets(), e.Bytes())
			return true
		}
		add(out, k.device(), e.Packets(), e.Bytes())
		if e.Forwarded() {
			add(forwarded, k.device(), e.Packets(), e.Bytes())
		}
		return true
	})
	if live != c.Stats.NewFlows-c.Stats.Evictions {
		t.Errorf("%d live entries, %d made, %d driven out", live, c.Stats.NewFlows, c.Stats.Evictions)
	}
	var sum Count
	for slot := uint16(1); slot <= 2; slot++ {
		if in[slot] != w.in[slot] || out[slot] != w.out[slot] || forwarded[slot] != w.forwarded[slot] {
			t.Errorf("slot %d: in %v want %v, out %v want %v, forwarded %v want %v", slot, in[slot], w.in[slot], out[slot], w.out[slot], forwarded[slot], w.forwarded[slot])
		}
		sum.plus(w.in[slot].Packets+w.out[slot].Packets, w.in[slot].Bytes+w.out[slot].Bytes)
	}
	t.Logf("%d packets of %d flows, %d live, %d driven out: totals exact", sum.Packets, len(w.flows), live, c.Stats.Evictions)
}
