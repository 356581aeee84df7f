// SPDX-License-Identifier: Apache-2.0

package kern_test

import (
	"encoding/binary"
	"net/netip"
)

// Frames by hand: each function wraps what it is given.

func eth(etherType uint16, payload []byte) []byte {
	b := append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, 0, 0)
	binary.BigEndian.PutUint16(b[12:], etherType)
	return append(b, payload...)
}

// tagged puts tags between Ethernet and payload, outermost first: {TPID, TCI}.
func tagged(tags [][2]uint16, etherType uint16, payload []byte) []byte {
	var b []byte
	for i, t := range tags {
		next := etherType
		if i+1 < len(tags) {
			next = tags[i+1][0]
		}
		b = binary.BigEndian.AppendUint16(b, t[1])
		b = binary.BigEndian.AppendUint16(b, next)
	}
	if len(tags) > 0 {
		etherType = tags[0][0]
	}
	return eth(etherType, append(b, payload...))
}

type ip4 struct {
	proto   uint8
	options int    // bytes
	frag    uint16 // flags and offset
	total   int    // -1: what is there
}

func (h ip4) wrap(payload []byte) []byte {
	b := make([]byte, 20+h.options)
	b[0] = 0x40 | byte(len(b)/4)
	total := len(b) + len(payload)
	if h.total >= 0 {
		total = h.total
	}
	binary.BigEndian.PutUint16(b[2:], uint16(total))
	binary.BigEndian.PutUint16(b[6:], h.frag)
	b[8], b[9] = 64, h.proto
	s, d := netip.MustParseAddr("10.1.2.3").As4(), netip.MustParseAddr("192.0.2.9").As4()
	copy(b[12:], s[:])
	copy(b[16:], d[:])
	return append(b, payload...)
}

func v4(proto uint8, payload []byte) []byte { return ip4{proto: proto, total: -1}.wrap(payload) }

func v6(next uint8, payload []byte) []byte { return v6len(next, len(payload), payload) }

func v6len(next uint8, length int, payload []byte) []byte {
	b := make([]byte, 40)
	b[0] = 0x60
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	b[6], b[7] = next, 64
	s, d := netip.MustParseAddr("2001:db8::1").As16(), netip.MustParseAddr("2001:db8:7::2").As16()
	copy(b[8:], s[:])
	copy(b[24:], d[:])
	return append(b, payload...)
}

// ext is an IPv6 extension header of 8 + 8*units bytes.
func ext(next uint8, units int, payload []byte) []byte {
	b := make([]byte, 8+8*units)
	b[0], b[1] = next, byte(units)
	return append(b, payload...)
}

// ah is an authentication header of 8 + 4*units bytes.
func ah(next uint8, units int, payload []byte) []byte {
	b := make([]byte, 8+4*units)
	b[0], b[1] = next, byte(units)
	return append(b, payload...)
}

func frag6(next uint8, offset int, more bool, payload []byte) []byte {
	b := make([]byte, 8)
	b[0] = next
	field := uint16(offset)
	if more {
		field |= 1
	}
	binary.BigEndian.PutUint16(b[2:], field)
	return append(b, payload...)
}

func tcp(flags uint8, payload []byte) []byte {
	b := make([]byte, 20)
	binary.BigEndian.PutUint16(b[0:], 4242)
	binary.BigEndian.PutUint16(b[2:], 443)
	b[12], b[13] = 0x50, flags
	return append(b, payload...)
}

func udp(payload []byte) []byte { return udplen(8+len(payload), payload) }

func udplen(length int, payload []byte) []byte {
	b := make([]byte, 8)
	binary.BigEndian.PutUint16(b[0:], 5353)
	binary.BigEndian.PutUint16(b[2:], 53)
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	return append(b, payload...)
}

func sctp() []byte { return append([]byte{0x11, 0x22, 0x33, 0x44}, make([]byte, 8)...) }

func icmp(kind, code uint8) []byte { return append([]byte{kind, code}, make([]byte, 6)...) }

func patch(b []byte, at int, v byte) []byte {
	out := append([]byte(nil), b...)
	out[at] = v
	return out
}
