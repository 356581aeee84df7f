// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"bytes"
	"net"
	"net/netip"

	"hooktop/probes/snap"
)

// pair is a connection without a direction: on the loopback, on a bond's slaves and in a bridge both of its ends pass by.
type pair struct {
	a, b   snap.Addr
	ap, bp uint16
	proto  uint8
}

func pairOf(a, b snap.Addr, ap, bp uint16, proto uint8) pair {
	if c := bytes.Compare(a[:], b[:]); c > 0 || c == 0 && ap > bp {
		a, b, ap, bp = b, a, bp, ap
	}
	return pair{a, b, ap, bp, proto}
}

// port is a local port to which any peer may talk.
type port struct {
	addr  snap.Addr // zero: any of this host's
	port  uint16
	proto uint8
}

const (
	protoTCP = 6
	protoUDP = 17
)

// publish builds the look-up tables.
func publish(w *WayIn, addrs []Addr) *found {
	f := &found{way: w, flows: map[pair]snap.WayIn{}, ports: map[port]snap.WayIn{}, vteps: map[uint16]snap.WayIn{}, own: map[snap.Addr]struct{}{}}
	for _, a := range addrs {
		f.own[snap.AddrFrom(a.Prefix.Addr().WithZone(""))] = struct{}{}
	}
	add := func(s Session, as snap.WayIn) {
		local := snap.AddrFrom(s.Local.Addr())
		if s.Peer.IsValid() {
			f.flows[pairOf(local, snap.AddrFrom(s.Peer.Addr()), s.Local.Port(), s.Peer.Port(), s.Proto)] = as
			return
		}
		if s.Local.Addr().IsUnspecified() {
			local = snap.Addr{}
		}
		f.ports[port{local, s.Local.Port(), s.Proto}] = as
	}
	for _, s := range w.Established {
		add(s, snap.AccessFlow)
	}
	for _, s := range w.Own {
		add(s, snap.OwnSession)
	}
	for _, c := range w.Carriers {
		as := snap.AccessFlow
		if c.Own {
			as = snap.OwnSession
		}
		if c.VTEP {
			f.vteps[c.Port] = as
		} else {
			f.ports[port{snap.Addr{}, c.Port, c.Proto}] = as
		}
	}
	return f
}

// WayIn classifies a flow. The session is recognised below a tunnel too: as the inner flow and, where the tunnel could be
// followed, as the outer one.
func (f *Finder) WayIn(k *snap.FlowKey) snap.WayIn {
	w := f.found.Load()
	if k.Frag == snap.FragLater {
		return snap.NoWayIn
	}
	if as, ok := w.flows[pairOf(k.Src, k.Dst, k.SPort, k.DPort, k.Proto)]; ok {
		return as
	}
	if len(w.ports) == 0 && len(w.vteps) == 0 || k.VNI != 0 {
		return snap.NoWayIn
	}
	addr, local := k.Dst, k.DPort
	if k.Egress {
		addr, local = k.Src, k.SPort
	}
	if as, ok := w.ports[port{addr, local, k.Proto}]; ok {
		return as
	}
	if _, ok := w.own[addr]; !ok {
		return snap.NoWayIn // passes through to another host
	}
	if as, ok := w.ports[port{snap.Addr{}, local, k.Proto}]; ok {
		return as
	}
	if k.Proto == protoUDP {
		return w.vteps[k.DPort]
	}
	return snap.NoWayIn
}

// interfaceAddrs lists the addresses of this network namespace.
func interfaceAddrs() ([]Addr, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []Addr
	for _, i := range ifs {
		addrs, err := i.Addrs()
		if err != nil {
			continue // it vanished meanwhile
		}
		for _, a := range addrs {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				ones, _ := n.Mask.Size()
				out = append(out, Addr{Prefix: netip.PrefixFrom(ip.Unmap(), ones), Index: i.Index})
			}
		}
	}
	return out, nil
}
