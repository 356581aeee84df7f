// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Patience bounds a wait for something that the kernel does within milliseconds, or a process soon: a machine that others use may
// stall for several seconds, and again. It is never part of what is asserted, and nothing that shall not happen is waited for so long.
const Patience = 60 * time.Second

// Veth joins a and b with a pair of devices that take packets at both ends.
func Veth(t testing.TB, a *NS, aName string, b *NS, bName string) {
	t.Helper()
	v := netlink.NewVeth(netlink.NewLinkAttrs())
	v.Name, v.PeerName, v.PeerNamespace = aName, bName, netlink.NsFd(int(b.Handle))
	if err := a.NL.LinkAdd(v); err != nil {
		t.Fatalf("add veth %s: %v", aName, err)
	}
	a.Up(t, aName)
	b.Up(t, bName)
	// The end that came up first gets its carrier, and then a queue, when the kernel has dealt with the other's rise. That
	// other end has both at once; only its operational state follows up to a second later.
	a.WaitUp(t, aName)
}

// Bridge makes a bridge that is up, with ports as its slaves.
func (n *NS) Bridge(t testing.TB, name string, ports ...string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := n.NL.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		t.Fatalf("add bridge %s: %v", name, err)
	}
	for _, p := range ports {
		if err := n.NL.LinkSetMaster(n.Link(t, p), n.Link(t, name)); err != nil {
			t.Fatalf("put %s into bridge %s: %v", p, name, err)
		}
	}
	n.Up(t, name)
}

// Link finds a device by name.
func (n *NS) Link(t testing.TB, name string) netlink.Link {
	t.Helper()
	l, err := n.NL.LinkByName(name)
	if err != nil {
		t.Fatalf("find device %s: %v", name, err)
	}
	return l
}

// Index gives a device's ifindex.
func (n *NS) Index(t testing.TB, name string) int {
	t.Helper()
	return n.Link(t, name).Attrs().Index
}

// MAC gives a device's hardware address.
func (n *NS) MAC(t testing.TB, name string) (mac [6]byte) {
	t.Helper()
	copy(mac[:], n.Link(t, name).Attrs().HardwareAddr)
	return mac
}

// Up brings a device up.
func (n *NS) Up(t testing.TB, name string) {
	t.Helper()
	if err := n.NL.LinkSetUp(n.Link(t, name)); err != nil {
		t.Fatalf("bring %s up: %v", name, err)
	}
}

// Del deletes a device.
func (n *NS) Del(t testing.TB, name string) {
	t.Helper()
	if err := n.NL.LinkDel(n.Link(t, name)); err != nil {
		t.Fatalf("delete %s: %v", name, err)
	}
}

// WaitUp waits until the kernel says that a device is operational: before that its queue may swallow packets.
func (n *NS) WaitUp(t testing.TB, name string) {
	t.Helper()
	updates, done := make(chan netlink.LinkUpdate, 16), make(chan struct{})
	defer close(done)
	opts := netlink.LinkSubscribeOptions{Namespace: &n.Handle, ListExisting: true}
	if err := netlink.LinkSubscribeWithOptions(updates, done, opts); err != nil {
		t.Fatalf("subscribe to devices: %v", err)
	}
	late := time.After(Patience)
	for {
		select {
		case u := <-updates:
			if u.Link != nil && u.Attrs().Name == name && u.Attrs().OperState == netlink.OperUp {
				n.waitAddrs(t, name, late)
				return
			}
		case <-late:
			t.Fatalf("%s is not up after %s", name, Patience)
		}
	}
}

