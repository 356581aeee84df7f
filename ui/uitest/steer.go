// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"math"
	"net/netip"
	"time"

	"hooktop/probes/snap"
)

// SteerText is a policy with tunnel and chain lines.
const SteerText = `# edge of the lab
default in allow
deny  in  from 203.0.113.0/24  # SSH scan
tunnel vxlan port 4789 vni 100 to 10.9.0.1 peers 10.4.3.0/24 inner 10.50.0.0/16 strip
tunnel vxlan port 4789 vni 200 to 10.9.0.1 peers 10.4.4.0/24 inner 10.60.0.0/16 strip
tunnel gre vni any to 10.9.0.1 peers 10.4.2.0/24 inner 10.70.0.0/16 strip
tunnel geneve port 6081 vni any count
off tunnel gue port 6080 to 10.9.0.1 peers 10.4.5.0/24 inner 10.80.0.0/16 strip

chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 via 10.9.0.6 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open
chain ids in lan0 match udp service via 10.9.1.2 dev ids0 return ids1 via 10.9.1.6 mark 0x40/0xf0 upstream via 10.0.0.1 dev wan0 fail closed oneway
off chain scrub in lan1 match any service via 10.9.2.2 dev scr0 return scr1 via 10.9.2.6 mark 0x80/0xf0 upstream via 10.0.0.1 dev wan0 fail open
`

// trend is a minute of packets per second around a rate.
func trend(pps float64, i int) []float32 {
	out := make([]float32, 60)
	for j := range out {
		out[j] = float32(pps * (0.6 + 0.4*math.Sin(float64(i+j)/6)))
	}
	return out
}

func tunnel(i int, kind, peer, local string, port uint16, vni int, pps float64, set func(*snap.Tunnel)) snap.Tunnel {
	t := snap.Tunnel{Kind: kind, Peer: netip.MustParseAddr(peer), Local: netip.MustParseAddr(local), Port: port, Dev: "eth0", Inner: "ip4",
		Packets: uint64(pps * 900), Bytes: uint64(pps * 900 * 710), PPS: pps, BPS: pps * 5700, Trend: trend(pps, i)}
	if vni >= 0 {
		t.VNI, t.HasVNI = uint32(vni), true
	}
	if set != nil {
		set(&t)
	}
	return t
}

// Tunnels is what arrives encapsulated on the host of Frame, under SteerText.
func Tunnels() snap.Tunnels {
	stripped := func(line int) func(*snap.Tunnel) {
		return func(t *snap.Tunnel) { t.Line, t.Stripped = line, t.Packets }
	}
	rows := []snap.Tunnel{
		tunnel(0, "gre", "10.4.2.7", "10.9.0.1", 0, 0, 51000, stripped(6)),
		tunnel(1, "ipip", "10.4.2.9", "10.9.0.1", 0, -1, 38800, nil),
		tunnel(2, "vxlan", "10.4.3.9", "10.9.0.1", 4789, 100, 19900, func(t *snap.Tunnel) {
			t.Line, t.Inner, t.Stripped, t.ErrPS = 4, "eth", t.Packets-3-1204, 18
			t.Errors = []snap.Count{{Name: "inner source not allowed", N: 1204}, {Name: "short", N: 3}}
		}),
		tunnel(3, "gue", "10.4.5.1", "10.9.0.1", 6080, -1, 8400, func(t *snap.Tunnel) {
			t.Inner, t.ErrPS, t.Errors = "ip6", 3, []snap.Count{{Name: "short", N: 412}}
		}),
		tunnel(4, "geneve", "2001:db8:1::7", "2001:db8:9::1", 6081, 4711, 912, func(t *snap.Tunnel) { t.Line, t.Inner = 7, "eth" }),
		tunnel(5, "ipip", "2001:db8:1::1", "2001:db8:9::1", 0, -1, 41, func(t *snap.Tunnel) { t.Inner = "ip6" }),
		tunnel(6, "gtpu", "10.4.7.1", "10.9.0.1", 2152, 3735928559, 12, nil),
		tunnel(7, "vxlan", "10.4.4.3", "10.9.0.1", 4789, 200, 0, func(t *snap.Tunnel) {
			t.Line, t.Inner, t.Last, t.Packets, t.Bytes = 5, "eth", 74*time.Minute, 90211, 61e6
		}),
		tunnel(8, "vxlan-gpe", "10.4.8.1", "10.9.0.1", 4790, 9, 0, func(t *snap.Tunnel) {
			t.Inner, t.Last, t.Packets, t.Bytes, t.Errors = "", 3*time.Second, 4, 240, []snap.Count{{Name: "bad version", N: 4}}
		}),
	}
	lines := []snap.TunnelLine{
		{Line: 4, Text: "tunnel vxlan port 4789 vni 100 to 10.9.0.1 peers 10.4.3.0/24 inner 10.50.0.0/16 strip", State: "strips", Hits: hits(2, 19900), Stripped: 17908793},
		{Line: 5, Text: "tunnel vxlan port 4789 vni 200 to 10.9.0.1 peers 10.4.4.0/24 inner 10.60.0.0/16 strip", State: "suspended",
			Why: "the kernel's vxlan device vx200 serves port 4789", Hits: snap.Hits{Packets: 90211, Last: 74 * time.Minute}},
		{Line: 6, Text: "tunnel gre vni any to 10.9.0.1 peers 10.4.2.0/24 inner 10.70.0.0/16 strip", State: "strips", Hits: hits(0, 51000), Stripped: 45900000},
		{Line: 7, Text: "tunnel geneve port 6081 vni any count", State: "counts", Hits: hits(4, 912)},
		{Line: 8, Text: "off tunnel gue port 6080 to 10.9.0.1 peers 10.4.5.0/24 inner 10.80.0.0/16 strip", State: "off", Hits: snap.Hits{Last: -1}},
	}
	return snap.Tunnels{Rows: rows, Total: len(rows), Lines: lines, PPS: 119065, StripPS: 70900, ErrPS: 21, Trend: trend(119065, 3),
		Sizes: [6]uint64{33e6, 12.8e6, 6.4e6, 7.5e6, 10.7e6, 36e6},
		Errors: []snap.TunnelErrors{
			{Count: snap.Count{Name: "inner source not allowed", N: 1204}, PerSecond: 18, Worst: "vxlan 100 10.4.3.9"},
			{Count: snap.Count{Name: "short", N: 415}, PerSecond: 3, Worst: "gue 10.4.5.1"},
			{Count: snap.Count{Name: "bad version", N: 4}, Worst: "vxlan-gpe 9 10.4.8.1"},
		}}
}

