// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

const (
	taggedPace = 50 * time.Millisecond
	// fragmentPace: one datagram of each family at a time.
	fragmentPace = 100 * time.Millisecond
	// datagram is larger than the MTU: three fragments of at most fragmentSize, which is a multiple of 8.
	datagram     = 3000
	fragmentSize = 1440
)

// sendTagged sends UDP in 802.1Q and QinQ frames: raw ones, because not every kernel has VLAN devices. Nobody on the host
// is a member of these VLANs.
func sendTagged(ctx context.Context, s *station) {
	streams := []struct {
		src, dst string
		port     uint16
		tags     []tag
		payload  int
	}{
		{tagger4, hostWAN4, 4010, []tag{{unix.ETH_P_8021Q, 10}}, 200},
		{tagger6, hostWAN6, 4020, []tag{{unix.ETH_P_8021Q, 20}}, 120},
		{tagger4, hostWAN4, 4030, []tag{{unix.ETH_P_8021AD, 100}, {unix.ETH_P_8021Q, 30}}, 300},
		{tagger6, hostWAN6, 4040, []tag{{unix.ETH_P_8021AD, 200}, {unix.ETH_P_8021Q, 40}}, 80},
	}
	withWire("wan", func(w *wireEnd) {
		every(ctx, taggedPace, func(i int) {
			for n, v := range streams {
				if i%(n+1) != 0 { // each stream at a rate of its own
					continue
				}
				src, dst := netip.AddrPortFrom(addr(v.src), v.port), netip.AddrPortFrom(addr(v.dst), v.port+1000)
				f := Flow{Kind: "vlan", Src: src.Addr(), Dst: dst.Addr(), SPort: src.Port(), DPort: dst.Port(),
					Proto: unix.IPPROTO_UDP, VLAN: v.tags[0].vid, Stacked: len(v.tags) > 1}
				w.send(s, f, v.tags, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{}, udp(src, dst, make([]byte, v.payload))))
			}
		})
	})
}

// sendFragments sends datagrams that are larger than the MTU to the host's discard service.
func sendFragments(ctx context.Context, s *station) {
	withWire("wan", func(w *wireEnd) {
		every(ctx, fragmentPace, func(i int) {
			w.sendInParts(s, tagger4, hostWAN4, uint32(i))
			if i%2 == 0 {
				w.sendInParts(s, tagger6, hostWAN6, uint32(i))
			}
		})
	})
}

func (w *wireEnd) sendInParts(s *station, from, to string, id uint32) {
	src, dst := netip.AddrPortFrom(addr(from), 4050), netip.AddrPortFrom(addr(to), discardPort)
	whole := udp(src, dst, make([]byte, datagram))
	for at := 0; at < len(whole); at += fragmentSize {
		end := min(at+fragmentSize, len(whole))
		f := Flow{Kind: "frag", Src: src.Addr(), Dst: dst.Addr(), Proto: unix.IPPROTO_UDP, Frag: snap.FragLater}
		if at == 0 {
			f.Frag, f.SPort, f.DPort = snap.FragFirst, src.Port(), dst.Port()
		}
		w.send(s, f, nil, ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{id, at, end < len(whole)}, whole[at:end]))
	}
}
