// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math"

	"hooktop/probes/snap"
)

// What a row of a trace has beside what a flow has.
const (
	Func Field = DstName + 1 + iota
	Journey
	CPU
	Delta
	Took
	Ret
	Reason
	Dropped
	Clone
	Length
	SkbMark
	NetNS
	Args
)

// Traces returns the columns of the Trace tab's rows. What its filter means is the same on both sides of the screen.
func Traces() *Set {
	return NewSet([]Column{
		{Key: "pkt", Title: "PKT", Kind: Count, Field: Journey, Help: "number of the packet's journey", Aliases: []string{"packet", "journey"}, Export: "packet"},
		{Key: "func", Title: "FUNCTION", Kind: Text, Field: Func, Help: "kernel function or tracepoint", Aliases: []string{"function", "fn"}, Export: "func", Any: true},
		{Key: "cpu", Title: "CPU", Kind: Count, Field: CPU, Help: "CPU that ran it", Export: "cpu"},
		{Key: "process", Title: "PROCESS", Kind: Text, Field: Process, Help: "process on that CPU", Aliases: []string{"proc", "comm", "cmd"}, Export: "comm", Any: true},
		{Key: "pid", Title: "PID", Kind: Count, Field: PID, Help: "process id", Export: "pid"},
		{Key: "delta", Title: "DELTA", Kind: Duration, Field: Delta, Help: "time since the packet's last hop", Aliases: []string{"since"}, Export: "delta_s"},
		{Key: "took", Title: "TOOK", Kind: Duration, Field: Took, Help: "time in the function", Aliases: []string{"latency"}, Export: "took_s"},
		{Key: "ret", Title: "RETURN", Kind: Count, Field: Ret, Help: "what the function returned", Aliases: []string{"return"}, Export: "ret"},
		{Key: "reason", Title: "REASON", Kind: Text, Field: Reason, Help: "why the packet was dropped", Export: "reason", Any: true},
		{Key: "drop", Title: "DROP", Kind: Word, Field: Dropped, Help: "the packet died here", Aliases: []string{"dropped"}, Values: yesNo(), Export: "drop"},
		{Key: "clone", Title: "CLONE", Kind: Word, Field: Clone, Help: "a clone or copy of the packet", Values: yesNo(), Export: "clone"},
		{Key: "dev", Title: "DEV", Kind: Word, Field: Dev, Help: "device", Aliases: []string{"device", "if", "iface", "interface"}, Export: "dev", Any: true},
		{Key: "len", Title: "LEN", Kind: Size, Field: Length, Help: "length of the packet there", Aliases: []string{"length", "size"}, Export: "len"},
		{Key: "mark", Title: "MARK", Kind: Count, Field: SkbMark, Help: "skb->mark", Aliases: []string{"fwmark"}, Export: "mark"},
		{Key: "netns", Title: "NETNS", Kind: Count, Field: NetNS, Help: "inode of the packet's network namespace", Export: "netns"},
		{Key: "src", Title: "SRC", Kind: Address, Field: Source, Help: "source address", Aliases: []string{"saddr", "ip.src"}, Export: "src"},
		{Key: "dst", Title: "DST", Kind: Address, Field: Destination, Help: "destination address", Aliases: []string{"daddr", "ip.dst"}, Export: "dst"},
		{Key: "host", Title: "HOST", Kind: Endpoint, Field: Host, Help: "source or destination", Aliases: []string{"net", "addr", "ip"}, Both: true},
		{Key: "sport", Title: "SPORT", Kind: Port, Field: SPort, Help: "source port", Aliases: []string{"src.port"}, Export: "sport"},
		{Key: "dport", Title: "DPORT", Kind: Port, Field: DPort, Help: "destination port", Aliases: []string{"dst.port"}, Export: "dport"},
		{Key: "port", Title: "PORT", Kind: Port, Field: AnyPort, Help: "source or destination port", Both: true},
		{Key: "proto", Title: "PRO", Kind: Proto, Field: Protocol, Help: "IP protocol", Aliases: []string{"protocol"}, Export: "proto", Any: true,
			Values: []string{"tcp", "udp", "icmp", "icmpv6", "sctp", "gre", "esp"}},
		{Key: "vlan", Title: "VLAN", Kind: Count, Field: VLAN, Help: "VLAN id, 0: untagged"},
		{Key: "args", Title: "ARGS", Kind: Text, Field: Args, Help: "arguments of a function without a packet", Export: "args", Any: true},
	})
}

// TraceRow reads a snap.TraceEvent.
type TraceRow struct{ *snap.TraceEvent }

// Address implements Row; an event without an IP header has the zero address, which is in no prefix that people type.
func (r TraceRow) Address(f Field) snap.Addr {
	if f == Destination {
		return r.Key.Dst
	}
	return r.Key.Src
}

// Number implements Row.
func (r TraceRow) Number(f Field) float64 {
	switch f {
	case Journey:
		return known(r.Packet > 0, float64(r.Packet))
	case CPU:
		return float64(r.CPU)
	case PID:
		return float64(r.PID)
	case Delta:
		return known(r.Delta > 0, r.Delta.Seconds())
	case Took:
		return known(r.Return && r.Took > 0, r.Took.Seconds())
	case Ret:
		return known(r.Return, float64(r.Ret))
	case Length:
		return known(r.SKB != 0, float64(r.Len))
	case SkbMark:
		return known(r.SKB != 0, float64(r.Mark))
	case NetNS:
		return known(r.TraceEvent.NetNS != 0, float64(r.TraceEvent.NetNS))
	}
	if !r.HasKey {
		return math.NaN()
	}
	return KeyNumber(f, &r.Key)
}

// Text implements Row.
func (r TraceRow) Text(f Field) string {
	switch f {
	case Func:
		return r.Func
	case Process:
		return r.Comm
	case Reason:
		return r.Reason
	case Dropped:
		return YesNo(r.Drop)
	case Clone:
		return YesNo(r.TraceEvent.Clone)
	case Dev:
		return r.TraceEvent.Dev
	case Args:
		return r.TraceEvent.Args
	}
	if !r.HasKey {
		return ""
	}
	return KeyText(f, &r.Key)
}

func known(yes bool, v float64) float64 {
	if yes {
		return v
	}
	return math.NaN()
}
