// SPDX-License-Identifier: Apache-2.0

package kern_test

import "slices"

const (
	typeIP4 = 0x0800
	typeIP6 = 0x86dd
	typeQ   = 0x8100
	typeAD  = 0x88a8
)

// sample is one frame of the corpus and what must become of it: a reason, or a flow as text (see flowText).
type sample struct {
	name  string
	frame []byte
	wire  int // 0: len(frame)
	l3    bool
	want  string
}

const (
	tcp4 = "10.1.2.3:4242 > 192.0.2.9:443 6"
	udp4 = "10.1.2.3:5353 > 192.0.2.9:53 17"
	tcp6 = "[2001:db8::1]:4242 > [2001:db8:7::2]:443 6"
	udp6 = "[2001:db8::1]:5353 > [2001:db8:7::2]:53 17"
)

func corpus() []sample {
	return slices.Concat(corpusIP4(), corpusIP6(), corpusL2())
}

func corpusIP4() []sample {
	pad := make([]byte, 40)
	return []sample{
		{name: "tcp", frame: eth(typeIP4, v4(6, tcp(0x12, []byte("hello")))), want: tcp4 + " flags 12"},
		{name: "udp", frame: eth(typeIP4, v4(17, udp([]byte("hello")))), want: udp4},
		{name: "udp with trailing surplus", frame: eth(typeIP4, v4(17, udplen(8, pad))), want: udp4},
		{name: "sctp", frame: eth(typeIP4, v4(132, sctp())), want: "10.1.2.3:4386 > 192.0.2.9:13124 132"},
		{name: "icmp", frame: eth(typeIP4, v4(1, icmp(8, 3))), want: "10.1.2.3:2051 > 192.0.2.9:0 1"},
		{name: "icmp6", frame: eth(typeIP6, v6(58, icmp(128, 0))), want: "[2001:db8::1]:32768 > [2001:db8:7::2]:0 58"},
		{name: "gre by number", frame: eth(typeIP4, v4(47, pad)), want: "10.1.2.3:0 > 192.0.2.9:0 47"},
		{name: "ipv4 ah is not walked", frame: eth(typeIP4, v4(51, ah(6, 4, tcp(2, nil)))), want: "10.1.2.3:0 > 192.0.2.9:0 51"},
		{name: "padding", frame: append(eth(typeIP4, v4(17, udp(nil))), pad...), want: udp4},
		{name: "padding is not a header", frame: append(eth(typeIP4, v4(17, nil)), pad...), want: "short_l4"},
		{name: "options", frame: eth(typeIP4, ip4{proto: 6, options: 8, total: -1}.wrap(tcp(2, nil))), want: tcp4 + " flags 02"},
		{name: "all options", frame: eth(typeIP4, ip4{proto: 6, options: 40, total: -1}.wrap(tcp(2, nil))), want: tcp4 + " flags 02"},
		{name: "options beyond frame", frame: patch(eth(typeIP4, v4(6, nil)), 14, 0x46), want: "short_ip4"},
		{name: "ihl 4", frame: patch(eth(typeIP4, v4(6, tcp(2, nil))), 14, 0x44), want: "ip4_ihl"},
		{name: "version 5", frame: patch(eth(typeIP4, v4(6, tcp(2, nil))), 14, 0x55), want: "ip4_version"},
		{name: "total length below header", frame: eth(typeIP4, ip4{proto: 6, total: 19}.wrap(tcp(2, nil))), want: "ip4_len"},
		{name: "total length 0", frame: eth(typeIP4, ip4{proto: 6, total: 0}.wrap(tcp(2, nil))), want: "ip4_len"},
		{name: "total length beyond frame", frame: eth(typeIP4, ip4{proto: 6, total: 41}.wrap(tcp(2, nil))), want: "ip4_len"},
		{name: "big tcp", frame: eth(typeIP4, ip4{proto: 6, total: 0}.wrap(tcp(2, pad))), wire: 14 + 65536, want: tcp4 + " flags 02"},
		{name: "65,535 is not big", frame: eth(typeIP4, ip4{proto: 6, total: 0}.wrap(tcp(2, pad))), wire: 14 + 65535, want: "ip4_len"},
		{name: "gro", frame: eth(typeIP4, ip4{proto: 6, total: 65535}.wrap(tcp(2, pad))), wire: 14 + 65535, want: tcp4 + " flags 02"},
		{name: "big udp in vxlan", frame: eth(typeIP4, ip4{proto: 17, total: 0}.wrap(udplen(0, pad))), wire: 14 + 70000, want: udp4},
		{name: "first fragment", frame: eth(typeIP4, ip4{proto: 17, frag: 0x2000, total: -1}.wrap(udplen(1408, pad))), want: udp4 + " first"},
		{name: "later fragment", frame: eth(typeIP4, ip4{proto: 17, frag: 0x2010, total: -1}.wrap(pad)), want: "10.1.2.3:0 > 192.0.2.9:0 17 later"},
		{name: "last fragment", frame: eth(typeIP4, ip4{proto: 6, frag: 0x0010, total: -1}.wrap(pad)), want: "10.1.2.3:0 > 192.0.2.9:0 6 later"},
		{name: "empty later fragment", frame: eth(typeIP4, ip4{proto: 6, frag: 0x0010, total: -1}.wrap(nil)), want: "10.1.2.3:0 > 192.0.2.9:0 6 later"},
		{name: "tiny first fragment", frame: eth(typeIP4, ip4{proto: 6, frag: 0x2000, total: -1}.wrap(tcp(2, nil)[:16])), want: "frag_tiny"},
		{name: "rfc 1858", frame: eth(typeIP4, ip4{proto: 6, frag: 0x0001, total: -1}.wrap(pad)), want: "frag_tiny"},
		{name: "udp at offset 8", frame: eth(typeIP4, ip4{proto: 17, frag: 0x0001, total: -1}.wrap(pad)), want: "10.1.2.3:0 > 192.0.2.9:0 17 later"},
		{name: "ping of death", frame: eth(typeIP4, ip4{proto: 1, frag: 0x1fff, total: -1}.wrap(pad)), want: "frag_beyond"},
		{name: "up to 65,535", frame: eth(typeIP4, ip4{proto: 1, frag: 8189 - 5 + 2, total: -1}.wrap(make([]byte, 27))), want: "10.1.2.3:0 > 192.0.2.9:0 1 later"},
		{name: "up to 65,536", frame: eth(typeIP4, ip4{proto: 1, frag: 8189 - 5 + 2, total: -1}.wrap(make([]byte, 28))), want: "frag_beyond"},
		{name: "don't fragment", frame: eth(typeIP4, ip4{proto: 6, frag: 0x4000, total: -1}.wrap(tcp(0x10, nil))), want: tcp4 + " flags 10"},
		{name: "tcp header below 20", frame: patch(eth(typeIP4, v4(6, tcp(2, nil))), 14+20+12, 0x40), want: "tcp_doff"},
		{name: "tcp header beyond packet", frame: patch(eth(typeIP4, v4(6, tcp(2, nil))), 14+20+12, 0x60), want: "tcp_doff"},
		{name: "tcp options in first fragment", frame: patch(eth(typeIP4, ip4{proto: 6, frag: 0x2000, total: -1}.wrap(tcp(2, nil))), 14+20+12, 0x60), want: tcp4 + " first flags 02"},
		{name: "udp length 7", frame: eth(typeIP4, v4(17, udplen(7, nil))), want: "udp_len"},
		{name: "udp length 0", frame: eth(typeIP4, v4(17, udplen(0, nil))), want: "udp_len"},
		{name: "udp length beyond", frame: eth(typeIP4, v4(17, udplen(9, nil))), want: "udp_len"},
	}
}

