// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"hooktop/bpf"
)

// What a packet of a known flow costs, in instructions that are run: a number that is the same on each machine. Times are the
// benchmark's. A way out of the fast path, which is a call of a function, fails.
func TestInstructionsOfAFlowHit(t *testing.T) {
	tcp, udp, six := udpFrame(1, 64), udpFrame(1, 64), make([]byte, 80)
	tcp[23], tcp[46], tcp[47] = 6, 5<<4, 0x10
	six[12], six[13], six[14], six[19], six[20], six[21] = 0x86, 0xdd, 0x60, 26, 17, 64
	copy(six[22:], []byte{0x20, 1, 0xd, 0xb8})
	copy(six[38:], []byte{0x20, 1, 0xd, 0xb8})
	binary.BigEndian.PutUint16(six[58:], 26)
	for _, c := range []struct {
		name  string
		hook  Hook
		frame []byte
		gen   uint16
		most  int
	}{
		{"xdp tcp4", XDPGeneric, tcp, 0, 252},
		{"xdp udp4", XDPGeneric, udp, 0, 276},
		{"xdp udp6", XDPGeneric, six, 0, 325},
		{"xdp tcp4 under a policy", XDPGeneric, tcp, 7, 284},
		{"tc tcp4", TCIngress, tcp, 0, 252},
		{"tc tcp4 under a policy", TCIngress, tcp, 7, 286},
	} {
		m := newStepper(t, c.hook, c.frame)
		entry := m.know(t, c.gen)
		ret := m.run(t)
		if pass := map[Hook]uint64{XDPGeneric: 2, TCIngress: 1<<32 - 1}[c.hook]; uint64(uint32(ret)) != pass {
			t.Errorf("%s: the program returned %d", c.name, int32(ret))
		}
		if n := binary.LittleEndian.Uint32(entry[44:]); n != 6 {
			t.Errorf("%s: the entry counts %d packets, not 6", c.name, n)
		}
		t.Logf("%s: %d of %d instructions", c.name, m.steps, c.most)
		if m.steps > c.most {
			t.Errorf("%s: %d instructions, budget %d", c.name, m.steps, c.most)
		}
	}
}

// What a packet of a flow that was denied before costs, on ingress: it is counted in one entry and for its device.
func TestInstructionsOfADeniedPacket(t *testing.T) {
	tcp := udpFrame(1, 64)
	tcp[23], tcp[46], tcp[47] = 6, 5<<4, 0x10
	other := slices.Clone(tcp)
	binary.BigEndian.PutUint16(other[34:], 4000)
	for _, c := range []struct {
		name  string
		hook  Hook
		frame []byte
		flags uint64 // of the entry
		drop  uint64
		most  int
	}{
		{"xdp", XDPGeneric, tcp, 0, drop, 445},
		{"xdp, another source port", XDPGeneric, other, deniedPorts, drop, 445},
		{"xdp, another source port under a policy that asks for some", XDPGeneric, other, 0, drop, 478},
		{"tc", TCIngress, tcp, 0, tcShot, 448},
	} {
		m := newStepper(t, c.hook, slices.Clone(tcp))
		entries := m.deny(t, 7, c.flags)
		copy(m.frame, c.frame)
		if ret := m.run(t); ret != c.drop {
			t.Errorf("%s: the program returned %d", c.name, ret)
		}
		counted := slices.IndexFunc(entries, func(e []byte) bool { return binary.LittleEndian.Uint32(e[44:]) == 6 })
		if counted < 0 || !bytes.Equal(entries[counted][32:36], c.frame[34:38]) {
			t.Errorf("%s: no entry counts 6 packets of this flow", c.name)
		}
		t.Logf("%s: %d of %d instructions", c.name, m.steps, c.most)
		if m.steps > c.most {
			t.Errorf("%s: %d instructions, budget %d", c.name, m.steps, c.most)
		}
	}
}

// stepper runs one function of an object on memory of its own. An address is the number of a piece of memory, and a place in it.
type stepper struct {
	regs   [11]uint64
	insns  asm.Instructions
	at     map[asm.RawInstructionOffset]int // by offset
	spec   *ebpf.CollectionSpec
	memory [][]byte
	pieces map[string]uint64 // values of maps
	ctx    map[int64]uint64
	frame  []byte
	steps  int
	cpu    uint64
	hash   func(RawKey) uint64
	calls  map[string]int // functions that may be called, by symbol: where they begin
	called []call
}

