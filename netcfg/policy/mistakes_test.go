// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"testing"

	"hooktop/netcfg/acl"
)

// mistakes are the kinds of error that a policy can hold: where each is reported, and in which words. The first error of
// a text is compared.
var mistakes = []struct {
	text      string
	line, col int
	words     string
}{
	{"drop in tcp", 1, 1, "\"drop\" begins no line: write deny"},
	{"accept in", 1, 1, "\"accept\" begins no line: write allow"},
	{"Deny in", 1, 1, "\"Deny\" begins no line: did you mean deny?"},
	{"denny in", 1, 1, "\"denny\" begins no line: did you mean deny?"},
	{"counter in udp", 1, 1, "\"counter\" begins no line: write count"},
	{"log in tcp", 1, 1, "\"log\" begins no line: write count … log"},
	{"firewall", 1, 1, "\"firewall\" begins no line: lines begin with allow, deny, limit, count, set, default, tunnel, chain or #"},
	{"off", 1, 4, "nothing follows off: off stands before a rule that is to rest"},
	{"off off deny in", 1, 5, "off is given twice: keep one of them"},
	{"off set a { }", 1, 1, "a set can't be off: switch off the rules that use it"},
	{"default", 1, 8, "default: the direction is missing: write default in deny"},
	{"default allow", 1, 9, "default: the direction is missing: write default in allow and default out allow"},
	{"default both deny", 1, 9, "default: \"both\" is no direction: write default in deny"},
	{"default in", 1, 11, "default: the action is missing: write default in deny"},
	{"default in limit", 1, 12, "default: limit can't be a default: allow or deny"},
	{"default in drop", 1, 12, "default: \"drop\" is no action: allow or deny"},
	{"default in deny now", 1, 17, "default: \"now\" is too much: a comment begins with #"},
	{"default in allow\ndefault in deny", 2, 1, "default in is said in line 1 too: remove one"},
	{"set", 1, 4, "set: the name is missing: write set name { 10.0.0.0/8, 2001:db8::/32 }"},
	{"set { 10.0.0.0/8 }", 1, 5, "set: the name is missing: write set name { 10.0.0.0/8, 2001:db8::/32 }"},
	{"set 1st { }", 1, 5, "set: \"1st\" is no set's name: letters, digits, - and _, a letter first"},
	{"set über { }", 1, 5, "set: \"über\" is no set's name: letters, digits, - and _, a letter first"},
	{"set a 10.0.0.0/8", 1, 7, "set: { is missing: write set name { 10.0.0.0/8, 2001:db8::/32 }"},
	{"set a { 10.0.0.0/8", 1, 19, "set: } is missing: close the list on the same line"},
	{"set a { 10.0.0.0/8 192.0.2.1 }", 1, 20, "set: a comma is missing before \"192.0.2.1\": separate addresses by commas"},
	{"set a { , 192.0.2.1 }", 1, 9, "set: an address is missing before the comma: remove it"},
	{"set a { @b }", 1, 9, "set: \"@b\" inside a set: sets do not nest: write its prefixes"},
	{"set a { not 10.0.0.0/8 }", 1, 9, "set: not inside a set: write from not @a in the rule"},
	{"set a { 10.0.0.1/8 }", 1, 9, "set: \"10.0.0.1/8\" has host bits set: write 10.0.0.0/8 or 10.0.0.1"},
	{"set a { 300.1.1.1 }", 1, 9, "set: \"300.1.1.1\" is no address: each part is 0 to 255, without leading zeros"},
	{"set a { } log", 1, 11, "set: \"log\" is too much: a comment begins with #"},
	{"set a { \"x\" }", 1, 9, "set: addresses are not quoted: remove the quotes"},
	{"set a { { } }", 1, 9, "set: { inside a set: sets do not nest"},
	{"set a { }\n\nset a { }", 3, 5, "set: \"a\" is made in line 1 too: rename one, or join them"},
	{"set abcdefghijklmnopqrstuvwxyz0123456789 { }", 1, 5, "set: the set's name has 36 bytes: at most 32"},
	{"deny in from @nobody", 1, 14, "set @nobody is not made anywhere: add set nobody { … }"},
	{"deny in from @ any", 1, 14, "from: the set's name is missing: write @name"},
	{"deny in from @a-b!", 1, 14, "from: \"a-b!\" is no set's name: letters, digits, - and _, a letter first"},
	{"deny in in tcp", 1, 9, "the direction is given twice: keep one of them"},
	{"deny in out", 1, 9, "the direction is given twice: keep one of them"},
	{"deny tcp udp", 1, 10, "the protocol is given twice: keep one of them"},
	{"deny tcp from any from any", 1, 19, "from is given twice: keep one of them"},
	{"deny in tpc", 1, 9, "\"tpc\" is not known: did you mean tcp?"},
	{"deny in 256", 1, 9, "protocol 256 is out of range: 0 to 255"},
	{"deny in proto tcp", 1, 9, "\"proto\" is not needed: write the protocol itself: tcp, udp, 47"},
	{"deny tcp,", 1, 10, "the protocol is missing: remove the comma"},
	{"deny tcp,foo", 1, 10, "\"foo\" is no protocol: a name such as tcp, or a number"},
	{"deny not", 1, 9, "not: the protocol is missing: write not tcp; addresses: from not 10.0.0.0/8"},
	{"deny not not tcp", 1, 10, "not: the protocol is missing before \"not\": write not tcp; addresses: from not 10.0.0.0/8"},
	{"allow not established", 1, 7, "established can't be inverted: put allow … established above the rule"},
	{"deny from", 1, 10, "from: the address is missing: write from 10.0.0.0/8, from @set or from any"},
	{"deny from to any", 1, 11, "from: the address is missing before \"to\": write from 10.0.0.0/8, from @set or from any"},
	{"deny from port 22", 1, 11, "from: the address is missing: write from any port …"},
	{"deny from not any", 1, 15, "from not any matches nothing: remove not"},
	{"deny from 10.0.0", 1, 11, "from: \"10.0.0\" is no address: an IPv4 address has four parts"},
	{"deny from 10.0.0.256", 1, 11, "from: \"10.0.0.256\" is no address: each part is 0 to 255, without leading zeros"},
	{"deny from 10.0.0.1-10.0.0.9", 1, 11, "from: \"10.0.0.1-10.0.0.9\" is a range: ranges of addresses are not in the language: write prefixes"},
	{"deny from 10.0.0.0/33", 1, 11, "from: /33 is too long: at most /32"},
	{"deny from 10.0.0.0/255.255.255.0", 1, 11, "from: \"10.0.0.0/255.255.255.0\" has a mask: write the length: /24 for 255.255.255.0"},
	{"deny from 10.0.0.0/x", 1, 11, "from: \"/x\" is no prefix length: /0 to /32"},
	{"deny from 10.0.0.5/24", 1, 11, "from: \"10.0.0.5/24\" has host bits set: write 10.0.0.0/24 or 10.0.0.5"},
	{"deny from 2001:db8::1/129", 1, 11, "from: /129 is too long: at most /128"},
	{"deny from 2001:db8:::1", 1, 11, "from: \"2001:db8:::1\" is no address: see RFC 4291 for IPv6 addresses"},
	{"deny from fe80::1%eth0", 1, 11, "from: \"fe80::1%eth0\" has a zone: write the address alone and dev eth0"},
	{"deny from ::ffff:10.0.0.0/90", 1, 11, "from: \"::ffff:10.0.0.0/90\" covers more than the IPv4-mapped addresses: at least /96, or write it as IPv4"},
	{"deny from !10.0.0.1", 1, 11, "from: \"!10.0.0.1\" is no address: write not before it"},
	{"deny from example.com", 1, 11, "from: \"example.com\" is no address: names are not looked up: write an address, a prefix or @set"},
	{"deny from 10.0.0.1,10.0.0.2", 1, 19, "from takes one address: define set name { … } and write from @name"},
	{"deny 10.0.0.1", 1, 6, "\"10.0.0.1\" stands alone: write from 10.0.0.1 or to 10.0.0.1"},
	{"deny from \"10.0.0.1\"", 1, 11, "from: the address is not quoted: write from 10.0.0.0/8, from @set or from any"},
	{"deny tcp port 22", 1, 10, "port stands alone: write to any port … or from any port …"},
	{"deny to any port 22", 1, 13, "port: the protocol has none: write tcp, udp or sctp before it"},
	{"deny icmp to any port 22", 1, 18, "port: the protocol has none: write tcp, udp or sctp before it"},
	{"deny tcp,icmp to any port 22", 1, 22, "port: the protocol has none: write tcp, udp or sctp before it"},
	{"deny tcp to any port", 1, 21, "port list: a port is missing: write port 443 or port 23,8000-8100"},
	{"deny tcp to any port any", 1, 22, "port any matches every packet: leave the port out"},
	{"deny tcp to any port 65536", 1, 22, "port list: 65536 is too large: a port is a number from 0 to 65535"},
	{"deny tcp to any port ssh", 1, 22, "port list: \"ssh\" is no port: a port is a number from 0 to 65535"},
	{"deny tcp to any port 8000-80", 1, 22, "port list: 8000-80 runs backwards: write 80-8000"},
	{"deny tcp to any port 1024-", 1, 22, "port list: \"1024-\" is open-ended: write 1024-65535"},
	{"deny tcp to any port 1024+", 1, 22, "port list: \"1024+\" is open-ended: write 1024-65535"},
	{"deny tcp to any port -80", 1, 22, "port list: \"-80\" has no beginning: write 0-80"},
	{"deny tcp to any port 80:90", 1, 22, "port list: \"80:90\" is no range: write 80-90"},
	{"deny tcp to any port 80,", 1, 25, "port list: a port is missing: write port 443 or port 23,8000-8100"},
	{"deny tcp to any port 80,,90", 1, 25, "port list: a port is missing before \",\": write port 443 or port 23,8000-8100"},
	{"deny tcp to any port 80 90", 1, 25, "port list: a comma is missing before 90: write port 23,8000-8100"},
	{"deny tcp type echo-request", 1, 15, "type: the protocol has none: write icmp, icmpv4 or icmpv6 before it"},
	{"deny icmp type", 1, 15, "type: the name is missing: write type echo-request"},
	{"deny icmp type 8", 1, 16, "type: 8 means echo-request to ICMP and nothing known to ICMPv6: write icmpv4 or icmpv6, or the name"},
	{"deny icmp type ping", 1, 16, "type: \"ping\" is not known: write echo-request or echo-reply"},
	{"deny icmpv4 type 256", 1, 18, "type: 256 is out of range: 0 to 255"},
	{"deny icmpv4 type neighbour-solicitation", 1, 18, "type: icmpv4 has no neighbour-solicitation: remove it, or write icmp"},
	{"deny icmp type echo-reqest", 1, 16, "type: \"echo-reqest\" is not known: did you mean echo-request?"},
	{"deny icmp6", 1, 6, "\"icmp6\" is not known: write icmpv6"},
	{"deny dev", 1, 9, "dev: the device is missing: write dev eth0"},
	{"deny dev eth0,eth1", 1, 14, "dev takes one device: write a rule for each"},
	{"deny dev eth*", 1, 10, "dev: \"eth*\" is a pattern: name one device a rule"},
	{"deny dev averyveryverylongname", 1, 10, "dev: \"averyveryverylongname\" is longer than 15 bytes: no device has such a name"},
	{"deny dev a/b", 1, 10, "dev: \"a/b\" can't be a device: ip link shows the names"},
	{"deny vlan 0", 1, 11, "vlan: 0 is out of range: 1 to 4094"},
	{"deny vlan 4095", 1, 11, "vlan: 4095 is out of range: 1 to 4094"},
	{"deny vlan ten", 1, 11, "vlan: \"ten\" is no number: 1 to 4094"},
	{"deny vlan 10,20", 1, 13, "vlan takes one number: write a rule for each"},
	{"deny vni 16777216", 1, 10, "vni: 16777216 is out of range: 1 to 16777215"},
	{"limit in tcp", 1, 13, "limit: the rate is missing: add rate 500/s per source burst 100"},
	{"limit in rate", 1, 14, "rate: the figure is missing: write rate 500/s per source burst 100"},
	{"limit in rate 500", 1, 15, "rate: 500 has no unit: write 500/s"},
	{"limit in rate 500/s", 1, 20, "rate: per source is missing: each source address has a bucket of its own: 500/s per source"},
	{"limit in rate 500/d per source", 1, 15, "rate: \"d\" is no unit: s, m or h"},
	{"limit in rate 0/s per source", 1, 15, "rate: 0 is out of range: 1 to 10000000 a second"},
	{"limit in rate many/s per source", 1, 15, "rate: \"many\" is no number: write rate 500/s per source burst 100"},
	{"limit in rate 99000000/s per source", 1, 15, "rate: 99000000 is out of range: 1 to 10000000 a second"},
	{"limit in rate 5/s per net", 1, 23, "rate: per \"net\" is not known: per source is the only one"},
	{"limit in rate 5/s per source burst", 1, 35, "burst: the figure is missing: write burst 100"},
	{"limit in rate 5/s per source burst 0", 1, 36, "burst: 0 is out of range: 1 to 1000000"},
	{"limit in rate 5/s per source burst x", 1, 36, "burst: \"x\" is no number: write burst 100"},
	{"limit in burst 5", 1, 17, "limit: the rate is missing: add rate 500/s per source burst 100"},
	{"deny in rate 5/s per source", 1, 1, "deny takes no rate: write limit … rate …"},
	{"deny in log \"\"", 1, 13, "log: the label is empty: leave it out"},
	{"deny in log \"open", 1, 13, "the quoted text does not end: close it with \""},
	{"deny in log \"a\\b\"", 1, 15, "log: \\ stands before \" or \\ only: write \\\\"},
	{"deny in log \"0123456789012345678901234567890123456789012345678901234567890123456789\"", 1, 13, "log: the label has 70 bytes: at most 64"},
	{"deny in \"label\"", 1, 9, "quoted text stands alone: only log takes a label: log \"text\""},
	{"deny in expires", 1, 16, "expires: the time is missing: write expires 15m or expires 2030-01-31T12:00:00Z"},
	{"deny in expires 15", 1, 17, "expires: \"15\" has no unit: write expires 15m or expires 2030-01-31T12:00:00Z"},
	{"deny in expires soon", 1, 17, "expires: \"soon\" is no span of time: write expires 15m or expires 2030-01-31T12:00:00Z"},
	{"deny in expires 0s", 1, 17, "expires: \"0s\" is out of range: 1s to 366d; without expires a rule stays"},
	{"deny in expires 400d", 1, 17, "expires: \"400d\" is too long: 1s to 366d; without expires a rule stays"},
	{"deny in expires 2030-01-01", 1, 17, "expires: \"2030-01-01\" has no time of day: write 2030-01-01T00:00:00Z"},
	{"deny in expires 2030-01-01T00:00:00", 1, 17, "expires: \"2030-01-01T00:00:00\" has no zone: write 2030-01-01T00:00:00Z for UTC"},
	{"deny in expires 2030-13-01T00:00:00Z", 1, 17, "expires: \"2030-13-01T00:00:00Z\" is no time: write expires 15m or expires 2030-01-31T12:00:00Z"},
	{"deny in expires 2030-01-01T00:00:00.5Z", 1, 17, "expires: \"2030-01-01T00:00:00.5Z\" has parts of a second: whole seconds only"},
	{"deny in expires 1999-01-01T00:00:00Z", 1, 17, "expires: the year of \"1999-01-01T00:00:00Z\" is out of range: 2000 to 2200"},
	{"deny in until 15m", 1, 9, "\"until\" is not known: write expires"},
	{"deny in log log", 1, 13, "log is given twice: keep one of them"},
	{"deny in allow", 1, 9, "a rule has one action: begin a new line with allow"},
	{"deny off", 1, 6, "off stands first: write off before the action"},
	{"deny in any", 1, 9, "any stands alone: write from any, to any, or leave it out"},
	{"deny in { 10.0.0.1 }", 1, 9, "\"{\" has no place in a rule: define set name { … } and write from @name"},
	{"deny in , tcp", 1, 9, "\",\" joins nothing: lists are protocols, ports and types: 80,443"},
	{"deny in per source", 1, 9, "per: without a rate: write rate 500/s per source burst 100"},
	{"deny in src 10.0.0.1", 1, 9, "\"src\" is not known: write from"},
	{"deny in dport 22", 1, 9, "\"dport\" is not known: write to any port …"},
	{"deny in iif eth0", 1, 9, "\"iif\" is not known: write dev"},
	{"deny in establishd", 1, 9, "\"establishd\" is not known: did you mean established?"},
	{"deny in\x1b[2J", 1, 8, "character U+001B can't be seen: remove it"},
	{"deny in # \u202e", 1, 11, "character U+202E can't be seen: remove it"},
	{"# \xff", 1, 3, "byte 0xff is not UTF-8: remove it"},
	{"chain fw \x1b", 1, 10, "character U+001B can't be seen: remove it"},
	{"tunnel", 1, 7, "tunnel: the kind is missing: write tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip"},
	{"tunnel vxlam count", 1, 8, "tunnel: \"vxlam\" is no kind of tunnel: did you mean vxlan?"},
	{"tunnel mpls count", 1, 8, "tunnel: \"mpls\" is no kind of tunnel: vxlan, vxlan-gpe, geneve, gue, gtpu, gre or ipip"},
	{"tunnel \"vxlan\" count", 1, 8, "tunnel: \"vxlan\" is no kind of tunnel: did you mean vxlan?"},
	{"tunnel vxlan", 1, 13, "tunnel: strip or count is missing: count only looks"},
	{"tunnel vxlan port", 1, 18, "port: the number is missing: write port 4789"},
	{"tunnel vxlan port x count", 1, 19, "port: \"x\" is no port: a tunnel is on one UDP port, 1 to 65535"},
	{"tunnel vxlan port 0 count", 1, 19, "port: 0 is no port: a tunnel is on one UDP port, 1 to 65535"},
	{"tunnel vxlan port 70000 count", 1, 19, "port: 70000 is too large: a tunnel is on one UDP port, 1 to 65535"},
	{"tunnel gre port 1 count", 1, 17, "port: gre has none: leave it out"},
	{"tunnel vxlan port 1 port 2 count", 1, 21, "port is given twice: keep one of them"},
	{"tunnel vxlan vni", 1, 17, "vni: the number is missing: write vni 100 or vni any"},
	{"tunnel vxlan vni 16777216 count", 1, 18, "vni: 16777216 is out of range: 0 to 16777215"},
	{"tunnel vxlan vni x count", 1, 18, "vni: \"x\" is no number: any, or 0 to 16777215"},
	{"tunnel ipip vni 1 count", 1, 17, "vni: ipip has none: leave it out"},
	{"tunnel vxlan to count", 1, 17, "to: the address is missing before \"count\": write to 192.0.2.1, the host's end of the tunnel"},
	{"tunnel vxlan to 192.0.2.0/24 count", 1, 17, "to: \"192.0.2.0/24\" is a prefix: a tunnel ends at one address: write a line for each"},
	{"tunnel vxlan to 300.1.1.1 count", 1, 17, "to: \"300.1.1.1\" is no address: each part is 0 to 255, without leading zeros"},
	{"tunnel vxlan peers 192.0.2.1/24 count", 1, 20, "peers: \"192.0.2.1/24\" has host bits set: write 192.0.2.0/24 or 192.0.2.1"},
	{"tunnel vxlan peers 192.0.2.1, count", 1, 31, "peers: a prefix is missing before \"count\": write peers 192.0.2.0/24,198.51.100.7"},
	{"tunnel vxlan peers ::/0 count", 1, 20, "peers: \"::/0\" takes in addresses that no packet comes from: write 2000::/3 for all of IPv6"},
	{"tunnel vxlan inner 10.0.0.0/8 count", 1, 14, "inner: a line that only counts asks for no inner addresses: leave it out, or write strip"},
	{"tunnel vxlan strip count", 1, 20, "tunnel: strip and count exclude each other: keep one of them"},
	{"tunnel gtpu strip", 1, 13, "strip: gtpu is counted only: write count"},
	{"tunnel vxlan strip", 1, 14, "strip: the local address is missing: add to 192.0.2.1: whatever else comes to this port is left to the kernel"},
	{"tunnel vxlan to 192.0.2.1 strip", 1, 27, "strip: the peers are missing: add peers 192.0.2.0/24: anybody could put packets behind the firewall else"},
	{"tunnel vxlan to 192.0.2.1 peers 192.0.2.0/24 strip", 1, 46, "strip: the inner prefixes are missing: add inner 10.50.0.0/16: where the packets inside may come from"},
	{"tunnel vxlan to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 strip", 1, 63, "strip: vni any would mix tunnels: write a line for each VNI"},
	{"tunnel vxlan vni 1 to 192.0.2.1 peers 2001:db8::/32 inner 10.0.0.0/8 strip", 1, 33, "peers: none is of the family of 192.0.2.1: outer source and destination are both IPv4 or both IPv6"},
	{"tunnel vxlan vni 1 to 192.0.2.1 peers 192.0.2.0/24 inner 127.0.0.0/8 strip", 1, 52, "inner: 127.0.0.0/8 can't be where packets come from: name the network behind the tunnel"},
	{"tunnel vxlan vni 1 to 192.0.2.1 peers 192.0.2.0/24 inner 0.0.0.0/0 strip", 1, 52, "inner: 0.0.0.0/0 can't be where packets come from: name the network behind the tunnel"},
	{"tunnel vxlan form 10.0.0.0/8 count", 1, 14, "tunnel: \"form\" is not known: did you mean port?"},
	{"tunnel vxlan from 10.0.0.0/8 count", 1, 14, "tunnel: from is not known: write peers for the outer source, inner for the inner one"},
	{"tunnel vxlan force count", 1, 14, "tunnel: force stands alone: write strip force"},
	{"tunnel vxlan dev eth0 count", 1, 14, "tunnel: dev has no place in a tunnel line: rules may ask for it: deny in vni 100 dev …"},
	{"tunnel vxlan count now", 1, 20, "tunnel: \"now\" is not known: did you mean to?"},
	{"tunnel vxlan vni 1 to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 strip\ntunnel vxlan vni 2 to 192.0.2.1 peers 192.0.2.0/24 inner 10.1.0.0/16 strip", 2, 1, "tunnel: inner 10.1.0.0/16 overlaps 10.0.0.0/8 of line 1: unwrapped packets of two tunnels must differ in their addresses"},
	{"tunnel vxlan port 7000 count\ntunnel geneve port 7000 count", 2, 1, "tunnel: port 7000 is vxlan in line 1: one port carries one kind of tunnel"},
	{"\tdeny  in\ttcp to any  port 8000-80", 1, 28, "port list: 8000-80 runs backwards: write 80-8000"},
	{"# ok\n\nallow in\ndeny tcp to any port é", 4, 22, "port list: \"é\" is no port: a port is a number from 0 to 65535"},
	{"allow\ndrop\naccept", 2, 1, "\"drop\" begins no line: write deny"},
}

