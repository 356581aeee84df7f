// SPDX-License-Identifier: Apache-2.0

package ledger

import "strings"

// mib is a counter of the protocol stack that stands for packets which die.
type mib struct {
	stage    string
	file     string // below /proc/net
	key      string // "Ip InDiscards", "Ip6InDiscards"
	headline bool   // shown even when it is zero
	trace    string // "" when no packet is there to be traced
	filter   string
	help     string
}

// name is the counter's in its file, with the group where it would not be clear without.
func (m mib) name() string {
	group, name, ok := strings.Cut(m.key, " ")
	if !ok {
		return m.key
	}
	if group == "Icmp" {
		return group + name
	}
	return name
}

// openers handle a SYN; what a listener refuses there is freed as consumed, so that no drop is seen.
const openers = "tcp_conn_request"

// mibs lists the counters in the order of their stages.
func mibs() []mib {
	return append(append(append(routing(), internet()...), transforms()...), append(transport(), sockets()...)...)
}

func routing() []mib {
	return []mib{
		{stageRouting, "netstat", "IpExt InNoRoutes", true, drops, "", "received for somewhere that no route leads to: see ip route get ADDRESS from SOURCE iif DEVICE"},
		{stageRouting, "snmp", "Ip OutNoRoutes", false, "", "", "own packets without a route: see ip route get ADDRESS"},
		{stageRouting, "netstat", "TcpExt IPReversePathFilter", true, drops, "", "the route back to the source leads through another device: asymmetric routing or a forged source; see net.ipv4.conf.*.rp_filter"},
		{stageRouting, "snmp", "Ip InAddrErrors", false, drops, "", "for an address that is not this host's, and forwarding is off or the address invalid: see net.ipv4.ip_forward"},
		{stageRouting, "snmp6", "Ip6InNoRoutes", false, drops, "", "received for somewhere that no IPv6 route leads to: see ip -6 route get ADDRESS"},
		{stageRouting, "snmp6", "Ip6OutNoRoutes", false, "", "", "own packets without an IPv6 route: see ip -6 route get ADDRESS"},
		{stageRouting, "snmp6", "Ip6InAddrErrors", false, drops, "", "from or for an IPv6 address that is not valid there"},
	}
}

func internet() []mib {
	return []mib{
		{stageIP, "snmp", "Ip InHdrErrors", false, drops, "", "a bad header, a wrong checksum, or the TTL ran out: a loop, a traceroute, or a broken sender"},
		{stageIP, "netstat", "IpExt InCsumErrors", false, drops, "", "wrong checksum in the IP header: damage on the way, or an offload that does not work"},
		{stageIP, "netstat", "IpExt InTruncatedPkts", false, drops, "", "shorter than its header says: cut on the way"},
		{stageIP, "snmp", "Ip InDiscards", true, drops, "", "fine, but there was no memory or no room for it: look for memory pressure"},
		{stageIP, "snmp", "Ip InUnknownProtos", false, drops, "", "a protocol that nobody here takes (IPIP, GRE, SCTP …): is its module loaded?"},
		{stageIP, "snmp", "Ip OutDiscards", false, drops, "", "could not be sent though there was a route: no memory, a dropping queue, or netfilter in the way out"},
		{stageIP, "snmp", "Ip ReasmFails", false, drops, "", "fragments that never became a packet: some were lost, or raise net.ipv4.ipfrag_high_thresh and ipfrag_time"},
		{stageIP, "snmp", "Ip FragFails", false, drops, "", "larger than the MTU and not allowed to be split (DF): path MTU discovery; is ICMP filtered on the way?"},
		{stageIP, "snmp", "Icmp InErrors", false, drops, "icmp", "ICMP that makes no sense: bad checksum, type or contents"},
		{stageIP, "snmp6", "Ip6InHdrErrors", false, drops, "", "a bad IPv6 header, or the hop limit ran out: a loop, a traceroute, or a broken sender"},
		{stageIP, "snmp6", "Ip6InTruncatedPkts", false, drops, "", "shorter than its IPv6 header says: cut on the way"},
		{stageIP, "snmp6", "Ip6InTooBigErrors", false, drops, "", "too big to be forwarded: path MTU discovery; is ICMPv6 filtered on the way?"},
		{stageIP, "snmp6", "Ip6InDiscards", false, drops, "", "fine, but there was no memory or no room for it: look for memory pressure"},
		{stageIP, "snmp6", "Ip6InUnknownProtos", false, drops, "", "a protocol that nobody here takes: is its module loaded?"},
		{stageIP, "snmp6", "Ip6OutDiscards", false, drops, "", "could not be sent though there was a route: no memory, a dropping queue, or netfilter in the way out"},
		{stageIP, "snmp6", "Ip6ReasmFails", false, drops, "", "fragments that never became a packet: some were lost, or raise net.ipv6.ip6frag_high_thresh and ip6frag_time"},
		{stageIP, "snmp6", "Ip6FragFails", false, drops, "", "own packets that could not be split"},
		{stageIP, "snmp6", "Icmp6InErrors", false, drops, "icmp6", "ICMPv6 that makes no sense: bad checksum, type or contents"},
	}
}

