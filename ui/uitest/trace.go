// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// AnswerTrace answers q out of all events by brute force. v has session, presets, and as Functions all that there are.
func AnswerTrace(v *snap.TraceView, all []snap.TraceEvent, q snap.TraceQuery) snap.TraceView {
	out := *v
	out.Query, out.Total, out.Cursor, out.Functions = q, len(all), -1, nil
	filter, err := column.Traces().Parse(q.Filter)
	if err != nil {
		out.Err = err.Error()
		return out
	}
	pass := filter.Compile()
	var rows []snap.TraceEvent
	for i := range all {
		if (q.Packet == 0 || all[i].Packet == q.Packet) && pass(column.TraceRow{TraceEvent: &all[i]}) {
			rows = append(rows, all[i])
		}
	}
	out.Matched = len(rows)
	out.Offset = min(max(q.Offset, 0), len(rows))
	if q.Follow {
		out.Offset = max(len(rows)-q.Limit, 0)
	}
	out.Rows = slices.Clone(rows[out.Offset:min(out.Offset+q.Limit, len(rows))])
	out.Cursor = slices.IndexFunc(rows, func(e snap.TraceEvent) bool { return e.Seq == q.Cursor })
	for i := range out.Rows { // names of stacks: for one row only
		if e := &out.Rows[i]; e.Seq != q.Cursor {
			e.Stack = nil
		}
	}
	if q.Picks {
		out.Functions = pick(v.Functions, q.Pick)
		out.Pickable = len(out.Functions)
	}
	return out
}

// pick searches as the engine does: all words in any order, or a pattern.
func pick(all []snap.TraceFunction, text string) []snap.TraceFunction {
	var out []snap.TraceFunction
	for _, f := range all {
		in, not := false, false
		for _, part := range strings.Split(text, ",") {
			part, no := strings.CutPrefix(part, "!")
			head, tail, glob := strings.Cut(part, "*")
			hit := glob && strings.HasPrefix(f.Name, head) && strings.HasSuffix(f.Name, tail)
			if !glob {
				hit = !slices.ContainsFunc(strings.Fields(part), func(w string) bool { return !strings.Contains(f.Name, w) })
			}
			in, not = in || hit && !no, not || hit && no
		}
		if in && !not {
			out = append(out, f)
		}
	}
	return out
}

// path is the way of a packet that arrives for a port nobody listens on.
func path() []string {
	return []string{"__netif_receive_skb_core", "ip_rcv", "ip_rcv_core", "nf_hook_slow", "ip_rcv_finish_core", "ip_local_deliver",
		"ip_local_deliver_finish", "tcp_v4_rcv", "kfree_skb_reason"}
}

// Events makes n trace events, the same every time: journeys of TCP, UDP, ICMP and IPv6 packets, some dropped, one cloned,
// one whose address and mark change on the way, returns with values, and calls without a packet.
func Events(n int) []snap.TraceEvent {
	flows := Flows(18)
	at, ns := Epoch().Add(-900*time.Millisecond), uint64(5_000_000_000_000)
	var out []snap.TraceEvent
	for packet := 1; len(out) < n; packet++ {
		f := &flows[(packet*5+2)%len(flows)]
		names := path()
		if packet%3 == 0 {
			names = names[:7]
		}
		for i, fn := range names {
			e := snap.TraceEvent{Seq: uint64(len(out) + 1), Packet: packet, SKB: 0xffff888100000000 + uint64(packet)<<8, Func: fn, CPU: packet % 4,
				Dev: "eth0", Len: 84 - 14*min(i, 1), Key: f.Key, HasKey: true, Comm: []string{"swapper/1", "nginx", "ksoftirqd/2"}[packet%3], PID: packet % 3 * 812,
				StackIDs: []uint64{0xffffffff81000000, 0xffffffff81abcdef, 0xffffffff81123456}, Stack: []string{fn + "+0x1", "ip_sublist_rcv+0x9a", "napi_poll+0x2c"}}
			if i > 0 {
				e.Delta = time.Duration(118+i*i*317*packet%9000) * time.Nanosecond
			}
			switch {
			case i == len(names)-1 && packet%3 != 0:
				e.Drop, e.Reason = true, []string{"NO_SOCKET", "NETFILTER_DROP", "TCP_INVALID_SEQUENCE"}[packet%3]
			case packet%4 == 0 && i == 5:
				e.Clone, e.SKB = true, e.SKB+0x80
			case packet%5 == 0 && i >= 4:
				e.Mark, e.Key.Dst, e.Key.DPort = 0x10, Addr("10.200.0.7"), 8080
			}
			if packet%2 == 0 && i == 3 {
				e.Return, e.Ret, e.Took = true, int64(1-i), 1240*time.Nanosecond
			}
			out = append(out, stamp(e, &at, &ns))
		}
		out = append(out, stamp(snap.TraceEvent{Seq: uint64(len(out) + 1), Func: "tcp_set_state", CPU: 2, Comm: "curl", PID: 4242,
			Args: "sk=0xffff8881042a8000 state=7"}, &at, &ns))
	}
	return out[:n]
}

