// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"sync/atomic"

	"hooktop/bpf"
)

// Live scans entries again and again, at the cost of what lives among them while nothing new comes: an idle host does not pay for
// the table's size. One goroutine at a time.
type Live struct {
	p     *Pipeline
	slots func() []Entry
	fresh uint32   // stat that counts those that were added
	known []uint32 // every slot that can be live as long as none was added
	added uint64   // before the scan that found them
	whole bool     // known is complete
}

// Live is of the flow table. It begins without knowing any slot.
func (p *Pipeline) Live() *Live {
	return &Live{p: p, slots: func() []Entry { return p.table.slots }, fresh: uint32(bpf.XdpStatSTAT_NEW_FLOWS)}
}

// LiveDenied is of the flows that a policy denied, of which the newest take the places of others.
func (p *Pipeline) LiveDenied() *Live {
	return &Live{p: p, slots: func() []Entry { return p.policy.denied }, fresh: uint32(bpf.XdpStatSTAT_NEW_DENIED)}
}

// Scan is FlowTable.ScanChanged. The kernel counts an entry after it has made it: when the count stands where it stood before the last
// whole scan, that scan has seen every slot in use.
func (l *Live) Scan(known func(slot int, print uint64) bool, yield func(slot int, e *Entry) bool) error {
	added, err := l.p.stat(l.fresh)
	if err != nil {
		return err
	}
	t, slots := l.p.Table(), l.slots()
	var e Entry
	if l.whole && added == l.added {
		for _, i := range l.known {
			if atomic.LoadUint32(&slots[i].packets) != 0 && !t.changed(slots, int(i), &e, known, yield) {
				return nil
			}
		}
		return nil
	}
	l.known, l.added, l.whole = l.known[:0], added, false
	for i := range slots {
		if atomic.LoadUint32(&slots[i].packets) == 0 {
			continue
		}
		l.known = append(l.known, uint32(i))
		if !t.changed(slots, i, &e, known, yield) {
			return nil
		}
	}
	l.whole = true
	return nil
}

// newFlows is STAT_NEW_FLOWS over all CPUs.
func (p *Pipeline) newFlows() (uint64, error) { return p.stat(uint32(bpf.XdpStatSTAT_NEW_FLOWS)) }

// stat adds up one of the programs' counters over all CPUs.
func (p *Pipeline) stat(which uint32) (uint64, error) {
	var shards []uint64
	if err := p.maps[bpf.XdpMapHtStats].Lookup(which, &shards); err != nil {
		return 0, fmt.Errorf("read counter %d of the programs: %w", which, err)
	}
	var n uint64
	for _, s := range shards {
		n += s
	}
	return n, nil
}
