// SPDX-License-Identifier: Apache-2.0

package acl

import "net/netip"

// GuardLine is one line of rule 0: what passes whatever the policy says. Unlike other rules a guard line takes no later
// fragment for its own: what it lets pass is small.
type GuardLine struct {
	Name  string // "neighbour discovery"
	NotIP bool   // frames that are not IP; Rule says nothing then
	Rule  Rule
}

// Text shows the line as a rule.
func (g *GuardLine) Text() string {
	if g.NotIP {
		return "allow frames that are not IP"
	}
	return g.Rule.String()
}

func (g *GuardLine) matches(p *Policy, k *Packet) bool {
	switch {
	case k.Malformed:
		return false
	case g.NotIP || k.NotIP:
		return g.NotIP && k.NotIP
	}
	return p.matches(&g.Rule, k, nil, false)
}

// WayIn is how an operator gets into this host: new connections from the peer to the port, and what belongs to them.
type WayIn struct {
	Proto       uint8 // TCP or UDP
	Local, Peer netip.Addr
	Port        uint16 // the host's
	PeerPort    uint16 // of the connection that stands, 0: none is known
	Both        bool   // the port is the destination of both directions: a tunnel of the kernel's (VXLAN, Geneve)
	Dev         string // "" : unknown
	VLAN        uint16
	VNI         uint32
	Name        string // "ssh 10.0.0.8:50122"
	Own         bool   // the session that hooktop runs in
}

// Packets gives what must pass for the way in to work: what stands, a new connection, and both answers.
func (w WayIn) Packets() []Packet {
	const fresh = 49152 // RFC 6335: first of the dynamic ports
	ports := []uint16{fresh, 65535}
	if w.PeerPort != 0 {
		ports = append([]uint16{w.PeerPort}, ports...)
	}
	var out []Packet
	for _, port := range ports {
		in := Packet{Dir: In, Dev: w.Dev, Src: w.Peer.Unmap(), Dst: w.Local.Unmap(), Proto: w.Proto, SPort: port, DPort: w.Port, VLAN: w.VLAN, VNI: w.VNI}
		back := in
		back.Dir, back.Src, back.Dst, back.SPort, back.DPort = Out, in.Dst, in.Src, in.DPort, in.SPort
		if w.Both {
			back.SPort, back.DPort = in.SPort, in.DPort
		}
		out = append(out, in, back)
	}
	return out
}

// PacketsUnder is Packets, and the same under each tag by which a rule of the policy could have them dropped: over which VLAN a peer's
// packets come is not known.
func (w WayIn) PacketsUnder(p *Policy) []Packet {
	out := w.Packets()
	if w.VLAN != 0 {
		return out
	}
	for _, k := range out {
		told := map[uint16]bool{}
		for i := range p.Rules {
			r := p.Rules[i]
			tag := uint16(r.VLAN.ID)
			if tag == 0 && !r.Off && r.Action.Final() && !r.Established && r.Expires.Never() && p.matches(&r, &k, nil, false) {
				break // it decides whatever the tag
			}
			if tag == 0 || r.Off || told[tag] || (r.Action == Deny) == r.VLAN.Not {
				continue // a rule that denies other tags than this one has what is untagged
			}
			r.VLAN, r.Established = Tag{}, false
			if p.matches(&r, &k, nil, false) {
				told[tag] = true
				k.VLAN = tag
				out = append(out, k)
			}
		}
	}
	return out
}

// Guard gives the lines of rule 0 for these ways in.
func Guard(ways []WayIn) []GuardLine {
	icmp := func(proto uint8, numbers ...int16) Rule {
		r := Rule{Proto: Protos{List: []uint8{proto}}}
		for _, n := range numbers {
			t := ICMPType{V4: n, V6: -1}
			if proto == ICMPv6 {
				t = ICMPType{V4: -1, V6: n}
			}
			r.Type.List = append(r.Type.List, t)
		}
		return r
	}
	udp := func(lo, hi uint16) Rule {
		ports := Ports{List: []Range{{lo, hi}}}
		return Rule{Proto: Protos{List: []uint8{UDP}}, From: End{Ports: ports}, To: End{Ports: ports}}
	}
	out := []GuardLine{
		{Name: "not IP", NotIP: true},
		{Name: "neighbour and router discovery", Rule: icmp(ICMPv6, 133, 134, 135, 136, 137)},
		{Name: "multicast listeners", Rule: icmp(ICMPv6, 130, 131, 132, 143)},
		{Name: "ICMP errors", Rule: icmp(ICMP, 3, 11, 12)},
		{Name: "ICMPv6 errors", Rule: icmp(ICMPv6, 1, 2, 3, 4)},
		{Name: "DHCP", Rule: udp(67, 68)},
		{Name: "DHCPv6", Rule: udp(546, 547)},
	}
	for _, w := range ways {
		host, peer := addressOf(w.Local), addressOf(w.Peer)
		port := Ports{List: []Range{{w.Port, w.Port}}}
		in := Rule{Dir: In, Proto: Protos{List: []uint8{w.Proto}}, From: peer, To: host}
		in.To.Ports = port
		back := Rule{Dir: Out, Proto: in.Proto, From: host, To: peer}
		if w.Both {
			back.To.Ports = port
		} else {
			back.From.Ports = port
		}
		out = append(out, GuardLine{Name: "way in: " + w.Name, Rule: in}, GuardLine{Name: "way in: " + w.Name, Rule: back})
	}
	return out
}

func addressOf(a netip.Addr) End {
	a = a.Unmap()
	return End{Prefix: netip.PrefixFrom(a, a.BitLen())}
}
