// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"net/netip"
	"time"
)

// Action is what a rule does with a packet that it matches.
type Action uint8

const (
	Allow Action = iota
	Deny
	Limit // allow while the source's bucket has tokens, deny otherwise
	Count // count and go on with the next rule
)

func (a Action) String() string { return [...]string{"allow", "deny", "limit", "count"}[a] }

// Final reports whether the rule decides a packet that it matches.
func (a Action) Final() bool { return a != Count }

// Dir is a direction as the host sees it.
type Dir uint8

const (
	Both Dir = iota
	In
	Out
)

func (d Dir) String() string { return [...]string{"", "in", "out"}[d] }

// Rule is one line of the list. The zero value of each field matches everything. Immutable once made: copies share slices.
type Rule struct {
	Line int // of the file, from 1; 0: not in a file
	ID   ID  // names the rule's counters; zero until a file gives it one

	Off         bool
	Action      Action
	Dir         Dir
	Proto       Protos
	From, To    End
	Type        Types
	Established bool
	Dev         Device
	VLAN, VNI   Tag
	Rate        Rate // of limit only
	Log         bool
	Label       string // of log
	Expires     Expiry
	Comment     string // with its #, "" for none
}

// ID names a rule's counters: its canonical text (Rule.Match) when it came into being, and which of the rules with that
// text it is. An edit in place inherits it; moving, commenting and switching off leave it alone.
type ID struct {
	Text    string
	Ordinal int // from 1
}

// Protos is a list of IANA protocol numbers, sorted; empty: any.
type Protos struct {
	Not  bool
	List []uint8
}

// End is one side of a packet: an address match and a port match.
type End struct {
	Not    bool         // inverts the address: what is in neither family's part of it
	Prefix netip.Prefix // masked; invalid: none. IPv4-mapped ones are IPv4
	Set    string       // name of a set, "": none
	Ports  Ports
}

// Any reports whether every address matches.
func (e End) Any() bool { return !e.Prefix.IsValid() && e.Set == "" }

// Ports is a list of port ranges, sorted, without overlaps; empty: any, and packets without ports too.
type Ports struct {
	Not  bool
	List []Range
}

// Range is inclusive.
type Range struct{ Lo, Hi uint16 }

// Types is a list of ICMP types, sorted; empty: any.
type Types struct {
	Not  bool
	List []ICMPType
}

// ICMPType is one type as both families number it; -1 where a family has none.
type ICMPType struct{ V4, V6 int16 }

// Device is a match on the watched device's name; "" matches all.
type Device struct {
	Not  bool
	Name string
}

// Tag is a match on the VLAN ID (of the outermost tag whose ID is not 0) or on the VNI of the tunnel that the packet came
// in; 0 matches all.
type Tag struct {
	Not bool
	ID  uint32
}

// Rate is a token bucket for each source address.
type Rate struct {
	N     uint32        // packets
	Per   time.Duration // in a second, a minute or an hour
	Burst uint32        // packets that may come at once
}

// Cost is the time that one token takes to come back. The bucket is kept as one time stamp (GCRA, ITU-T I.371): integers
// only, so that kernel and oracle agree to the nanosecond.
func (r Rate) Cost() time.Duration { return r.Per / time.Duration(r.N) }

// Expiry ends a rule: After as it was typed, At from the commit on. Both zero: never.
type Expiry struct {
	After time.Duration
	At    time.Time // UTC, whole seconds
}

// Never reports whether the rule stays.
func (e Expiry) Never() bool { return e.After == 0 && e.At.IsZero() }

// From gives the absolute form for a commit at now, rounded up to a second: a rule never ends before what was asked.
func (e Expiry) From(now time.Time) Expiry {
	if e.After == 0 {
		return e
	}
	at := now.Add(e.After).UTC()
	if cut := at.Truncate(time.Second); !cut.Equal(at) {
		at = cut.Add(time.Second)
	}
	return Expiry{At: at.Truncate(time.Second)}
}

// Passed reports whether the rule has ended. A relative expiry has not begun.
func (e Expiry) Passed(now time.Time) bool { return !e.At.IsZero() && !now.Before(e.At) }

// Set is a named list of prefixes of both families, sorted, none inside another.
type Set struct {
	Line    int // of the file, 0: not in a file
	Name    string
	List    []netip.Prefix
	Comment string
}

// Default is what becomes of packets that no rule decides.
type Default struct {
	Off     bool
	Dir     Dir // In or Out
	Action  Action
	Comment string
}

// Policy is what a file says about dropping packets: the part that lint, diff, oracle and compiler read.
type Policy struct {
	In, Out Action // defaults: Allow or Deny
	InLine  int    // lines of the default entries, 0: none
	OutLine int
	Sets    map[string]Set
	Rules   []Rule      // in order; those that are off are among them
	Guard   []GuardLine // rule 0, asked first; empty: switched off
	Tunnels []Tunnel    // in order; those that are off are among them
	Chains  []Chain     // in order; those that are off are among them
	Served  []Served    // tunnels that are the kernel's: lines that would unwrap them only count, unless forced
}

// Default gives what becomes of undecided packets of one direction, and the line that says so.
func (p *Policy) Default(d Dir) (Action, int) {
	if d == Out {
		return p.Out, p.OutLine
	}
	return p.In, p.InLine
}
