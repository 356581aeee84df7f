// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
)

var families = [2]byte{unix.AF_INET, unix.AF_INET6}

func familyOf(six bool) int {
	if six {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// ChainRoutes lists the routes of one table of chains.
func (h *Host) ChainRoutes(table uint32, six bool) ([]chain.Route, error) {
	var list []chain.Route
	names := map[int]string{}
	body := make([]byte, unix.SizeofRtMsg)
	body[0] = byte(familyOf(six))
	body = append(body, attr(unix.RTA_TABLE, native.AppendUint32(nil, table))...)
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETROUTE, body, func() { list = nil }, func(kind uint16, p []byte) {
		if r, out, ok := decodeChainRoute(p); ok && kind == unix.RTM_NEWROUTE && r.Table == table {
			r.Dev = names[out]
			if out > 0 && r.Dev == "" {
				if l, err := h.handle.LinkByIndex(out); err == nil {
					r.Dev = l.Attrs().Name
					names[out] = r.Dev
				}
			}
			list = append(list, r)
		}
	})
	if isGone(err) { // no route was ever in it
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list routes of table %d: %w", table, err)
	}
	return list, nil
}

// decodeChainRoute reads the payload of RTM_NEWROUTE.
func decodeChainRoute(p []byte) (r chain.Route, out int, ok bool) {
	if len(p) < unix.SizeofRtMsg {
		return r, 0, false
	}
	r = chain.Route{Six: p[0] == unix.AF_INET6, Table: uint32(p[4]), Protocol: p[5], Guard: p[7] == unix.RTN_UNREACHABLE}
	metric := uint32(0)
	r.Other = p[1] != 0 || !r.Guard && p[7] != unix.RTN_UNICAST
	for t, v := range attrs(p[unix.SizeofRtMsg:]) {
		switch t {
		case unix.RTA_TABLE:
			r.Table = u32(v)
		case unix.RTA_OIF:
			out = int(u32(v))
		case unix.RTA_GATEWAY:
			r.Via, _ = netip.AddrFromSlice(v)
		case unix.RTA_PRIORITY:
			metric = u32(v)
		case unix.RTA_MULTIPATH, unix.RTA_VIA, rtaNhID:
			r.Other = true
		}
	}
	if r.Guard {
		out, r.Other = 0, r.Other || metric != chain.GuardMetric // IPv6 names the loopback
	}
	return r, out, true
}

func (h *Host) routeOf(r chain.Route) (*netlink.Route, error) {
	all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if r.Six {
		all = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	out := &netlink.Route{Family: familyOf(r.Six), Table: int(r.Table), Protocol: netlink.RouteProtocol(r.Protocol), Dst: ipNet(all)}
	if r.Guard {
		out.Type, out.Priority = unix.RTN_UNREACHABLE, chain.GuardMetric
		return out, nil
	}
	out.Gw = r.Via.AsSlice()
	l, err := h.link(r.Dev)
	if err != nil {
		return nil, err
	}
	out.LinkIndex = l.Attrs().Index
	return out, nil
}

// AddChainRoute adds a route to a table of chains. One that is there is no error; another one in its place is.
func (h *Host) AddChainRoute(r chain.Route) error {
	route, err := h.routeOf(r)
	if err == nil {
		err = h.handle.RouteAdd(route)
	}
	if errors.Is(err, unix.EEXIST) {
		if list, listErr := h.ChainRoutes(r.Table, r.Six); listErr == nil && slices.Contains(list, r) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("add route %s: %w", r, err)
	}
	return nil
}

// ReplaceChainRoute puts a route in the place of the one that is there: a packet finds the old one or the new one.
func (h *Host) ReplaceChainRoute(r chain.Route) error {
	route, err := h.routeOf(r)
	if err == nil {
		err = h.handle.RouteReplace(route)
	}
	if err != nil {
		return fmt.Errorf("replace route %s: %w", r, err)
	}
	return nil
}

// RemoveChainRoute deletes a route from a table of chains. One that is gone, with its device perhaps, is no error.
func (h *Host) RemoveChainRoute(r chain.Route) error {
	route, err := h.routeOf(r)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = h.handle.RouteDel(route)
	}
	if err != nil && !isGone(err) && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("remove route %s: %w", r, err)
	}
	return nil
}

// RemoveSteering deletes our rules and routes with one number of chains, whatever else about them was changed meanwhile, until
// none is left. It says what went.
func (h *Host) RemoveSteering(n int) (removed []string, err error) {
	rules, err := h.Rules()
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if !r.Own() || r.Table != chain.FirstTable+uint32(n) {
			continue
		}
		if err := h.RemoveRule(r); err != nil {
			return removed, err
		}
		removed = append(removed, "ip rule "+r.String())
	}
	for _, six := range []bool{false, true} {
		routes, err := h.ChainRoutes(chain.FirstTable+uint32(n), six)
		if err != nil {
			return removed, err
		}
		for _, r := range routes {
			if !r.Own() {
				continue
			}
			if err := h.RemoveChainRoute(r); err != nil {
				return removed, err
			}
			removed = append(removed, "route "+r.String())
		}
	}
	return removed, nil
}

// SteeringLeft lists the numbers of chains that have a rule or route of ours.
func (h *Host) SteeringLeft() ([]int, error) {
	rules, err := h.Rules()
	if err != nil {
		return nil, err
	}
	var out []int
	for n := range chain.Tables {
		table := chain.FirstTable + uint32(n)
		found := slices.ContainsFunc(rules, func(r chain.Rule) bool { return r.Own() && r.Table == table })
		for _, six := range []bool{false, true} {
			routes, err := h.ChainRoutes(table, six)
			if err != nil {
				return nil, err
			}
			found = found || slices.ContainsFunc(routes, chain.Route.Own)
		}
		if found {
			out = append(out, n)
		}
	}
	return out, nil
}
