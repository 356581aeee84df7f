// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"math/bits"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hooktop/bpf"
)

// TraceEvent is struct trace_event of bpf/include/wire.h.
type TraceEvent = bpf.TraceTraceEvent

// Flags of a TraceEvent.
const (
	TraceIsClone  = 0x01
	TraceIsReturn = 0x02
	TraceHasKey   = 0x04
	TraceIsFirst  = 0x08
)

// Ring buffers of all CPUs together, and of one.
const (
	ringsBytes   = 8 << 20
	maxRingBytes = 1 << 20
	minRingBytes = 64 << 10
)

// ringBytes is the size of one CPU's ring: a power of two.
func ringBytes(cpus int) uint32 {
	each := uint32(1) << (bits.Len(uint(ringsBytes/cpus)) - 1)
	return min(max(each, minRingBytes), maxRingBytes)
}

// Wait returns when a ring has filled up to its mark, once each time, or after a while at the latest.
func (t *Trace) Wait(atMost time.Duration) error {
	return t.rings.wait(int(atMost.Milliseconds()))
}

// Read hands on the events that wait, CPU by CPU; those of one CPU come in the order of time. What is passed is valid
// during the call.
func (t *Trace) Read(yield func(e *TraceEvent, stack []uint64)) {
	t.rings.read(func(record []byte) {
		if len(record) < int(unsafe.Sizeof(TraceEvent{})) {
			return
		}
		start := unsafe.Pointer(unsafe.SliceData(record))
		var stack []uint64
		if len(record) >= int(unsafe.Sizeof(bpf.TraceTraceStack{})) {
			deep := (*bpf.TraceTraceStack)(start)
			stack = deep.Ips[:min(int(deep.Event.Depth), len(deep.Ips))]
		}
		yield((*TraceEvent)(start), stack)
	})
}

// MonotonicNs is the clock of TraceEvent.Ts.
func MonotonicNs() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0
	}
	return uint64(ts.Nano())
}
