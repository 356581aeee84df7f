// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

const (
	dyingPace = 100 * time.Millisecond
	dyingSize = 90 // bytes of a UDP payload
)

// Ports of the host that only packets which die are sent to.
const (
	closedPort  = 7001 // nobody listens
	refusedPort = 7002 // netfilter drops what comes for it
	unreadPort  = 7003 // a socket that nobody reads
	crowdedPort = 7004 // a listener that accepts nothing
	// Sources: a port for each kind of death from the first on.
	dyingSource   = 7100
	crowdedSource = 7099
)

const (
	dier4, dier6 = "198.51.100.77", "2001:db8:c::77"
	forged4      = "10.77.0.66" // of the LAN: the route back leads elsewhere
	nowhere4     = "198.18.0.9" // RFC 2544
	nowhere6     = "2001:db8:dead::9"
)

// Where no route leads, though the host has a default route.
func nowhere() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("2001:db8:dead::/48")}
}

// refusedRow stands for the netfilter rule's row until the host puts in its name.
const refusedRow = "the lab's rule"

// death is one kind of packet that does not reach its end, and the counters of the host that tell.
type death struct {
	kind     string
	every    int // of dyingPace
	src, dst string
	proto    uint8
	port     uint16
	spoil    func(packet []byte) // nil: nothing is wrong with the packet
	rows     []Drop
}

func deaths() []death {
	const udp, tcp = unix.IPPROTO_UDP, unix.IPPROTO_TCP
	return []death{
		{"closed", 2, dier4, hostWAN4, udp, closedPort, nil, []Drop{{"udp", "NoPorts", ""}}},
		{"closed", 3, dier6, hostWAN6, udp, closedPort, nil, []Drop{{"udp", "Udp6NoPorts", ""}}},
		{"checksum", 5, dier4, hostWAN4, udp, closedPort, spoil(10), []Drop{{"ip", "InCsumErrors", ""}, {"ip", "InHdrErrors", ""}}},
		{"checksum", 3, dier4, hostWAN4, udp, closedPort, spoil(ip4Len + 6), []Drop{{"udp", "InCsumErrors", ""}}},
		{"checksum", 5, dier6, hostWAN6, udp, closedPort, spoil(ip6Len + 6), []Drop{{"udp", "Udp6InCsumErrors", ""}}},
		{"checksum", 4, dier4, hostWAN4, tcp, closedPort, spoil(ip4Len + 16), []Drop{{"tcp", "InCsumErrors", ""}, {"tcp", "InErrs", ""}}},
		{"ttl", 7, dier4, lanClients()[0], udp, closedPort, age, []Drop{{"ip", "InHdrErrors", ""}}},
		{"noroute", 4, dier4, nowhere4, udp, closedPort, nil, []Drop{{"routing", "InNoRoutes", ""}}},
		{"noroute", 6, dier6, nowhere6, udp, closedPort, nil, []Drop{{"routing", "Ip6InNoRoutes", ""}}},
		{"rpfilter", 3, forged4, hostWAN4, udp, closedPort, nil, []Drop{{"routing", "IPReversePathFilter", ""}}},
		{"netfilter", 2, dier4, hostWAN4, udp, refusedPort, nil, []Drop{{"netfilter", refusedRow, ""}}},
		{"unread", 1, dier4, hostWAN4, udp, unreadPort, nil, []Drop{{"socket", "RcvbufErrors", ""}}},
	}
}

// spoil makes a checksum wrong.
func spoil(at int) func([]byte) { return func(packet []byte) { packet[at] ^= 0x55 } }

// age leaves an IPv4 packet no router more.
func age(packet []byte) {
	packet[8] = 1
	be.PutUint16(packet[10:], 0)
	be.PutUint16(packet[10:], ^sum(packet[:ip4Len]))
}

// sendDying sends what dies at the host, each kind at a rate of its own.
func sendDying(ctx context.Context, s *station) {
	withWire("wan", func(w *wireEnd) {
		every(ctx, dyingPace, func(i int) {
			for n, d := range deaths() {
				if i%d.every == 0 {
					w.sendDead(s, d, dyingSource+uint16(n), uint32(i)) // a flow each
				}
			}
		})
	})
}

func (w *wireEnd) sendDead(s *station, d death, sport uint16, seq uint32) {
	src, dst := netip.AddrPortFrom(addr(d.src), sport), netip.AddrPortFrom(addr(d.dst), d.port)
	var packet []byte
	if d.proto == unix.IPPROTO_TCP {
		packet = ip(src.Addr(), dst.Addr(), d.proto, part{}, syn(src, dst, seq))
	} else {
		packet = ip(src.Addr(), dst.Addr(), d.proto, part{}, udp(src, dst, make([]byte, dyingSize)))
	}
	if d.spoil != nil {
		d.spoil(packet)
	}
	f := Flow{Kind: d.kind, Src: src.Addr(), Dst: dst.Addr(), SPort: src.Port(), DPort: dst.Port(), Proto: d.proto}
	if w.put(s, f, nil, packet) {
		s.die(1, d.rows...)
	}
}

// crowd fills the queue of a listener that accepts nothing, by connections that stand, and knocks on: its SYNs are dropped.
func crowd(ctx context.Context, s *station) {
	for range crowdedBacklog + 1 {
		c, err := dialer(webClients()[0], 0).DialContext(ctx, "tcp", netip.AddrPortFrom(addr(hostWAN4), crowdedPort).String())
		if err != nil {
			return
		}
		defer reset(c)
		if !acknowledged(ctx, c) {
			return
		}
	}
	d := death{"crowded", 1, dier4, hostWAN4, unix.IPPROTO_TCP, crowdedPort, nil, []Drop{{"socket", "ListenOverflows", ""}, {"socket", "ListenDrops", ""}}}
	withWire("wan", func(w *wireEnd) {
		every(ctx, 3*dyingPace, func(i int) { w.sendDead(s, d, crowdedSource, uint32(i)) })
	})
}

// named puts the rule's own row in place of refusedRow. Without nf_tables its packets found a closed port.
func named(drops map[Drop]int64, rule string) []DropCount {
	all := map[Drop]int64{}
	for d, n := range drops {
		if d.Name == refusedRow {
			d.Name = rule
			if rule == "" {
				d = Drop{"udp", "NoPorts", ""}
			}
		}
		all[d] += n
	}
	list := make([]DropCount, 0, len(all))
	for d, n := range all {
		if n > 0 {
			list = append(list, DropCount{d, uint64(n)})
		}
	}
	slices.SortFunc(list, func(a, b DropCount) int { return a.compare(b.Drop) })
	return list
}
