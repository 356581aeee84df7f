// SPDX-License-Identifier: Apache-2.0

package dryrun

import (
	"encoding/binary"
	"fmt"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

const (
	etherIP4, etherIP6, etherARP, ether8021Q = 0x0800, 0x86dd, 0x0806, 0x8100
	ip6Fragment, gre                         = 44, 47
	moreFragments                            = 1 << 13 // of IPv4's fragment field
	laterUnits                               = 185     // fragment offset in 8 bytes: behind a first one that filled an MTU of 1500
)

// Build makes the frame that a description means. Link addresses and what no rule can ask for are made up. A packet inside a tunnel
// is put into one that the policy speaks of.
func Build(p *acl.Policy, k acl.Packet) ([]byte, error) {
	if k.VNI == 0 {
		return build(k, nil)
	}
	vlan := k.VLAN
	k.VLAN = 0
	frame, err := build(k, nil)
	if err != nil || k.NotIP || k.Malformed {
		return frame, err
	}
	k.VLAN = vlan
	return wrap(p, k, frame[kern.ShadowMin:])
}

// build makes a frame around a payload of UDP or GRE; nil: around what is the least for the protocol.
func build(k acl.Packet, payload []byte) ([]byte, error) {
	frame := linkAddrs()
	if k.VLAN != 0 {
		frame = binary.BigEndian.AppendUint16(frame, ether8021Q)
		frame = binary.BigEndian.AppendUint16(frame, k.VLAN)
	}
	switch {
	case k.NotIP:
		return append(binary.BigEndian.AppendUint16(frame, etherARP), make([]byte, 28)...), nil
	case k.Malformed: // an IPv4 header that claims a header of four bytes
		return append(binary.BigEndian.AppendUint16(frame, etherIP4), append([]byte{0x41}, make([]byte, 19)...)...), nil
	case k.Src.Is4() != k.Dst.Is4() || !k.Src.IsValid():
		return nil, fmt.Errorf("build packet: %v and %v are no pair of addresses", k.Src, k.Dst)
	case k.Src.Is4():
		return append(binary.BigEndian.AppendUint16(frame, etherIP4), ip4(k, payload)...), nil
	case extension(k.Proto):
		return nil, fmt.Errorf("build packet: protocol %d is an extension header of IPv6: name the protocol behind it", k.Proto)
	}
	return append(binary.BigEndian.AppendUint16(frame, etherIP6), ip6(k, payload)...), nil
}

// linkAddrs begin an Ethernet header: destination and source, locally administered.
func linkAddrs() []byte { return []byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1} }

// extension reports whether the parser looks behind this header of IPv6 (RFC 7045 and IANA ipv6-parameters; ip.h has them).
func extension(proto uint8) bool {
	switch proto {
	case 0, 43, ip6Fragment, 51, 60, 135, 139, 140:
		return true
	}
	return false
}

func ip4(k acl.Packet, payload []byte) []byte {
	h := make([]byte, 20)
	body := l4(k, payload)
	h[0], h[8], h[9] = 0x45, 64, k.Proto
	binary.BigEndian.PutUint16(h[2:], uint16(len(h)+len(body)))
	switch k.Frag {
	case acl.First:
		binary.BigEndian.PutUint16(h[6:], moreFragments)
	case acl.Later:
		binary.BigEndian.PutUint16(h[6:], laterUnits)
	}
	src, dst := k.Src.As4(), k.Dst.As4()
	copy(h[12:], src[:])
	copy(h[16:], dst[:])
	return append(h, body...)
}

func ip6(k acl.Packet, payload []byte) []byte {
	body, next := l4(k, payload), k.Proto
	if k.Frag != acl.Whole {
		part := make([]byte, 8)
		part[0], next = k.Proto, ip6Fragment
		binary.BigEndian.PutUint16(part[2:], map[acl.Frag]uint16{acl.First: 1, acl.Later: laterUnits << 3}[k.Frag])
		body = append(part, body...)
	}
	h := make([]byte, 40)
	h[0], h[6], h[7] = 0x60, next, 64
	binary.BigEndian.PutUint16(h[4:], uint16(len(body)))
	src, dst := k.Src.As16(), k.Dst.As16()
	copy(h[8:], src[:])
	copy(h[24:], dst[:])
	return append(h, body...)
}

// l4 is the shortest whole packet of the protocol: a SYN, an empty datagram, eight bytes of what is not known.
func l4(k acl.Packet, payload []byte) []byte {
	if k.Proto == gre && payload != nil {
		return payload
	}
	if k.Frag == acl.Later {
		return make([]byte, 8)
	}
	b := make([]byte, 8)
	switch k.Proto {
	case acl.TCP:
		b = make([]byte, 20)
		b[12], b[13] = 5<<4, 1<<1
	case acl.UDP:
		b = append(b, payload...)
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
	case acl.SCTP:
		b = make([]byte, 12)
	case acl.ICMP, acl.ICMPv6:
		b[0], b[1] = k.Type, k.Code
		return b
	}
	if acl.HasPorts(k.Proto) {
		binary.BigEndian.PutUint16(b[0:], k.SPort)
		binary.BigEndian.PutUint16(b[2:], k.DPort)
	}
	return b
}

// packetOf is the way back: what the program's parser found in a frame of a flow, as the oracle wants it.
func packetOf(k snap.FlowKey, dir acl.Dir, dev string) acl.Packet {
	out := acl.Packet{Dir: dir, Dev: dev, Src: k.Src.Netip(), Dst: k.Dst.Netip(), Proto: k.Proto, VLAN: k.VLAN, VNI: k.VNI,
		Frag: map[snap.Frag]acl.Frag{snap.FragFirst: acl.First, snap.FragLater: acl.Later}[k.Frag]}
	switch {
	case acl.HasPorts(k.Proto):
		out.SPort, out.DPort = k.SPort, k.DPort
	case k.Proto == acl.ICMP || k.Proto == acl.ICMPv6:
		out.Type, out.Code = uint8(k.SPort>>8), uint8(k.SPort)
	}
	return out
}
