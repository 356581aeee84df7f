// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// TraceCounts says what became of each call of what is traced. The first four add up to the calls, with those that
// the kernel passed over (Missed).
type TraceCounts struct {
	Shown     uint64 // crossed the ring
	Filtered  uint64
	Rate      uint64 // over the limit of events per second
	Ring      uint64 // no room in the ring buffer
	Missed    uint64 // the kernel ran no program, because one of the same kind was running on that CPU
	Unkept    uint64 // the same of what keeps journeys true: an sk_buff's end or copy may not be known
	Untracked uint64 // shown, but what follows of its packet begins another journey
	Unpaired  uint64 // returns without their call
}

// Counts reads the counters.
func (t *Trace) Counts() (TraceCounts, error) {
	var c TraceCounts
	for stat, into := range map[bpf.TraceTraceStat]*uint64{
		bpf.TraceTraceStatTRACE_SHOWN: &c.Shown, bpf.TraceTraceStatTRACE_FILTERED: &c.Filtered,
		bpf.TraceTraceStatTRACE_RATE: &c.Rate, bpf.TraceTraceStatTRACE_RING: &c.Ring,
		bpf.TraceTraceStatTRACE_UNTRACKED: &c.Untracked, bpf.TraceTraceStatTRACE_UNPAIRED: &c.Unpaired,
	} {
		var shards []uint64
		if err := t.maps[bpf.TraceMapHtTrStats].Lookup(uint32(stat), &shards); err != nil {
			return c, fmt.Errorf("read trace counters: %w", err)
		}
		for _, n := range shards {
			*into += n
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, prog := range t.programs {
		if strings.HasPrefix(key, bpf.TraceProgHtTrCall) || strings.HasPrefix(key, bpf.TraceProgHtTrReturn) {
			c.Missed += missed(prog)
		} else {
			c.Unkept += missed(prog)
		}
	}
	for _, l := range t.links {
		switch {
		case l.own != nil && l.quiet:
			c.Unkept += missed(l.own)
		case l.own != nil:
			c.Missed += missed(l.own)
		}
	}
	return c, nil
}

func missed(prog *ebpf.Program) uint64 {
	stats, err := prog.Stats()
	if err != nil {
		return 0 // before 5.12 the kernel does not tell
	}
	return stats.RecursionMisses
}
