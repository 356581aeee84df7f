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
