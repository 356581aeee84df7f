// SPDX-License-Identifier: Apache-2.0

package snap

import (
	"net/netip"
	"time"
)

// Addr is an IP address in 16 bytes, network order; IPv4 as ::ffff:a.b.c.d.
type Addr [16]byte

// AddrFrom converts a netip.Addr of either family.
func AddrFrom(a netip.Addr) Addr { return a.As16() }

// Netip returns the address with IPv4-mapped ones as IPv4.
func (a Addr) Netip() netip.Addr { return netip.AddrFrom16(a).Unmap() }

// Is4 reports whether a is IPv4.
func (a Addr) Is4() bool {
	return a[10] == 0xff && a[11] == 0xff && [10]byte(a[:10]) == [10]byte{}
}

func (a Addr) String() string { return a.Netip().String() }

// Frag says which part of an IP packet a flow's packets are.
type Frag uint8

const (
	Whole     Frag = iota
	FragFirst      // first fragment: the ports are known
	FragLater      // any other fragment: it carries no ports
)

// FlowKey is the identity of a flow: one direction on one device. Comparable.
type FlowKey struct {
	Src, Dst     Addr
	SPort, DPort uint16 // ICMP: SPort = type<<8|code
	Proto        uint8  // IANA protocol number
	Frag         Frag
	Egress       bool
	Stacked      bool   // more than one VLAN tag
	VLAN         uint16 // 0: none
	VNI          uint32 // 0: not inside a tunnel
	Dev          uint16 // device slot; Interface.Slot
}

// Rate is packets and bits per second.
type Rate struct{ PPS, BPS float64 }

// Windows of Flow.Rates, in seconds.
var Windows = [...]int{2, 10, 40}

// Sure says how a flow's process was found, best first.
type Sure uint8

const (
	SureNone   Sure = iota // no owner found
	SureExact              // a socket with this very 4-tuple (sock_diag), held by this process (/proc/PID/fd)
	SureSocket             // an unconnected or listening socket bound to the local address and port
	SureGuess              // a socket bound to the port on any address
	SureKernel             // a socket without a process: the kernel's own, or another PID namespace
)

// Owner is the process that holds a flow's socket. The zero value means unknown.
type Owner struct {
	PID       int
	Start     uint64 // start time in clock ticks since boot (/proc/PID/stat field 22): PIDs are reused
	Comm      string // cleaned
	Container string // short container ID, or "" (from /proc/PID/cgroup)
	User      string
	Sure      Sure
	Via       string // "sock_diag+/proc"
}

// WayIn says whether a flow belongs to somebody's way into this host.
type WayIn uint8

const (
	NoWayIn    WayIn = iota
	OwnSession       // carries the session that this hooktop runs in
	AccessFlow       // another established connection of sshd, mosh-server or a configured access agent
)

// TCPInfo is what the kernel tells about a TCP flow's socket (sock_diag, struct tcp_info).
type TCPInfo struct {
	State      string // ESTABLISHED, SYN-SENT … or "" when no socket was found
	RTT        time.Duration
	RTTVar     time.Duration
	Retrans    uint32 // segments retransmitted in the connection's life
	Unacked    uint32
	SynRetrans uint32 // SYNs sent again without an answer
}

// Flow is one row of the Flows tab.
type Flow struct {
	Key        FlowKey
	Device     string
	Packets    uint64 // frames; GSO/GRO super-packets count as one under generic XDP and tc
	Bytes      uint64 // frame lengths
	Rates      [len(Windows)]Rate
	Age        time.Duration // since first seen by hooktop
	Idle       time.Duration // since the last packet
	TCPFlags   uint8         // flags seen, RFC 9293 bit order (FIN 1 … CWR 128)
	Forwarded  bool          // arrived on another device: totals count it there
	Inner      bool          // its packets stay in a tunnel that is only counted: outside the totals, no policy judged them
	Unanswered bool          // TCP: only SYNs seen and no packet of the other direction
	Rule       int           // line of the deciding rule, 0: none
	Verdict    string        // "pass", "drop", "limit"
	Owner      Owner
	WayIn      WayIn
	TCP        TCPInfo
	SrcName    string // resolved on demand, "" until then
	DstName    string
	Gone       time.Duration // > 0: no longer in the table, still shown (UX 7)
	Trend      []float32     // pps, one value a second, newest last; only for rows in view
}

// Group is one row of a grouped view.
type Group struct {
	Value   string // what the rows have in common
	Detail  string
	Flows   int
	Packets uint64
	Bytes   uint64
	Rates   [len(Windows)]Rate
	WayIn   WayIn
	Trend   []float32
}