// transforms are those of IPsec (Documentation/networking/xfrm_proc.rst).
func transforms() []mib {
	var all []mib
	for _, c := range []struct{ key, help string }{
		{"XfrmInError", "IPsec: failed on the way in for another reason than those below"},
		{"XfrmInBufferError", "IPsec: no memory for it"},
		{"XfrmInHdrError", "IPsec: a bad header"},
		{"XfrmInNoStates", "IPsec: no security association for it: wrong SPI, or the peer has not rekeyed"},
		{"XfrmInStateProtoError", "IPsec: decryption or integrity failed: wrong key, or damage on the way"},
		{"XfrmInStateModeError", "IPsec: transport and tunnel mode differ between the ends"},
		{"XfrmInStateSeqError", "IPsec: outside the replay window: reordering or replay; enlarge the window"},
		{"XfrmInStateExpired", "IPsec: the security association has expired"},
		{"XfrmInStateMismatch", "IPsec: encapsulation differs from the security association's"},
		{"XfrmInStateInvalid", "IPsec: the security association is not valid any more"},
		{"XfrmInTmplMismatch", "IPsec: came in by another security association than the policy asks for"},
		{"XfrmInNoPols", "IPsec: no policy for it"},
		{"XfrmInPolBlock", "IPsec: a policy blocks it"},
		{"XfrmInPolError", "IPsec: the policy failed"},
		{"XfrmOutError", "IPsec: failed on the way out for another reason than those below"},
		{"XfrmOutBundleGenError", "IPsec: no bundle could be made"},
		{"XfrmOutNoStates", "IPsec: a policy without a security association: is the key daemon up?"},
		{"XfrmOutStateProtoError", "IPsec: encryption failed"},
		{"XfrmOutStateSeqError", "IPsec: the sequence number is used up: rekey"},
		{"XfrmOutStateExpired", "IPsec: the security association has expired"},
		{"XfrmOutPolBlock", "IPsec: a policy blocks it"},
		{"XfrmOutPolDead", "IPsec: the policy is dead"},
		{"XfrmOutPolError", "IPsec: the policy failed"},
		{"XfrmFwdHdrError", "IPsec: a bad header while forwarding"},
	} {
		all = append(all, mib{stageXFRM, "xfrm_stat", c.key, false, drops, "", c.help + "; see ip xfrm state and policy"})
	}
	return all
}

