// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// A driver without room for metadata: the attached program can't note the leg of a chain's packet, the device is taken from XDP to tc
// by itself and says so, and no packet passes the service by meanwhile or afterwards. The driver is a run of the very program that is
// attached, on a frame whose metadata somebody else has filled.
func TestADriverWithoutMetadataIsTakenToTC(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newTown(t)
	n.mode = "generic"
	n.open()
	n.trial(townChain + "closed\n")
	n.keepTrial()
	n.calm()
	if err := n.visit(0); err != nil {
		t.Fatal(err)
	}
	_, failed := n.underTraffic("a change of mode", func() {
		n.loseMark("v-lan")
		began := time.Now()
		f := n.wait("tc on v-lan", func(f *snap.Frame) bool { return modes(f)["v-lan"] == "tc" })
		t.Logf("on tc after %s", time.Since(began).Round(time.Millisecond))
		for _, dev := range []string{"v-fw0", "v-fw1", "v-wan"} {
			if got := modes(f)[dev]; got != "generic" {
				t.Errorf("%s: %s, its driver has lost nothing", dev, got)
			}
		}
		before := f.Chains.Rows[0].Legs[0].Packets
		n.wait("packets that tc marks", func(f *snap.Frame) bool { return f.Chains.Rows[0].Legs[0].Packets > before+100 })
	})
	if failed > 0 {
		t.Errorf("%d connections failed", failed)
	}
	f := n.wait("the reason", func(f *snap.Frame) bool {
		return slices.ContainsFunc(f.Notices, func(x snap.Notice) bool {
			return x.Sev == snap.Crit && strings.Contains(x.Text, "v-lan: its driver has no room for metadata: 1 packets of chains went without a mark: its mode becomes tc")
		})
	})
	if lost := lostMarks(f); lost != 1 {
		t.Errorf("%d marks are lost", lost)
	}
}

// modes of the devices in a frame.
func modes(f *snap.Frame) map[string]string {
	out := map[string]string{}
	for i := range f.Interfaces {
		out[f.Interfaces[i].Name] = string(f.Interfaces[i].Mode)
	}
	return out
}

// lostMarks is what a frame tells of marks that were lost on their way.
func lostMarks(f *snap.Frame) uint64 {
	for _, c := range f.Lost {
		if c.Name == "chain packets without room for their mark" {
			return c.N
		}
	}
	return 0
}

// loseMark runs a device's XDP program on a packet of the chain behind which no metadata fits.
func (n *town) loseMark(dev string) {
	n.t.Helper()
	info := n.here.Link(n.t, dev).Attrs().Xdp
	if info == nil || info.ProgId == 0 {
		n.t.Fatalf("no XDP program on %s: %+v", dev, info)
	}
	prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(info.ProgId))
	if err != nil {
		n.t.Fatal(err)
	}
	defer prog.Close()
	// 256 bytes before the frame hold metadata and struct xdp_frame: nothing is left behind so much.
	const full = 216
	frame := ktest.Ether([6]byte{2, 1}, [6]byte{2, 2}, nil, ktest.IP("10.1.0.2", "10.2.0.2", 6, append([]byte{0x9c, 0x40, 1, 0xbb}, append(make([]byte, 8), 0x50, 2, 0, 0, 0, 0, 0, 0)...)))
	type xdpMD struct{ Data, DataEnd, DataMeta, Ingress, Queue, Egress uint32 }
	in := xdpMD{Data: full, DataEnd: uint32(full + len(frame)), Ingress: uint32(n.here.Index(n.t, dev))}
	if _, err := prog.Run(&ebpf.RunOptions{Data: append(make([]byte, full), frame...), Context: in, ContextOut: &xdpMD{}}); err != nil {
		n.t.Fatal(err)
	}
}
