// SPDX-License-Identifier: Apache-2.0

package acl

import "net/netip"

// lintTunnels says what is suspicious about tunnel lines, and what a strip changes that nobody sees in the line.
func lintTunnels(p *Policy, add func(Kind, int, int, string, ...any)) {
	for i := range p.Tunnels {
		t := &p.Tunnels[i]
		if t.Off {
			continue
		}
		for j := range i {
			o := &p.Tunnels[j]
			switch {
			case o.Off:
			case o.Match() == t.Match():
				add(Duplicate, t.Line, o.Line, "the same as line %d", o.Line)
			case o.covers(t):
				add(Shadowed, t.Line, o.Line, "never reached: line %d takes all of its packets (%s)", o.Line, o.Match())
			default:
				continue
			}
			break
		}
		if !t.Strip {
			continue
		}
		add(Note, t.Line, 0, "strip: answers to what comes out are sent without a tunnel, netfilter rules for the tunnel's device see nothing of it, and of what this host forwards, packets joined by TSO or GRO stay in the tunnel")
		if dev := t.ServedBy(p.Served); dev != "" && t.Force {
			add(Note, t.Line, 0, "strip force: the kernel's device %s gets none of these packets any more", dev)
		}
	}
}

// covers reports whether an earlier line takes all packets that a later one would.
func (t *Tunnel) covers(later *Tunnel) bool {
	within := func(list []netip.Prefix, p netip.Prefix) bool {
		for _, o := range list {
			if o.Contains(p.Addr()) && o.Bits() <= p.Bits() {
				return true
			}
		}
		return false
	}
	switch {
	case t.Kind != later.Kind, t.Port != later.Port:
		return false
	case !t.AnyVNI && (later.AnyVNI || t.VNI != later.VNI):
		return false
	case t.To.IsValid() && t.To != later.To:
		return false
	case len(t.Peers) == 0:
		return true
	}
	for _, p := range later.Peers {
		if !within(t.Peers, p) {
			return false
		}
	}
	return len(later.Peers) > 0
}
