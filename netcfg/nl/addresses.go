// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Addresses lists the host's own addresses, of all devices and both families.
func (h *Host) Addresses() ([]netip.Addr, error) {
	var out []netip.Addr
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		body := make([]byte, unix.SizeofIfAddrmsg)
		body[0] = family
		known := len(out)
		err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETADDR, body, func() { out = out[:known] }, func(kind uint16, p []byte) {
			if a, ok := decodeAddress(p); ok && kind == unix.RTM_NEWADDR {
				out = append(out, a)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("list addresses: %w", err)
		}
	}
	return out, nil
}

// Addressed says when the newest address of a device was made, by family, in hundredths of a second since boot; 0: it has none.
type Addressed struct{ V4, V6 uint32 }

// Addressed tells it of every device that has an address, by ifindex: a device whose last address goes loses its routes, and does not
// have them again with the next one (net/ipv4/fib_frontend.c, fib_disable_ip).
func (h *Host) Addressed() (map[int]Addressed, error) {
	out := map[int]Addressed{}
	body := make([]byte, unix.SizeofIfAddrmsg) // AF_UNSPEC: both families
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETADDR, body, func() { clear(out) }, func(kind uint16, p []byte) {
		index, made := addressMade(p)
		if kind != unix.RTM_NEWADDR || made == 0 {
			return
		}
		a := out[index]
		if p[0] == unix.AF_INET {
			a.V4 = max(a.V4, made)
		} else {
			a.V6 = max(a.V6, made)
		}
		out[index] = a
	})
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	return out, nil
}

// addressMade reads the time from struct ifa_cacheinfo (include/uapi/linux/if_addr.h) in the payload of RTM_NEWADDR, 0 for none.
func addressMade(p []byte) (index int, made uint32) {
	if len(p) < unix.SizeofIfAddrmsg {
		return 0, 0
	}
	const cstamp = 8 // after ifa_prefered and ifa_valid
	for t, v := range attrs(p[unix.SizeofIfAddrmsg:]) {
		if t == unix.IFA_CACHEINFO && len(v) >= cstamp+4 {
			made = max(1, native.Uint32(v[cstamp:]))
		}
	}
	return int(native.Uint32(p[4:])), made
}

// decodeAddress reads the payload of RTM_NEWADDR. On a point-to-point device IFA_ADDRESS is the other end's.
func decodeAddress(p []byte) (netip.Addr, bool) {
	if len(p) < unix.SizeofIfAddrmsg {
		return netip.Addr{}, false
	}
	var local, addr []byte
	for t, v := range attrs(p[unix.SizeofIfAddrmsg:]) {
		switch t {
		case unix.IFA_LOCAL:
			local = v
		case unix.IFA_ADDRESS:
			addr = v
		}
	}
	if local == nil {
		local = addr
	}
	a, ok := netip.AddrFromSlice(local)
	return a, ok
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