func corpusIP6() []sample {
	pad := make([]byte, 40)
	nested := func(n int, last uint8, payload []byte) []byte {
		b := payload
		next := last
		for range n {
			b = ext(next, 0, b)
			next = 60
		}
		return v6(next, b)
	}
	return []sample{
		{name: "tcp over ipv6", frame: eth(typeIP6, v6(6, tcp(0x18, pad))), want: tcp6 + " flags 18"},
		{name: "ipv6 padding", frame: append(eth(typeIP6, v6(17, udp(nil))), pad...), want: udp6},
		{name: "ipv6 version", frame: patch(eth(typeIP6, v6(6, tcp(2, nil))), 14, 0x45), want: "ip6_version"},
		{name: "ipv6 payload beyond frame", frame: eth(typeIP6, v6len(6, 21, tcp(2, nil))), want: "ip6_len"},
		{name: "ipv6 no payload", frame: eth(typeIP6, v6(59, nil)), want: "[2001:db8::1]:0 > [2001:db8:7::2]:0 59"},
		{name: "ipv6 payload 0 with tcp", frame: eth(typeIP6, v6len(6, 0, tcp(2, nil))), want: "short_l4"},
		{name: "big tcp 6", frame: eth(typeIP6, v6len(6, 0, tcp(2, pad))), wire: 14 + 40 + 65536, want: tcp6 + " flags 02"},
		{name: "big tcp 6 with jumbo option", frame: eth(typeIP6, v6len(0, 0, ext(6, 0, tcp(2, pad)))), wire: 14 + 40 + 70000, want: tcp6 + " flags 02"},
		{name: "jumbo without the bytes", frame: eth(typeIP6, v6len(0, 0, ext(6, 0, tcp(2, pad)))), want: "ip6_len"},
		{name: "hop by hop", frame: eth(typeIP6, v6(0, ext(6, 0, tcp(2, nil)))), want: tcp6 + " flags 02"},
		{name: "routing of 24", frame: eth(typeIP6, v6(43, ext(17, 2, udp(nil)))), want: udp6},
		{name: "ah of 24", frame: eth(typeIP6, v6(51, ah(17, 4, udp(nil)))), want: udp6},
		{name: "ah of 20", frame: eth(typeIP6, v6(51, ah(17, 3, udp(nil)))), want: udp6},
		{name: "mobility, hip, shim6", frame: eth(typeIP6, v6(135, ext(139, 1, ext(140, 0, ext(6, 0, tcp(2, nil)))))), want: tcp6 + " flags 02"},
		{name: "esp ends the walk", frame: eth(typeIP6, v6(60, ext(50, 0, pad))), want: "[2001:db8::1]:0 > [2001:db8:7::2]:0 50"},
		{name: "eight headers", frame: eth(typeIP6, nested(8, 6, tcp(2, nil))), want: tcp6 + " flags 02"},
		{name: "nine headers", frame: eth(typeIP6, nested(9, 6, tcp(2, nil))), want: "ip6_ext_chain"},
		{name: "header beyond packet", frame: eth(typeIP6, v6(60, ext(6, 0, nil)[:7])), want: "ip6_ext_short"},
		{name: "header length beyond packet", frame: patch(eth(typeIP6, v6(60, ext(6, 0, nil))), 14+41, 1), want: "ip6_ext_short"},
		{name: "header in padding", frame: append(eth(typeIP6, v6(60, nil)), pad...), want: "ip6_ext_short"},
		{name: "atomic fragment", frame: eth(typeIP6, v6(44, frag6(6, 0, false, tcp(2, nil)))), want: tcp6 + " flags 02"},
		{name: "first fragment 6", frame: eth(typeIP6, v6(44, frag6(17, 0, true, udplen(2000, pad)))), want: udp6 + " first"},
		{name: "later fragment 6", frame: eth(typeIP6, v6(44, frag6(17, 1448, false, pad))), want: "[2001:db8::1]:0 > [2001:db8:7::2]:0 17 later"},
		{name: "later fragment of a header", frame: eth(typeIP6, v6(44, frag6(60, 1448, true, pad))), want: "[2001:db8::1]:0 > [2001:db8:7::2]:0 60 later"},
		{name: "first fragment without its l4", frame: eth(typeIP6, v6(44, frag6(60, 0, true, ext(6, 0, nil)))), want: "frag_tiny"},
		{name: "fragment 6 beyond", frame: eth(typeIP6, v6(44, frag6(17, 0xfff8, false, pad))), want: "frag_beyond"},
		{name: "rfc 1858 over ipv6", frame: eth(typeIP6, v6(44, frag6(6, 8, false, pad))), want: "frag_tiny"},
		{name: "options behind atomic fragment", frame: eth(typeIP6, v6(44, frag6(60, 0, false, ext(6, 3, tcp(2, nil))))), want: tcp6 + " flags 02"},
	}
}

