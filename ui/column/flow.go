// SPDX-License-Identifier: Apache-2.0

package column

// What a flow has. Host and AnyPort are read through both sides.
const (
	Source Field = iota
	Destination
	Host // Source or Destination
	SPort
	DPort
	AnyPort // Row.Number gives the service's: the lower of the two
	Protocol
	ICMPType
	Dev
	Dir
	VLAN
	VNI
	Frag
	RatePPS // over the window that the row was made for
	RateBPS
	Packets
	Bytes
	MeanSize
	Age
	Idle
	TCPFlags
	Process
	PID
	Container
	User
	Sure
	RTT
	Retrans
	SynRetrans
	Unacked
	State
	Unanswered
	Verdict
	Rule
	Way
	Forwarded
	Gone
	SrcName
	DstName
)

func yesNo() []string { return []string{"yes", "no"} }

// Flows returns the columns of the Flows tab, base columns first.
func Flows() *Set {
	return NewSet(append(append(identity(), traffic()...), joined()...))
}

func identity() []Column {
	return []Column{
		{Key: "source", Title: "SOURCE", Kind: Endpoint, Field: Source, Help: "source address and port", Aliases: []string{"from"}},
		{Key: "destination", Title: "DESTINATION", Kind: Endpoint, Field: Destination, Help: "destination address and port", Aliases: []string{"to", "dest"}},
		{Key: "src", Title: "SRC", Kind: Address, Field: Source, Help: "source address", Aliases: []string{"saddr", "ip.src"}, Export: "src"},
		{Key: "dst", Title: "DST", Kind: Address, Field: Destination, Help: "destination address", Aliases: []string{"daddr", "ip.dst"}, Export: "dst"},
		{Key: "host", Title: "HOST", Kind: Endpoint, Field: Host, Help: "source or destination", Aliases: []string{"net", "addr", "ip"}, Both: true},
		{Key: "sport", Title: "SPORT", Kind: Port, Field: SPort, Help: "source port", Aliases: []string{"src.port"}, Export: "sport"},
		{Key: "dport", Title: "DPORT", Kind: Port, Field: DPort, Help: "destination port", Aliases: []string{"dst.port"}, Export: "dport"},
		{Key: "port", Title: "PORT", Kind: Port, Field: AnyPort, Help: "source or destination port; shown and sorted: the service's, the lower one", Both: true},
		{Key: "proto", Title: "PRO", Kind: Proto, Field: Protocol, Help: "IP protocol", Aliases: []string{"protocol"}, Export: "proto", Any: true,
			Values: []string{"tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "esp", "ipip", "ipv6"}},
		{Key: "type", Title: "TYPE", Kind: Count, Field: ICMPType, Help: "ICMP type", Aliases: []string{"icmp.type"}},
		{Key: "dev", Title: "DEV", Kind: Word, Field: Dev, Help: "device", Aliases: []string{"device", "if", "iface", "interface"}, Export: "dev", Any: true},
		{Key: "dir", Title: "DIR", Kind: Word, Field: Dir, Help: "direction on the device", Aliases: []string{"direction"}, Values: []string{"in", "out"}, Export: "dir"},
		{Key: "vlan", Title: "VLAN", Kind: Count, Field: VLAN, Help: "VLAN id, 0: untagged", Export: "vlan"},
		{Key: "vni", Title: "VNI", Kind: Count, Field: VNI, Help: "tunnel's network id, 0: not in a tunnel", Export: "vni"},
		{Key: "frag", Title: "FRAG", Kind: Word, Field: Frag, Help: "part of a fragmented packet", Aliases: []string{"fragment"}, Values: []string{"whole", "first", "later"}, Export: "frag"},
	}
}

func traffic() []Column {
	return []Column{
		{Key: "pps", Title: "PPS", Kind: PPS, Field: RatePPS, Help: "packets per second", Aliases: []string{"rate"}, Export: "pps"},
		{Key: "bps", Title: "BITS/S", Kind: Bits, Field: RateBPS, Help: "bits per second", Aliases: []string{"bits", "bits/s"}, Export: "bps"},
		{Key: "packets", Title: "PACKETS", Kind: Count, Field: Packets, Help: "packets seen", Aliases: []string{"pkts"}, Export: "packets"},
		{Key: "bytes", Title: "BYTES", Kind: Size, Field: Bytes, Help: "bytes seen", Export: "bytes"},
		{Key: "size", Title: "SIZE", Kind: Size, Field: MeanSize, Help: "mean frame length"},
		{Key: "age", Title: "AGE", Kind: Duration, Field: Age, Help: "time since first seen", Export: "age_s"},
		{Key: "idle", Title: "LAST", Kind: Duration, Field: Idle, Help: "time since the last packet", Aliases: []string{"last"}, Export: "idle_s"},
		{Key: "flags", Title: "FLAGS", Kind: Flags, Field: TCPFlags, Help: "TCP flags seen: syn, ack, SA …; =S: these and no others", Aliases: []string{"tcpflags", "tcp.flags"},
			Values: []string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"}, Export: "tcp_flags"},
		{Key: "unanswered", Title: "UNANS", Kind: Word, Field: Unanswered, Help: "TCP: only SYNs, nothing came back", Values: yesNo(), Export: "unanswered"},
		{Key: "forwarded", Title: "FWD", Kind: Word, Field: Forwarded, Help: "arrived on another device", Aliases: []string{"fwd"}, Values: yesNo(), Export: "forwarded"},
		{Key: "verdict", Title: "VERDICT", Kind: Word, Field: Verdict, Help: "what was decided", Values: []string{"pass", "drop", "limit"}, Export: "verdict"},
		{Key: "rule", Title: "RULE", Kind: Count, Field: Rule, Help: "line of the deciding rule", Export: "rule"},
		{Key: "gone", Title: "GONE", Kind: Duration, Field: Gone, Help: "time since it left the table"},
	}
}

func joined() []Column {
	return []Column{
		{Key: "process", Title: "PROCESS", Kind: Text, Field: Process, Help: "process that holds the socket", Aliases: []string{"proc", "comm", "cmd"}, Export: "process", Any: true, Joined: true},
		{Key: "pid", Title: "PID", Kind: Count, Field: PID, Help: "process id", Export: "pid", Joined: true},
		{Key: "container", Title: "CONTAINER", Kind: Text, Field: Container, Help: "container of the process", Aliases: []string{"ct"}, Export: "container", Any: true, Joined: true},
		{Key: "user", Title: "USER", Kind: Text, Field: User, Help: "user of the process", Export: "user", Any: true, Joined: true},
		{Key: "sure", Title: "SURE", Kind: Word, Field: Sure, Help: "how the process was found", Values: []string{"exact", "socket", "guess", "kernel"}, Export: "sure", Joined: true},
		{Key: "rtt", Title: "RTT", Kind: Duration, Field: RTT, Help: "TCP: smoothed round trip", Export: "rtt_s", Joined: true},
		{Key: "retrans", Title: "RETR", Kind: Count, Field: Retrans, Help: "TCP: segments sent again", Aliases: []string{"retransmits"}, Export: "retrans", Joined: true},
		{Key: "synretrans", Title: "SYNRETR", Kind: Count, Field: SynRetrans, Help: "TCP: SYNs sent again without an answer", Export: "syn_retrans", Joined: true},
		{Key: "unacked", Title: "UNACK", Kind: Count, Field: Unacked, Help: "TCP: segments in flight", Export: "unacked", Joined: true},
		{Key: "state", Title: "STATE", Kind: Word, Field: State, Help: "TCP: state of the socket", Aliases: []string{"tcp"}, Export: "tcp_state", Joined: true,
			Values: []string{"established", "syn-sent", "syn-recv", "fin-wait-1", "fin-wait-2", "time-wait", "close", "close-wait", "last-ack", "listen", "closing"}},
		{Key: "way", Title: "WAY", Kind: Word, Field: Way, Help: "somebody's way into this host: own (this session), access", Aliases: []string{"own"}, Values: []string{"own", "access", "no"}, Joined: true},
		{Key: "srcname", Title: "SRC NAME", Kind: Text, Field: SrcName, Help: "resolved source name", Any: true},
		{Key: "dstname", Title: "DST NAME", Kind: Text, Field: DstName, Help: "resolved destination name", Any: true},
	}
}
