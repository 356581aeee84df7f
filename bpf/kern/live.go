// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"sync/atomic"

	"hooktop/bpf"
)

// Live scans the flow table again and again, at the cost of what lives in it while nothing new comes: an idle host does not
// pay for the table's size. One goroutine at a time.
type Live struct {
	p     *Pipeline
	known []uint32 // every slot that can be live as long as no flow was added
	added uint64   // STAT_NEW_FLOWS before the scan that found them
	whole bool     // known is complete
}

// Live begins without knowing any slot.
func (p *Pipeline) Live() *Live { return &Live{p: p} }

// Scan is FlowTable.ScanChanged. The kernel counts a flow after it has put it into the table: when the count stands where it
// stood before the last whole scan, that scan has seen every slot in use.
func (l *Live) Scan(known func(slot int, print uint64) bool, yield func(slot int, e *Entry) bool) error {
	added, err := l.p.newFlows()
	if err != nil {
		return err
	}
	t := l.p.Table()
	var e Entry
	if l.whole && added == l.added {
		for _, i := range l.known {
			if atomic.LoadUint32(&t.slots[i].packets) != 0 && !t.changed(int(i), &e, known, yield) {
				return nil
			}
		}
		return nil
	}
	l.known, l.added, l.whole = l.known[:0], added, false
	for i := range t.slots {
		if atomic.LoadUint32(&t.slots[i].packets) == 0 {
			continue
		}
		l.known = append(l.known, uint32(i))
		if !t.changed(i, &e, known, yield) {
			return nil
		}
	}
	l.whole = true
	return nil
}

// newFlows is STAT_NEW_FLOWS over all CPUs.
func (p *Pipeline) newFlows() (uint64, error) {
	var shards []uint64
	if err := p.maps[bpf.XdpMapHtStats].Lookup(uint32(bpf.XdpStatSTAT_NEW_FLOWS), &shards); err != nil {
		return 0, fmt.Errorf("read the count of new flows: %w", err)
	}
	var n uint64
	for _, s := range shards {
		n += s
	}
	return n, nil
}
