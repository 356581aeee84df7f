// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"encoding/binary"
	"net/netip"

	"hooktop/netcfg/acl"
)

// Numbers of what frames are built of (IEEE 802 and IANA).
const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherVLAN = 0x8100
	etherIPv6 = 0x86dd
	fragment6 = 44 // IPv6 fragment header
)

// frame builds an Ethernet frame that the parser takes for p. Frames inside tunnels can't be built: p.VNI is not looked at.
func frame(p acl.Packet) []byte {
	b := make([]byte, 12, 128) // addresses are of no concern to rules
	if p.VLAN != 0 {
		b = binary.BigEndian.AppendUint16(b, etherVLAN)
		b = binary.BigEndian.AppendUint16(b, p.VLAN)
	}
	if p.NotIP {
		b = binary.BigEndian.AppendUint16(b, etherARP)
		return append(b, make([]byte, 46)...)
	}
	src, dst := p.Src.Unmap(), p.Dst.Unmap()
	if !src.IsValid() {
		src = unspecified(dst)
	}
	if !dst.IsValid() {
		dst = unspecified(src)
	}
	body := transport(p)
	if src.Is4() && dst.Is4() {
		b = binary.BigEndian.AppendUint16(b, etherIPv4)
		return append(ip4(b, p, src, dst, len(body)), body...)
	}
	b = binary.BigEndian.AppendUint16(b, etherIPv6)
	return append(ip6(b, p, src, dst, len(body)), body...)
}

func unspecified(other netip.Addr) netip.Addr {
	if other.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// transport is the header that the rules see, with some bytes behind it.
func transport(p acl.Packet) []byte {
	b := make([]byte, 40)
	if p.Frag == acl.Later {
		return b
	}
	switch {
	case acl.HasPorts(p.Proto):
		binary.BigEndian.PutUint16(b, p.SPort)
		binary.BigEndian.PutUint16(b[2:], p.DPort)
	case p.Proto == acl.ICMP || p.Proto == acl.ICMPv6:
		b[0], b[1] = p.Type, p.Code
	}
	switch p.Proto {
	case acl.TCP:
		b[12], b[13] = 5<<4, 0x10 // header of 20 bytes, ACK
	case acl.UDP:
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
	}
	return b
}

func ip4(b []byte, p acl.Packet, src, dst netip.Addr, body int) []byte {
	h := make([]byte, 20)
	h[0], h[8], h[9] = 4<<4|5, 64, p.Proto
	binary.BigEndian.PutUint16(h[2:], uint16(len(h)+body))
	switch p.Frag {
	case acl.First:
		h[6] = 0x20 // more fragments
	case acl.Later:
		h[7] = 5 // 40 bytes in
	}
	s, d := src.As4(), dst.As4()
	copy(h[12:], s[:])
	copy(h[16:], d[:])
	sum := uint32(0)
	for i := 0; i < len(h); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum))
	return append(b, h...)
}

func ip6(b []byte, p acl.Packet, src, dst netip.Addr, body int) []byte {
	h := make([]byte, 40, 48)
	h[0], h[6], h[7] = 6<<4, p.Proto, 64
	s, d := src.As16(), dst.As16()
	copy(h[8:], s[:])
	copy(h[24:], d[:])
	if p.Frag != acl.Whole {
		h[6] = fragment6
		ext := make([]byte, 8)
		ext[0] = p.Proto
		if p.Frag == acl.First {
			ext[3] = 1 // more fragments
		} else {
			ext[3] = 40 // offset, in bytes: its low three bits are flags
		}
		h = append(h, ext...)
	}
	binary.BigEndian.PutUint16(h[4:], uint16(len(h)-40+body))
	return append(b, h...)
}
