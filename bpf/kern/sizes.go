// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"math/bits"

	"hooktop/bpf"
)

const (
	defaultBytes = 64 << 20
	defaultFlows = 65536
	slotsPerFlow = 4 // the table is four times the flows expected: at most 1 in 1,000 established flows is driven out
	ways         = 8
	entryBytes   = 64
	bucketBytes  = ways * entryBytes

	deviceBytes  = 7 * 16                        // struct dev_counters
	pathBytes    = 16                            // struct counter
	stateBytes   = 64                            // struct dev_state
	stateSlots   = 1024                          // DEV_SLOTS
	smallBytes   = 8 << 10                       // per CPU: malformed, stats, and what the allocator rounds up
	fixedBytes   = stateSlots*stateBytes + 1<<20 // and what the kernel accounts beside the entries
	maxPerCPUMap = 4 << 10                       // entries of a per-CPU map that grow with the budget
)

// Sizes are the numbers of entries of the shared maps.
type Sizes struct {
	CPUs          int // possible CPUs
	BucketsPerCPU int // of eight entries; a power of two
	Slots         int // device slots, 0 among them
	Paths         int
}

// SizesFor computes sizes that stay within a budget of bytes (0: 64 MiB, or what flows needs) at any number of CPUs.
// flows is how many are expected at a time (0: 65,536, or fewer when they do not fit).
func SizesFor(cpus, flows, budget int) (Sizes, error) {
	if cpus < 1 || flows < 0 || budget < 0 {
		return Sizes{}, fmt.Errorf("size maps: %d cpus, %d flows, %d bytes: negative", cpus, flows, budget)
	}
	s := Sizes{CPUs: cpus}
	// Per-CPU maps get an eighth of the default budget, and shrink as CPUs grow.
	share := defaultBytes / 8 / cpus
	s.Slots = clamp(share/2/deviceBytes, 32, stateSlots)
	s.Paths = clamp(share/2/pathBytes, 64, maxPerCPUMap)
	want := flows
	if want == 0 {
		want = defaultFlows
	}
	s.BucketsPerCPU = ceilPow2(want * slotsPerFlow / ways)
	if budget == 0 {
		if flows > 0 {
			return s, nil
		}
		budget = defaultBytes
	}
	for s.Bytes() > budget && s.BucketsPerCPU > 1 {
		s.BucketsPerCPU /= 2
	}
	if s.Bytes() > budget {
		return Sizes{}, fmt.Errorf("size maps: %d bytes are too few for %d cpus: at least %d are needed", budget, cpus, s.Bytes())
	}
	return s, nil
}

// Bytes is the kernel memory that the maps take.
func (s Sizes) Bytes() int {
	perCPU := s.BucketsPerCPU*bucketBytes + s.Slots*deviceBytes + s.Paths*pathBytes + smallBytes
	return s.CPUs*perCPU + fixedBytes
}

// FlowSlots is how many entries the flow table has, over all CPUs.
func (s Sizes) FlowSlots() int { return s.CPUs * s.BucketsPerCPU * ways }

func (s Sizes) bucketShift() uint32 { return uint32(bits.TrailingZeros(uint(s.BucketsPerCPU))) }

// entries are the sizes by map name, where they are not what the object says.
func (s Sizes) entries() map[string]uint32 {
	return map[string]uint32{
		bpf.XdpMapHtFlows:   uint32(s.CPUs * s.BucketsPerCPU),
		bpf.XdpMapHtDevices: uint32(s.Slots),
		bpf.XdpMapHtPaths:   uint32(s.Paths),
	}
}

func clamp(n, low, high int) int { return max(low, min(n, high)) }

func ceilPow2(n int) int {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(n-1))
}
