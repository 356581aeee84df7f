// SPDX-License-Identifier: Apache-2.0

package snap

import "time"

// Frame is one immutable snapshot of everything the screen needs.
type Frame struct {
	Seq   uint64
	At    time.Time
	Host  string
	NetNS string // identity of the network namespace, "" for the initial one

	State   State
	Start   []Status // the start screen: one line a program, in attach order
	Started bool     // everything was attached, degraded or given up

	Interfaces []Interface
	LeftOut    []LeftOut
	Programs   []Program
	Totals     Totals
	Flows      FlowsView
	Trace      TraceView // empty unless Query.Tab is TraceTab; Session is always there
	Ledger     Ledger    // likewise
	Policy     Policy    // counters only where Query.Tab is ACLTab; Trial is always there
	Tunnels    Tunnels   // whole where Query.Tab is DecapTab
	Chains     Chains    // whole where Query.Tab is ChainTab
	Events     []Event   // newest last; at most 500, where Query.Tab is EventsTab
	Malformed  []Count   // by reason, nonzero only, sorted by name
	Lost       []Count   // by stage, nonzero only
	Notices    []Notice  // newest last; at most 200
}

// State is the word that the context line shows.
type State struct {
	Fallback string  // why eBPF could not run at all: flows come from conntrack and /proc; "" when it runs
	ReadOnly string  // why nothing can be changed ("pid 4711 holds the pen"), or ""
	Kernel   string  // uname -r
	Hz       float64 // frames a second that the engine makes now
	HeldBy   string
	NoRemote bool     // no remote session was found to protect
	WaysIn   []string // the operator's ways in, for humans: "ssh 10.0.0.8:50122 → :22 (own session, found by …)"
}

// Outcome of attaching one program.
type Outcome uint8

const (
	Pending Outcome = iota
	Attached
	Degraded    // works, by a lesser means; Why says which and why
	Unavailable // Why says why, Fix what to do
	Detached
)

func (o Outcome) String() string {
	return [...]string{"pending", "attached", "degraded", "unavailable", "detached"}[o]
}

// Status is one line of the start screen and of the last words at exit.
type Status struct {
	Name    string // "pipeline eth0 ingress"
	Outcome Outcome
	To      string // what it was attached as, or degraded to: "generic XDP", "tcx egress"
	Why     string
	Fix     string
}

// Interface is a watched device.
type Interface struct {
	Name                                     string
	Index                                    int
	Slot                                     uint16
	Mode                                     string // "native", "generic", "tc", "none"
	Why                                      string // why this mode
	Packets                                  uint64 // both directions, since attach
	Bytes                                    uint64
	In, Out                                  Rate
	InPackets, InBytes, OutPackets, OutBytes uint64
	Up                                       bool
	Reason                                   string // why it is watched: "default route", "named"
}

// LeftOut is a device that could be watched and is not.
type LeftOut struct{ Name, Why string }

// Program is a BPF program of hooktop's own.
type Program struct {
	ID     uint32
	Name   string
	Type   string // "xdp", "sched_cls"
	Hook   string // "xdp generic", "tcx egress"
	Dev    string
	State  string // "attached" …
	Reason string
	RunNs  uint64 // total, 0 unless kernel.bpf_stats_enabled
	Runs   uint64
	Insns  uint32 // verified instructions
}

// Totals over all devices; a packet seen on two devices counts once.
type Totals struct {
	Rate     Rate
	Drops    float64 // packets per second
	Flows    int     // live flows in the table
	Capacity int     // slots in the table
	Packets  uint64
	Bytes    uint64
	// One value a second, newest last, at most 300.
	PPS, BPS, DropPS []float32
}

// Count is a named counter.
type Count struct {
	Name string
	N    uint64
}

// Severity of a notice.
type Severity uint8

const (
	Info Severity = iota
	Warn
	Crit
)

// Notice is something the operator should know: a toast now, an event later.
type Notice struct {
	Seq  uint64
	At   time.Time
	Sev  Severity
	From string // "attach", "flows"
	Text string
}

// FlowsView answers Query.Flows.
type FlowsView struct {
	Query    FlowQuery // the question that this answers
	Offset   int       // index of the first row below among Matched
	Rows     []Flow    // the window; nil when grouped
	Groups   []Group   // the window when grouped
	Matched  int       // rows (or groups) that pass the filter
	Total    int       // flows in the table
	Cursor   int       // index among Matched of Query.Follow, -1 when it is gone
	TrendEnd int64     // seconds that the engine has counted up to the newest value of every Trend
	Partial  bool      // processes or sockets of some flows were not looked up yet: filter, order and groups by them are not final
	Err      string    // why the query could not be answered: bad filter
	RankedAt time.Time
}
