// SPDX-License-Identifier: Apache-2.0

package snap

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
)

// Intent is a wish as a value. Answers come back to the asker.
type Intent struct {
	Kind   IntentKind
	Target string
	Arg    string
	Trace  TraceSpec
}

// Answer to an intent. Err is "" when it was done; Text is one line for the user; Command is the CLI twin.
type Answer struct {
	Text    string
	Err     string
	Command string
}
