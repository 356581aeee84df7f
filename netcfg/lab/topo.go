// SPDX-License-Identifier: Apache-2.0

package lab

import "net/netip"

// Devices of the host.
const (
	WAN    = "wan0"
	LAN    = "lan0"
	FWTo   = "fw0" // to the firewall
	FWBack = "fw1" // and back from it
)

// Chain is the line of a policy that sends LAN clients' requests to one server of the world through the firewall. Until a policy has
// it they go straight there.
const Chain = "chain fw in " + LAN + " match tcp to " + chained4 + " port 443 service via " + fwTo4 + " dev " + FWTo + " return " + FWBack +
	" mark 0x10/0xf0 upstream via " + gateway4 + " dev " + WAN + " fail open"

// nodeDev is the device of a node; the firewall has a second one.
const nodeDev = "eth0"

// Agent is the process name of the stand-in access agent that holds the operator's session.
const Agent = "lab-sshd"

// Addresses: documentation ranges (RFC 5737, RFC 3849) and one private network.
const (
	hostWAN4, hostWAN6 = "192.0.2.1", "2001:db8:1::1"
	hostLAN4, hostLAN6 = "10.77.0.1", "2001:db8:2::1"
	gateway4, gateway6 = "192.0.2.254", "2001:db8:1::fe"

	operator4          = "198.51.100.8"
	scanner4, scanner6 = "198.51.100.66", "2001:db8:c::66"
	tagger4, tagger6   = "198.51.100.20", "2001:db8:c::20"
	pinger4, pinger6   = "198.51.100.23", "2001:db8:c::23"
	steady4, steady6   = "198.51.100.80", "2001:db8:c::80"
	blackhole4         = "203.0.113.99" // nobody has it: what is sent there is never answered
	resolver4          = "203.0.113.53"
	resolver6          = "2001:db8:5::53"
	bulk4              = "203.0.113.20"
	chained4           = "203.0.113.44" // what the chain is for
	fwTo4, fwBack4     = "10.78.0.2", "10.78.1.2"
)

// Ports of the operator's session, fixed so that the session can be named before it exists.
const (
	sshPort      = 22
	operatorPort = 50022
	bulkPort     = 5201 // iperf's
	discardPort  = 9
	chainedPort  = 443
)

func webClients() []string {
	return []string{"198.51.100.7", "198.51.100.23", "198.51.100.42", "2001:db8:c::7", "2001:db8:c::42"}
}

func webServers() []string {
	return []string{"203.0.113.10", "203.0.113.80", "2001:db8:5::10", "2001:db8:5::80"}
}

func lanClients() []string {
	return []string{"10.77.0.10", "10.77.0.11", "2001:db8:2::10", "2001:db8:2::11"}
}

// Session is the operator's own TCP connection, as the host sees it.
func Session() (local, peer netip.AddrPort) {
	return netip.AddrPortFrom(addr(hostWAN4), sshPort), netip.AddrPortFrom(addr(operator4), operatorPort)
}

// end is a device at one end of a link.
type end struct {
	dev   string
	mac   [6]byte
	addrs []string // with prefix lengths; those that are not /32 or /128 are on the link
}

// gate is a route through a gateway.
type gate struct{ dst, via string }

// wire is a link between the host and a node, with the routes at both ends.
type wire struct {
	role         string
	host, node   end
	hostR, nodeR []gate
}

func topology() []wire {
	wan := wire{
		role:  "wan",
		host:  end{WAN, [6]byte{2, 'h', 't', 0, 0, 1}, []string{hostWAN4 + "/24", hostWAN6 + "/64"}},
		node:  end{nodeDev, [6]byte{2, 'h', 't', 0, 0, 0xfe}, []string{gateway4 + "/24", gateway6 + "/64"}},
		hostR: []gate{{"0.0.0.0/0", gateway4}, {"::/0", gateway6}},
		nodeR: []gate{{"10.77.0.0/24", hostWAN4}, {"2001:db8:2::/64", hostWAN6}},
	}
	for _, a := range innerAddrs() {
		wan.host.addrs = append(wan.host.addrs, netip.PrefixFrom(addr(a), addr(a).BitLen()).String())
	}
	single := append(append(webClients(), webServers()...), vxlanPeer, pagesPeer, operator4, scanner4, scanner6, tagger4, tagger6, pinger6, steady4, steady6, resolver4, resolver6, bulk4, chained4)
	for _, a := range single {
		wan.node.addrs = append(wan.node.addrs, netip.PrefixFrom(addr(a), addr(a).BitLen()).String())
	}
	lan := wire{
		role:  "lan",
		host:  end{LAN, [6]byte{2, 'h', 't', 0, 1, 1}, []string{hostLAN4 + "/24", hostLAN6 + "/64"}},
		node:  end{nodeDev, [6]byte{2, 'h', 't', 0, 1, 0xfe}, nil},
		nodeR: []gate{{"0.0.0.0/0", hostLAN4}, {"::/0", hostLAN6}},
	}
	for _, a := range lanClients() {
		bits := 24
		if addr(a).Is6() {
			bits = 64
		}
		lan.node.addrs = append(lan.node.addrs, netip.PrefixFrom(addr(a), bits).String())
	}
	to := wire{
		role:  firewall,
		host:  end{FWTo, [6]byte{2, 'h', 't', 0, 2, 1}, []string{"10.78.0.1/30"}},
		node:  end{nodeDev, [6]byte{2, 'h', 't', 0, 2, 0xfe}, []string{fwTo4 + "/30"}},
		nodeR: []gate{{"10.77.0.0/24", "10.78.0.1"}},
	}
	back := wire{
		role:  firewall,
		host:  end{FWBack, [6]byte{2, 'h', 't', 0, 3, 1}, []string{"10.78.1.1/30"}},
		node:  end{"eth1", [6]byte{2, 'h', 't', 0, 3, 0xfe}, []string{fwBack4 + "/30"}},
		nodeR: []gate{{"0.0.0.0/0", "10.78.1.1"}},
	}
	return []wire{wan, lan, to, back}
}

// firewall is the node that forwards what the chain sends it.
const firewall = "fw"

// isHost says whether the host itself has the address.
func isHost(a netip.Addr) bool {
	return a == addr(hostWAN4) || a == addr(hostWAN6) || a == addr(hostLAN4) || a == addr(hostLAN6)
}

// addr parses one of the constants above.
func addr(s string) netip.Addr { return netip.MustParseAddr(s) }
