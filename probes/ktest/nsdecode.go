// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// FlowOf reads the flow key of a well-formed frame, without device and direction: a slow, obvious second opinion for
// traffic that a test made itself. False: not IP, or cut short.
func FlowOf(frame []byte) (snap.FlowKey, bool) {
	var k snap.FlowKey
	if len(frame) < 14 {
		return k, false
	}
	kind, b := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	for tags := 0; kind == unix.ETH_P_8021Q || kind == unix.ETH_P_8021AD; {
		if len(b) < 4 {
			return k, false
		}
		if vid := binary.BigEndian.Uint16(b) & 0xfff; vid != 0 {
			if tags == 0 {
				k.VLAN = vid
			}
			k.Stacked = tags > 0
			tags++
		}
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	switch kind {
	case unix.ETH_P_IP:
		return flowOf4(k, b)
	case unix.ETH_P_IPV6:
		return flowOf6(k, b)
	}
	return k, false
}

func flowOf4(k snap.FlowKey, b []byte) (snap.FlowKey, bool) {
	if len(b) < 20 {
		return k, false
	}
	header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < 20 || total < header || total > len(b) {
		return k, false
	}
	k.Src, k.Dst = snap.AddrFrom(netip.AddrFrom4([4]byte(b[12:16]))), snap.AddrFrom(netip.AddrFrom4([4]byte(b[16:20])))
	k.Proto = b[9]
	k.Frag = fragOf(binary.BigEndian.Uint16(b[6:])&0x1fff, b[6]&0x20 != 0)
	return portsOf(k, b[header:total])
}

func flowOf6(k snap.FlowKey, b []byte) (snap.FlowKey, bool) {
	if len(b) < 40 {
		return k, false
	}
	total := 40 + int(binary.BigEndian.Uint16(b[4:]))
	if total > len(b) {
		return k, false
	}
	k.Src, k.Dst = snap.Addr(b[8:24]), snap.Addr(b[24:40])
	next, b := b[6], b[40:total]
	for {
		if next != unix.IPPROTO_HOPOPTS && next != unix.IPPROTO_ROUTING && next != unix.IPPROTO_DSTOPTS && next != unix.IPPROTO_FRAGMENT {
			k.Proto = next
			return portsOf(k, b)
		}
		size := 8
		if len(b) < size {
			return k, false
		}
		if next == unix.IPPROTO_FRAGMENT {
			word := binary.BigEndian.Uint16(b[2:])
			k.Frag = fragOf(word>>3, word&1 != 0)
		} else if size += int(b[1]) * 8; len(b) < size {
			return k, false
		}
		next, b = b[0], b[size:]
		if k.Frag == snap.FragLater { // what follows is payload
			k.Proto = next
			return k, true
		}
	}
}

// fragOf: an offset in units of eight bytes, and whether more fragments follow.
func fragOf(offset uint16, more bool) snap.Frag {
	switch {
	case offset > 0:
		return snap.FragLater
	case more:
		return snap.FragFirst
	}
	return snap.Whole
}

// portsOf reads the ports, or ICMP type and code, where the packet has them.
func portsOf(k snap.FlowKey, l4 []byte) (snap.FlowKey, bool) {
	if k.Frag == snap.FragLater {
		return k, true
	}
	switch k.Proto {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_SCTP:
		if len(l4) < 8 {
			return k, false
		}
		k.SPort, k.DPort = binary.BigEndian.Uint16(l4), binary.BigEndian.Uint16(l4[2:])
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		if len(l4) < 4 {
			return k, false
		}
		k.SPort = uint16(l4[0])<<8 | uint16(l4[1])
	}
	return k, true
}
