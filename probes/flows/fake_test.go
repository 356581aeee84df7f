// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"hash/maphash"
	"math/rand/v2"
	"net/netip"
	"time"

	"hooktop/probes/snap"
)

// fakeTable is the kernel's flow table in slow and obvious: per-CPU shards of slots, eviction that folds, counters
// that wrap. It also knows the truth that no eviction can take away.
type fakeTable struct {
	cpus, perCPU int
	slots        []Sample // packets == 0: empty
	folded       map[uint16]*DeviceCount
	truth        map[RawKey]Counter // everything that was ever sent, by flow
	jiffies      uint32             // 100 a second
	seed         maphash.Seed
	failing      error
}

func newFake(cpus, perCPU int) *fakeTable {
	return &fakeTable{cpus: cpus, perCPU: perCPU, slots: make([]Sample, cpus*perCPU), folded: map[uint16]*DeviceCount{}, truth: map[RawKey]Counter{}, seed: maphash.MakeSeed()}
}

func (f *fakeTable) Slots() int { return len(f.slots) }

func (f *fakeTable) Scan(known func(slot uint32, print uint64) bool, yield func(*Sample) bool) {
	var e Sample
	for i := range f.slots {
		if f.slots[i].Packets == 0 {
			continue
		}
		e = f.slots[i]
		e.Slot, e.Print = uint32(i), 0
		e.Print = maphash.Comparable(f.seed, e)
		if !known(e.Slot, e.Print) && !yield(&e) {
			return
		}
	}
}

func (f *fakeTable) Folded() ([]DeviceCount, error) {
	if f.failing != nil {
		return nil, f.failing
	}
	var out []DeviceCount
	for _, d := range f.folded {
		out = append(out, *d)
	}
	return out, nil
}

func (f *fakeTable) Since(j uint32) time.Duration {
	return time.Duration(f.jiffies-j) * 10 * time.Millisecond
}

func (f *fakeTable) device(slot uint16) *DeviceCount {
	d := f.folded[slot]
	if d == nil {
		d = &DeviceCount{Slot: slot}
		f.folded[slot] = d
	}
	return d
}

// send counts packets of size bytes each, on a CPU. A full shard evicts the entry at victim.
func (f *fakeTable) send(k RawKey, cpu int, packets uint32, size uint64, flags uint8, fwd bool, victim int) {
	t := f.truth[k]
	f.truth[k] = t.plus(Counter{uint64(packets), uint64(packets) * size})
	shard := f.slots[cpu*f.perCPU : (cpu+1)*f.perCPU]
	at, empty := -1, -1
	for i := range shard {
		switch {
		case shard[i].Packets == 0:
			empty = i
		case shard[i].Key == k:
			at = i
		}
	}
	if at < 0 {
		if at = empty; at < 0 {
			at = victim % len(shard)
			f.evict(cpu*f.perCPU + at)
		}
		shard[at] = Sample{Key: k}
	}
	e := &shard[at]
	if before := e.Packets; before+packets < before || before+packets == 0 {
		f.fold(e, Counter{Packets: 1 << 32}) // the kernel folds a wrap; a count of 0 is skipped in this fake
	}
	e.Packets += packets
	e.Bytes += uint64(packets) * size
	e.TCPFlags |= flags
	e.Forwarded = e.Forwarded || fwd
	e.Last = f.jiffies
}

func (f *fakeTable) fold(e *Sample, c Counter) {
	d := f.device(e.Key.device())
	if e.Key.tag()&tagEgress == 0 {
		d.FoldedIn = d.FoldedIn.plus(c)
		return
	}
	d.FoldedOut = d.FoldedOut.plus(c)
	if e.Forwarded {
		d.FoldedFwd = d.FoldedFwd.plus(c)
	}
}

func (f *fakeTable) evict(slot int) {
	e := &f.slots[slot]
	if e.Packets > 0 {
		f.fold(e, Counter{uint64(e.Packets), e.Bytes})
	}
	*e = Sample{}
}

// evictKey drives a flow out of every shard.
func (f *fakeTable) evictKey(k RawKey) {
	for i := range f.slots {
		if f.slots[i].Packets > 0 && f.slots[i].Key == k {
			f.evict(i)
		}
	}
}

// keyN makes the n-th of many different flows.
func keyN(n int) RawKey {
	k := snap.FlowKey{Src: ip4(10, n>>16, n>>8, n), Dst: ip4(192, 168, 0, n%7), SPort: uint16(1024 + n%50000), DPort: uint16(80 + n%3), Proto: 6, Dev: uint16(1 + n%2)}
	switch n % 5 {
	case 1:
		k.Proto = 17
	case 2:
		k.Src = snap.AddrFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}))
		k.Dst = snap.AddrFrom(netip.MustParseAddr("2001:db8:9::10"))
	case 3:
		k.Egress = true
	}
	return Encode(&k)
}

func ip4(a, b, c, d int) snap.Addr {
	return snap.AddrFrom(netip.AddrFrom4([4]byte{byte(a), byte(b), byte(c), byte(d)}))
}

// clock is a time that tests move.
type clock struct {
	now time.Time
	f   *fakeTable
}

func newClock(f *fakeTable) *clock { return &clock{now: time.Unix(1_000_000, 0), f: f} }

func (c *clock) tick(d time.Duration) time.Time {
	c.now = c.now.Add(d)
	c.f.jiffies += uint32(d / (10 * time.Millisecond))
	return c.now
}

// fakeJoin answers from the key alone, and counts.
type fakeJoin struct{ owners, tcps int }

func (j *fakeJoin) Owner(k *snap.FlowKey) snap.Owner {
	j.owners++
	n := int(k.SPort) % 7
	if n == 0 {
		return snap.Owner{}
	}
	return snap.Owner{PID: 100 + n, Comm: [...]string{"", "nginx", "sshd", "curl", "postgres", "a-very-long-process-name-1", "a-very-long-process-name-2"}[n], Sure: snap.SureExact}
}

func (j *fakeJoin) TCP(k *snap.FlowKey) snap.TCPInfo {
	j.tcps++
	return snap.TCPInfo{State: "ESTABLISHED", RTT: time.Duration(k.SPort) * time.Microsecond, Retrans: uint32(k.SPort % 5)}
}

func (j *fakeJoin) WayIn(k *snap.FlowKey) snap.WayIn {
	if k.SPort == 2222 {
		return snap.OwnSession
	}
	return snap.NoWayIn
}

func (j *fakeJoin) Name(a snap.Addr) string { return "host-" + a.String() }

func (j *fakeJoin) Device(slot uint16) string { return [...]string{"", "eth0", "eth1"}[slot%3] }

// filled is a store over n flows with rates, after three looks.
func filled(n int) (*Store, *clock) {
	f := newFake(1, n)
	rnd := rand.New(rand.NewPCG(1, 1))
	s := New(f, Options{})
	c := newClock(f)
	for look := range 3 {
		for i := range n {
			e := &f.slots[i]
			if look == 0 {
				*e = Sample{Key: keyN(i), Packets: 1}
				e.TCPFlags = 0x10
			}
			p := uint32(rnd.ExpFloat64() * 20)
			e.Packets += p
			e.Bytes += uint64(p)*500 + 60
			e.Last = f.jiffies
		}
		if s.Collect(c.tick(500*time.Millisecond)) != nil {
			panic("collect failed")
		}
	}
	return s, c
}
