// SPDX-License-Identifier: Apache-2.0

// Package acl is the part of the policy language that drops packets: model, parser, canonical printer, linter, oracle and
// semantic difference. Pure: standard library and ui/format only. The file around it is netcfg/policy.
//
//	default in deny                      what becomes of packets that no rule decides; allow unless said
//	set NAME { 10.0.0.0/8, 2001:db8::1 } a list of addresses and prefixes of both families
//	[off] ACTION [in|out] [CLAUSE …] [# comment]
//
// First match wins; actions are allow, deny, limit (allow while the source's token bucket lasts, deny beyond) and count
// (counts and goes on). Clauses come in any order, each at most once; the printer puts them into this one:
//
//	[not] PROTO,…            tcp, udp, icmp (both ICMPs), icmpv4, 47 …
//	from [not] ADDR [port [not] PORTS]   ADDR: any, an address, a prefix, @set; PORTS: 23,8000-8100 (of tcp, udp, sctp)
//	to [not] ADDR [port [not] PORTS]
//	type [not] NAME,…        ICMP type by name; by number after icmpv4 or icmpv6
//	established              an allowed packet of the other direction has been seen
//	dev [not] NAME           the watched device
//	vlan [not] ID            outermost tag that is not 0
//	vni [not] ID             of the tunnel that the packet came in
//	rate N/s per source burst N   of limit; s, m or h; burst is one second's worth unless said
//	log ["label"]
//	expires 15m              relative as typed; absolute UTC (2030-01-31T12:00:00Z) from the commit on
//
// A rule without addresses matches both families. not inverts what follows it and nothing else: from not 10.0.0.0/8 matches
// every IPv6 address. A prefix matches its own family only; IPv4-mapped addresses are their IPv4 selves.
//
// A fragment other than the first carries neither ports nor an ICMP type. Rules that ask for them, or for established, take
// it for theirs when they allow or limit, and pass it over when they deny or count: a datagram whose first fragment is
// denied is never put together, one whose first fragment is allowed arrives whole. What can't be parsed falls under the
// default.
package acl
