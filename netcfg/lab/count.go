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
	Kind    string // "udp", "vlan", "frag", "scan", "icmp"
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

// counter counts what one process sent. Only what the kernel took counts.
type counter struct {
	mu    sync.Mutex
	flows map[Flow]FlowCount
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