// waitAddrs waits until each IPv6 address of a device has its route in the local table: the kernel makes it later, on a
// work queue, and until then nothing that is sent there arrives.
func (n *NS) waitAddrs(t testing.TB, name string, late <-chan time.Time) {
	t.Helper()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		addrs, err := n.NL.AddrList(n.Link(t, name), netlink.FAMILY_V6)
		interrupted := errors.Is(err, netlink.ErrDumpInterrupted) // an address came meanwhile: look again
		if err != nil && !interrupted {
			t.Fatalf("list addresses of %s: %v", name, err)
		}
		local, err := n.NL.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Table: unix.RT_TABLE_LOCAL}, netlink.RT_FILTER_TABLE)
		if err != nil {
			t.Fatalf("list local routes: %v", err)
		}
		if !interrupted && !slices.ContainsFunc(addrs, func(a netlink.Addr) bool {
			return !slices.ContainsFunc(local, func(r netlink.Route) bool { return r.Dst != nil && r.Dst.IP.Equal(a.IP) })
		}) {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("the addresses of %s are not in use after %s", name, Patience)
		}
	}
}

// Addr gives a device an address such as "192.0.2.1/24", usable at once.
func (n *NS) Addr(t testing.TB, dev, prefix string) {
	t.Helper()
	p := netip.MustParsePrefix(prefix)
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	link := n.Link(t, dev)
	if err := n.NL.AddrAdd(link, a); err != nil {
		t.Fatalf("add address %s to %s: %v", prefix, dev, err)
	}
	// Loopback and tunnel devices that are up do not say so.
	if state := link.Attrs().OperState; state == netlink.OperUp || state == netlink.OperUnknown && link.Attrs().Flags&net.FlagUp != 0 {
		n.waitAddrs(t, dev, time.After(Patience))
	}
}

// Neighbour makes an address known for good: nothing that is sent there waits for ARP or neighbour discovery.
func (n *NS) Neighbour(t testing.TB, dev, addr string, mac [6]byte) {
	t.Helper()
	entry := &netlink.Neigh{LinkIndex: n.Index(t, dev), IP: net.ParseIP(addr), HardwareAddr: mac[:], State: netlink.NUD_PERMANENT}
	if err := n.NL.NeighSet(entry); err != nil {
		t.Fatalf("add neighbour %s on %s: %v", addr, dev, err)
	}
}

// Route adds a route through a gateway; dst "0.0.0.0/0" or "::/0" is the default route.
func (n *NS) Route(t testing.TB, dst, via string) {
	t.Helper()
	r := &netlink.Route{Dst: ipNet(netip.MustParsePrefix(dst)), Gw: netip.MustParseAddr(via).AsSlice()}
	if err := n.NL.RouteAdd(r); err != nil {
		t.Fatalf("add route to %s via %s: %v", dst, via, err)
	}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// OffloadsOff turns tso, gso, gro and checksum offloads of a device off, so that each hook sees the frames of the wire, as
// the connections made from then on send them.
func (n *NS) OffloadsOff(t testing.TB, dev string) {
	t.Helper()
	// TCP joins segments whatever gso says, and they are cut apart between tc egress and packet sockets.
	if err := n.NL.LinkSetGSOMaxSegs(n.Link(t, dev), 1); err != nil {
		t.Fatalf("limit segments of %s: %v", dev, err)
	}
	n.offload(t, dev, 0, 0x1f, 0x24, 0x2c, 0x17, 0x15) // ETHTOOL_STSO SGSO SGRO STXCSUM SRXCSUM
}

// GROOn has a veth take frames of XDP senders without a program of its own.
func (n *NS) GROOn(t testing.TB, dev string) {
	t.Helper()
	n.offload(t, dev, 1, 0x2c)
}

// offload runs ethtool commands (include/uapi/linux/ethtool.h) with one value. What a device does not have is left.
func (n *NS) offload(t testing.TB, dev string, on uint32, commands ...uint32) {
	t.Helper()
	n.Do(t, func() error {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		for _, command := range commands {
			value := struct{ command, data uint32 }{command, on}
			var ifr struct {
				name [unix.IFNAMSIZ]byte
				data unsafe.Pointer
				_    [16]byte
			}
			copy(ifr.name[:], dev)
			ifr.data = unsafe.Pointer(&value)
			_, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ifr)))
			runtime.KeepAlive(&value)
			if e != 0 && e != unix.EOPNOTSUPP {
				return e
			}
		}
		return nil
	})
}
