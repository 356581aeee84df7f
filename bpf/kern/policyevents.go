// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"encoding/binary"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// How much a rule tells of in a second, unless Options say otherwise.
const (
	logRate    = 10
	sampleRate = 64
)

// EventBytes is how much of a frame an event holds at most.
const EventBytes = 128 // EVENT_BYTES

// Bits of policy_event.flags (EVENT_* in bpf/include/wire.h).
const (
	eventLog    = 0x1
	eventSample = 0x2
	eventBare   = 0x4
)

// PolicyEvent is a packet that a rule with log met, or one of those that a rule denied.
type PolicyEvent struct {
	At      uint64 // CLOCK_MONOTONIC, ns; see MonotonicNs
	Gen     uint32
	Hit     uint16 // of the rule that this is about; see What
	Log     bool   // the rule has log
	Sample  bool   // a header of what was denied
	Deny    bool   // what became of the packet, whichever rule decided
	Limited bool   // because no token was left
	Missed  uint64 // packets that the rule's log would have told of since the event before, but for its pace
	Bare    bool   // of no flow, not IP or malformed: Key has direction and device only
	Key     RawKey
	Len     int // on the wire

	frame []byte
	tag   uint32 // EtherType << 16 | TCI of the tag that the device took out, 0: none
}

// policyEvents are the rings that programs write events into, and what their reader knows.
type policyEvents struct {
	rings  rings
	mu     sync.Mutex // one reader at a time
	missed map[ruleHit]*odometer

	event PolicyEvent // that is handed on
	last  ruleHit     // whose odometer was asked for last: in a flood it is one rule's
	miles *odometer
}

// ruleHit names a rule of a generation.
type ruleHit struct {
	gen uint32
	hit uint16
}

// odometer adds up a 32-bit counter that wraps and is kept once a shard.
type odometer struct {
	last [maxShards]uint32
	sum  uint64
}

// take reads the counter and says what it gained. A reading that is older than the last one, of another ring, gains nothing.
func (o *odometer) take(shard, now uint32) uint64 {
	last := &o.last[shard%maxShards]
	gained := now - *last
	if int32(gained) <= 0 {
		return 0
	}
	*last = now
	o.sum += uint64(gained)
	return uint64(gained)
}

func (e *policyEvents) open(outer *ebpf.Map, s Sizes) error {
	e.missed = map[ruleHit]*odometer{}
	return e.rings.open(outer, "ht_event_ring", s.EventRings, uint32(eventBytes/s.EventRings))
}

// WaitPolicyEvents returns when there may be events, or RingPolicyEvents was called. It needs no clock: programs wake a reader
// who has read everything.
func (p *Pipeline) WaitPolicyEvents() error { return p.events.rings.wait(-1) }

// RingPolicyEvents ends a wait.
func (p *Pipeline) RingPolicyEvents() error { return p.events.rings.ring() }

// ReadPolicyEvents hands on the events that wait; those of one CPU come in the order of time. It reports whether there were any:
// who is to wait must have found none before, because a program that writes while its ring is read takes the reader for awake.
// It must have returned before the Pipeline is closed. What is passed is valid during the call.
func (p *Pipeline) ReadPolicyEvents(yield func(*PolicyEvent)) (any bool) {
	e := &p.events
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rings.read(func(record []byte) {
		any = true
		if len(record) < int(unsafe.Sizeof(bpf.XdpPolicyEvent{})) {
			return
		}
		raw := (*bpf.XdpPolicyEvent)(unsafe.Pointer(unsafe.SliceData(record)))
		yield(e.decode(raw))
	})
	return any
}

func (e *policyEvents) decode(raw *bpf.XdpPolicyEvent) *PolicyEvent {
	out := &e.event
	*out = PolicyEvent{
		At: raw.Ts, Gen: raw.Gen, Hit: uint16(raw.Hit), Log: raw.Flags&eventLog != 0, Sample: raw.Flags&eventSample != 0,
		Bare: raw.Flags&eventBare != 0, Deny: raw.Judged&judgedDeny != 0, Limited: raw.Judged&judgedLimited != 0,
		Len: int(raw.Len), frame: raw.Frame[:min(int(raw.Captured), EventBytes)], tag: raw.Tag,
		Key: *(*RawKey)(unsafe.Pointer(&raw.Key)),
	}
	if out.Bare {
		clear(out.Key[:40])
	}
	if out.Log {
		out.Missed = e.rule(ruleHit{raw.Gen, out.Hit}).take(raw.Shard, raw.Missed)
	}
	return out
}

// maxPaced is how many rules' counters are remembered: those of generations that are gone would pile up.
const maxPaced = 4 * aclHits

func (e *policyEvents) rule(r ruleHit) *odometer {
	if e.miles != nil && e.last == r {
		return e.miles
	}
	o := e.missed[r]
	if o == nil {
		if len(e.missed) >= maxPaced {
			for old := range e.missed {
				if old.gen != r.gen {
					delete(e.missed, old)
				}
			}
		}
		o = &odometer{}
		e.missed[r] = o
	}
	e.last, e.miles = r, o
	return o
}

// tagAt is where a VLAN tag stands in an Ethernet frame.
const tagAt = 12

// Frame is a copy of the frame's beginning as it was on the wire: a tag that the device took out is in its place again.
func (e *PolicyEvent) Frame() []byte {
	out := make([]byte, 0, EventBytes)
	if e.tag == 0 || len(e.frame) < tagAt {
		return append(out, e.frame...)
	}
	out = append(out, e.frame[:tagAt]...)
	out = binary.BigEndian.AppendUint32(out, e.tag)
	return append(out, e.frame[tagAt:min(len(e.frame), EventBytes-4)]...)
}
