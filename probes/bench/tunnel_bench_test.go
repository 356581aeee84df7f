// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
)

const (
	innerSource = "10.1.0.1"
	benchVNI    = 42
	stripLine   = "tunnel vxlan vni 42 to " + liveHere + " peers 192.0.2.0/24 inner 10.1.0.0/16 strip\n"
	denyInner   = "deny in udp from " + innerSource + " to any port 80\n"
)

// Where nftables drops: at the first hook behind the tunnel, before routing.
const nftRaw = "table inet t { chain c { type filter hook prerouting priority -300; policy accept; iifname %q ip saddr " + innerSource + " counter drop; }; }\n"

// tunnelFrames are a packet as it is, and in VXLAN.
func tunnelFrames() (plain, wrapped []byte) {
	packet := ktest.IP(innerSource, liveHere, 17, ktest.UDP(1234, 80, make([]byte, 22)))
	peer := [6]byte{2, 0, 0, 0, 0, 1}
	inside := ktest.VXLANHeader(benchVNI, ktest.Ether([6]byte{2, 0, 0, 0, 0, 0x42}, peer, nil, packet))
	return ktest.Ether(hostMAC, peer, nil, packet), ktest.Ether(hostMAC, peer, nil, ktest.IP(livePeer, liveHere, 17, ktest.UDP(40000, 4789, inside)))
}

// vxlanDevice is the kernel's way to unwrap the same.
func (c *competitor) vxlanDevice(t *testing.T) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = "vx0", net.HardwareAddr{2, 0, 0, 0, 0, 0x42}
	dev := &netlink.Vxlan{LinkAttrs: attrs, VxlanId: benchVNI, SrcAddr: net.ParseIP(liveHere), Port: 4789, VtepDevIndex: c.Index(t, "r0")}
	if err := c.NL.LinkAdd(dev); err != nil {
		t.Fatalf("add vxlan device: %v", err)
	}
	c.Up(t, "vx0")
	c.Addr(t, "vx0", "10.1.0.2/16")
}

// measureTunnel is S9, all in one race. What nobody is compared with is in it because decap's own cost is a difference.
func measureTunnel(t *testing.T, r *Report) {
	plain, wrapped := tunnelFrames()
	col := plane(t, 1, 8192, func(spec *ebpf.CollectionSpec) {
		var words [11]uint16
		for i := range words {
			words[i] = binary.NativeEndian.Uint16(wrapped[42+2*i:])
		}
		set(t, spec, map[string]any{"restore": words})
	})
	p := col.Programs
	deny, pass := newPlant(t, stripLine+denyInner), newPlant(t, stripLine)
	for _, one := range []*plant{deny, pass} {
		if err := one.SetOwn([]netip.Addr{netip.MustParseAddr(liveHere)}); err != nil {
			t.Fatal(err)
		}
	}
	tunnel := newArena(t, p["send_again"], wrapped)
	bare := tunnel.add("bare XDP_DROP", func(c *competitor) { c.attach(t, p["drop"]) })
	strip := tunnel.add("hooktop strips and denies", func(c *competitor) { deny.attach(t, c, kern.XDPNative) })
	deliver := tunnel.add("hooktop strips, nft drops", func(c *competitor) {
		pass.attach(t, c, kern.XDPNative)
		c.nft(t, fmt.Sprintf(nftRaw, "r0"))
	})
	device := tunnel.add("kernel vxlan, nft drops", func(c *competitor) {
		c.vxlanDevice(t)
		c.nft(t, fmt.Sprintf(nftRaw, "vx0"))
	})
	same := newArena(t, p["send_same"], plain)
	denied := same.add("hooktop denies", func(c *competitor) { deny.attach(t, c, kern.XDPNative) })
	dropped := same.add("nft drops", func(c *competitor) { c.nft(t, fmt.Sprintf(nftRaw, "r0")) })
	const rounds = 9
	for range rounds { // both arenas side by side
		tunnel.race(1)
		same.race(1)
	}
	for _, c := range []*competitor{deliver, device, dropped} {
		c.counted(t)
	}
	for _, one := range []struct {
		*plant
		sent []*competitor
	}{{deny, []*competitor{strip}}, {pass, []*competitor{deliver}}} {
		one.stripped(t, one.sent)
	}
	own, theirs := less(strip.ns, denied.ns), less(device.ns, dropped.ns)
	r.Rows = append(r.Rows,
		FromRounds("S9", "VXLAN: kernel vxlan device and nft / strip and deny", "x", AtLeast(6), Ratios(device.ns, strip.ns), ns("kernel", device.ns)+", "+ns("hooktop", strip.ns)+", "+ns("bare XDP_DROP of the frame", bare.ns)),
		FromRounds("S9", "VXLAN: what unwrapping adds, hooktop / kernel vxlan device", "x", AtMost(1.0/6), Ratios(own, theirs), ns("hooktop", own)+", "+ns("kernel", theirs)),
		FromRounds("S9", "VXLAN: kernel vxlan device / strip, both handed to the stack", "x", AtLeast(1.7), Ratios(device.ns, deliver.ns), ns("kernel", device.ns)+", "+ns("hooktop", deliver.ns)))
}

// stripped fails unless everything that was sent to these was unwrapped.
func (p *plant) stripped(t *testing.T, sent []*competitor) {
	t.Helper()
	rows, err := p.Tunnels()
	if err != nil {
		t.Fatal(err)
	}
	want, got := uint64(0), uint64(0)
	for _, c := range sent {
		want += uint64(c.sent)
	}
	for _, row := range rows {
		got += row.Stripped
	}
	if got != want {
		t.Errorf("hooktop unwrapped %d of %d packets: %+v", got, want, rows)
	}
}

// less is a - b by round, at least half a nanosecond.
func less(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = max(a[i]-b[i], 0.5)
	}
	return out
}
