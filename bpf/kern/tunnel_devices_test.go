// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/probes/ktest"
)

const (
	tunnelHere6  = "2001:db8:2::1"
	tunnelThere6 = "2001:db8:2::7"
)

// carrier is a kind of tunnel as hosts send it.
type carrier struct {
	name      string
	number    int    // of its inner addresses, and its VNI or key
	line      string // of the policy, from the kind to the VNI
	outer6    bool   // the outer header is of IPv6
	four, six bool   // what may be inside
	device    func(attrs netlink.LinkAttrs, local, remote net.IP) netlink.Link
	// wrap is what the device makes of a packet, behind the outer IP header.
	wrap func(packet []byte) (proto uint8, payload []byte)
}

// framed is the frame inside; who it is for does not matter, the outer header led it to the host.
func framed(packet []byte) []byte { return ktest.Ether([6]byte{2, 9}, [6]byte{2, 8}, nil, packet) }

func geneve(number int, outer6 bool) carrier {
	return carrier{name: "geneve", number: number, line: fmt.Sprintf("geneve vni %d", number), outer6: outer6, four: true, six: true,
		device: func(a netlink.LinkAttrs, _, remote net.IP) netlink.Link {
			return &netlink.Geneve{LinkAttrs: a, ID: uint32(number), Remote: remote, Dport: 6081}
		},
		wrap: func(packet []byte) (uint8, []byte) {
			return unix.IPPROTO_UDP, ktest.UDP(50000, 6081, ktest.GeneveHeader(uint32(number), 0x6558, nil, framed(packet)))
		}}
}

func gre(outer6 bool, number int) carrier {
	return carrier{name: "gre", number: number, line: "gre vni any", outer6: outer6, four: true, six: true,
		device: func(a netlink.LinkAttrs, local, remote net.IP) netlink.Link {
			return &netlink.Gretun{LinkAttrs: a, Local: local, Remote: remote, Ttl: 64}
		},
		wrap: func(packet []byte) (uint8, []byte) {
			kind := uint16(unix.ETH_P_IP)
			if packet[0]>>4 == 6 {
				kind = unix.ETH_P_IPV6
			}
			return unix.IPPROTO_GRE, ktest.GREHeader(kind, nil, nil, packet)
		}}
}

func gretap(number int, outer6 bool) carrier {
	key := uint32(number)
	return carrier{name: "gretap", number: number, line: fmt.Sprintf("gre vni %d", number), outer6: outer6, four: true, six: true,
		device: func(a netlink.LinkAttrs, local, remote net.IP) netlink.Link {
			return &netlink.Gretap{LinkAttrs: a, Local: local, Remote: remote, Ttl: 64, OKey: key}
		},
		wrap: func(packet []byte) (uint8, []byte) {
			return unix.IPPROTO_GRE, ktest.GREHeader(0x6558, &key, nil, framed(packet))
		}}
}

// ipNumber is the protocol number of an IP packet inside another.
func ipNumber(packet []byte) uint8 {
	if packet[0]>>4 == 6 {
		return unix.IPPROTO_IPV6
	}
	return unix.IPPROTO_IPIP
}

func bare(packet []byte) (uint8, []byte) { return ipNumber(packet), packet }

