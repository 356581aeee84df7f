// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// Backends is what main gives to the command line. Every function returns when its context ends, with everything that
// it attached or made gone again. Errors are one line: what failed, on what, why (see Error for exit code and remedy).
type Backends struct {
	// Version of the binary, as `hooktop version` prints it after the name: "v0.1.0 (go1.26, 3f2a…)".
	Version func() string
	// Interfaces lists the devices of this network namespace, for the check of -i and for completion.
	Interfaces func() ([]string, error)
	// Dashboard attaches, runs the screen until the user leaves, detaches and says on stderr what was detached. It
	// returns ErrNothingAttached when only the read-only fallback could be shown.
	Dashboard func(context.Context, Options) error
	// Once attaches, watches for Options.For, takes one frame that carries every flow of the table (ordered by bytes, no
	// window of 300), detaches. Without eBPF the frame is the fallback's and says so in State.Fallback; that is no error.
	Once func(context.Context, Options) (Snapshot, error)
	// Lab starts this binary again inside the lab's host, with Options.Args() and the same terminal and pid, so that
	// Dashboard or Once run there. It returns only when that failed.
	Lab func(context.Context, Options) error
	// Check tells what would attach here and what is missing. It attaches nothing.
	Check func(context.Context, Options) (CheckReport, error)
	// Cleanup removes what a killed run left. all: also what belongs to runs that still live, by ending them first.
	Cleanup func(ctx context.Context, all bool) (CleanupReport, error)
	// Pcap runs every frame of a pcap or pcapng stream through the real programs.
	Pcap func(context.Context, io.Reader, PcapScene) (PcapReport, error)
	// Explain runs the real programs on one packet as if the policy decided, and asks the kernel for its route.
	Explain func(context.Context, acl.Policy, acl.Packet) (ExplainReport, error)
	// Running tells what the hooktop that may change this network namespace decides by. False: there is none, or it is not for us.
	Running func(context.Context) (RunningPolicy, bool, error)
	// Bench times the real programs with a policy, attached to nothing.
	Bench func(context.Context, acl.Policy, BenchWish) (BenchReport, error)
	// Trace runs a trace and gives the events to emit, some at a time, on one goroutine, until a limit, the end of the context or an
	// error of emit (which it returns) ends it. The session says what was lost; that the context ended is no error.
	Trace func(ctx context.Context, opt Options, spec snap.TraceSpec, emit func([]snap.TraceEvent) error) (snap.TraceSession, error)
	// Presets lists what a trace can be started by name with. It attaches nothing.
	Presets func(context.Context) ([]snap.TracePreset, error)
	// Keep keeps the trial of the hooktop that may change this network namespace, and says so in a line.
	Keep func(ctx context.Context, code string) (string, error)
	// Watch is the hidden command of the watcher process; args are its own.
	Watch func(ctx context.Context, args []string) error
	// LabNode is the hidden command of a process inside one of the lab's namespaces; args are its own.
	LabNode func(ctx context.Context, args []string) error
}

// Options is what flags, environment and config file ask for together.
type Options struct {
	Interfaces   []string // names or globs; empty: the devices under every unicast route
	Mode         string   // "auto", "native", "generic", "tc"
	Flows        int      // flows that the table should hold, 0: default
	AccessAgents []string // process names beside sshd and mosh-server that carry somebody's way in
	NoTCX        bool     // clsact filters even where tcx exists (tests)

	Once bool          // one snapshot, no screen
	For  time.Duration // how long Once watches
	JSON bool

	Policy Policy
	Screen Screen
}

// Policy is how the policy begins and what changes of it are told to.
type Policy struct {
	File    string        // begins on trial; "": none
	Text    string        // what File held
	Lease   time.Duration // of trials, 0: default
	NoGuard bool          // no rule 0
	Events  string        // file of JSON Lines, "": none
	LogRate int           // packets a second that a rule with log tells of, 0: default
	Canary  Canary
}

// Screen is how the dashboard looks.
type Screen struct {
	Theme       string // a built-in theme's name or a file; "" asks environment and terminal
	ASCII       bool
	Mouse       bool
	Reduced     bool    // no sparkline motion, at most 1 Hz
	Comfortable bool    // more space between rows
	Paint       bool    // paint the theme's background
	Hz          float64 // frames a second, 0: default
}

// Snapshot is the answer of Once.
type Snapshot struct {
	Frame *snap.Frame
	// Left is what detaching said, one status a program.
	Left []snap.Status
	// Lab is what the lab's senders sent in that time, nil outside the lab.
	Lab *LabReport
}

