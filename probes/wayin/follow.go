// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"net/netip"
	"slices"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// UDP ports on which the kernel's own tunnel devices listen (RFC 7348, Linux's older default, RFC 8926).
const (
	portVXLAN    = 4789
	portVXLANOld = 8472
	portGeneve   = 6081
)

// follow finds what carries the sessions whose address here is a tunnel device's. On VLAN, bond and bridge devices the
// same addresses and ports are seen on the device below, so there is nothing to find.
func (l *look) follow(addrs []Addr, links []snap.Link, unheld func(uint64) bool) {
	for _, s := range l.all {
		link, ok := deviceOf(s.Local.Addr(), addrs, links)
		if !ok || !s.incoming {
			continue
		}
		name := format.Clean(link.Name)
		switch link.Kind {
		case "wireguard":
			ports := l.kernelPorts(unheld, func(p uint16) bool { return p != portVXLAN && p != portVXLANOld && p != portGeneve })
			switch len(ports) {
			case 0:
				l.note("a session comes through %s, whose UDP port was not found", name)
			case 1:
				l.carry(Carrier{Proto: protoUDP, Port: ports[0], Device: name, Own: s.own})
			default:
				l.note("a session comes through %s, and the kernel has %d UDP ports that may carry it: none is marked as own", name, len(ports))
				for _, p := range ports {
					l.carry(Carrier{Proto: protoUDP, Port: p, Device: name})
				}
			}
		case "vxlan", "geneve":
			for _, p := range l.kernelPorts(unheld, func(p uint16) bool {
				return p == portGeneve == (link.Kind == "geneve") && (p == portVXLAN || p == portVXLANOld || p == portGeneve)
			}) {
				l.carry(Carrier{Proto: protoUDP, Port: p, Device: name, VTEP: true, Own: s.own})
			}
		case "tun", "gre", "gretap", "ip6gre", "ipip", "sit", "ip6tnl", "vti", "xfrm", "ppp":
			l.note("a session comes through %s (%s), and what carries that is not followed", name, link.Kind)
		}
	}
}

func (l *look) carry(c Carrier) {
	for i := range l.way.Carriers {
		if have := &l.way.Carriers[i]; have.Port == c.Port && have.Proto == c.Proto {
			have.Own = have.Own || c.Own
			return
		}
	}
	l.way.Carriers = append(l.way.Carriers, c)
}

// kernelPorts lists the ports of unconnected UDP sockets that no process holds: a tunnel device's.
func (l *look) kernelPorts(unheld func(uint64) bool, want func(uint16) bool) []uint16 {
	var ports []uint16
	if unheld == nil {
		return nil
	}
	for i := range l.sockets {
		k := &l.sockets[i]
		if k.Proto == protoUDP && k.PPort == 0 && k.LPort != 0 && want(k.LPort) && unheld(k.Inode) {
			ports = append(ports, k.LPort)
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// deviceOf finds the device that has an address.
func deviceOf(a netip.Addr, addrs []Addr, links []snap.Link) (snap.Link, bool) {
	for _, own := range addrs {
		if own.Prefix.Addr().Unmap().WithZone("") != a {
			continue
		}
		for _, link := range links {
			if link.Index == own.Index {
				return link, true
			}
		}
	}
	return snap.Link{}, false
}