func leg(i int, name, from, to string, mark, table uint32, via string, pps float64, state string) snap.Leg {
	l := snap.Leg{Name: name, From: from, To: to, Mark: mark, Mask: 0xf0, Table: table, State: state, Packets: uint64(pps * 900), Bytes: uint64(pps * 900 * 710),
		PPS: pps, Trend: trend(pps, i)}
	if via != "" {
		l.NextHop = netip.MustParseAddr(via)
	}
	return l
}

// Chains is what is sent through services on the host of Frame, under SteerText: one works, one is down.
func Chains() snap.Chains {
	const fw = "chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 via 10.9.0.6 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open"
	const ids = "chain ids in lan0 match udp service via 10.9.1.2 dev ids0 return ids1 via 10.9.1.6 mark 0x40/0xf0 upstream via 10.0.0.1 dev wan0 fail closed oneway"
	return snap.Chains{
		Rows: []snap.Chain{
			{Line: 10, Name: "fw", Text: fw, State: "ok", Open: true, Lost: 0.002, Legs: []snap.Leg{
				leg(0, "to service", "lan0", "fw0", 0x10, 7101, "10.9.0.2", 48000, "ok"),
				leg(1, "upstream", "fw1", "wan0", 0x10, 7102, "10.0.0.1", 47900, "ok"),
				leg(2, "reply to service", "wan0", "fw1", 0x10, 7103, "10.9.0.6", 51200, "ok"),
				leg(3, "reply back", "fw0", "lan0", 0x10, 0, "", 51100, "ok"),
			}},
			{Line: 11, Name: "ids", Text: ids, State: "closed", Why: "no answer from 10.9.1.2 on ids0 (neighbour FAILED)", Lost: -1, Silent: 3 * time.Second, Legs: []snap.Leg{
				leg(4, "to service", "lan0", "ids0", 0x40, 7104, "10.9.1.2", 0, "down"),
				leg(5, "upstream", "ids1", "wan0", 0x40, 7105, "10.0.0.1", 0, "idle"),
			}},
		},
		Steer: []snap.Steer{
			{Text: "9100: from all fwmark 0x10/0xf0 iif lan0 lookup 7101", Chain: "fw", State: "in place"},
			{Text: "9101: from all fwmark 0x10/0xf0 iif fw1 lookup 7102", Chain: "fw", State: "in place"},
			{Text: "9102: from all fwmark 0x10/0xf0 iif wan0 lookup 7103", Chain: "fw", State: "in place"},
			{Text: "9103: from all fwmark 0x40/0xf0 iif lan0 lookup 7104", Chain: "ids", State: "in place"},
			{Text: "9104: from all fwmark 0x40/0xf0 iif ids1 lookup 7105", Chain: "ids", State: "in place"},
			{Text: "default via 10.9.0.2 dev fw0 table 7101", Chain: "fw", State: "in place"},
			{Text: "default via 10.0.0.1 dev wan0 table 7102", Chain: "fw", State: "in place"},
			{Text: "unreachable default table 7104 metric 4000000000", Chain: "ids", State: "in place"},
		},
		Owners: []snap.BitOwner{
			{Mask: 0x4000, Who: "kube-proxy", From: "known agent"},
			{Mask: 0xf0, Who: "chain fw", From: "ip rule 9100"},
			{Mask: 0xf0, Who: "chain ids", From: "ip rule 9103"},
		},
		Checks: []snap.Check{
			{Name: "rp_filter fw1", Have: "2 (loose)", OK: true},
			{Name: "src_valid_mark fw1", Have: "0", OK: true},
			{Name: "rp_filter ids1", Have: "1 (strict)", Why: "packets that come back would be dropped: their source is reached over lan0", Fix: "sysctl -w net.ipv4.conf.ids1.rp_filter=2"},
		},
		Lineage: []string{"fw1 metadata chain fw", "tc skb->mark 0x10", "rule 9101 fwmark 0x10/0xf0", "table 7102", "wan0 via 10.0.0.1"},
	}
}
