// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Header lengths without options.
const (
	ethernetLen = 14
	tagLen      = 4
	ip4Len      = 20
	ip6Len      = 40
	ip6FragLen  = 8
	udpLen      = 8
	tcpLen      = 20
	ttl         = 64
)

var be = binary.BigEndian

// tag is a VLAN tag: EtherType and VID.
type tag struct{ kind, vid uint16 }

// ethernet puts a header in front of an IP packet.
func ethernet(dst, src [6]byte, tags []tag, ip []byte) []byte {
	b := make([]byte, 0, ethernetLen+len(tags)*tagLen+len(ip))
	b = append(append(b, dst[:]...), src[:]...)
	for _, t := range tags {
		b = be.AppendUint16(be.AppendUint16(b, t.kind), t.vid)
	}
	kind := uint16(unix.ETH_P_IPV6)
	if ip[0]>>4 == 4 {
		kind = unix.ETH_P_IP
	}
	return append(be.AppendUint16(b, kind), ip...)
}

// part says which fragment of a packet this is; the zero value is a whole packet. offset is in bytes, a multiple of 8.
type part struct {
	id     uint32
	offset int
	more   bool
}

// ip puts the header of src's family in front of a payload, with a fragment header in IPv6 where p asks for one.
func ip(src, dst netip.Addr, proto uint8, p part, payload []byte) []byte {
	if src.Is4() {
		return ip4(src, dst, proto, p, payload)
	}
	if p != (part{}) {
		word := uint16(p.offset)
		if p.more {
			word |= 1
		}
		b := be.AppendUint32(be.AppendUint16([]byte{proto, 0}, word), p.id)
		payload, proto = append(b, payload...), unix.IPPROTO_FRAGMENT
	}
	b := make([]byte, ip6Len, ip6Len+len(payload))
	b[0] = 6 << 4
	be.PutUint16(b[4:], uint16(len(payload)))
	b[6], b[7] = proto, ttl
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
	return append(b, payload...)
}

func ip4(src, dst netip.Addr, proto uint8, p part, payload []byte) []byte {
	b := make([]byte, ip4Len, ip4Len+len(payload))
	b[0] = 4<<4 | ip4Len/4
	be.PutUint16(b[2:], uint16(ip4Len+len(payload)))
	be.PutUint16(b[4:], uint16(p.id))
	word := uint16(p.offset / 8)
	if p.more {
		word |= 0x2000
	}
	be.PutUint16(b[6:], word)
	b[8], b[9] = ttl, proto
	copy(b[12:], src.AsSlice())
	copy(b[16:], dst.AsSlice())
	be.PutUint16(b[10:], ^sum(b))
	return append(b, payload...)
}

// udp makes a datagram with its checksum.
func udp(src, dst netip.AddrPort, payload []byte) []byte {
	b := make([]byte, udpLen, udpLen+len(payload))
	be.PutUint16(b, src.Port())
	be.PutUint16(b[2:], dst.Port())
	be.PutUint16(b[4:], uint16(udpLen+len(payload)))
	b = append(b, payload...)
	check := ^sum(pseudo(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, len(b)), b)
	if check == 0 {
		check = 0xffff // RFC 768: zero means none
	}
	be.PutUint16(b[6:], check)
	return b
}

// syn makes a TCP SYN with an MSS option.
func syn(src, dst netip.AddrPort, seq uint32) []byte {
	b := make([]byte, tcpLen, tcpLen+4)
	be.PutUint16(b, src.Port())
	be.PutUint16(b[2:], dst.Port())
	be.PutUint32(b[4:], seq)
	b[12] = (tcpLen + 4) / 4 << 4
	b[13] = 2                   // SYN
	be.PutUint16(b[14:], 64240) // window
	b = append(b, 2, 4, 1440>>8, 1440&0xff)
	be.PutUint16(b[16:], ^sum(pseudo(src.Addr(), dst.Addr(), unix.IPPROTO_TCP, len(b)), b))
	return b
}

// pseudo is the part of the IP header that L4 checksums cover; the same sum for both families.
func pseudo(src, dst netip.Addr, proto uint8, length int) []byte {
	b := append(src.AsSlice(), dst.AsSlice()...)
	return be.AppendUint32(be.AppendUint32(b, uint32(length)), uint32(proto))
}

// sum is the one's complement sum of RFC 1071 over the concatenation of parts, each of even length but the last.
func sum(parts ...[]byte) uint16 {
	var s uint32
	for _, b := range parts {
		for ; len(b) > 1; b = b[2:] {
			s += uint32(be.Uint16(b))
		}
		if len(b) == 1 {
			s += uint32(b[0]) << 8
		}
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
