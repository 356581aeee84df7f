// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"hooktop/bpf"
)

// adopt gives the stepper what a pipeline's arrays hold, and the functions that it may call.
func (m *stepper) adopt(t *testing.T, p *Pipeline, functions ...string) {
	t.Helper()
	for name, s := range m.spec.Maps {
		from, ok := p.maps[name]
		if !ok || s.Type != ebpf.Array || name == bpf.XdpMapHtShadow || strings.HasPrefix(name, constSection) {
			continue
		}
		var all []byte
		for i := range from.MaxEntries() {
			value := make([]byte, from.ValueSize())
			if err := from.Lookup(i, value); err != nil {
				t.Fatalf("read %s: %v", name, err)
			}
			all = append(all, value...)
		}
		m.pieces[name] = m.piece(all)
	}
	symbols, err := m.insns.SymbolOffsets()
	if err != nil {
		t.Fatal(err)
	}
	m.calls = map[string]int{}
	for _, f := range functions {
		m.calls[f] = symbols[f]
	}
	var one unix.CPUSet // where the test is kept
	if err := unix.SchedGetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	for !one.IsSet(int(m.cpu)) {
		m.cpu++
	}
}

// What a packet of a known flow in a known tunnel costs, from the frame to its verdict. Nothing is called but the stage.
func TestInstructionsOfAStrip(t *testing.T) {
	for _, c := range []struct {
		name string
		most int
	}{
		{"vxlan 4 in 4", 1090},
		{"vxlan 6 in 4", 1160},
		{"vxlan 4 in 6", 1140},
		{"geneve eth", 1170},
	} {
		r := tunnelRigOf(t, tunnelPolicy, Options{Flows: 64, HashSeed: [6]uint64{1}}) // a flow out of its home slot costs some more
		frame := tunnelFrames()[c.name]
		for range 3 {
			r.run(t, r.xdp, frame)
		}
		m := stepperOf(t, XDPGeneric, frame, r.p.consts, r.p.sizes)
		m.adopt(t, r.p, "ht_tun_stage")
		if ret := m.run(t); ret != 2 {
			t.Errorf("%s: the program returned %d", c.name, ret)
		}
		t.Logf("%s: %d of %d instructions", c.name, m.steps, c.most)
		if m.steps > c.most {
			t.Errorf("%s: %d instructions, budget %d", c.name, m.steps, c.most)
		}
	}
}

// What a packet costs that is denied as one before, in a known tunnel: it is dropped with its headers on. It is counted as one that was
// unwrapped, by what would have come out.
func TestInstructionsOfADeniedStrip(t *testing.T) {
	const most = 1130
	r := tunnelRigOf(t, tunnelPolicy+"deny in\n", Options{Flows: 64, HashSeed: [6]uint64{1}})
	frame := tunnelFrames()["vxlan 4 in 4"]
	const packets = 5
	for range packets {
		if passes(t, r.xdp, frame) {
			t.Fatal("it passes")
		}
	}
	counts, err := r.p.PolicyCounts(r.gen)
	if err != nil {
		t.Fatal(err)
	}
	inner := uint64(len(frame) - (20 + 8 + 8 + 14)) // the outer Ethernet header stays, the inner one goes
	if got := counts.Rules[0]; got.Packets != packets || got.Bytes != packets*inner {
		t.Errorf("the rule counts %+v, want %d packets, %d bytes", got, packets, packets*inner)
	}
	if n, bytes, stripped, _ := r.total(t); n != packets || bytes != uint64(packets*len(frame)) || stripped != packets {
		t.Errorf("the tunnel counts %d packets, %d bytes, %d unwrapped", n, bytes, stripped)
	}
	m := stepperOf(t, XDPGeneric, frame, r.p.consts, r.p.sizes)
	m.adopt(t, r.p, "ht_tun_stage")
	denied := m.bytes(m.values(bpf.XdpMapHtDenied), r.p.sizes.CPUs*r.p.sizes.DeniedPerCPU*deniedWays*entryBytes)
	for e := range slices.Chunk(denied, entryBytes) { // within the time in which no header is told
		binary.LittleEndian.PutUint32(e[60:], stepJiffies)
	}
	begin := m.ctx[0]
	if ret := m.run(t); ret != drop || m.ctx[0] != begin {
		t.Errorf("the program returned %d, and took %d bytes off", ret, m.ctx[0]-begin)
	}
	t.Logf("%d of %d instructions", m.steps, most)
	if m.steps > most {
		t.Errorf("%d instructions, budget %d", m.steps, most)
	}
}
