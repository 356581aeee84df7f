// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// address is one of the host's own.
type address struct {
	index int // of its device
	net   netip.Prefix
	made  uint32 // hundredths of a second since boot
}

// addresses lists the host's own, of all devices and both families.
func (h *Host) addresses() ([]address, error) {
	var out []address
	body := make([]byte, unix.SizeofIfAddrmsg) // AF_UNSPEC: both families
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETADDR, body, func() { out = out[:0] }, func(kind uint16, p []byte) {
		if a, ok := decodeAddress(p); ok && kind == unix.RTM_NEWADDR {
			out = append(out, a)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	return out, nil
}

// decodeAddress reads the payload of RTM_NEWADDR. On a point-to-point device IFA_ADDRESS is the other end's.
func decodeAddress(p []byte) (a address, ok bool) {
	if len(p) < unix.SizeofIfAddrmsg {
		return a, false
	}
	const cstamp = 8 // in struct ifa_cacheinfo (include/uapi/linux/if_addr.h), after ifa_prefered and ifa_valid
	var local, addr []byte
	for t, v := range attrs(p[unix.SizeofIfAddrmsg:]) {
		switch t {
		case unix.IFA_LOCAL:
			local = v
		case unix.IFA_ADDRESS:
			addr = v
		case unix.IFA_CACHEINFO:
			if len(v) >= cstamp+4 {
				a.made = native.Uint32(v[cstamp:])
			}
		}
	}
	if local == nil {
		local = addr
	}
	ip, ok := netip.AddrFromSlice(local)
	a.index, a.net = int(int32(native.Uint32(p[4:]))), netip.PrefixFrom(ip, int(p[1]))
	return a, ok
}

// Addresses lists the host's own addresses, of all devices and both families.
func (h *Host) Addresses() ([]netip.Addr, error) {
	all, err := h.addresses()
	var out []netip.Addr
	for _, a := range all {
		out = append(out, a.net.Addr())
	}
	return out, err
}

// Networks gives the addresses of a device with the lengths of their prefixes; none when it is gone.
func (h *Host) Networks(dev string) []netip.Prefix {
	l, err := h.link(dev)
	if err != nil {
		return nil
	}
	all, err := h.addresses()
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range all {
		if a.index == l.Attrs().Index {
			out = append(out, a.net)
		}
	}
	return out
}

// Addressed says when the newest address of a device was made, by family, in hundredths of a second since boot; 0: it has none.
type Addressed struct{ V4, V6 uint32 }

// Addressed tells it of every device that has an address, by ifindex: a device whose last address goes loses its routes, and does not
// have them again with the next one (net/ipv4/fib_frontend.c, fib_disable_ip).
func (h *Host) Addressed() (map[int]Addressed, error) {
	all, err := h.addresses()
	if err != nil {
		return nil, err
	}
	out := map[int]Addressed{}
	for _, a := range all {
		on := out[a.index]
		newest := &on.V4
		if a.net.Addr().Is6() {
			newest = &on.V6
		}
		*newest = max(*newest, a.made, 1)
		out[a.index] = on
	}
	return out, nil
}

// Attributes inside IFLA_INFO_DATA that name a tunnel's UDP port, in network order (include/uapi/linux/if_link.h).
const (
	iflaVXLANPort  = 15
	iflaGenevePort = 5
)

// tunnelPort is the UDP port that a device takes packets of tunnels from, 0 for devices that take none from a port.
func tunnelPort(kind string, info []byte) uint16 {
	want, known := map[string]uint16{"vxlan": iflaVXLANPort, "geneve": iflaGenevePort}[kind]
	for t, v := range attrs(info) {
		if known && t == want && len(v) >= 2 {
			return uint16(v[0])<<8 | uint16(v[1])
		}
	}
	return 0
}