func TestEachMistakeHasItsPlaceAndItsWords(t *testing.T) {
	for _, c := range mistakes {
		f, err := Parse(c.text)
		e, ok := err.(*Errors)
		if !ok {
			t.Errorf("%q passes as\n%s", c.text, f)
			continue
		}
		if got := e.List[0]; got.Line != c.line || got.Col != c.col || got.Words() != c.words {
			t.Errorf("%q: %d:%d %s\nwant %d:%d %s", c.text, got.Line, got.Col, got.Words(), c.line, c.col, c.words)
		}
	}
}

func TestAllErrorsOfATextAreFound(t *testing.T) {
	const text = "drop in\n\ndeny tpc from 10.0.0.1/8 port 5-4 to 300.1.1.1 vlan 0 expires never\nset a { x, 10.0.0.0/33 }\ndeny from @b"
	_, err := Parse(text)
	want := []acl.Error{{Line: 1, Col: 1}, {Line: 3, Col: 6}, {Line: 3, Col: 15}, {Line: 3, Col: 38}, {Line: 3, Col: 53}, {Line: 3, Col: 63},
		{Line: 4, Col: 9}, {Line: 4, Col: 12}, {Line: 5, Col: 11}}
	e := err.(*Errors)
	for i, w := range want {
		if i >= len(e.List) || e.List[i].Line != w.Line || e.List[i].Col != w.Col {
			t.Errorf("error %d is not at %d:%d among %v", i+1, w.Line, w.Col, e.List)
			break
		}
	}
	if len(e.List) != len(want) {
		t.Errorf("%d errors, want %d: %v", len(e.List), len(want), e.List)
	}
}
