// SPDX-License-Identifier: Apache-2.0

package snap

import (
	"net/netip"
	"time"
)

// DecapTab is Query.Tab where Frame.Tunnels is wanted whole; its sums and lines are always there.
const DecapTab = "Decap"

// Tunnels is what arrived encapsulated, and what of it was unwrapped.
type Tunnels struct {
	Why     string         // why tunnels are not looked at, "" when they are
	Rows    []Tunnel       // by rate, at most 300
	Total   int            // rows that there are
	Lines   []TunnelLine   // tunnel lines of the policy in force
	Errors  []TunnelErrors // all reasons, nonzero only, most of the last second first
	Sizes   [6]uint64      // inner packets of up to 64, 128, 256, 512, 1024 bytes, and longer, since launch
	PPS     float64
	StripPS float64
	ErrPS   float64
	Trend   []float32 // packets per second, a value a second, newest last; at most 60
}

// Tunnel is what one peer sends in one tunnel.
type Tunnel struct {
	Kind     string // "vxlan", "vxlan-gpe", "geneve", "gue", "gtpu", "gre", "ipip"
	VNI      uint32 // GRE: key; GTP-U: TEID
	HasVNI   bool
	Peer     netip.Addr // outer source
	Local    netip.Addr // outer destination of the newest packet
	Port     uint16     // outer destination port, 0: none
	Dev      string
	Inner    string // "eth", "ip4", "ip6" of the newest packet, "" when it could not be read
	Line     int    // of the policy in force that speaks of it, from 1; 0: none
	Packets  uint64
	Bytes    uint64 // outer frames
	Stripped uint64 // of Packets
	Errors   []Count
	PPS, BPS float64
	ErrPS    float64
	Last     time.Duration // since the last packet
	Trend    []float32
}

// TunnelLine is a tunnel line of the policy in force, and what becomes of it.
type TunnelLine struct {
	Line  int // from 1
	Text  string
	State string // "counts", "strips", "suspended", "off"
	Why   string // of suspended
	Hits
	Stripped uint64
}

// TunnelErrors is why packets in tunnels were not unwrapped.
type TunnelErrors struct {
	Count
	PerSecond float64
	Worst     string // the row that has most of them: "vxlan 100 10.4.3.9"
}
