// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Flow is one direction of a flow at a device of the host, as its sender made it. Comparable.
type Flow struct {
	Kind    string // "udp", "vlan", "frag", "scan", "icmp", or how it dies: "closed", "checksum", "ttl", "noroute" …
	Src     netip.Addr
	Dst     netip.Addr
	SPort   uint16 // ICMP: type << 8 | code
	DPort   uint16
	Proto   uint8
	VLAN    uint16
	Stacked bool
	Frag    snap.Frag
	Dev     string // device of the host that it passes first
	Dir     string // "in", "out"
	// Forwarded: the host sends it on, so that it passes the other device too, going out.
	Forwarded bool
}

// FlowCount is what was sent of a flow. Bytes are frame lengths.
type FlowCount struct {
	Flow
	Packets, Bytes uint64
}

// Drop is a counter of the host's kernel that tells where packets died: the stage, name and device of a snap.LedgerRow.
// Comparable.
type Drop struct{ Stage, Name, Dev string }

func (d Drop) compare(o Drop) int {
	return cmp.Or(cmp.Compare(d.Stage, o.Stage), cmp.Compare(d.Name, o.Name), cmp.Compare(d.Dev, o.Dev))
}

// DropCount is how many packets were sent that die there.
type DropCount struct {
	Drop
	Packets uint64
}

// dropShare is one process's part of a DropCount. The one who sends counts up, the one who received after all counts down.
type dropShare struct {
	Drop
	N int64
}

// counter counts what one process sent. Only what the kernel took counts.
type counter struct {
	mu    sync.Mutex
	flows map[Flow]FlowCount
	drops map[Drop]int64
}

// die says that n packets more than before move each of the counters.
func (c *counter) die(n int64, at ...Drop) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops == nil {
		c.drops = map[Drop]int64{}
	}
	for _, d := range at {
		c.drops[d] += n
	}
}

func (c *counter) dead() []dropShare {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]dropShare, 0, len(c.drops))
	for d, n := range c.drops {
		all = append(all, dropShare{d, n})
	}
	return all
}

func (c *counter) add(f Flow, frame int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flows == nil {
		c.flows = map[Flow]FlowCount{}
	}
	n := c.flows[f]
	c.flows[f] = FlowCount{f, n.Packets + 1, n.Bytes + uint64(frame)}
}

func (c *counter) list() []FlowCount {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]FlowCount, 0, len(c.flows))
	for _, n := range c.flows {
		all = append(all, n)
	}
	return all
}

func sortCounts(all []FlowCount) {
	slices.SortFunc(all, func(a, b FlowCount) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Src.Compare(b.Src), a.Dst.Compare(b.Dst), cmp.Compare(a.SPort, b.SPort),
			cmp.Compare(a.DPort, b.DPort), cmp.Compare(a.Frag, b.Frag), cmp.Compare(a.Dev, b.Dev))
	})
}

// udpFrame is the length of an Ethernet frame that carries a UDP payload whole.
func udpFrame(dst netip.Addr, payload int) int { return ethernetLen + ipHeader(dst) + udpLen + payload }

func ipHeader(a netip.Addr) int {
	if a.Is4() {
		return ip4Len
	}
	return ip6Len
}

func icmpProto(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.IPPROTO_ICMP
	}
	return unix.IPPROTO_ICMPV6
}
