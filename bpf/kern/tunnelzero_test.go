// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"testing"

	"hooktop/probes/ktest"
)

// Who sends VNI 0 around somebody's packets must not touch that flow's entry: its packets would leave all totals.
func TestNumberZeroIsNoPlainFlow(t *testing.T) {
	r := newTunnelRig(t, "tunnel vxlan vni any count\ntunnel gre vni any count\n")
	host, router := [6]byte{2, 0, 0, 0, 0, 2}, [6]byte{2, 0, 0, 0, 0, 1}
	packet := ktest.IP("10.50.0.9", "10.50.0.1", 17, ktest.UDP(4000, 53, []byte("question")))
	plain := ktest.Ether(host, router, nil, packet)
	wrapped := ktest.Ether(host, router, nil, ktest.IP("192.0.2.7", "192.0.2.1", 17, ktest.UDP(50000, 4789, ktest.VXLANHeader(0, plain))))
	for _, gen := range []uint32{r.gen, 0} {
		r.p.setGeneration(1, gen)
		for range 3 {
			r.run(t, r.xdp, plain)
			r.run(t, r.xdp, wrapped)
		}
	}
	var inside, outside uint32
	for i := range r.p.table.slots {
		s := &r.p.table.slots[i]
		switch {
		case s.packets == 0 || s.key.Decode().Src.Netip().String() != "10.50.0.9":
		case s.Inner():
			inside += s.packets
		default:
			outside += s.packets
			if s.Bytes() != uint64(s.packets)*uint64(len(plain)) {
				t.Errorf("%d bytes in %d packets", s.Bytes(), s.packets)
			}
		}
	}
	if inside != 6 || outside != 3 { // those of the generation before were folded
		t.Errorf("%d packets inside the tunnel, want 6; %d outside, want 3", inside, outside)
	}
}
