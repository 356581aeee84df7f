// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"net/netip"
	"time"

	"hooktop/netcfg/acl"
)

// What an image has room for (bpf/include/acl_image.h; a test of bpf/kern compares).
const (
	MaxRecords   = 16384
	MaxBounds    = 32768 // address intervals of one side and family, and of one side in all
	MaxLists     = 131072
	MaxPortLists = 16384
	MaxHits      = 12288
	MaxSets      = 64 // of each kind: bits of a word, the first of which means any
	DevSlots     = 1024
	Ports        = 65536
	TypeRows     = 513 // ICMP types, ICMPv6 types, everything else
	MaxLegs      = 127 // of chains: seven bits of a flow's entry
)

// Record is one rule, or one pair of its port ranges. All ranges are inclusive.
type Record struct {
	SrcLo, SrcHi, DstLo, DstHi         uint16 // intervals
	SPortLo, SPortHi, DPortLo, DPortHi uint16
	VLAN                               uint16 // 0: any
	Hit                                uint16 // index of its counters; of a chain's record the leg
	VNI                                uint32 // 0: any
	Flags                              Flags
	Proto, Type, Dev, Src, Dst         uint8     // bits of the packet's set words
	Expires                            time.Time // zero: never
	Cost, Burst                        time.Duration
	Bucket                             uint32 // names the rule's token buckets across generations
}

// Flags of a record.
type Flags uint32

// RECORD_* in bpf/include/acl_image.h.
const (
	In          Flags = 1 << iota // matches packets that arrive
	Out                           // or leave
	Deny                          // else allow
	Limit                         // allow while there are tokens
	Count                         // count and go on
	NotSrc                        // inverts the source's address
	NotDst                        //
	NotVLAN                       //
	NotVNI                        //
	Established                   //
	Later                         // takes later fragments whatever their ports and types are
	Chain                         // of a chain: note the leg and go on
	Log                           // packets that it meets are told of
)

// List is a run of record numbers in Image.Lists.
type List struct{ Offset, Len uint32 }

// Side is what is known of one side's addresses, by interval. IPv4 intervals come first, IPv6 ones behind them.
type Side struct {
	Root    [Ports + 1]uint16 // number of the interval of the first address of each /16; the last interval's at the end
	Bounds4 []uint32          // first addresses, ascending from 0
	Bounds6 [][2]uint64       // likewise, high and low half
	Lists   []List
	Sets    []uint64
}

// PortSide is what is known of one side's ports.
type PortSide struct {
	Class [Ports]uint16
	Lists []List // by class
	Later List   // for later fragments, which have no ports
}

// What a hit index stands for: acl.Decision's way of saying it.
type What struct {
	By    acl.By
	Index int // of the rule, guard or tunnel line; of the default 0 in, 1 out
}

// The first hit indexes. 0 is what no policy decided.
const (
	HitDefaultIn  = 1
	HitDefaultOut = 2
	firstHit      = 3
)

// Leg is the mark of packets on one leg of a chain.
type Leg struct {
	Of         acl.LegOf
	Mark, Mask uint32
}

// Image is a compiled policy.
type Image struct {
	DenyIn, DenyOut bool   // by default
	NotIP           uint16 // hit index of the guard line that lets frames pass that are not IP, 0: none
	Flows           bool   // a rule asks for established
	Records         []Record
	Proto           [256]uint64
	Type            [TypeRows]uint64
	Dev             [DevSlots]uint64
	Sides           [2]Side // source, destination
	PortSides       [2]PortSide
	Wild            List // asked for every packet
	Lists           []uint16
	Hits            []What
	Legs            []Leg // the first is none
	Tunnels         []TunnelLine
	Prefixes        []netip.Prefix // of tunnel lines
}
