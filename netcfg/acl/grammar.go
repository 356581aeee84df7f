// SPDX-License-Identifier: Apache-2.0

package acl

// Grammar is the language for the manual page. Lines have at most 80 characters.
const Grammar = `One line an entry; file and inline editor hold the same:

    default in deny                  for packets that no rule decides
    set NAME { 10.0.0.0/8, 2001:db8::1 }
    [off] ACTION [in|out] [CLAUSE …] [# comment]

Actions are allow, deny, limit (allow while the source's token bucket lasts,
deny beyond) and count (count and go on). The first rule that matches decides;
without one the default does, which is allow unless said. Clauses come in any
order, each at most once:

    [not] tcp,udp                    by name or number; icmp is both ICMPs
    from [not] ADDR [port [not] 23,8000-8100]
    to [not] ADDR [port [not] 443]   ADDR is any, an address, a prefix or @set
    type [not] echo-request          ICMP; by number after icmpv4 or icmpv6
    established                      the other direction was seen and allowed
    dev [not] eth0                   the watched device
    vlan [not] 12                    the outermost tag whose ID is not 0
    vni [not] 100                    of the tunnel that the packet came in
    rate 500/s per source burst 100  of limit; by s, m or h, for each address
    log "label"                      an event for each packet, within limits
    expires 15m                      absolute from the commit on

A chain sends packets that arrive on one device through a service, marks them
and sends them on; replies go through it in reverse unless oneway is said:

    chain NAME in DEV match [PROTO] [from …] [to …] service via ADDR dev DEV
        return DEV [via ADDR] mark 0x10/0xf0 upstream via ADDR dev DEV
        fail open|closed [both|oneway]

It is one line. match any takes all packets of the next hops' family; the first
chain that matches has a packet, and only allowed ones are marked. via behind
return is the service's address there, for replies; a /30 or /31 tells it.

Tunnels are counted where they are known: VXLAN, VXLAN-GPE, Geneve, GUE and
GTP-U on their ports, GRE and IP in IP. A line names another port, or unwraps:

    [off] tunnel KIND [port 4789] [vni 100|any] [to ADDR] [peers PREFIX,…]
          [inner PREFIX,…] count|strip [force]

KIND is vxlan, vxlan-gpe, geneve, gue, gtpu, gre or ipip; port is the well-known
one unless said, vni any. count only counts. strip takes the outer headers off
and lets the packet inside be judged by the rules, where they ask for its vni.
It names the host's end (to), who may send (peers), and where the packets inside
may come from (inner). Lines whose inner prefixes overlap, in tunnels that
differ, are refused. A line whose packets a device of the kernel takes is
refused, and suspended when the device comes later, unless it says force.
Packets that no strip line agrees with are left to the kernel, and counted by
the reason.

A rule without addresses matches both families. not inverts what follows it and
nothing else: from not 10.0.0.0/8 matches every IPv6 address. IPv4-mapped
addresses are their IPv4 selves.

A fragment other than the first shows neither ports nor an ICMP type. Rules that
ask for them, or for established, take it for theirs when they allow or limit,
and pass it over when they deny or count: a datagram whose first fragment is
denied is never put together, one whose first is allowed arrives whole. What
can't be parsed falls under the default.`
