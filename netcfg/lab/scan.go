// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// scanPace and scanBurst: a burst of SYNs at each step.
	scanPace  = 250 * time.Millisecond
	scanBurst = 12
	// blackholePace is slower: nothing answers, so that it is the scanner that waits.
	blackholePace = time.Second
	// scanPorts are tried from 1 on, and then again.
	scanPorts = 400
	// scanSource is the port that the scanners send from, as scanners do.
	scanSource = 43210
)

// scanHost tries ports of the host one after the other: closed ones answer RST, open ones SYN-ACK, which nobody takes up.
func scanHost(ctx context.Context, s *station) {
	withWire("wan", func(w *wireEnd) {
		every(ctx, scanPace, func(i int) {
			for n := range scanBurst {
				step := i*scanBurst + n
				w.probe(s, scanner4, hostWAN4, step)
				if n%4 == 0 {
					w.probe(s, scanner6, hostWAN6, step/4)
				}
			}
		})
	})
}

// scanBlackhole tries, through the host, an address that never answers.
func scanBlackhole(ctx context.Context, s *station) {
	withWire("lan", func(w *wireEnd) {
		every(ctx, blackholePace, func(i int) {
			for n := range scanBurst / 3 {
				w.probe(s, lanClients()[1], blackhole4, i*scanBurst/3+n)
			}
		})
	})
}

// probe sends one SYN to the step-th port.
func (w *wireEnd) probe(s *station, from, to string, step int) {
	port := uint16(step%scanPorts) + 1
	if port == sshPort || port == webPort {
		port += 1000 // a half-open connection would make the services send for minutes after Stop
	}
	src, dst := netip.AddrPortFrom(addr(from), scanSource), netip.AddrPortFrom(addr(to), port)
	f := Flow{Kind: "scan", Src: src.Addr(), Dst: dst.Addr(), SPort: src.Port(), DPort: port, Proto: unix.IPPROTO_TCP}
	w.send(s, f, nil, ip(src.Addr(), dst.Addr(), unix.IPPROTO_TCP, part{}, syn(src, dst, uint32(step))))
}
