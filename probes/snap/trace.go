// SPDX-License-Identifier: Apache-2.0

package snap

import "time"

// TraceSpec is a wish for a trace. Comparable. The zero value of a limit means the default.
type TraceSpec struct {
	Pattern string // "tcp_*,ip_rcv", or "@preset"
	Filter  string // packet filter of probes/trace: "tcp port 443 dev eth0"; "" passes all
	Packets int    // stop after so many packets
	Seconds int    // stop after so many seconds
	Rate    int    // events per second and CPU that cross at most; what is above is counted as lost
	Stack   bool   // kernel stack of each event
	Ret     bool   // return values
	Latency bool   // time spent in each function; implies Ret
	Sample  bool   // the rate is meant to sample: what is above it is TraceSession.Sampled, and no loss
}

// JourneyPreset is what a flow is traced by: the functions of receiving, sending, forwarding and dropping.
const JourneyPreset = "@journey"

// TraceState is where a trace stands.
type TraceState uint8

const (
	TraceIdle      TraceState = iota
	TraceAttaching            // Attached of Wanted functions so far
	Tracing
	TraceStopped // Why says what stopped it
	TraceFailed  // Why says why nothing is attached
)

func (s TraceState) String() string {
	return [...]string{"idle", "attaching", "tracing", "stopped", "failed"}[s]
}

// TraceSession is the trace that runs, or ran last.
type TraceSession struct {
	Spec     TraceSpec // with the limits in force
	State    TraceState
	Why      string // why it stopped or failed
	Means    string // "kprobe.multi", "kprobe", "fentry", "tracepoint"
	MeansWhy string // why not by a better means; "" when this is the best
	Wanted   int    // functions (or tracepoints) to attach to
	Attached int
	Failed   []Count // functions that could not be attached, by reason
	Started  time.Time
	Left     time.Duration // until it stops by its time limit
	Packets  int           // journeys begun
	Events   uint64        // that crossed
	Filtered uint64        // events that the filter refused
	Lost     []Count       // events lost, by stage; nonzero only
	Sampled  uint64        // events that were passed over because Spec.Sample says so
	NetNS    uint32        // inode of hooktop's network namespace, 0: not known
	Within   bool          // only packets of that namespace are traced
}

// TraceEvent is one function or tracepoint that one packet (or, without an sk_buff, one call) passed. Comparable but for Stack.
type TraceEvent struct {
	Seq      uint64 // 1 …, in the order of time
	At       time.Time
	AtNs     uint64 // CLOCK_MONOTONIC
	Packet   int    // number of the journey, 1 …; 0: no packet
	Clone    bool   // the packet is a clone or copy that joined this journey
	SKB      uint64 // address of the sk_buff; 0: none
	Func     string
	CPU      int
	Dev      string // cleaned, "" when the packet has none yet
	Len      int    // skb->len
	Mark     uint32
	NetNS    uint32  // inode of the packet's network namespace, 0: not known
	Key      FlowKey // Src, Dst, SPort, DPort, Proto, VLAN, Frag only; zero when there is no IP header
	HasKey   bool
	PID      int
	Comm     string        // cleaned
	Delta    time.Duration // since the last event of the same journey, 0: the first
	Return   bool          // the event is the function's end: Ret and Took are valid
	Ret      int64
	Took     time.Duration // time in the function, with Latency
	Drop     bool          // the packet died here
	Reason   string        // drop reason by name ("NO_SOCKET"), or "" where this kernel tells none
	Args     string        // arguments by BTF type, for functions that take no packet; cleaned
	StackIDs []uint64      // kernel addresses, innermost first
	Stack    []string      // their names; filled for the row under the cursor only
}

// TraceQuery selects rows of the trace. Comparable.
type TraceQuery struct {
	Filter string // filter language of ui/column over rows; "" passes all
	Packet int    // > 0: only this journey
	Follow bool   // stay at the newest rows: Offset is ignored
	Offset int    // first row wanted, counted from the oldest that matches
	Limit  int    // rows wanted, ≤ 300
	Cursor uint64 // Seq of the row under the cursor: its index comes back, and its stack is named
	Pick   string // text of the function picker
	Picks  bool   // the picker is open: Functions is wanted
}

// TraceView answers Query.Trace.
type TraceView struct {
	Query     TraceQuery
	Session   TraceSession
	Presets   []TracePreset
	Rows      []TraceEvent // oldest first
	Offset    int          // index of the first row among Matched
	Matched   int
	Total     int // events held; older ones are forgotten
	Forgotten uint64
	Cursor    int // index of Query.Cursor among Matched, -1 when it is gone
	Functions []TraceFunction
	Pickable  int // functions that match Query.Pick in all
	Err       string
}

// TracePreset is a set of functions with a name.
type TracePreset struct {
	Name string // "@drops"
	Help string
	Why  string // why this kernel can't run it, or runs less of it; "" when it can
}

// TraceFunction is something that this kernel can trace.
type TraceFunction struct {
	Name      string
	Signature string // "int ip_rcv(struct sk_buff *skb, struct net_device *dev, …)"
	SKB       bool   // takes an sk_buff among its first five arguments
	Event     bool   // a tracepoint
}

// Ledger is where packets die, from the network card to the socket.
type Ledger struct {
	Rows []LedgerRow // in the order of the way of a packet
	Errs []string    // sources that could not be read
}

// LedgerRow is one counter of the kernel. Identity is Stage and Name and Dev.
type LedgerRow struct {
	Stage  string  // "driver", "softnet", "hooktop", "tc", "netfilter", "conntrack", "routing", "ip", "neighbour", "xfrm", "tcp", "udp", "socket"
	Name   string  // "rx_dropped", "ListenOverflows"
	Dev    string  // device or CPU, "" for the whole namespace; cleaned
	Total  uint64  // since boot, or since the device was made
	Since  uint64  // since hooktop looks
	Rate   float64 // per second, over the last seconds
	Help   string  // what it means and what to do, one line
	Source string  // "/proc/net/snmp Ip InDiscards"
	Trace  string  // pattern or preset that shows such packets; "" when no function does
	Filter string  // packet filter for it
}