// call is a function that waits for one that it called.
type call struct {
	at   int
	regs [11]uint64
}

const (
	stepBuckets = 16
	stepStack   = 512
	stepJiffies = 1000
)

func newStepper(t *testing.T, h Hook, frame []byte) *stepper {
	t.Helper()
	sizes := Sizes{CPUs: 1, BucketsPerCPU: stepBuckets, DeniedPerCPU: stepBuckets, LanesPerCPU: 1, Slots: 2, Shards: 1, EventRings: 1}
	consts, err := newConstants([6]uint64{1}, sizes)
	if err != nil {
		t.Fatal(err)
	}
	return stepperOf(t, h, frame, consts, sizes)
}

func stepperOf(t *testing.T, h Hook, frame []byte, consts constants, sizes Sizes) *stepper {
	t.Helper()
	spec, program, err := objectFor(h)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		bpf.XdpVarLaneShift: shift(sizes.LanesPerCPU), bpf.XdpVarLaneMask: uint32(sizes.LanesPerCPU - 1), bpf.XdpVarHitsOwn: uint8(1), bpf.XdpVarSecond: uint32(250),
		bpf.XdpVarDevSlot: uint16(1), bpf.XdpVarBucketShift: sizes.bucketShift(), bpf.XdpVarBucketMask: uint32(sizes.BucketsPerCPU - 1),
		bpf.XdpVarHashSeed: consts.seed, bpf.XdpVarHashIp4: consts.ip4(), bpf.XdpVarDeniedShift: shift(sizes.DeniedPerCPU), bpf.XdpVarDeniedMask: uint32(sizes.DeniedPerCPU - 1),
	} {
		if err := spec.Variables[name].Set(v); err != nil {
			t.Fatal(err)
		}
	}
	m := &stepper{spec: spec, insns: spec.Programs[program].Instructions, at: map[asm.RawInstructionOffset]int{}, pieces: map[string]uint64{},
		frame: frame, hash: consts.hash, memory: [][]byte{nil}}
	for it := m.insns.Iterate(); it.Next(); {
		m.at[it.Offset] = it.Index
	}
	data := m.piece(frame)
	m.ctx = map[int64]uint64{0: data, 4: data + uint64(len(frame))} // struct xdp_md
	if h == TCIngress {
		m.ctx = map[int64]uint64{0: uint64(len(frame)), 76: data, 80: data + uint64(len(frame))} // struct __sk_buff
	}
	m.regs[asm.R10] = m.piece(make([]byte, stepStack)) + stepStack
	return m
}

func (m *stepper) piece(b []byte) uint64 {
	m.memory = append(m.memory, b)
	return uint64(len(m.memory)-1) << 32
}

// values of a map: of variables what they are set to, else zeroes.
func (m *stepper) values(name string) uint64 {
	if at, ok := m.pieces[name]; ok {
		return at
	}
	s := m.spec.Maps[name]
	b := make([]byte, stepBuckets*int(s.ValueSize))
	for _, v := range m.spec.Variables {
		if v.SectionName == name {
			copy(b[v.Offset:], v.Value)
		}
	}
	m.pieces[name] = m.piece(b)
	return m.pieces[name]
}

// know puts the frame's flow into its home slot, with five packets, and lets the generation decide.
func (m *stepper) know(t *testing.T, gen uint16) []byte {
	t.Helper()
	key := plainKey(m.frame)
	hash := m.hash(key)
	slot := uint64(hash>>32)&(stepBuckets-1)*ways + hash>>61
	e := m.bytes(m.values(bpf.XdpMapHtFlows)+slot*entryBytes, entryBytes)
	copy(e, key[:])
	binary.LittleEndian.PutUint32(e[44:], 5)
	binary.LittleEndian.PutUint16(e[58:], gen)
	m.bytes(m.values(bpf.XdpMapHtTags)+slot, 1)[0] = tagOf(hash)
	st := m.bytes(m.values(stateSection)+stateBytes, stateBytes)
	binary.LittleEndian.PutUint64(st, uint64(gen)<<48|uint64(gen)<<32)
	binary.LittleEndian.PutUint64(st[8:], ^uint64(0))
	binary.LittleEndian.PutUint32(st[unsafe.Offsetof(bpf.XdpDevState{}.Mask):], stepBuckets-1)
	return e
}

