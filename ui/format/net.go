// SPDX-License-Identifier: Apache-2.0

package format

import (
	"net/netip"
	"strconv"
	"strings"

	"hooktop/probes/snap"
)

// Protocol numbers (IANA) that have something of their own to show.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// Proto names an IP protocol in at most 6 cells; one without a name is its number.
func Proto(p uint8) string {
	switch p {
	case 0:
		return "HOPOPT"
	case protoICMP:
		return "ICMP"
	case 2:
		return "IGMP"
	case 4:
		return "IPIP"
	case protoTCP:
		return "TCP"
	case protoUDP:
		return "UDP"
	case 33:
		return "DCCP"
	case 41:
		return "IPv6"
	case 47:
		return "GRE"
	case 50:
		return "ESP"
	case 51:
		return "AH"
	case protoICMPv6:
		return "ICMPv6"
	case 59:
		return "NoNext"
	case 89:
		return "OSPF"
	case 103:
		return "PIM"
	case 112:
		return "VRRP"
	case protoSCTP:
		return "SCTP"
	case 136:
		return "UDPL"
	}
	return strconv.Itoa(int(p))
}

// ProtoShort names an IP protocol in at most 3 cells: TCP UDP SCT ICM IC6.
func ProtoShort(p uint8) string {
	switch p {
	case protoICMPv6:
		return "IC6"
	case 41:
		return "IP6"
	case 136:
		return "UDL"
	}
	s := Proto(p)
	return s[:min(len(s), 3)]
}

// HasPorts reports whether the protocol's first words are ports.
func HasPorts(p uint8) bool {
	return p == protoTCP || p == protoUDP || p == protoSCTP || p == 33 || p == 136
}

// IsICMP reports whether p is ICMP or ICMPv6.
func IsICMP(p uint8) bool { return p == protoICMP || p == protoICMPv6 }

// Flags of a TCP header in the order that operators read them; the bits are RFC 9293's.
var tcpFlags = [...]struct {
	bit  uint8
	name byte
}{{0x02, 'S'}, {0x10, 'A'}, {0x08, 'P'}, {0x01, 'F'}, {0x04, 'R'}, {0x20, 'U'}, {0x40, 'E'}, {0x80, 'C'}}

// AppendTCPFlags writes the flags seen as letters: SAPF. Nothing seen writes a dash.
func AppendTCPFlags(b []byte, f uint8) []byte {
	if f == 0 {
		return append(b, '-')
	}
	for _, x := range tcpFlags {
		if f&x.bit != 0 {
			b = append(b, x.name)
		}
	}
	return b
}

// TCPFlagNames writes the flags seen as words: SYN ACK PSH.
func TCPFlagNames(f uint8) string {
	names := [...]string{"SYN", "ACK", "PSH", "FIN", "RST", "URG", "ECE", "CWR"}
	var b []byte
	for i, x := range tcpFlags {
		if f&x.bit != 0 {
			if len(b) > 0 {
				b = append(b, ' ')
			}
			b = append(b, names[i]...)
		}
	}
	return string(b)
}

// AppendAddr writes an address in its shortest form (RFC 5952).
func AppendAddr(b []byte, a snap.Addr) []byte { return a.Netip().AppendTo(b) }

// AppendEndpoint writes one side of a flow in at most w cells: 10.4.1.17:51544, 2001:db8:1::7f:51820. Later fragments and
// protocols without ports have none. Too long an address loses its middle, never its port.
func AppendEndpoint(b []byte, k *snap.FlowKey, dst bool, w int) []byte {
	a, port := k.Src, k.SPort
	if dst {
		a, port = k.Dst, k.DPort
	}
	n := len(b)
	b = AppendAddr(b, a)
	tail := len(b)
	switch {
	case HasPorts(k.Proto) && k.Frag != snap.FragLater:
		b = strconv.AppendUint(append(b, ':'), uint64(port), 10)
	case k.Frag == snap.FragLater && dst:
		b = append(b, " frag"...)
	case IsICMP(k.Proto) && dst:
		b = append(append(b, ' '), ICMPShort(k.Proto, uint8(k.SPort>>8), uint8(k.SPort))...)
	}
	return cutMiddle(b, n, tail, w)
}

// cutMiddle shortens the address b[from:tail] so that b[from:] has at most w cells; the text behind it stays. All of it is
// ASCII: addresses, ports, and our own words.
func cutMiddle(b []byte, from, tail, w int) []byte {
	over := len(b) - from - w
	if over <= 0 || w < 4 {
		return b
	}
	addr := tail - from
	keep := addr - over - 1 // one cell for the ellipsis
	if keep < 2 {           // the tail itself is too long
		return append(append(b[:from], "…"...), b[len(b)-(w-1):]...)
	}
	head := (keep + 1) / 2
	var buf [96]byte
	rest := append(buf[:0], b[tail-(keep-head):]...)
	b = append(b[:from+head], "…"...)
	return append(b, rest...)
}

// Endpoint is AppendEndpoint without a limit and with IPv6 in brackets, as other tools take it.
func Endpoint(k *snap.FlowKey, dst bool) string { return string(AppendFullEndpoint(nil, k, dst)) }

// AppendFullEndpoint is Endpoint into b.
func AppendFullEndpoint(b []byte, k *snap.FlowKey, dst bool) []byte {
	a, port := k.Src, k.SPort
	if dst {
		a, port = k.Dst, k.DPort
	}
	if !HasPorts(k.Proto) || k.Frag == snap.FragLater {
		return a.Netip().AppendTo(b)
	}
	return netip.AddrPortFrom(a.Netip(), port).AppendTo(b)
}

// FlowFilter is the packet filter of a trace that passes a flow: "tcp flow 10.0.0.1:5 > 10.0.0.2:443", "icmp host 10.0.0.1
// host 10.0.0.2" where there are no ports. The filter has words for few protocols, and one for both ICMPs.
func FlowFilter(k *snap.FlowKey) string {
	proto := ""
	switch k.Proto {
	case protoTCP, protoUDP, protoSCTP:
		proto = strings.ToLower(Proto(k.Proto)) + " "
	case protoICMP, protoICMPv6:
		proto = "icmp "
	}
	if HasPorts(k.Proto) && k.Frag != snap.FragLater {
		return proto + "flow " + Endpoint(k, false) + " > " + Endpoint(k, true)
	}
	return proto + "host " + k.Src.String() + " host " + k.Dst.String()
}
