// SPDX-License-Identifier: Apache-2.0

package format

import "strconv"

// Names of ICMP types: short for a table cell, long for a pane. Source: IANA icmp-parameters, icmpv6-parameters.
var icmp4 = map[uint8][2]string{
	0: {"reply", "echo reply"}, 3: {"unreach", "destination unreachable"}, 4: {"quench", "source quench"},
	5: {"redirect", "redirect"}, 8: {"echo", "echo request"}, 9: {"rtr-adv", "router advertisement"},
	10: {"rtr-sol", "router solicitation"}, 11: {"time-ex", "time exceeded"}, 12: {"param", "parameter problem"},
	13: {"ts-req", "timestamp request"}, 14: {"ts-reply", "timestamp reply"}, 42: {"xecho", "extended echo request"},
	43: {"xreply", "extended echo reply"},
}

var icmp6 = map[uint8][2]string{
	1: {"unreach", "destination unreachable"}, 2: {"too-big", "packet too big"}, 3: {"time-ex", "time exceeded"},
	4: {"param", "parameter problem"}, 128: {"echo", "echo request"}, 129: {"reply", "echo reply"},
	130: {"mld-qry", "multicast listener query"}, 131: {"mld-rep", "multicast listener report"},
	132: {"mld-done", "multicast listener done"}, 133: {"nd-rs", "router solicitation"},
	134: {"nd-ra", "router advertisement"}, 135: {"nd-ns", "neighbour solicitation"},
	136: {"nd-na", "neighbour advertisement"}, 137: {"redirect", "redirect"}, 143: {"mld2-rep", "multicast listener report v2"},
}

// Codes that change what an operator does next.
var icmp4Unreach = map[uint8]string{
	0: "network", 1: "host", 2: "protocol", 3: "port", 4: "fragmentation needed", 5: "source route failed",
	9: "network prohibited", 10: "host prohibited", 13: "administratively prohibited",
}

var icmp6Unreach = map[uint8]string{
	0: "no route", 1: "administratively prohibited", 2: "beyond scope", 3: "address", 4: "port", 5: "source policy", 6: "reject route",
}

// ICMPShort names a type in at most 8 cells: echo, nd-ns, or its number as t200. Where the code says what to do next it is
// named instead: port-unr, too-big.
func ICMPShort(proto, typ, code uint8) string {
	if proto == protoICMP && typ == 3 || proto == protoICMPv6 && typ == 1 {
		if s := unreachShort(proto, code); s != "" {
			return s
		}
	}
	if n, ok := icmpTypes(proto)[typ]; ok {
		return n[0]
	}
	return "t" + strconv.Itoa(int(typ))
}

func unreachShort(proto, code uint8) string {
	if proto == protoICMPv6 {
		switch code {
		case 0:
			return "no-route"
		case 1:
			return "admin-pr"
		case 3:
			return "host-unr"
		case 4:
			return "port-unr"
		}
		return ""
	}
	switch code {
	case 0:
		return "net-unr"
	case 1:
		return "host-unr"
	case 3:
		return "port-unr"
	case 4:
		return "too-big"
	case 9, 10, 13:
		return "admin-pr"
	}
	return ""
}

// ICMPLong names type and code: destination unreachable, port (3/3).
func ICMPLong(proto, typ, code uint8) string {
	s := "type " + strconv.Itoa(int(typ))
	if n, ok := icmpTypes(proto)[typ]; ok {
		s = n[1]
	}
	switch {
	case proto == protoICMP && typ == 3 && icmp4Unreach[code] != "":
		s += ", " + icmp4Unreach[code]
	case proto == protoICMPv6 && typ == 1 && icmp6Unreach[code] != "":
		s += ", " + icmp6Unreach[code]
	case typ == 11 && proto == protoICMP && code == 1:
		s += ", reassembly"
	}
	return s + " (" + strconv.Itoa(int(typ)) + "/" + strconv.Itoa(int(code)) + ")"
}

func icmpTypes(proto uint8) map[uint8][2]string {
	if proto == protoICMPv6 {
		return icmp6
	}
	return icmp4
}
