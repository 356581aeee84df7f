// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// Count is packets and bytes.
type Count struct{ Packets, Bytes uint64 }

// DeviceCounters are what a device saw that is not in the flow table (any more), summed over CPUs.
type DeviceCounters struct {
	FoldedIn, FoldedOut       Count // driven out of the table
	FoldedForwarded           Count // the part of FoldedOut that arrived on another device before
	NonIPIn, NonIPOut         Count
	MalformedIn, MalformedOut Count
	DeniedIn, DeniedOut       Count // by the policy, frames of any kind
}

// Stats are things that must never be silent.
type Stats struct {
	NewFlows     uint64
	Evictions    uint64
	Wraps        uint64
	PullFailed   uint64 // headers of an skb that could not be read
	LookupFailed uint64
	CountLost    uint64 // packets on their way past more count rules than one packet is told of
	SeenFailed   uint64 // tuples that could not be noted for established
	BucketFailed uint64 // token buckets that could not be made
	EventLost    uint64 // events of rules with log that found no room
	SampleLost   uint64 // headers of denied packets that found none
	NoteLost     uint64 // packets that count twice: while a hook changed they could not say that they were counted
	MarkForeign  uint64 // packets of chains that somebody else had marked within the chain's bits
	MarkLost     uint64 // packets of chains that could not be given their mark
	MarkStale    uint64 // marks that fit no policy any more
	TunnelFull   uint64 // packets in tunnels that have no counters
}

// Counters is everything that the programs count outside the flow table. A device's total is the sum over its live entries
// plus these.
type Counters struct {
	Devices   []DeviceCounters // by slot
	Malformed []uint64         // by reason: see Malformed
	Stats     Stats
}

// malformedNames are the JSON names of enum malformed (bpf/include/wire.h).
var malformedNames = [...]string{
	bpf.XdpMalformedMAL_NONE:          "none",
	bpf.XdpMalformedMAL_SHORT_ETH:     "short_eth",
	bpf.XdpMalformedMAL_SHORT_VLAN:    "short_vlan",
	bpf.XdpMalformedMAL_TOO_MANY_TAGS: "too_many_tags",
	bpf.XdpMalformedMAL_SHORT_IP4:     "short_ip4",
	bpf.XdpMalformedMAL_IP4VERSION:    "ip4_version",
	bpf.XdpMalformedMAL_IP4IHL:        "ip4_ihl",
	bpf.XdpMalformedMAL_IP4LEN:        "ip4_len",
	bpf.XdpMalformedMAL_SHORT_IP6:     "short_ip6",
	bpf.XdpMalformedMAL_IP6VERSION:    "ip6_version",
	bpf.XdpMalformedMAL_IP6LEN:        "ip6_len",
	bpf.XdpMalformedMAL_IP6EXT_SHORT:  "ip6_ext_short",
	bpf.XdpMalformedMAL_IP6EXT_CHAIN:  "ip6_ext_chain",
	bpf.XdpMalformedMAL_FRAG_TINY:     "frag_tiny",
	bpf.XdpMalformedMAL_FRAG_BEYOND:   "frag_beyond",
	bpf.XdpMalformedMAL_SHORT_L4:      "short_l4",
	bpf.XdpMalformedMAL_TCP_DOFF:      "tcp_doff",
	bpf.XdpMalformedMAL_UDP_LEN:       "udp_len",
}

// Reasons that user space finds by itself.
const (
	MalformedShortEthernet = int(bpf.XdpMalformedMAL_SHORT_ETH)
	MalformedShortIP4      = int(bpf.XdpMalformedMAL_SHORT_IP4)
	MalformedShortIP6      = int(bpf.XdpMalformedMAL_SHORT_IP6)
)

// Malformed is the name of reason i, "" when there is none.
func Malformed(i int) string {
	if i < 0 || i >= len(malformedNames) {
		return ""
	}
	return malformedNames[i]
}

