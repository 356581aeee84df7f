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

// wrap puts a packet that is described as inside a tunnel into one that the policy unwraps: what it describes can't be anywhere
// else.
func wrap(p *acl.Policy, k acl.Packet, packet []byte) ([]byte, error) {
	for i := range p.Tunnels {
		t := &p.Tunnels[i]
		if t.Off || !t.Strip || t.AnyVNI || t.VNI != k.VNI || !slices.ContainsFunc(t.Inner, func(o netip.Prefix) bool { return o.Contains(k.Src) }) {
			continue
		}
		outer := acl.Packet{Src: t.Outside(), Dst: t.To, SPort: 49152, DPort: t.Port, Proto: acl.UDP, VLAN: k.VLAN}
		if t.Kind == acl.GRE {
			outer.Proto = gre
		}
		return build(outer, header(t, packet))
	}
	return nil, fmt.Errorf("build packet: vni %d from %v: no tunnel line of the policy unwraps such a packet: add one, or leave vni out", k.VNI, k.Src)
}

// header puts the tunnel's header in front of an IP packet.
func header(t *acl.Tunnel, packet []byte) []byte {
	etherType := uint16(etherIP4)
	if packet[0]>>4 == 6 {
		etherType = etherIP6
	}
	switch t.Kind {
	case acl.Geneve:
		h := binary.BigEndian.AppendUint16([]byte{0, 0}, etherType)
		return append(binary.BigEndian.AppendUint32(h, t.VNI<<8), packet...)
	case acl.GRE:
		h := binary.BigEndian.AppendUint16([]byte{0x20, 0}, etherType)
		return append(binary.BigEndian.AppendUint32(h, t.VNI), packet...)
	}
	h := append(binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, t.VNI<<8), linkAddrs()...)
	return append(binary.BigEndian.AppendUint16(h, etherType), packet...)
}
