// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// Tunnel is what the programs made of the tunnel that a packet is in.
type Tunnel struct {
	Kind   acl.TunnelKind
	VNI    uint32
	HasVNI bool
	Line   int    // index of the policy's line that speaks of it, -1: none
	Why    string // why it is not unwrapped, "" when it is, or only counts
	Strips bool
}

func tunnelOf(t *kern.FoundTunnel) *Tunnel {
	if t == nil {
		return nil
	}
	return &Tunnel{Kind: t.Kind, VNI: t.VNI, HasVNI: t.HasVNI, Line: t.Line, Why: t.Why, Strips: t.Strips}
}

// tunnelKey names a row of a capture's tunnels.
type tunnelKey struct {
	kind acl.TunnelKind
	vni  uint32
	has  bool
	peer snap.Addr
}

// tunnel counts a frame in its tunnel, and what is inside as a flow when it stays there. outer: the frame's own key.
func (r *run) tunnel(outer, found *kern.Found, bytes int) {
	t := found.Tunnel
	if t == nil || !outer.Flow {
		return
	}
	k := outer.Key.Decode()
	key := tunnelKey{t.Kind, t.VNI, t.HasVNI, k.Src}
	row := r.tunnels[key]
	if row == nil {
		row = &snap.Tunnel{Kind: t.Kind.String(), VNI: t.VNI, HasVNI: t.HasVNI, Peer: k.Src.Netip()}
		r.tunnels[key] = row
	}
	row.Packets++
	row.Bytes += uint64(bytes)
	row.Local, row.Line = k.Dst.Netip(), 0
	if k.Proto == acl.UDP {
		row.Port = k.DPort
	}
	if t.Line >= 0 {
		row.Line = r.judge.scene.Policy.Tunnels[t.Line].Line
	}
	switch {
	case t.Strips:
		row.Stripped++
		return
	case t.Why != "":
		if i := slices.IndexFunc(row.Errors, func(c snap.Count) bool { return c.Name == t.Why }); i >= 0 {
			row.Errors[i].N++
		} else {
			row.Errors = append(row.Errors, snap.Count{Name: t.Why, N: 1})
		}
	}
	if t.Inner != nil {
		r.count(kern.Found{Flow: true, Key: *t.Inner, Bytes: t.Bytes}, &Verdict{Verdict: "pass"})
	}
}

// tunnelRows gives the rows: most packets first, then by name, so that a capture always gives the same output.
func (r *run) tunnelRows() []snap.Tunnel {
	var out []snap.Tunnel
	for _, row := range r.tunnels {
		out = append(out, *row)
	}
	slices.SortFunc(out, func(a, b snap.Tunnel) int {
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.VNI, b.VNI), a.Peer.Compare(b.Peer))
	})
	return out
}

// wrap puts a packet that is described as inside a tunnel into the tunnel of the policy's line that comes nearest to it: what it
// describes can't be anywhere else, and where no line unwraps it the programs say why not.
func wrap(p *acl.Policy, k acl.Packet, packet []byte) ([]byte, error) {
	var line *acl.Tunnel
	best := 0
	for i := range p.Tunnels {
		if n := near(&p.Tunnels[i], k); n > best {
			best, line = n, &p.Tunnels[i]
		}
	}
	if line == nil {
		return nil, fmt.Errorf("build packet: vni %d: no tunnel line of the policy speaks of such tunnels: add one, or leave vni out", k.VNI)
	}
	outer := acl.Packet{Src: line.Outside(), Dst: line.To, SPort: 49152, DPort: line.Port, Proto: acl.UDP, VLAN: k.VLAN}
	if !outer.Dst.IsValid() { // any: addresses for documentation (RFC 5737, RFC 3849) where the line names none
		outer.Src, outer.Dst = netip.Addr{}, netip.MustParseAddr("192.0.2.1")
		if len(line.Peers) > 0 && line.Peers[0].Addr().Is6() {
			outer.Dst = netip.MustParseAddr("2001:db8::1")
		}
	}
	if !outer.Src.IsValid() {
		outer.Src = outer.Dst.Next()
		if len(line.Peers) > 0 {
			outer.Src = acl.FirstHost(line.Peers[0])
		}
	}
	if line.Kind == acl.GRE {
		outer.Proto = gre
	}
	return build(outer, header(line.Kind, k.VNI, packet))
}

// near says how much of a line a packet agrees with, 0: it can't be in such a tunnel.
func near(t *acl.Tunnel, k acl.Packet) int {
	n := 1
	switch {
	case t.Off, t.Kind != acl.VXLAN && t.Kind != acl.Geneve && t.Kind != acl.GRE:
		return 0
	case t.AnyVNI || t.VNI == k.VNI:
		n += 4
	}
	if t.Strip {
		n++
	}
	if slices.ContainsFunc(t.Inner, func(o netip.Prefix) bool { return o.Contains(k.Src) }) {
		n += 2
	}
	return n
}

// header puts the tunnel's header in front of an IP packet.
func header(kind acl.TunnelKind, vni uint32, packet []byte) []byte {
	etherType := uint16(etherIP4)
	if packet[0]>>4 == 6 {
		etherType = etherIP6
	}
	switch kind {
	case acl.Geneve:
		h := binary.BigEndian.AppendUint16([]byte{0, 0}, etherType)
		return append(binary.BigEndian.AppendUint32(h, vni<<8), packet...)
	case acl.GRE:
		h := binary.BigEndian.AppendUint16([]byte{0x20, 0}, etherType)
		return append(binary.BigEndian.AppendUint32(h, vni), packet...)
	}
	h := append(binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, vni<<8), linkAddrs()...)
	return append(binary.BigEndian.AppendUint16(h, etherType), packet...)
}
