// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"net/netip"
)

// Frames of tests, from the inside out. Checksums are right where the kernel looks.

// Ether puts an Ethernet header, and tags (TCIs, outermost first), in front of a packet.
func Ether(dst, src [6]byte, tags []uint16, packet []byte) []byte {
	b := append(append([]byte{}, dst[:]...), src[:]...)
	for _, tci := range tags {
		b = binary.BigEndian.AppendUint16(b, 0x8100)
		b = binary.BigEndian.AppendUint16(b, tci)
	}
	kind := uint16(0x0806)
	switch {
	case len(packet) == 0:
	case packet[0]>>4 == 4:
		kind = 0x0800
	case packet[0]>>4 == 6:
		kind = 0x86dd
	}
	return append(binary.BigEndian.AppendUint16(b, kind), packet...)
}

// IP puts an IP header in front of a payload.
func IP(src, dst string, proto uint8, payload []byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	if s.Is6() {
		b := make([]byte, 40, 40+len(payload))
		b[0], b[6], b[7] = 0x60, proto, 64
		binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
		copy(b[8:], s.AsSlice())
		copy(b[24:], d.AsSlice())
		return append(b, payload...)
	}
	b := make([]byte, 20, 20+len(payload))
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	copy(b[12:], s.AsSlice())
	copy(b[16:], d.AsSlice())
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum>>16+sum&0xffff))
	return append(b, payload...)
}

// UDP puts a UDP header without checksum in front of a payload.
func UDP(sport, dport uint16, payload []byte) []byte {
	b := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(b[0:], sport)
	binary.BigEndian.PutUint16(b[2:], dport)
	binary.BigEndian.PutUint16(b[4:], uint16(8+len(payload)))
	return append(b, payload...)
}

// VXLANHeader puts a VXLAN header in front of a frame.
func VXLANHeader(vni uint32, frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, vni<<8), frame...)
}

// GeneveHeader puts a Geneve header with options (whole, a multiple of four bytes) in front of a frame or packet.
func GeneveHeader(vni uint32, etherType uint16, options, inside []byte) []byte {
	b := []byte{byte(len(options) / 4), 0, byte(etherType >> 8), byte(etherType)}
	b = binary.BigEndian.AppendUint32(b, vni<<8)
	return append(append(b, options...), inside...)
}

// GREHeader puts a GRE header in front of a frame or packet; key and seq nil: without.
func GREHeader(etherType uint16, key, seq *uint32, inside []byte) []byte {
	flags := uint16(0)
	var more []byte
	if key != nil {
		flags, more = flags|0x2000, binary.BigEndian.AppendUint32(more, *key)
	}
	if seq != nil {
		flags, more = flags|0x1000, binary.BigEndian.AppendUint32(more, *seq)
	}
	b := binary.BigEndian.AppendUint16(nil, flags)
	return append(append(binary.BigEndian.AppendUint16(b, etherType), more...), inside...)
}

// GUEHeader puts a GUE header of version 0 in front of an IP packet.
func GUEHeader(proto uint8, packet []byte) []byte { return append([]byte{0, proto, 0, 0}, packet...) }

// GTPUHeader puts a GTP-U header, with its optional part and extension headers when there are any, in front of an IP packet.
func GTPUHeader(teid uint32, extensions, packet []byte) []byte {
	b := []byte{0x30, 255, 0, 0}
	b = binary.BigEndian.AppendUint32(b, teid)
	if extensions != nil {
		b[0] |= 4
		b = append(append(b, 0, 0, 0, 0x85), extensions...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-8+len(packet)))
	return append(b, packet...)
}