// LabReport is what the lab's generator knows to have sent to or from the lab's host, counted where it was sent.
type LabReport struct {
	Sent  []LabSent `json:"sent"`
	Drops []LabDrop `json:"drops"`
	// Client must be served whatever is done about the scan and the flood.
	Client LabClient `json:"client"`
}

// LabClient is what the lab's client that must keep working asked for and got.
type LabClient struct {
	Asked  uint64 `json:"asked"`
	Served uint64 `json:"served"`
	Why    string `json:"why"` // of the last request that was not served
}

// LabDrop is how many packets the generator sent that die, by the counter that tells. Since of that row of the snapshot's
// drops must match exactly.
type LabDrop struct {
	Stage   string `json:"stage"`
	Name    string `json:"name"`
	Dev     string `json:"dev"`
	Packets uint64 `json:"packets"`
}

// LabSent is one flow of the generator whose counts are exact: one direction.
type LabSent struct {
	Kind    string `json:"kind"` // "udp", "vlan", "frag", "tcp", "scan", "dns" …
	Src     string `json:"src"`
	Dst     string `json:"dst"`
	SPort   uint16 `json:"sport"`
	DPort   uint16 `json:"dport"`
	Proto   string `json:"proto"` // "tcp", "udp", "icmp", "icmpv6"
	VLAN    uint16 `json:"vlan"`
	Frag    string `json:"frag"` // "", "first", "later"
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"` // frame lengths
	Exact   bool   `json:"exact"` // packet and byte counts must match a flow of the snapshot exactly
}

// CheckReport is the answer of Check.
type CheckReport struct {
	Features []Feature
	Attach   []WouldAttach
	LeftOut  []snap.LeftOut
	Marks    []snap.BitOwner // who uses bits of skb->mark, which chains must leave alone
	Notes    []string        // what could not be found out
}

// Feature is one thing that the kernel or the caller's rights allow or not.
type Feature struct {
	Name string `json:"name"`
	Have bool   `json:"have"`
	Why  string `json:"why"`
	Fix  string `json:"fix"`
	Min  string `json:"min_kernel,omitempty"` // first kernel that has it, "5.10"
}

// WouldAttach is one program that a launch would attach.
type WouldAttach struct {
	Dev  string `json:"dev"`
	Hook string `json:"hook"` // "xdp generic", "tc ingress", "tcx egress" …
	Mode string `json:"mode"` // "native", "generic", "tc"
	Why  string `json:"why"`
}

// CleanupReport is the answer of Cleanup.
type CleanupReport struct {
	Items []CleanupItem
}

// CleanupItem is one leftover.
type CleanupItem struct {
	Kind  string `json:"kind"` // "filter", "qdisc", "netns", "veth", "journal", "process" …
	Name  string `json:"name"`
	State string `json:"state"` // "removed", "kept", "failed"
	Why   string `json:"why"`
}

// PcapReport is the answer of Pcap.
type PcapReport struct {
	Packets   uint64
	Verdicts  []PcapVerdict
	Flows     []snap.Flow // Device "" and no rates
	Malformed []snap.Count
	Tunnels   []snap.Tunnel
	Rules     []PcapHit // of the policy's rules, by index
	Default   PcapHit
	Guard     []PcapHit // of the guard's lines, by index
	Legs      []PcapLeg // every leg of the policy's chains
	Notes     []string  // frames that could not run whole, and why
}

// PcapHit is the frames that a rule decided, or that a count rule saw.
type PcapHit struct{ Packets, Bytes uint64 }

// PcapLeg is the frames that were marked on one leg of a chain.
type PcapLeg struct {
	Of acl.LegOf
	PcapHit
}

// PcapScene is what frames are judged by, and where they are.
type PcapScene struct {
	Asked  bool // there is a policy
	Policy acl.Policy
	Dir    acl.Dir
	Dev    string
}

// PcapVerdict is what became of one frame.
type PcapVerdict struct {
	N       uint64 `json:"n"` // frame number, from 1
	Verdict string `json:"verdict"`
	Rule    int    `json:"rule"`   // line of the rule or default entry that decided
	Guard   string `json:"guard"`  // name of the guard's line that decided, "": none
	Reason  string `json:"reason"` // why it was malformed or could not run; "" otherwise
	Mark    string `json:"mark"`   // that a chain gives it, "": none
	Chain   string `json:"chain"`
	Leg     string `json:"leg"` // of the chain
}