// deny does the same for a flow that was denied. Where its entry lies is the program's to say: there is one in each way.
func (m *stepper) deny(t *testing.T, gen uint16, flags uint64) (entries [][]byte) {
	t.Helper()
	known := m.know(t, gen)
	for i := range uint64(stepBuckets * deniedWays) {
		e := m.bytes(m.values(bpf.XdpMapHtDenied)+i*entryBytes, entryBytes)
		copy(e, known)
		binary.LittleEndian.PutUint64(e[48:], deniedAgain|flags)
		binary.LittleEndian.PutUint32(e[60:], stepJiffies)
		entries = append(entries, e)
	}
	clear(known)
	clear(m.bytes(m.values(bpf.XdpMapHtTags), stepBuckets*ways))
	tags := m.bytes(m.values(bpf.XdpMapHtDeniedTags), stepBuckets*deniedWays)
	for i := range tags {
		tags[i] = m.deniedTag(plainKey(m.frame))
	}
	return entries
}

// deniedTag is the twin of the kernel's: eight bits of the hash of a key without source port (bpf/include/denied.h).
func (m *stepper) deniedTag(k RawKey) byte {
	k[32], k[33] = 0, 0
	return max(1, byte(m.hash(k)>>24))
}

// plainKey is struct flow_key of a frame without tags, options and extension headers on device slot 1.
func plainKey(frame []byte) (k RawKey) {
	l4 := 54
	if frame[12] == 8 {
		k[10], k[11], k[26], k[27], l4 = 0xff, 0xff, 0xff, 0xff, 34
		copy(k[12:], frame[26:30])
		copy(k[28:], frame[30:34])
		k[36] = frame[23]
	} else {
		copy(k[:], frame[22:54])
		k[36] = frame[20]
	}
	copy(k[32:], frame[l4:l4+4])
	k[42] = 1
	return k
}

func (m *stepper) bytes(at uint64, n int) []byte {
	return m.memory[at>>32][uint32(at) : int(uint32(at))+n]
}

// run returns what the program does.
func (m *stepper) run(t *testing.T) uint64 {
	t.Helper()
	at := map[int]asm.RawInstructionOffset{}
	for offset, i := range m.at {
		at[i] = offset
	}
	for i := 0; ; i++ {
		ins := &m.insns[i]
		m.steps++
		switch op := ins.OpCode; {
		case ins.IsFunctionCall():
			begin, ok := m.calls[ins.Reference()]
			if !ok {
				t.Fatalf("%s is called: that is not the fast path", ins.Reference())
			}
			m.called = append(m.called, call{i, m.regs})
			m.regs[asm.R10] = m.piece(make([]byte, stepStack)) + stepStack
			i = begin - 1
		case op == asm.LoadImmOp(asm.DWord):
			m.regs[ins.Dst] = uint64(ins.Constant)
			if ins.IsLoadFromMap() {
				m.regs[ins.Dst] = m.values(ins.Reference())
				if ins.Src == asm.PseudoMapValue {
					m.regs[ins.Dst] += uint64(ins.Constant) >> 32
				}
			}
		case op.Class().IsALU():
			m.calculate(t, ins)
		case op.Class().IsLoad(), op.Class().IsStore():
			m.move(t, ins)
		case op.JumpOp() == asm.Exit && len(m.called) > 0:
			last := m.called[len(m.called)-1]
			m.called = m.called[:len(m.called)-1]
			i = last.at
			copy(m.regs[asm.R6:], last.regs[asm.R6:])
		case op.JumpOp() == asm.Exit:
			return m.regs[asm.R0]
		case op.JumpOp() == asm.Call:
			m.help(t, asm.BuiltinFunc(ins.Constant))
		default:
			if m.jumps(t, ins) {
				i = m.at[asm.RawInstructionOffset(int64(at[i])+1+int64(ins.Offset))] - 1
			}
		}
	}
}
