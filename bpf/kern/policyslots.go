// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"sync"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"hooktop/bpf"
	"hooktop/netcfg/acl/compile"
)

const (
	aclSlots   = 3     // ACL_SLOTS
	aclHits    = 12288 // ACL_HITS
	lastGen    = 0xfffe
	genEach    = 0xffff // GEN_EACH
	imageBytes = unsafe.Sizeof(bpf.XdpAclImage{})
)

// policies are the compiled policies in the kernel and what decides, in memory that programs read in place.
type policies struct {
	images []bpf.XdpAclImage // by slot
	hits   []bpf.XdpAclHits  // by slot, shard and hit
	denied []Entry           // by CPU
	again  *Live             // of those; under mu
	states []bpf.XdpDevState // by device slot
	ports  []uint64          // a bit for each UDP port that tunnels may be on
	lanes  lanes
	own    ownBits
	shards int
	mapped [][]byte

	mu     sync.Mutex
	loaded [aclSlots]loaded
	last   uint32 // generation written last
	used   numbers
	kept   uint32
	trial  uint32        // == kept: none
	devs   []uint16      // of the trial, nil: all
	end    uint32        // of the lease, jiffies
	asleep time.Duration // what the host had slept since boot when the lease began

	judging sync.Mutex // one at a time; taken before mu
	judge   *Shadow
	watch   time.Duration // what measuring adds to a run, 0: not known yet; under judging
}

// loaded says what a slot holds.
type loaded struct {
	gen       uint32
	hits      int            // counters in use
	what      []compile.What // by hit
	legs      []compile.Leg  // of its chains; the first is none
	before    []Count        // of those, when it was written
	expiry    []uint64       // of its rules, CLOCK_BOOTTIME in ns, ascending
	ended     int            // of those, when it was published last
	since     uint64         // jiffies64 from which on verdicts hold: then the last of them had ended
	missed    []odometer     // by hit
	forgotten []Count        // by hit: of denied flows of devices that are gone
	flows     bool           // asks for established
	ports     []uint16       // of tunnel lines
	busy      bool           // was in force: wait for a grace period before it is written again
	ends      int            // how often it ceased to be
}

func (q *policies) open(maps map[string]*ebpf.Map, s Sizes) (err error) {
	q.shards = s.Shards
	if q.images, err = mapArray[bpf.XdpAclImage](q, maps[bpf.XdpMapHtPolicy]); err != nil {
		return err
	}
	if q.hits, err = mapArray[bpf.XdpAclHits](q, maps[bpf.XdpMapHtHits]); err != nil {
		return err
	}
	denied, err := mapArray[[deniedWays]Entry](q, maps[bpf.XdpMapHtDenied])
	if err != nil {
		return err
	}
	q.denied = unsafe.Slice(&denied[0][0], len(denied)*deniedWays)
	states, err := mapArray[[stateSlots]bpf.XdpDevState](q, maps[stateSection])
	if err != nil {
		return err
	}
	q.states = states[0][:]
	for i := range q.states {
		q.states[i].Mask = uint32(min(s.BucketsPerCPU, firstBuckets) - 1)
	}
	ports, err := mapArray[bpf.XdpTunnelPorts](q, maps[portsSection])
	if err != nil {
		return err
	}
	q.ports = ports[0].Bits[:]
	own, err := mapArray[bpf.XdpOwnBits](q, maps[ownSection])
	if err != nil {
		return err
	}
	q.own = own[0].Bits[:]
	if q.lanes, err = mapArray[bpf.XdpTunnelLane](q, maps[bpf.XdpMapHtLanes]); err != nil {
		return err
	}
	q.listen()
	return nil
}

// mapArray maps an array into memory until q is closed. T must be the map's value.
func mapArray[T any](q *policies, m *ebpf.Map) ([]T, error) {
	n := int(m.MaxEntries())
	if size := int(unsafe.Sizeof(*new(T))); size != int(m.ValueSize()) || size%8 != 0 {
		return nil, fmt.Errorf("map %s into memory: its values have %d bytes, want %d", m, m.ValueSize(), size)
	}
	mem, err := unix.Mmap(m.FD(), 0, n*int(m.ValueSize()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s into memory: %w", m, err)
	}
	q.mapped = append(q.mapped, mem)
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(mem))), n), nil
}

func (q *policies) close() error {
	var errs []error
	if q.judge != nil {
		errs = append(errs, q.judge.Close())
	}
	for _, mem := range q.mapped {
		errs = append(errs, unix.Munmap(mem))
	}
	*q = policies{}
	return errors.Join(errs...)
}
