// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"slices"
	"strconv"
	"strings"
)

// Protocol numbers (IANA) that rules have more to say about.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
	SCTP   = 132
)

// protoNames are the names that the language knows beside icmp, which is both ICMPs. Source: IANA protocol-numbers.
var protoNames = []struct {
	name string
	n    uint8
}{
	{"icmpv4", ICMP}, {"igmp", 2}, {"ipip", 4}, {"tcp", TCP}, {"egp", 8}, {"udp", UDP}, {"dccp", 33}, {"ipv6", 41}, {"rsvp", 46},
	{"gre", 47}, {"esp", 50}, {"ah", 51}, {"icmpv6", ICMPv6}, {"eigrp", 88}, {"ospf", 89}, {"etherip", 97}, {"pim", 103},
	{"vrrp", 112}, {"l2tp", 115}, {"sctp", SCTP}, {"udplite", 136}, {"mpls", 137},
}

// numbers are all of them in order, so that a rule's list of one protocol takes no memory of its own.
var numbers = func() (out [256]uint8) {
	for n := range out {
		out[n] = uint8(n)
	}
	return out
}()

// protoByName gives the numbers of a name or of a number in digits, nil when it is neither. They are not to be written to.
func protoByName(word string) []uint8 {
	if word == "icmp" {
		return []uint8{ICMP, ICMPv6}
	}
	for i := range protoNames {
		if p := &protoNames[i]; p.name == word {
			return numbers[p.n : int(p.n)+1 : int(p.n)+1]
		}
	}
	if !digits(word) {
		return nil
	}
	n, err := strconv.ParseUint(word, 10, 8)
	if err != nil {
		return nil
	}
	return numbers[n : n+1 : n+1]
}

// ProtoName names a protocol as rules do.
func ProtoName(n uint8) string {
	for _, p := range protoNames {
		if p.n == n {
			return p.name
		}
	}
	return strconv.Itoa(int(n))
}

func (p Protos) words() string {
	if len(p.List) == 1 {
		return ProtoName(p.List[0])
	}
	var out []string
	both := slices.Contains(p.List, ICMP) && slices.Contains(p.List, ICMPv6)
	for _, n := range p.List {
		switch {
		case both && n == ICMP:
			out = append(out, "icmp")
		case both && n == ICMPv6:
		default:
			out = append(out, ProtoName(n))
		}
	}
	return strings.Join(out, ",")
}

// HasPorts reports whether packets of this protocol show ports to rules: the pipeline reads those of three.
func HasPorts(proto uint8) bool { return proto == TCP || proto == UDP || proto == SCTP }

// only reports whether the match lets nothing but what ok says pass.
func (p Protos) only(ok func(uint8) bool) bool {
	return !p.Not && len(p.List) > 0 && !slices.ContainsFunc(p.List, func(n uint8) bool { return !ok(n) })
}

func isICMP(proto uint8) bool { return proto == ICMP || proto == ICMPv6 }

// typeNames: one name for what both families mean. Source: IANA icmp-parameters, icmpv6-parameters; names as nftables has them.
var typeNames = []struct {
	name string
	ICMPType
}{
	{"echo-reply", ICMPType{0, 129}}, {"echo-request", ICMPType{8, 128}},
	{"destination-unreachable", ICMPType{3, 1}}, {"packet-too-big", ICMPType{-1, 2}},
	{"time-exceeded", ICMPType{11, 3}}, {"parameter-problem", ICMPType{12, 4}},
	{"source-quench", ICMPType{4, -1}}, {"redirect", ICMPType{5, 137}},
	{"router-advertisement", ICMPType{9, 134}}, {"router-solicitation", ICMPType{10, 133}},
	{"timestamp-request", ICMPType{13, -1}}, {"timestamp-reply", ICMPType{14, -1}},
	{"neighbour-solicitation", ICMPType{-1, 135}}, {"neighbour-advertisement", ICMPType{-1, 136}},
	{"mld-query", ICMPType{-1, 130}}, {"mld-report", ICMPType{-1, 131}}, {"mld-done", ICMPType{-1, 132}},
	{"mldv2-report", ICMPType{-1, 143}},
}

func typeByName(word string) (ICMPType, bool) {
	for _, t := range typeNames {
		if t.name == word {
			return t.ICMPType, true
		}
	}
	return ICMPType{}, false
}

// typeName names what one family means by a number, "" when the language has no name.
func typeName(proto uint8, n int16) string {
	for _, t := range typeNames {
		if proto == ICMP && t.V4 == n || proto == ICMPv6 && t.V6 == n {
			return t.name
		}
	}
	return ""
}

func (t ICMPType) word() string {
	for _, known := range typeNames {
		if t == known.ICMPType || t.V4 < 0 && t.V6 == known.V6 || t.V6 < 0 && t.V4 == known.V4 {
			return known.name
		}
	}
	return strconv.Itoa(int(max(t.V4, t.V6)))
}

// of narrows a type to the families of the rule's protocols.
func (t ICMPType) of(p Protos) ICMPType {
	if !slices.Contains(p.List, ICMP) {
		t.V4 = -1
	}
	if !slices.Contains(p.List, ICMPv6) {
		t.V6 = -1
	}
	return t
}

func digits(word string) bool {
	return word != "" && strings.Trim(word, "0123456789") == ""
}
