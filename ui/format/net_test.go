// SPDX-License-Identifier: Apache-2.0

package format

import (
	"net/netip"
	"testing"
	"unicode/utf8"

	"hooktop/probes/snap"
)

func key(src, dst string, sport, dport uint16, proto uint8) *snap.FlowKey {
	return &snap.FlowKey{Src: snap.AddrFrom(netip.MustParseAddr(src)), Dst: snap.AddrFrom(netip.MustParseAddr(dst)), SPort: sport, DPort: dport, Proto: proto}
}

func TestEndpointFitsTheCell(t *testing.T) {
	long := "2001:db8:1111:2222:3333:4444:5555:6666"
	ping := key("10.0.0.1", "10.0.0.2", 8<<8, 0, 1)
	frag := key("10.0.0.1", "10.0.0.2", 0, 0, 17)
	frag.Frag = snap.FragLater
	for _, c := range []struct {
		k    *snap.FlowKey
		dst  bool
		w    int
		want string
	}{
		{key("10.4.1.17", "10.9.0.10", 51544, 443, 6), false, 21, "10.4.1.17:51544"},
		{key("255.255.255.255", "0.0.0.0", 65535, 0, 17), false, 21, "255.255.255.255:65535"},
		{key("255.255.255.255", "0.0.0.0", 65535, 0, 17), false, 20, "255.255…55.255:65535"},
		{key("2001:db8:1::7f", "::1", 51820, 1, 17), false, 21, "2001:db8:1::7f:51820"},
		{key(long, "::1", 51820, 1, 17), false, 21, "2001:db…55:6666:51820"},
		{key(long, "::1", 51820, 1, 17), false, 60, long + ":51820"},
		{key("10.4.2.7", "10.9.0.1", 0, 0, 47), true, 21, "10.9.0.1"},
		{ping, true, 21, "10.0.0.2 echo"}, {ping, false, 21, "10.0.0.1"},
		{frag, true, 21, "10.0.0.2 frag"}, {frag, false, 21, "10.0.0.1"},
	} {
		if got := string(AppendEndpoint(nil, c.k, c.dst, c.w)); got != c.want {
			t.Errorf("%q in %d cells, want %q", got, c.w, c.want)
		}
	}
	for w := 4; w < 60; w++ {
		for _, k := range []*snap.FlowKey{key(long, long, 51820, 1, 17), ping, frag, key("1.1.1.1", "1.1.1.1", 1, 2, 6)} {
			for _, dst := range []bool{false, true} {
				if got := AppendEndpoint(nil, k, dst, w); utf8.RuneCount(got) > w {
					t.Errorf("%q is wider than %d", got, w)
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	for p := 0; p < 256; p++ {
		if s := ProtoShort(uint8(p)); len(s) == 0 || len(s) > 3 {
			t.Errorf("ProtoShort(%d) = %q", p, s)
		}
		if s := Proto(uint8(p)); len(s) == 0 || len(s) > 6 {
			t.Errorf("Proto(%d) = %q", p, s)
		}
		for _, icmp := range []uint8{1, 58} {
			if s := ICMPShort(icmp, uint8(p), uint8(p)); len(s) == 0 || len(s) > 8 {
				t.Errorf("ICMPShort(%d, %d) = %q", icmp, p, s)
			}
		}
	}
	for _, c := range []struct{ got, want string }{
		{string(AppendTCPFlags(nil, 0x1a)), "SAP"}, {string(AppendTCPFlags(nil, 0)), "-"}, {string(AppendTCPFlags(nil, 0xff)), "SAPFRUEC"},
		{TCPFlagNames(0x12), "SYN ACK"}, {TCPFlagNames(0), ""},
		{ICMPLong(1, 3, 3), "destination unreachable, port (3/3)"}, {ICMPLong(58, 135, 0), "neighbour solicitation (135/0)"}, {ICMPLong(1, 200, 1), "type 200 (200/1)"},
		{ICMPShort(58, 136, 0), "nd-na"}, {ICMPShort(1, 8, 0), "echo"}, {ICMPShort(1, 3, 3), "port-unr"}, {ICMPShort(1, 3, 7), "unreach"}, {ICMPShort(58, 1, 4), "port-unr"},
		{Endpoint(key("::1", "10.0.0.1", 5, 6, 6), false), "[::1]:5"}, {Endpoint(key("::1", "10.0.0.1", 5, 6, 6), true), "10.0.0.1:6"}, {Endpoint(key("::1", "::2", 5, 6, 47), true), "::2"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestFlowFilters(t *testing.T) {
	frag := key("10.0.0.1", "10.0.0.2", 0, 0, 17)
	frag.Frag = snap.FragLater
	for _, c := range []struct {
		k    *snap.FlowKey
		want string
	}{
		{key("10.0.0.1", "10.0.0.2", 5, 443, 6), "tcp flow 10.0.0.1:5 > 10.0.0.2:443"},
		{key("2001:db8::1", "2001:db8::2", 5, 53, 17), "udp flow [2001:db8::1]:5 > [2001:db8::2]:53"},
		{key("10.0.0.1", "10.0.0.2", 8<<8, 0, 1), "icmp host 10.0.0.1 host 10.0.0.2"},
		{key("fe80::1", "ff02::1", 135<<8, 0, 58), "icmp host fe80::1 host ff02::1"},
		{key("10.0.0.1", "10.0.0.2", 5, 6, 33), "flow 10.0.0.1:5 > 10.0.0.2:6"},
		{key("10.0.0.1", "10.0.0.2", 0, 0, 47), "host 10.0.0.1 host 10.0.0.2"},
		{frag, "udp host 10.0.0.1 host 10.0.0.2"},
	} {
		if got := FlowFilter(c.k); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