func stamp(e snap.TraceEvent, at *time.Time, ns *uint64) snap.TraceEvent {
	step := max(e.Delta, time.Microsecond)
	*at, *ns = at.Add(step), *ns+uint64(step)
	e.At, e.AtNs = *at, *ns
	return e
}

// TraceFrame is Frame with a trace that runs, presets, functions and a ledger.
func TraceFrame() *snap.Frame {
	f := Frame(18)
	f.Trace = snap.TraceView{
		Session: snap.TraceSession{Spec: snap.TraceSpec{Pattern: "@receive", Filter: "tcp port 443", Packets: 1000, Seconds: 60, Rate: 500},
			State: snap.Tracing, Means: "kprobe.multi", Wanted: 214, Attached: 214, Started: Epoch().Add(-19 * time.Second), Left: 41 * time.Second,
			Packets: 212, Events: 1204, Filtered: 38},
		Presets: []snap.TracePreset{
			{Name: "@default", Help: "drops, TCP retransmits, resets and connects"},
			{Name: "@drops", Help: "where packets die, and why"},
			{Name: "@journey", Help: "receive, send, forward and drops: one packet from end to end"},
			{Name: "@receive", Help: "from the device to the socket"},
			{Name: "@netfilter", Help: "hooks and their verdicts", Why: "nf_tables is not loaded"},
		},
	}
	for _, fn := range append(path(), "ip_output", "ip_finish_output2", "__dev_queue_xmit", "icmp_rcv", "tcp_v4_connect", "tcp_v6_rcv", "udp_rcv") {
		f.Trace.Functions = append(f.Trace.Functions, snap.TraceFunction{Name: fn, SKB: true,
			Signature: fmt.Sprintf("int %s(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt)", fn)})
	}
	f.Trace.Functions = append(f.Trace.Functions,
		snap.TraceFunction{Name: "tcp_set_state", Signature: "void tcp_set_state(struct sock *sk, int state)"},
		snap.TraceFunction{Name: "skb:kfree_skb", Event: true, SKB: true, Signature: "skbaddr, location, protocol, reason"})
	f.Ledger = snap.Ledger{Rows: []snap.LedgerRow{
		{Stage: "driver", Name: "rx_dropped", Dev: "eth0", Total: 18204, Help: "the device had no room: more or larger rings (ethtool -G)", Source: "/sys/class/net/eth0/statistics/rx_dropped"},
		{Stage: "softnet", Name: "dropped", Dev: "CPU 3", Total: 412, Since: 12, Rate: 1.5, Help: "the backlog was full: net.core.netdev_max_backlog", Source: "/proc/net/softnet_stat", Trace: "@drops", Filter: "dev eth0"},
		{Stage: "netfilter", Name: "kfree_skb NETFILTER_DROP", Total: 9104221, Since: 88100, Rate: 2140, Help: "a rule of iptables or nftables dropped it", Source: "skb:kfree_skb", Trace: "@netfilter"},
		{Stage: "routing", Name: "InNoRoutes", Total: 3, Help: "no route leads to the destination: ip route get ADDRESS", Source: "/proc/net/netstat IpExt InNoRoutes", Trace: "ip_route_input_slow"},
		{Stage: "tcp", Name: "ListenOverflows", Total: 91, Since: 2, Help: "the accept queue was full: the program accepts too slowly, or its backlog is too short", Source: "/proc/net/netstat TcpExt ListenOverflows", Trace: "tcp_v4_syn_recv_sock"},
		{Stage: "udp", Name: "RcvbufErrors", Total: 70112, Since: 0, Help: "a socket's receive buffer was full", Source: "/proc/net/snmp Udp RcvbufErrors", Trace: "udp_queue_rcv_one_skb"},
	}}
	return f
}
