// SPDX-License-Identifier: Apache-2.0

package snap

import "time"

// ACLTab is Query.Tab where the policy's counters are wanted.
const ACLTab = "ACL"

// Policy is what decides packets now, what it did, and what is being changed. Texts are whole policy files (netcfg/policy);
// strings and slices are shared between frames and never change.
type Policy struct {
	Why      string // why nothing can be enforced, "" when it can
	File     string // where it is saved, "" when it came from no file and was not saved
	Kept     uint32 // number of the version that a lease falls back to; 0: the empty policy of the launch
	Text     string // of Kept
	Trial    Trial
	Canary   Canary
	Lease    time.Duration // of a trial that asks for none
	Soak     time.Duration // of a canary that asks for none
	Rules    []RuleHits    // by entry of kind rule in the newest text that decides anywhere (Trial.Text, Canary.Text, else Text), those that are off too
	Default  [2]Hits       // in, out: what no rule decided
	Guard    []GuardHits
	Limited  uint64         // packets that an empty bucket dropped, in all
	Devices  []PolicyDevice // that packets are judged on
	Draft    Draft
	Versions []PolicyVersion // newest first, at most 10
	Readmits Rate            // what would pass again when hooktop ended now
}

// Hits of a rule since it came into being, whatever generation it was in.
type Hits struct {
	Packets, Bytes uint64
	PPS            float64
	Last           time.Duration // since the last packet, -1: never
	Trend          []float32     // packets per second, a value a second, newest last; at most 60
}

// RuleHits are a rule's counters and what became of it.
type RuleHits struct {
	Hits
	Line    int           // of the text in force, from 1
	Ends    time.Duration // until it expires, 0: never, < 0: it has
	Limited uint64        // of Packets: dropped because the bucket was empty
	Missed  uint64        // that log did not tell of: more came in a second than it tells of
}

// GuardHits is one line of rule 0.
type GuardHits struct {
	Hits
	Name, Text string
}

// PolicyDevice is what decides on one device, as the kernel's word for it says.
type PolicyDevice struct {
	Name  string
	Slot  uint16
	Gen   uint32
	Lease time.Duration // until it falls back by itself, 0: kept
}

// Trial is a version under its lease. The zero value: none.
type Trial struct {
	Gen      uint32
	Text     string
	Started  time.Time
	Lease    time.Duration // left when the frame was made; the kernel holds the clock
	Code     string        // hooktop keep CODE
	Fresh    bool          // somebody has logged in anew since it began: a new connection gets in
	Forecast Impact        // what the review said
	DropPPS  float64       // dropped now by rules and their limits, beyond what was dropped when it began
	Quiet    int           // flows that sent before and do not now
}

// Canary is a kept version that decides on some devices only, watched before the rest follow. The zero value: none.
type Canary struct {
	Gen     uint32
	Text    string
	Devices []string
	Rest    []string // that follow
	Started time.Time
	Left    time.Duration // of the soak
	Lease   time.Duration // until the kernel falls back by itself when the engine stalls
	Checks  []CanaryCheck
}

// CanaryCheck is a health figure of the canary's devices: before the commit, since, and what it may be.
type CanaryCheck struct {
	Name   string // "errors/s", "drops/s", "cpu %"
	Before float64
	Now    float64
	Limit  float64
	Failed bool
}

// Draft is the engine's answer to the newest StagePolicy: the text is on disk, and this is what it would do.
type Draft struct {
	Seq     uint64   // of the StagePolicy that it answers, 0: there is none
	Text    string   // also what an earlier session left: the screen takes it up
	Base    uint32   // version that it was made from
	Checked bool     // what follows is there
	Errors  []string // "line 3, column 9: port list: 8000-80 runs backwards"
	Remarks []string // of the linter, in the same form
	Cuts    []string // the operator's ways in that it would close, in words
	Impact  Impact
	PriceNs [2]float64 // ns per packet of an unknown flow now and after, measured on this host; 0: not measured
}

// Impact is what a policy does to the flows of the table, by running the candidate program over their keys.
type Impact struct {
	Dropped, Allowed   int          // flows that pass now and would not, and the other way round
	DropRate, PassRate Rate         // of those
	Limited            int          // flows of sources that send more than a limit would let pass
	LimitRate          Rate         // what it would hold back of them
	Of                 Rate         // of all
	Flows              []FlowChange // at most 20, the fastest first
	OneWay             int          // live flows that `established` would decide, whose other direction no watched device sees
}

// FlowChange is a flow whose verdict a draft changes.
type FlowChange struct {
	Key     FlowKey
	Device  string
	Rate    Rate
	Was, Is string // "allow by line 5"
	WayIn   WayIn
}

// PolicyVersion is an earlier text that can be staged again.
type PolicyVersion struct {
	Gen  uint32
	At   time.Time
	Who  string
	What string // "2 added, 1 changed"
	Text string
}