// carriers are the kinds that can be unwrapped, over both families. Keys of GRE stand before any: the first line that agrees decides.
func carriers() []carrier {
	const gueHere = 77
	vxlan6 := carrier{name: "vxlan", number: 63, line: "vxlan vni 63", outer6: true, four: true, six: true,
		device: func(a netlink.LinkAttrs, local, remote net.IP) netlink.Link {
			return &netlink.Vxlan{LinkAttrs: a, VxlanId: 63, Group: remote, SrcAddr: local, Port: 4789}
		},
		wrap: func(packet []byte) (uint8, []byte) {
			return unix.IPPROTO_UDP, ktest.UDP(50000, 4789, ktest.VXLANHeader(63, framed(packet)))
		}}
	return []carrier{
		geneve(61, false), geneve(62, true), vxlan6,
		gretap(64, false), gretap(65, true), gre(false, 66), gre(true, 67),
		{name: "ipip", number: 68, line: "ipip", four: true, wrap: bare,
			device: func(a netlink.LinkAttrs, local, remote net.IP) netlink.Link {
				return &netlink.Iptun{LinkAttrs: a, Local: local, Remote: remote, Ttl: 64}
			}},
		{name: "sit", number: 68, line: "ipip", six: true, wrap: bare,
			device: func(a netlink.LinkAttrs, local, remote net.IP) netlink.Link {
				return &netlink.Sittun{LinkAttrs: a, Local: local, Remote: remote, Ttl: 64}
			}},
		{name: "ip6tnl", number: 69, line: "ipip", outer6: true, four: true, six: true, wrap: bare,
			device: func(a netlink.LinkAttrs, local, remote net.IP) netlink.Link {
				return &netlink.Ip6tnl{LinkAttrs: a, Local: local, Remote: remote, Ttl: 64}
			}},
		{name: "gue", number: gueHere, line: "gue", four: true,
			device: func(a netlink.LinkAttrs, local, remote net.IP) netlink.Link {
				return &netlink.Iptun{LinkAttrs: a, Local: local, Remote: remote, Ttl: 64, EncapType: uint16(netlink.GUE), EncapDport: 6080}
			},
			wrap: func(packet []byte) (uint8, []byte) {
				return unix.IPPROTO_UDP, ktest.UDP(50000, 6080, ktest.GUEHeader(ipNumber(packet), packet))
			}},
	}
}

func (c *carrier) ends() (local, remote string) {
	if c.outer6 {
		return tunnelThere6, tunnelHere6
	}
	return tunnelThere, tunnelHere
}

func (c *carrier) inner(host int, six bool) string {
	if six {
		return fmt.Sprintf("2001:db8:%d::%d", c.number, host)
	}
	return fmt.Sprintf("10.%d.0.%d", c.number, host)
}

// strip is the policy's line for the carrier.
func (c *carrier) strip() string {
	local, remote := c.ends()
	return fmt.Sprintf("tunnel %s to %s peers %s inner 10.%d.0.0/16,2001:db8:%d::/48 strip\n", c.line, remote, local, c.number, c.number)
}

// carry makes the far end send through the carrier: through the kernel's device, or without one through an encapsulation of our own.
// Guests have all devices.
func (o *overlay) carry(t *testing.T, c *carrier, name string) (device string) {
	t.Helper()
	local, remote := c.ends()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	link := c.device(attrs, net.ParseIP(local), net.ParseIP(remote))
	device = link.Type() + " device"
	switch err := o.there.NL.LinkAdd(link); {
	case err == nil:
		t.Cleanup(func() { o.there.Del(t, name) })
	case ktest.InGuest() || !errors.Is(err, unix.EOPNOTSUPP):
		t.Fatalf("add %s: %v", device, err)
	default:
		dst, src := o.here.MAC(t, "h0"), o.there.MAC(t, "p0")
		o.there.Encapsulate(t, name, "p0", func(packet []byte) []byte {
			proto, payload := c.wrap(packet)
			return ktest.Ether(dst, src, nil, ktest.IP(local, remote, proto, payload))
		})
		device = "encapsulation of our own, without " + device
	}
	// Room for all headers: the kernel's devices do not ask the device below when they are made without it.
	if err := o.there.NL.LinkSetMTU(o.there.Link(t, name), 1400); err != nil {
		t.Fatalf("set MTU of %s: %v", name, err)
	}
	o.there.Up(t, name)
	o.there.Addr(t, name, c.inner(2, false)+"/24")
	o.there.Addr(t, name, c.inner(2, true)+"/64")
	if o.there.Link(t, name).Attrs().RawFlags&unix.IFF_NOARP == 0 {
		mac := [6]byte{2, 0, 0, 9, 9, 9}
		o.there.Neighbour(t, name, c.inner(1, false), mac)
		o.there.Neighbour(t, name, c.inner(1, true), mac)
	}
	return device
}

