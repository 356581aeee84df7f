// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"fmt"
	"net/netip"
	"slices"

	"hooktop/netcfg/acl"
)

// maxGuarded bounds the lines of rule 0: every packet is held against them.
const maxGuarded = 64

// Guarded lists the ways in as the policy's guard takes them, own sessions first: connections that stand, mosh's port for
// each peer seen, and the tunnels that carry sessions. The order is the same while the ways are.
func (w *WayIn) Guarded() []acl.WayIn {
	var out []acl.WayIn
	add := func(way acl.WayIn) {
		same := func(o acl.WayIn) bool {
			o.Own = way.Own
			return o == way
		}
		if len(out) < maxGuarded && !slices.ContainsFunc(out, same) {
			out = append(out, way)
		}
	}
	sessions := func(list []Session, own bool) {
		for _, s := range list {
			way := acl.WayIn{Proto: s.Proto, Local: s.Local.Addr().Unmap().WithZone(""), Port: s.Local.Port(), Own: own}
			if s.Peer.IsValid() {
				way.Peer, way.PeerPort = s.Peer.Addr().Unmap().WithZone(""), s.Peer.Port()
				way.Name = fmt.Sprintf("%s %s", s.Agent, netip.AddrPortFrom(way.Peer, way.PeerPort))
				add(way)
				continue
			}
			if way.Local.IsUnspecified() {
				way.Local = netip.Addr{}
			}
			for _, peer := range w.Peers {
				way.Peer = peer.Unmap().WithZone("")
				way.Name = fmt.Sprintf("%s %s", s.Agent, way.Peer)
				add(way)
			}
		}
	}
	sessions(w.Own, true)
	sessions(w.Established, false)
	for _, c := range w.Carriers {
		add(acl.WayIn{Proto: c.Proto, Peer: c.Peer.Unmap(), Port: c.Port, Own: c.Own, Both: c.VTEP, Name: "tunnel " + c.Device})
	}
	return out
}
