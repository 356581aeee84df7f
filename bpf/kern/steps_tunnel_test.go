// SPDX-License-Identifier: Apache-2.0

package kern

import (
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
