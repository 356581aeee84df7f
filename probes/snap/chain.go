// SPDX-License-Identifier: Apache-2.0

package snap

import (
	"net/netip"
	"time"
)

// ChainTab is Query.Tab where Frame.Chains is wanted whole; names and states are always there.
const ChainTab = "Chain"

// Chains is what is sent through services, and what steers it there.
type Chains struct {
	Why     string // why nothing can be steered, "" when it can
	Rows    []Chain
	Steer   []Steer    // ip rules and routes that hooktop made or misses, in order of priority and table
	Owners  []BitOwner // who uses which bits of the mark
	Checks  []Check    // rp_filter and src_valid_mark of the devices of chains, what routes have to say
	Lineage []string   // of the newest packet of the flow that was asked for: metadata, mark, rule, table, device
}

// Chain is one chain line of the policy in force.
type Chain struct {
	Line   int // from 1
	Name   string
	Text   string
	Legs   []Leg
	State  string // "ok", "idle", "bypassed", "closed", "drift"
	Why    string
	Open   bool    // fail open
	Lost   float64 // part of the packets sent to the service that did not come back in the last ten seconds, -1: none was sent
	Silent time.Duration
}

// Leg is one way between two devices.
type Leg struct {
	Name      string // "to service", "upstream", "reply to service", "reply back"
	From, To  string // devices
	Mark      uint32
	Mask      uint32
	Table     uint32
	NextHop   netip.Addr // invalid: on link
	State     string     // "ok", "idle", "down", "unknown"
	Neighbour string     // what the kernel's neighbour table says of the next hop, "": nothing
	Packets   uint64
	Bytes     uint64
	PPS       float64
	Trend     []float32 // packets per second, a value a second, newest last; at most 60
}

// Steer is an ip rule or a route.
type Steer struct {
	Text  string // as ip(8) prints it
	Chain string
	State string // "in place", "missing", "changed", "away", "staged", "old"
	Why   string
}

// BitOwner is somebody who uses bits of the mark.
type BitOwner struct {
	Mark  uint32 // under the mask, where one value is told
	Mask  uint32
	Sets  bool   // it writes the bits; else it chooses packets by them
	Who   string // "chain fw", "kube-proxy"
	From  string // what says so: "ip rule 100", "known agent"
	Clash string // the chain whose bits these are as well, "": none
}

// Check is a setting that chains depend on.
type Check struct {
	Name string // "rp_filter fw1"
	Have string
	OK   bool
	Why  string
	Fix  string
}
