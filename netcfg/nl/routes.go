// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"
)

// Attributes of next hop objects and the route attribute that names one (linux/nexthop.h, linux/rtnetlink.h).
const (
	rtaNhID    = 30
	nhaID      = 1
	nhaGroup   = 2
	nhaOIF     = 5
	nhmsgLen   = 8
	nhGroupLen = 8 // struct nexthop_grp
)

// RouteDevices lists the ifindexes under unicast routes of all tables but the local one, both families, each once and in
// order, with those of multipath routes and next hop objects; defaults are those of default routes. A full table takes
// seconds: everything is read in one dump a family, and nothing is kept but devices.
func (h *Host) RouteDevices() (all, defaults []int, err error) {
	hops, err := h.nexthops()
	if err != nil {
		return nil, nil, err
	}
	found := map[int]bool{} // by ifindex: whether a default route leads there
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		body := make([]byte, unix.SizeofRtMsg)
		body[0] = family
		here := map[int]bool{}
		err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETROUTE, body, func() { clear(here) }, func(kind uint16, p []byte) {
			r, ok := decodeRoute(p)
			if !ok || kind != unix.RTM_NEWROUTE {
				return
			}
			for _, i := range append(r.devices, hops.devices(r.nexthop)...) {
				here[i] = here[i] || r.prefix == 0
			}
		})
		if err != nil {
			return nil, nil, fmt.Errorf("list routes: %w", err)
		}
		for i, def := range here {
			found[i] = found[i] || def
		}
	}
	for i, def := range found {
		if i <= 0 {
			continue
		}
		all = append(all, i)
		if def {
			defaults = append(defaults, i)
		}
	}
	slices.Sort(all)
	slices.Sort(defaults)
	return all, defaults, nil
}

// route is what interests of a route: where it leads.
type route struct {
	prefix  int // length of the destination prefix
	devices []int
	nexthop uint32 // id of a next hop object, 0: none
}

// decodeRoute reads the payload of RTM_NEWROUTE; false for anything but a unicast route outside the local table.
func decodeRoute(p []byte) (route, bool) {
	if len(p) < unix.SizeofRtMsg {
		return route{}, false
	}
	r := route{prefix: int(p[1])}
	table := uint32(p[4])
	loopback := false
	unicast, cached := p[7] == unix.RTN_UNICAST, native.Uint32(p[8:])&unix.RTM_F_CLONED != 0
	for t, v := range attrs(p[unix.SizeofRtMsg:]) {
		switch t {
		case unix.RTA_TABLE:
			table = u32(v)
		case unix.RTA_DST:
			// The kernel keeps ::1 in the main table.
			a, ok := netip.AddrFromSlice(v)
			loopback = ok && a.IsLoopback()
		case unix.RTA_OIF:
			r.devices = append(r.devices, int(u32(v)))
		case unix.RTA_MULTIPATH:
			r.devices = append(r.devices, decodeMultipath(v)...)
		case rtaNhID:
			r.nexthop = u32(v)
		}
	}
	return r, unicast && !cached && !loopback && table != unix.RT_TABLE_LOCAL
}

// decodeMultipath reads RTA_MULTIPATH: struct rtnexthop {u16 len, u8 flags, u8 hops, int ifindex} and attributes, repeated.
func decodeMultipath(b []byte) []int {
	var devices []int
	for len(b) >= unix.SizeofRtNexthop {
		n := int(native.Uint16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			break
		}
		devices = append(devices, int(int32(native.Uint32(b[4:]))))
		b = b[min(align(n), len(b)):]
	}
	return devices
}

// nexthops are the next hop objects by id: a device, or a group of other ids.
type nexthops map[uint32]nexthop

type nexthop struct {
	device int
	group  []uint32
}

// devices follows groups one level: the kernel refuses groups of groups, except resilient ones of plain hops.
func (n nexthops) devices(id uint32) []int {
	hop, ok := n[id]
	if !ok {
		return nil
	}
	found := []int{hop.device}
	for _, member := range hop.group {
		found = append(found, n[member].device)
	}
	return found
}

// nexthops lists the objects; a kernel without them (before 5.3) has none.
func (h *Host) nexthops() (nexthops, error) {
	var all nexthops
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETNEXTHOP, make([]byte, nhmsgLen), func() { all = nexthops{} }, func(kind uint16, p []byte) {
		if id, hop, ok := decodeNexthop(p); ok && kind == unix.RTM_NEWNEXTHOP {
			all[id] = hop
		}
	})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list next hops: %w", err)
	}
	return all, nil
}

func decodeNexthop(p []byte) (id uint32, hop nexthop, ok bool) {
	if len(p) < nhmsgLen {
		return 0, nexthop{}, false
	}
	for t, v := range attrs(p[nhmsgLen:]) {
		switch t {
		case nhaID:
			id = u32(v)
		case nhaOIF:
			hop.device = int(u32(v))
		case nhaGroup:
			for ; len(v) >= nhGroupLen; v = v[nhGroupLen:] {
				hop.group = append(hop.group, native.Uint32(v))
			}
		}
	}
	return id, hop, id != 0
}
