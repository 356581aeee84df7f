// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"sync/atomic"
	"time"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// RuleCount is what one rule, or a default, decided or counted.
type RuleCount struct {
	Packets, Bytes uint64
	Limited        uint64        // of Packets: no token was left
	Missed         uint64        // of Packets: log would have told of them, but for its pace
	Last           time.Duration // since the last packet, -1: there was none
}

// PolicyCounts are the counters of one generation.
type PolicyCounts struct {
	Rules   []RuleCount // by rule of the policy; off ones stay at 0
	Default [2]RuleCount
	Guard   []RuleCount
	Tunnels []RuleCount // by tunnel line; Limited: of Packets, unwrapped
}

// PolicyCounts adds up what a generation's rules counted: packets of flows that are in the table, and all others. It also waits
// for packets that may still read a policy that decided before, so that the next one to be written need not.
func (p *Pipeline) PolicyCounts(gen uint32) (PolicyCounts, error) {
	q := &p.policy
	if err := q.rest(p); err != nil {
		return PolicyCounts{}, fmt.Errorf("read counters of policy %d: %w", gen, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	slot := int(gen % aclSlots)
	l := &q.loaded[slot]
	if gen == 0 || l.gen != gen {
		return PolicyCounts{}, fmt.Errorf("read counters of policy %d: it is not in the kernel", gen)
	}
	sums, clock := make([]RuleCount, l.hits), p.Clock()
	q.lanes.whole(func() {
		for i := range sums {
			sums[i] = RuleCount{Last: -1}
		}
		q.hitCounts(slot, sums, clock)
		q.laneCounts(gen, sums, clock)
	})
	for i := range sums {
		sums[i].Missed = l.missed[i].sum
	}
	for i, n := range l.forgotten {
		sums[i].Packets += n.Packets
		sums[i].Bytes += n.Bytes
	}
	err := q.again.Scan(nil, func(_ int, e *Entry) bool {
		if uint32(e.gen) == gen && int(e.path) < len(sums) && e.denies() {
			sums[e.path].add(e.Packets(), e.Bytes(), clock.Ago(e.last))
		}
		return true
	})
	if err != nil {
		return PolicyCounts{}, fmt.Errorf("read counters of policy %d: %w", gen, err)
	}
	p.table.Scan(func(e *Entry) bool {
		if uint32(e.gen) == gen && int(e.path) < len(sums) {
			sums[e.path].add(e.Packets(), e.Bytes(), clock.Ago(e.last))
		}
		return true
	})
	return l.arrange(sums), nil
}

// hitCounts adds what is in the counters of a slot.
func (q *policies) hitCounts(slot int, sums []RuleCount, clock Clock) {
	for shard := range q.shards {
		hits := q.hits[(slot*q.shards+shard)*aclHits:][:len(sums)]
		for i := range hits {
			h := &hits[i]
			if n := atomic.LoadUint32(&h.Missed); n != 0 { // flows that are let through count their packets elsewhere
				q.loaded[slot].missed[i].take(uint32(shard), n)
			}
			if n := atomic.LoadUint64(&h.Packets); n > 0 {
				sums[i].add(n, atomic.LoadUint64(&h.Bytes), clock.Ago(atomic.LoadUint32(&h.Last)))
				sums[i].Limited += atomic.LoadUint64(&h.Limited)
			}
		}
	}
}

// laneCounts adds what tunnel lines have in lanes.
func (q *policies) laneCounts(gen uint32, sums []RuleCount, clock Clock) {
	q.lanes.each(func(lane *bpf.XdpTunnelLane) {
		if uint32(lane.Gen) != gen || lane.Hit == 0 || int(lane.Hit) >= len(sums) {
			return
		}
		sums[lane.Hit].add(lane.Packets, lane.Bytes, clock.Ago(lane.Last))
		if lane.Strip != 0 {
			sums[lane.Hit].Limited += lane.Packets
		}
	})
}

func (c *RuleCount) add(packets, bytes uint64, ago time.Duration) {
	c.Packets += packets
	c.Bytes += bytes
	if c.Last < 0 || ago < c.Last {
		c.Last = ago
	}
}

// arrange orders counters as the policy has its rules.
func (l *loaded) arrange(sums []RuleCount) PolicyCounts {
	var out PolicyCounts
	for hit, w := range l.what {
		switch {
		case hit == 0:
		case w.By == acl.ByGuard:
			out.Guard = append(out.Guard, sums[hit])
		case w.By == acl.ByRule:
			out.Rules = append(out.Rules, sums[hit])
		case w.By == acl.ByTunnel:
			out.Tunnels = append(out.Tunnels, sums[hit])
		default:
			out.Default[w.Index] = sums[hit]
		}
	}
	return out
}

// What says what a flow's entry means by its path: which rule, guard line or default let it pass. False when the generation is not
// in the kernel any more.
func (p *Pipeline) What(gen uint32, path uint16) (by acl.By, index int, ok bool) {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.what(gen, path)
}

func (q *policies) what(gen uint32, path uint16) (by acl.By, index int, ok bool) {
	l := &q.loaded[gen%aclSlots]
	if gen == genEach {
		l = &q.loaded[q.trial%aclSlots]
	} else if l.gen != gen {
		return 0, 0, false
	}
	if path == 0 || int(path) >= len(l.what) {
		return 0, 0, false
	}
	return l.what[path].By, l.what[path].Index, true
}

// forget drops the denied flows of a device whose programs are detached. What their rules counted is kept.
func (q *policies) forget(slot uint16) {
	q.mu.Lock()
	defer q.mu.Unlock()
	scan(q.denied, func(_ int, e *Entry) bool {
		l := &q.loaded[e.gen%aclSlots]
		if e.key.device() == slot && e.denies() && l.gen == uint32(e.gen) && int(e.path) < len(l.forgotten) {
			l.forgotten[e.path].Packets += e.Packets()
			l.forgotten[e.path].Bytes += e.Bytes()
		}
		return true
	})
	forget(q.denied, slot)
}
