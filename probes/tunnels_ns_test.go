// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"net/netip"
	"testing"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// Without a policy tunnels are counted on their ports and left alone; what is inside is a flow, and in no total.
func TestTunnelsAreCountedFromTheFirstPacketOn(t *testing.T) {
	for _, mode := range []string{"tc", "generic"} {
		t.Run(mode, func(t *testing.T) {
			r := newGround(t)
			r.start(Config{Mode: mode, NoTrace: true})
			inside := ktest.IP("10.50.0.9", "10.50.0.1", 17, ktest.UDP(9, 5353, []byte("inside")))
			guest := [6]byte{2, 7}
			frame := func(port uint16, payload []byte) []byte {
				return ktest.Ether(r.ns.MAC(t, "v0"), r.peer.MAC(t, "v0"), nil, ktest.IP(there, here, 17, ktest.UDP(40000, port, payload)))
			}
			vxlan := frame(4789, ktest.VXLANHeader(100, ktest.Ether(guest, guest, nil, inside)))
			geneve := frame(6081, ktest.GeneveHeader(200, 0x0800, nil, inside))
			broken := frame(4789, []byte{0xff, 0, 0, 0, 0, 0, 1, 0})
			const count = 40
			for range count {
				r.peer.SendFrames(t, "v0", vxlan, geneve, broken)
			}
			var f *snap.Frame
			r.until("all packets", func(*snap.Frame) bool {
				f = r.all()
				return packets(f, 4789, false, "v0") == 2*count && packets(f, 6081, false, "v0") == count
			})
			rows := map[string]snap.Tunnel{}
			for _, row := range f.Tunnels.Rows {
				rows[row.Kind+" "+row.Inner] = row
			}
			vx, gen, bad := rows["vxlan eth"], rows["geneve ip4"], rows["vxlan "]
			if vx.Packets != count || vx.VNI != 100 || vx.Peer != netip.MustParseAddr(there) || vx.Local != netip.MustParseAddr(here) || vx.Dev != "v0" ||
				vx.Port != 4789 || vx.Bytes != count*uint64(len(vxlan)) || vx.Stripped != 0 || len(vx.Errors) != 0 {
				t.Errorf("vxlan: %+v", vx)
			}
			if gen.Packets != count || gen.VNI != 200 || bad.Packets != count || bad.HasVNI || len(bad.Errors) != 1 || bad.Errors[0] != (snap.Count{Name: "bad flags", N: count}) {
				t.Errorf("geneve: %+v\nbad: %+v", gen, bad)
			}
			if e := f.Tunnels.Errors; len(e) != 1 || e[0].N != count || e[0].Worst != "vxlan "+there {
				t.Errorf("errors: %+v", e)
			}
			inner := uint64(0)
			for _, row := range f.Flows.Rows {
				if row.Key.DPort == 5353 && (row.Key.VNI == 100 || row.Key.VNI == 200) && row.Inner {
					inner += row.Packets
				}
			}
			if d := iface(f, "v0"); inner != 2*count || d.InPackets < 3*count || d.InPackets > 3*count+20 {
				t.Errorf("%d packets inside; v0 %d: those inside count for it", inner, d.InPackets)
			}
		})
	}
}