func corpusL2() []sample {
	pad := make([]byte, 40)
	return []sample{
		{name: "vlan", frame: tagged([][2]uint16{{typeQ, 7}}, typeIP4, v4(17, udp(nil))), want: udp4 + " vlan 7"},
		{name: "vlan with priority", frame: tagged([][2]uint16{{typeQ, 0xe007}}, typeIP6, v6(17, udp(nil))), want: udp6 + " vlan 7"},
		{name: "vid 0", frame: tagged([][2]uint16{{typeQ, 0xe000}}, typeIP4, v4(17, udp(nil))), want: udp4},
		{name: "vid 0 outside", frame: tagged([][2]uint16{{typeQ, 0}, {typeQ, 9}}, typeIP4, v4(17, udp(nil))), want: udp4 + " vlan 9"},
		{name: "vid 0 inside", frame: tagged([][2]uint16{{typeQ, 9}, {typeQ, 0}}, typeIP4, v4(17, udp(nil))), want: udp4 + " vlan 9"},
		{name: "qinq", frame: tagged([][2]uint16{{typeAD, 100}, {typeQ, 200}}, typeIP4, v4(17, udp(nil))), want: udp4 + " vlan 100 stacked"},
		{name: "four tags", frame: tagged([][2]uint16{{typeAD, 4095}, {typeAD, 2}, {typeQ, 3}, {typeQ, 4}}, typeIP6, v6(6, tcp(1, nil))), want: tcp6 + " vlan 4095 stacked flags 01"},
		{name: "five tags", frame: tagged([][2]uint16{{typeAD, 1}, {typeAD, 2}, {typeQ, 3}, {typeQ, 4}, {typeQ, 5}}, typeIP6, v6(6, tcp(2, nil))), want: "too_many_tags"},
		{name: "tag cut", frame: eth(typeQ, []byte{0, 7, 8}), want: "short_vlan"},
		{name: "vlan of arp", frame: tagged([][2]uint16{{typeQ, 7}}, 0x0806, pad), want: "not_ip"},

		{name: "arp", frame: eth(0x0806, pad), want: "not_ip"},
		{name: "802.3 length", frame: eth(38, pad), want: "not_ip"},
		{name: "lldp", frame: eth(0x88cc, pad), want: "not_ip"},
		{name: "ethernet and nothing", frame: eth(typeIP4, nil), want: "short_ip4"},
		{name: "ipv6 and nothing", frame: eth(typeIP6, nil), want: "short_ip6"},

		{name: "raw ipv4", l3: true, frame: v4(6, tcp(2, nil)), want: tcp4 + " flags 02"},
		{name: "raw ipv6", l3: true, frame: v6(17, udp(nil)), want: udp6},
		{name: "raw nonsense", l3: true, frame: pad, want: "not_ip"},
		{name: "raw, ihl 3", l3: true, frame: patch(v4(6, tcp(2, nil)), 0, 0x43), want: "ip4_ihl"},
		{name: "captured short", frame: eth(typeIP4, ip4{proto: 6, total: 1500}.wrap(tcp(2, nil))), wire: 1514, want: tcp4 + " flags 02"},
		{name: "captured inside tcp", frame: eth(typeIP4, ip4{proto: 6, total: 1500}.wrap(tcp(2, nil)[:19])), wire: 1514, want: "short_l4"},
	}
}
