// SPDX-License-Identifier: Apache-2.0

package snap

import "time"

// TraceTab is Query.Tab where Frame.Trace and Frame.Ledger are wanted.
const TraceTab = "Trace"

// Query is what the screen wants to see. The newest replaces the one before; the engine answers with the next frame.
type Query struct {
	ID    uint64  // echoed nowhere; only the FlowQuery is
	Tab   string  // the tab in view: what is not looked at is not computed
	Hz    float64 // frames a second wanted, 0: engine's default
	Flows FlowQuery
	Trace TraceQuery
	Focus bool // false: the terminal lost focus
}

// FlowQuery selects, orders and windows flows. Comparable.
type FlowQuery struct {
	Filter      string // filter language of ui/column; "" passes all
	Sort        string // column key; "" means "pps"
	Asc         bool
	Group       string  // "", "source", "destination", "port", "process", "subnet", "device"; Sort may be "flows" then
	Window      int     // index into Windows for rate columns and rate order
	Offset      int     // first row wanted
	Limit       int     // rows wanted, ≤ 300
	Hold        bool    // keep the order of the last ranking
	Rerank      bool    // read and rank now, whatever the age of the last ranking; good for one answer
	Follow      FlowKey // row under the cursor: its index comes back in FlowsView.Cursor; zero: none
	FollowGroup string  // the same when grouped
	Names       bool    // resolve names
}

// IntentKind says what the user wants done.
type IntentKind string

const (
	WatchInterface   IntentKind = "watch"   // Target: device
	UnwatchInterface IntentKind = "unwatch" // Target: device
	SetMode          IntentKind = "mode"    // Target: device, Arg: auto|native|generic|tc
	StartTrace       IntentKind = "trace"   // Trace: what; the one that runs is stopped first
	StopTrace        IntentKind = "stop"    // the trace that runs

	StagePolicy   IntentKind = "stage"   // Policy.Text: keep it as the draft and check it; "" drops the draft
	CommitPolicy  IntentKind = "commit"  // the draft, on trial: Policy
	KeepPolicy    IntentKind = "keep"    // the trial whose code is Arg; or Rest: a canary
	RestorePolicy IntentKind = "restore" // end the trial now
	ExtendPolicy  IntentKind = "extend"  // the lease, by Policy.Lease
	SavePolicy    IntentKind = "save"    // the kept policy, to Target or where it came from
	PricePolicy   IntentKind = "price"   // Policy.Text: measure what packets cost by it and by what decides now, in Answer.Prices. Takes seconds

	RepairChains IntentKind = "repair"  // put rules and routes of chains in place again that somebody changed
	ShowHeaders  IntentKind = "headers" // Line: the last headers that a deny rule hit, in Answer.Headers
	SaveHeaders  IntentKind = "capture" // the same as a pcapng file: Target
)

// Intent is a wish as a value. Answers come back to the asker.
type Intent struct {
	Kind   IntentKind
	Target string
	Arg    string
	Trace  TraceSpec
	Policy PolicyWish
	Line   int // of the policy in force
}

// PolicyWish is what intents about the policy need.
type PolicyWish struct {
	Seq   uint64 // of a StagePolicy: comes back in Draft.Seq
	Text  string
	Base  uint32        // generation that the text was made from: a commit over another one is refused
	Lease time.Duration // 0: Policy.Lease; at most 60 s
	On    []string      // devices to decide on first (the canary); nil: all
	Soak  time.Duration // of a canary, after its keep; 0: Policy.Soak
	Host  string        // typed name of the host, where one is asked for: the draft cuts a way in, or there is no remote session
}

// Rest is the Arg of a KeepPolicy that has the rest follow a canary. A screen may be a moment behind: what it means by a key must not
// keep something else.
const Rest = "rest"

// Overwrite is the Arg of a SavePolicy that may replace a file which says something that nobody here has read.
const Overwrite = "overwrite"

// Answer to an intent. Err is "" when it was done; Text is one line for the user; Command is the CLI twin.
type Answer struct {
	Text    string
	Err     string
	Offer   string // Arg with which the intent would be done in spite of Err, "" when it would not
	Command string
	Headers []Header // of ShowHeaders, newest first
	Prices  []Price  // of PricePolicy, in the order of a packet's way

	Changed []string // of a SavePolicy that was refused: what the file says otherwise, a line each, cleaned
}