// Counters reads all counters that can have moved.
func (p *Pipeline) Counters() (Counters, error) {
	var c Counters
	devices, err := readPerCPU[bpf.XdpDevCounters](p.maps[bpf.XdpMapHtDevices], p.slotsInUse())
	if err != nil {
		return c, err
	}
	c.Devices = make([]DeviceCounters, p.sizes.Slots)
	for i, shards := range devices {
		for _, s := range shards {
			c.Devices[i].add(&s)
		}
	}
	if c.Malformed, err = readSums(p.maps[bpf.XdpMapHtMalformed]); err != nil {
		return c, err
	}
	stats, err := readSums(p.maps[bpf.XdpMapHtStats])
	if err != nil {
		return c, err
	}
	c.Stats = Stats{
		NewFlows: stats[bpf.XdpStatSTAT_NEW_FLOWS], Evictions: stats[bpf.XdpStatSTAT_EVICTIONS],
		Wraps: stats[bpf.XdpStatSTAT_WRAPS], PullFailed: stats[bpf.XdpStatSTAT_PULL_FAILED],
		LookupFailed: stats[bpf.XdpStatSTAT_LOOKUP_FAILED], CountLost: stats[bpf.XdpStatSTAT_COUNT_LOST],
		SeenFailed: stats[bpf.XdpStatSTAT_SEEN_FAILED], BucketFailed: stats[bpf.XdpStatSTAT_BUCKET_FAILED],
		EventLost: stats[bpf.XdpStatSTAT_EVENT_LOST], SampleLost: stats[bpf.XdpStatSTAT_SAMPLE_LOST],
		NoteLost:    stats[bpf.XdpStatSTAT_NOTE_LOST],
		MarkForeign: stats[bpf.XdpStatSTAT_MARK_FOREIGN], MarkLost: stats[bpf.XdpStatSTAT_MARK_LOST], MarkStale: stats[bpf.XdpStatSTAT_MARK_STALE],
		TunnelFull: stats[bpf.XdpStatSTAT_TUNNEL_FULL],
	}
	return c, nil
}

func (c *Count) add(k bpf.XdpCounter) {
	c.Packets += k.Packets
	c.Bytes += k.Bytes
}

func (d *DeviceCounters) add(k *bpf.XdpDevCounters) {
	d.FoldedIn.add(k.By[bpf.XdpDevCountDEV_FOLDED_IN])
	d.FoldedOut.add(k.By[bpf.XdpDevCountDEV_FOLDED_OUT])
	d.FoldedForwarded.add(k.By[bpf.XdpDevCountDEV_FOLDED_FWD])
	d.NonIPIn.add(k.By[bpf.XdpDevCountDEV_NONIP_IN])
	d.NonIPOut.add(k.By[bpf.XdpDevCountDEV_NONIP_OUT])
	d.MalformedIn.add(k.By[bpf.XdpDevCountDEV_MALFORMED_IN])
	d.MalformedOut.add(k.By[bpf.XdpDevCountDEV_MALFORMED_OUT])
	d.DeniedIn.add(k.By[bpf.XdpDevCountDEV_DENIED_IN])
	d.DeniedOut.add(k.By[bpf.XdpDevCountDEV_DENIED_OUT])
}

func readSums(m *ebpf.Map) ([]uint64, error) {
	values, err := readPerCPU[uint64](m, int(m.MaxEntries()))
	if err != nil {
		return nil, err
	}
	sums := make([]uint64, len(values))
	for i, shards := range values {
		for _, n := range shards {
			sums[i] += n
		}
	}
	return sums, nil
}

// readPerCPU reads the first n entries of a per-CPU array: at once, or one by one where the kernel can't (before 5.14).
func readPerCPU[T any](m *ebpf.Map, n int) ([][]T, error) {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("read counters of %s: count possible cpus: %w", m.String(), err)
	}
	var at ebpf.MapBatchCursor
	out, all := make([][]T, n), make([]T, n*cpus)
	got, err := m.BatchLookup(&at, make([]uint32, n), all, nil)
	if got == n && (err == nil || errors.Is(err, ebpf.ErrKeyNotExist)) { // the latter: these were the last
		for i := range out {
			out[i] = all[i*cpus : (i+1)*cpus]
		}
		return out, nil
	}
	for i := range out {
		if err := m.Lookup(uint32(i), &out[i]); err != nil {
			return nil, fmt.Errorf("read counters of %s: %w", m.String(), err)
		}
	}
	return out, nil
}

// Forget clears all entries and counters of a device whose programs are detached, so that its slot can be used again.
func (p *Pipeline) Forget(slot uint16) error {
	forget(p.table.slots, slot)
	p.policy.forget(slot)
	if err := p.unwatch(slot); err != nil {
		return err
	}
	if int(slot) >= p.sizes.Slots {
		return nil
	}
	atomic.StoreUint64(&p.policy.states[slot].MarkLost, 0)
	zero := make([]bpf.XdpDevCounters, p.sizes.CPUs)
	if err := p.maps[bpf.XdpMapHtDevices].Put(uint32(slot), zero); err != nil {
		return fmt.Errorf("clear counters of device slot %d: %w", slot, err)
	}
	return nil
}
