// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// End is one end of a veth pair.
type End struct {
	Name string
	MAC  [6]byte // zero: random
}

// AddVeth makes a pair of one end here and one in peer's namespace. It is born there: neither end is seen elsewhere.
// MTU 0 means 1500. Both ends are down.
func (h *Host) AddVeth(here End, peer *Host, there End, mtu int) error {
	ns, err := peer.open()
	if err != nil {
		return err
	}
	defer ns.Close()
	if mtu == 0 {
		mtu = 1500
	}
	v := &netlink.Veth{
		LinkAttrs:        netlink.NewLinkAttrs(),
		PeerName:         there.Name,
		PeerHardwareAddr: hardware(there.MAC),
		PeerNamespace:    netlink.NsFd(int(ns.Fd())),
		PeerMTU:          uint32(mtu),
		PeerTxQLen:       -1, // the kernel's default
	}
	v.Name, v.MTU, v.HardwareAddr = here.Name, mtu, hardware(here.MAC)
	if err := h.handle.LinkAdd(v); err != nil {
		return fmt.Errorf("add veth %s: %w", here.Name, err)
	}
	return nil
}

// VXLAN is a device of the kernel's that puts frames into UDP, for one peer.
type VXLAN struct {
	Name          string
	VNI           uint32
	Local, Remote netip.Addr
	Port          uint16 // of the peer
	From          uint16 // source port of everything that it sends, or the one behind it: newer kernels take the last of a range too
}

// AddVXLAN makes such a device. It is down. ErrNoDevice: this kernel has none of the kind.
func (h *Host) AddVXLAN(v VXLAN) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = v.Name
	err := h.handle.LinkAdd(&netlink.Vxlan{
		LinkAttrs: attrs, VxlanId: int(v.VNI), SrcAddr: v.Local.AsSlice(), Group: v.Remote.AsSlice(), Port: int(v.Port),
		PortLow: int(v.From), PortHigh: int(v.From) + 1, // a range of one port stands for none before
	})
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = ErrNoDevice
	}
	if err != nil {
		return fmt.Errorf("add vxlan device %s: %w", v.Name, err)
	}
	return nil
}

// ErrNoDevice: the kernel can't make devices of that kind.
var ErrNoDevice = errors.New("this kernel has no such devices")

func hardware(mac [6]byte) net.HardwareAddr {
	if mac == [6]byte{} {
		return nil
	}
	return mac[:]
}

// open gives a descriptor of the Host's namespace, to be closed by the caller.
func (h *Host) open() (*os.File, error) {
	if h.ns == nil {
		return openNamespace("/proc/thread-self/ns/net")
	}
	var f *os.File
	err := h.withFD(func(ns int) (err error) {
		f, err = openNamespace(fmt.Sprintf("/proc/self/fd/%d", ns))
		return err
	})
	return f, err
}

// Remove deletes a device. One that is gone is no error.
func (h *Host) Remove(name string) error {
	l, err := h.handle.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = h.handle.LinkDel(l)
	}
	if err != nil && !isGone(err) {
		return fmt.Errorf("remove device %s: %w", name, err)
	}
	return nil
}

// SetUp brings a device up or down.
func (h *Host) SetUp(name string, up bool) error {
	l, err := h.link(name)
	if err != nil {
		return err
	}
	set := h.handle.LinkSetDown
	if up {
		set = h.handle.LinkSetUp
	}
	if err := set(l); err != nil {
		return fmt.Errorf("set device %s up=%v: %w", name, up, err)
	}
	return nil
}

// AddAddr gives a device an address, usable at once: without duplicate address detection.
func (h *Host) AddAddr(name string, p netip.Prefix) error {
	l, err := h.link(name)
	if err != nil {
		return err
	}
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is6() {
		a.Flags = unix.IFA_F_NODAD
	}
	if err := h.handle.AddrAdd(l, a); err != nil {
		return fmt.Errorf("add address %s to %s: %w", p, name, err)
	}
	return nil
}

// Route is a unicast route.
type Route struct {
	Dst netip.Prefix // length 0: default
	Via netip.Addr   // zero: on link
	Dev string
}

// AddRoute adds a route to the main table.
func (h *Host) AddRoute(r Route) error {
	l, err := h.link(r.Dev)
	if err != nil {
		return err
	}
	route := &netlink.Route{LinkIndex: l.Attrs().Index, Dst: ipNet(r.Dst)}
	if r.Via.IsValid() {
		route.Gw = r.Via.AsSlice()
	} else {
		route.Scope = netlink.SCOPE_LINK
	}
	if err := h.handle.RouteAdd(route); err != nil {
		return fmt.Errorf("add route to %s dev %s: %w", r.Dst, r.Dev, err)
	}
	return nil
}

// AddThrow makes a lookup in the main table fail for a prefix, as if no route led there, whatever the default route.
func (h *Host) AddThrow(dst netip.Prefix) error {
	if err := h.handle.RouteAdd(&netlink.Route{Dst: ipNet(dst), Type: unix.RTN_THROW}); err != nil {
		return fmt.Errorf("add route throw %s: %w", dst, err)
	}
	return nil
}

// AddNeighbour writes a permanent entry into the neighbour table.
func (h *Host) AddNeighbour(dev string, ip netip.Addr, mac [6]byte) error {
	l, err := h.link(dev)
	if err != nil {
		return err
	}
	n := &netlink.Neigh{LinkIndex: l.Attrs().Index, IP: ip.AsSlice(), HardwareAddr: mac[:], State: netlink.NUD_PERMANENT}
	if err := h.handle.NeighSet(n); err != nil {
		return fmt.Errorf("add neighbour %s dev %s: %w", ip, dev, err)
	}
	return nil
}

// Sysctl writes a value under /proc/sys/net of the Host's namespace; key is "ipv4/ip_forward".
func (h *Host) Sysctl(key, value string) error {
	err := h.Do(func() error { return os.WriteFile("/proc/sys/net/"+key, []byte(value), 0) })
	if err != nil {
		return fmt.Errorf("set sysctl net/%s to %s: %w", key, value, err)
	}
	return nil
}

func (h *Host) link(name string) (netlink.Link, error) {
	l, err := h.handle.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("find device %s: %w", name, err)
	}
	return l, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