// stripped counts what a line of the policy unwrapped.
func (o *overlay) stripped(t *testing.T, line int) uint64 {
	t.Helper()
	c, err := o.p.PolicyCounts(o.gen)
	if err != nil || line >= len(c.Tunnels) {
		t.Fatalf("counters of line %d of %d: %v", line, len(c.Tunnels), err)
	}
	return c.Tunnels[line].Limited
}

// Traffic of the kernel's other tunnel devices reaches plain local sockets, on each hook, with offloads as they are.
func TestOtherTunnelDevicesAreUnwrapped(t *testing.T) {
	const datagrams = 30
	size := int64(16 << 20)
	if testing.Short() {
		size = 1 << 20
	}
	all := carriers()
	var lines []string
	for i := range all {
		if line := all[i].strip(); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	for _, h := range tunnelHooks {
		t.Run(string(h), func(t *testing.T) {
			o := newOverlay(t, strings.Join(lines, ""), h)
			own := []netip.Addr{netip.MustParseAddr(tunnelHere), netip.MustParseAddr(tunnelHere6)}
			for i := range all {
				for _, six := range []bool{false, true} {
					own = append(own, netip.MustParseAddr(all[i].inner(1, six)))
				}
			}
			if err := o.p.SetOwn(own); err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				o.reach(t, &all[slices.IndexFunc(all, func(c carrier) bool { return c.strip() == line })])
			}
			for i := range all {
				c := &all[i]
				t.Run(fmt.Sprintf("%s over IPv%d", c.name, map[bool]int{false: 4, true: 6}[c.outer6]), func(t *testing.T) {
					device := o.carry(t, c, "tn0")
					line := slices.Index(lines, c.strip())
					before, least := o.stripped(t, line), uint64(0)
					for _, six := range []bool{false, true} {
						if six && !c.six || !six && !c.four {
							continue
						}
						if h == kern.TCIngress && six != c.outer6 && !mixesFamilies(t) {
							o.refused(t, c, six)
							continue
						}
						o.echo(t, c.inner(2, six), c.inner(1, six), datagrams)
						o.bulk(t, c.inner(2, six), c.inner(1, six), size)
						least += datagrams + 2
					}
					n := o.stripped(t, line) - before
					t.Logf("%s, by %s: %d packets unwrapped", device, h, n)
					if n < least {
						t.Errorf("%d packets unwrapped, want at least %d", n, least)
					}
				})
			}
		})
	}
}

// refused sends what this kernel's tc can't unwrap: each packet is counted as one that stays as it is.
func (o *overlay) refused(t *testing.T, c *carrier, six bool) {
	t.Helper()
	const count, why = 20, "other IP family"
	before := o.errors(t, why)
	o.there.SendUDP(t, net.JoinHostPort(c.inner(2, six), "0"), net.JoinHostPort(c.inner(1, six), "9"), []byte("in"), count)
	for range 1000 { // an encapsulation of our own sends later than it is given
		o.passed(t)
		if o.errors(t, why)-before >= count {
			return
		}
	}
	t.Errorf("%d of %d packets count as not unwrapped", o.errors(t, why)-before, count)
}

// reach gives the host its inner addresses of a carrier, and the way back, which has no tunnel.
func (o *overlay) reach(t *testing.T, c *carrier) {
	t.Helper()
	o.here.Addr(t, "lo", c.inner(1, false)+"/32")
	o.here.Addr(t, "lo", c.inner(1, true)+"/128")
	o.here.Route(t, c.inner(2, false)+"/32", tunnelThere)
	o.here.Route(t, c.inner(2, true)+"/128", tunnelThere6)
}
