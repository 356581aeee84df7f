// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"sync/atomic"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// aclLegs is ACL_LEGS.
const aclLegs = 128

// LegCount is what was marked on one leg of a policy's chains.
type LegCount struct {
	Of acl.LegOf
	Count
}

// LegCounts are the legs of a generation, since it was written. A slot's counters are never set back, so that no packet on its way can be lost.
func (p *Pipeline) LegCounts(gen uint32) ([]LegCount, error) {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	slot := gen % aclSlots
	l := &q.loaded[slot]
	if gen == 0 || l.gen != gen {
		return nil, fmt.Errorf("read legs of policy %d: it is not in the kernel", gen)
	}
	var out []LegCount
	for i := 1; i < len(l.legs); i++ {
		n, err := p.legCount(slot, i)
		if err != nil {
			return nil, err
		}
		n.Packets -= l.before[i].Packets
		n.Bytes -= l.before[i].Bytes
		out = append(out, LegCount{l.legs[i].Of, n})
	}
	return out, nil
}

// legCount sums a leg's counter over shards.
func (p *Pipeline) legCount(slot uint32, leg int) (n Count, err error) {
	shards := p.sizes.Shards
	for shard := range shards {
		var c bpf.XdpCounter
		if err := p.maps[bpf.XdpMapHtLegs].Lookup(uint32((int(slot)*shards+shard)*aclLegs+leg), &c); err != nil {
			return n, fmt.Errorf("read counters of legs: %w", err)
		}
		n.add(c)
	}
	return n, nil
}

// legsBefore reads where the counters of a slot stand when a generation moves in.
func (p *Pipeline) legsBefore(slot uint32, legs int) ([]Count, error) {
	out := make([]Count, max(legs, 1))
	for i := 1; i < legs; i++ {
		n, err := p.legCount(slot, i)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

// MarksLost is how many packets of chains on a device XDP could not note their leg on, since the slot was given out: its driver has
// no metadata.
func (p *Pipeline) MarksLost(slot uint16) uint64 {
	if int(slot) >= len(p.policy.states) {
		return 0
	}
	return atomic.LoadUint64(&p.policy.states[slot].MarkLost)
}
