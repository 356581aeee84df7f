// SPDX-License-Identifier: Apache-2.0

package snap

import (
	"net/netip"
	"time"
)

// EventsTab is Query.Tab where Frame.Events is wanted.
const EventsTab = "Events"

// Decider is the line of a policy that decided or counted a packet.
type Decider struct {
	Gen    uint32 // as the operator knows it
	Line   int    // of the policy
	Key    string // names it, also when the policy is edited around it
	Action string // "deny", "limit", "allow", "count"
	Text   string // of the line, cleaned
	Label  string // of log, cleaned
}

// Event is something that happened: a packet that a rule with `log` met, or a change of the policy.
type Event struct {
	Seq    uint64    // of the row: it stays when the row stands for more
	At     time.Time // of the newest
	Sev    Severity
	Kind   string // of packets "deny", "limit", "allow", "count"; else what the audit log calls it, or "lost"
	Text   string // one line for humans, cleaned
	Line   int    // of the policy that decided, 0: none
	Gen    uint32
	Label  string  // of log
	Flow   FlowKey // zero: no packet; without addresses: it was not IP, or malformed
	Dev    string
	Repeat int    // packets of this flow and rule that this row stands for, at least 1
	Missed uint64 // of the same rule that were suppressed by its rate since the event before
}

// Header is the beginning of a packet that a deny rule hit.
type Header struct {
	At   time.Time
	Dev  string
	Out  bool
	Len  int    // on the wire
	Data []byte // from the link layer on, at most 128 bytes; never changed
	Src  netip.AddrPort
	Dst  netip.AddrPort
	Text string // one line for humans, cleaned
}
