// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"encoding/binary"
	"time"

	"hooktop/bpf/kern"
	"hooktop/probes/snap"
)

// RawKey is struct flow_key of bpf/include/wire.h as it lies in memory, on a little-endian machine.
type RawKey [44]byte

// Sample is one entry of the flow table: one flow on one CPU.
type Sample struct {
	Slot      uint32 // where it lies: an entry keeps its slot for its life
	Key       RawKey
	Packets   uint32 // wraps
	Bytes     uint64
	TCPFlags  uint8
	Forwarded bool
	Inner     bool // seen inside a tunnel that is only counted: outside the totals
	Denied    bool // a policy denied it: its packets are counted outside the table, and with them those of flows that shared its entry
	Path, Gen uint16
	Last      uint32 // low 32 bits of jiffies
	Print     uint64 // differs when anything else does: see Source.Scan
}

// Counter is packets and bytes.
type Counter struct{ Packets, Bytes uint64 }

func (c Counter) plus(d Counter) Counter  { return Counter{c.Packets + d.Packets, c.Bytes + d.Bytes} }
func (c Counter) minus(d Counter) Counter { return Counter{c.Packets - d.Packets, c.Bytes - d.Bytes} }

// atLeast is the greater of both, each counter by itself.
func (c Counter) atLeast(d Counter) Counter {
	return Counter{max(c.Packets, d.Packets), max(c.Bytes, d.Bytes)}
}

// DeviceCount is what the kernel counted for a device outside the table, since attach.
type DeviceCount struct {
	Slot                uint16
	FoldedIn, FoldedOut Counter // evicted entries, and 2^32 packets for each wrap
	FoldedFwd           Counter // the part of FoldedOut that had arrived on another device
	OtherIn, OtherOut   Counter // not IP, malformed, or denied
	Denied              uint64  // packets of these that a policy denied, both directions
}

// Source is the flow table.
type Source interface {
	// Scan yields every entry that is not empty; the sample is valid during the call. Of an entry that known says it knows in
	// this slot with this print, nothing changed and no sample is needed; a source may spare the question.
	Scan(known func(slot uint32, print uint64) bool, yield func(*Sample) bool)
	Slots() int                         // Sample.Slot is below this, that of denied ones at or above
	Folded() ([]DeviceCount, error)     // counters outside the table
	Since(jiffies uint32) time.Duration // how long before the last Scan that was, not negative
}

// Joiner gives what a flow has outside this package. It must not block.
type Joiner interface {
	Owner(k *snap.FlowKey) snap.Owner
	TCP(k *snap.FlowKey) snap.TCPInfo
	WayIn(k *snap.FlowKey) snap.WayIn
	Name(a snap.Addr) string // "" until resolved; asking starts it
	Device(slot uint16) string
}

// Options of a Store.
type Options struct {
	// Verdict names what a path let pass; nil: everything passes. A flow that was denied last is a drop.
	Verdict func(path, gen uint16) (rule int, verdict string)
}

// GoneFor is how long a flow that left the table is still shown (UX 7).
const GoneFor = 5 * time.Second

// RankEvery is how often rows are ranked anew while the question stays (UX 6).
const RankEvery = 2 * time.Second

// Bits of flow_key.tag (bpf/include/wire.h).
const (
	tagEgress    = 0x1000
	tagFragLater = 0x4000
)

func (k *RawKey) proto() uint8   { return k[36] }
func (k *RawKey) tag() uint16    { return binary.LittleEndian.Uint16(k[40:]) }
func (k *RawKey) device() uint16 { return binary.LittleEndian.Uint16(k[42:]) }

// sharesVerdict tells whether two flows differ in their source port, or what stands in its place, alone: denied ones share an entry
// then, which has the newest's port and the packets of all.
func (k *RawKey) sharesVerdict(o *RawKey) bool {
	return [32]byte(k[:32]) == [32]byte(o[:32]) && [10]byte(k[34:]) == [10]byte(o[34:])
}

// Decode gives the key as a value for screens. The layout is bpf/kern's to know.
func (k *RawKey) Decode() snap.FlowKey { return kern.RawKey(*k).Decode() }

// Encode is the inverse of Decode.
func Encode(f *snap.FlowKey) RawKey { return RawKey(kern.EncodeKey(*f)) }
