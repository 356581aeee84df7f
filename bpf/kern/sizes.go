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
	slotsPerFlow = 4    // the table is four times the flows expected: at most 1 in 1,000 established flows is driven out
	firstBuckets = 4096 // of each CPU that are used before there are many flows (flow_spread in flow.h): 2 MiB
	ways         = 8
	entryBytes   = 64
	bucketBytes  = ways * entryBytes
	tagBytes     = ways // struct flow_tags

	deniedWays   = 8 // DENIED_WAYS
	deniedBucket = deniedWays * entryBytes
	deniedBytes  = 4 << 20 // for verdicts on denied flows, over all CPUs
	minDenied    = 8       // buckets
	maxDenied    = 4 << 10

	deviceBytes  = 9 * 16  // struct dev_counters
	counterBytes = 16      // struct counter
	stateBytes   = 64      // struct dev_state
	stateSlots   = 1024    // DEV_SLOTS
	smallBytes   = 8 << 10 // per CPU: malformed, stats, and what the allocator rounds up
	fixedBytes   = stateSlots*stateBytes + aclSlots*int(imageBytes) + bucketEntries*hashedBytes +
		aclSlots*aclHits*paceBytes + eventBytes + 1<<20 // and what the kernel accounts beside the entries

	minSeen       = 32 << 10 // tuples noted for established
	bucketEntries = 16 << 10 // token buckets
	hashedBytes   = 160      // an entry of those, about
	maxShards     = 4        // of rule counters
	hitBytes      = 32       // struct acl_hits
	paceBytes     = 16       // struct acl_pace, as an array holds it
	eventBytes    = 1 << 20  // rings of policy events, all together
	maxEventRings = 16       // CPUs share them: rules tell so much a second at most
)

// Sizes are the numbers of entries of the shared maps.
type Sizes struct {
	CPUs          int // possible CPUs
	BucketsPerCPU int // of eight entries; a power of two
	DeniedPerCPU  int // buckets of denied flows, eight entries each; a power of two
	LanesPerCPU   int // of tunnels; a power of two
	Slots         int // device slots, 0 among them
	Shards        int // of rule counters
	EventRings    int // a power of two
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
	s.Shards = min(maxShards, ceilPow2(cpus))
	s.EventRings = min(maxEventRings, ceilPow2(cpus))
	s.DeniedPerCPU = clamp(deniedBytes/cpus/deniedBucket, minDenied, maxDenied)
	s.DeniedPerCPU = ceilPow2(s.DeniedPerCPU+1) / 2
	s.LanesPerCPU = ceilPow2(clamp(lanesBytes/cpus/laneBytes, 1, maxLanes)+1) / 2
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
	for s.DeniedPerCPU < maxDenied { // powers of two leave room
		more := s
		if more.DeniedPerCPU *= 2; more.Bytes() > budget {
			break
		}
		s = more
	}
	return s, nil
}

// Bytes is the kernel memory that the maps take.
func (s Sizes) Bytes() int {
	perCPU := s.BucketsPerCPU*(bucketBytes+tagBytes) + s.DeniedPerCPU*(deniedBucket+deniedWays) + s.Slots*deviceBytes + smallBytes + s.LanesPerCPU*laneBytes
	return s.CPUs*perCPU + aclSlots*s.Shards*(aclHits*hitBytes+aclLegs*counterBytes) + s.seen()*hashedBytes + s.Shards*tunnelRows*rowBytes + ownAddresses*hashedBytes + fixedBytes
}

// seen is how many tuples are noted for established: half of the flows expected.
func (s Sizes) seen() int { return max(minSeen, s.BucketsPerCPU*ways/slotsPerFlow/2) }

// FlowSlots is how many entries the flow table has, over all CPUs.
func (s Sizes) FlowSlots() int { return s.CPUs * s.BucketsPerCPU * ways }

func (s Sizes) bucketShift() uint32 { return shift(s.BucketsPerCPU) }

// shift is the logarithm of a power of two.
func shift(n int) uint32 { return uint32(bits.TrailingZeros(uint(n))) }

// entries are the sizes by map name, where they are not what the object says.
func (s Sizes) entries() map[string]uint32 {
	return map[string]uint32{
		bpf.XdpMapHtFlows:      uint32(s.CPUs * s.BucketsPerCPU),
		bpf.XdpMapHtTags:       uint32(s.CPUs * s.BucketsPerCPU),
		bpf.XdpMapHtDevices:    uint32(s.Slots),
		bpf.XdpMapHtHits:       uint32(aclSlots * s.Shards * aclHits),
		bpf.XdpMapHtSeen:       uint32(s.seen()),
		bpf.XdpMapHtBuckets:    bucketEntries,
		bpf.XdpMapHtEvents:     uint32(s.EventRings),
		bpf.XdpMapHtLegs:       uint32(aclSlots * s.Shards * aclLegs),
		bpf.XdpMapHtDenied:     uint32(s.CPUs * s.DeniedPerCPU),
		bpf.XdpMapHtDeniedTags: uint32(s.CPUs * s.DeniedPerCPU),
		bpf.XdpMapHtLanes:      uint32(s.CPUs * s.LanesPerCPU),
		bpf.XdpMapHtTunnels:    uint32(s.Shards * tunnelRows),
		bpf.XdpMapHtOwn:        ownAddresses,
	}
}

func clamp(n, low, high int) int { return max(low, min(n, high)) }

func ceilPow2(n int) int {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len(uint(n-1))
}