func transport() []mib {
	return []mib{
		{stageTCP, "snmp", "Tcp InErrs", false, drops, "tcp", "a bad TCP header or checksum; the wrong checksums among them are InCsumErrors"},
		{stageTCP, "snmp", "Tcp InCsumErrors", false, drops, "tcp", "wrong TCP checksum: damage on the way, or an offload that does not work"},
		{stageTCP, "snmp", "Tcp OutRsts", false, drops, "tcp", "answered with a reset: a closed port, a connection that nobody knows, or a program that closed with data unread"},
		{stageTCP, "netstat", "TcpExt TCPMD5Failure", false, drops, "tcp", "wrong TCP MD5 signature: compare the keys at both ends"},
		{stageTCP, "netstat", "TcpExt TCPMD5NotFound", false, drops, "tcp", "no TCP MD5 signature where one is asked for"},
		{stageTCP, "netstat", "TcpExt TCPMD5Unexpected", false, drops, "tcp", "a TCP MD5 signature that nobody asked for"},
		{stageTCP, "netstat", "TcpExt TCPMinTTLDrop", false, drops, "tcp", "came from further away than IP_MINTTL allows"},
		{stageTCP, "netstat", "TcpExt PAWSEstab", false, drops, "tcp", "an old timestamp: late copies, or several hosts behind one address"},
		{stageTCP, "netstat", "TcpExt BeyondWindow", false, drops, "tcp", "data beyond the window that was offered"},
		{stageTCP, "netstat", "TcpExt SyncookiesFailed", false, drops, "tcp", "an answer to a SYN cookie that does not fit: late, or a guess"},
		{stageTCP, "netstat", "TcpExt PFMemallocDrop", false, drops, "tcp", "memory was so short that only swapping could go on"},
		{stageUDP, "snmp", "Udp NoPorts", true, drops, "udp", "nobody listens at that port: the sender is told by ICMP; is the service up, on that address?"},
		{stageUDP, "snmp6", "Udp6NoPorts", false, drops, "udp", "nobody listens at that IPv6 port: the sender is told by ICMPv6; is the service up, on that address?"},
		{stageUDP, "snmp", "Udp InCsumErrors", false, drops, "udp", "wrong UDP checksum: damage on the way, or an offload that does not work"},
		{stageUDP, "snmp6", "Udp6InCsumErrors", false, drops, "udp", "wrong UDP checksum: damage on the way, or an offload that does not work"},
	}
}

// sockets are the last stage: queues and buffers that a program empties too slowly.
func sockets() []mib {
	return []mib{
		{stageSocket, "netstat", "TcpExt ListenOverflows", true, openers, "tcp", "a listener's queue of connections to accept was full: the program accepts too slowly; raise its backlog and net.core.somaxconn"},
		{stageSocket, "netstat", "TcpExt ListenDrops", false, openers, "tcp", "connection requests that a listener lost, ListenOverflows among them"},
		{stageSocket, "netstat", "TcpExt TCPReqQFullDrop", false, openers, "tcp", "a listener's queue of half-open connections was full and SYN cookies are off: a SYN flood, or raise net.ipv4.tcp_max_syn_backlog"},
		{stageSocket, "netstat", "TcpExt TCPDeferAcceptDrop", false, drops, "tcp", "the bare ACK of a connection whose listener waits for data: as TCP_DEFER_ACCEPT wants it"},
		{stageSocket, "netstat", "TcpExt TCPBacklogDrop", false, drops, "tcp", "the socket was busy and its backlog full: the receiver is slower than the sender; raise net.ipv4.tcp_rmem"},
		{stageSocket, "netstat", "TcpExt TCPRcvQDrop", false, drops, "tcp", "the receive queue was full: the program reads too slowly; raise net.ipv4.tcp_rmem"},
		{stageSocket, "netstat", "TcpExt RcvPruned", false, drops, "tcp", "thrown out of a full receive buffer: the program reads too slowly, or net.ipv4.tcp_mem is exhausted"},
		{stageSocket, "netstat", "TcpExt OfoPruned", false, drops, "tcp", "segments out of order, thrown out because the receive buffer was full"},
		{stageSocket, "netstat", "TcpExt TCPOFODrop", false, drops, "tcp", "segments out of order that found no room"},
		{stageSocket, "netstat", "TcpExt TCPZeroWindowDrop", false, drops, "tcp", "data sent though the window was closed"},
		{stageSocket, "netstat", "TcpExt LockDroppedIcmps", false, drops, "icmp", "ICMP for a socket that was in use at that moment"},
		{stageSocket, "snmp", "Udp RcvbufErrors", true, drops, "udp", "a receive buffer was full: the program reads too slowly; raise SO_RCVBUF or net.core.rmem_default"},
		{stageSocket, "snmp", "Udp SndbufErrors", false, "", "", "no room to send: raise SO_SNDBUF or net.core.wmem_default"},
		{stageSocket, "snmp", "Udp MemErrors", false, drops, "udp", "all UDP sockets together hold too much: raise net.ipv4.udp_mem"},
		{stageSocket, "snmp6", "Udp6RcvbufErrors", false, drops, "udp", "a receive buffer was full: the program reads too slowly; raise SO_RCVBUF or net.core.rmem_default"},
		{stageSocket, "snmp6", "Udp6SndbufErrors", false, "", "", "no room to send: raise SO_SNDBUF or net.core.wmem_default"},
		{stageSocket, "snmp6", "Udp6MemErrors", false, drops, "udp", "all UDP sockets together hold too much: raise net.ipv4.udp_mem"},
	}
}
