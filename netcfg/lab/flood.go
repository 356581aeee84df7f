// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// floodPace and floodBurst: 20 datagrams a hundred times a second are 2,000 packets/s, which two cores carry beside
	// all the rest.
	floodPace  = 10 * time.Millisecond
	floodBurst = 20
	floodPort  = 5060 // SIP's: a service that floods look for
	floodSize  = 64   // bytes of payload
	// floodRoom is the receive buffer of who takes the flood: seconds of it, so that a reader that has to wait for its CPU
	// loses nothing, and drops stay what the senders of dying packets say.
	floodRoom = 16 << 20
)

// FloodSources are the prefixes that the flood comes from, one a family. A rule over more of the clients' networks than
// these hits those who must be served, Client among them.
func FloodSources() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("198.51.100.96/30"), netip.MustParsePrefix("2001:db8:c::99/128")}
}

// ScanSources are the addresses that the ports of the host are scanned from.
func ScanSources() []netip.Addr { return []netip.Addr{addr(scanner4), addr(scanner6)} }

// serveFlooded takes the flood and says nothing.
func serveFlooded(s *station) error {
	return errors.Join(serveFlow(s, hostWAN4, floodPort), serveFlow(s, hostWAN6, floodPort))
}

// serveFlow reads away what arrives at a port of the host's, with room for seconds of it.
func serveFlow(s *station, at string, port uint16) error {
	c, err := openUDP(s, "udp", at, port, WAN, "out")
	if err != nil {
		return err
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("open UDP socket at %s port %d: %w", at, port, err)
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, floodRoom)
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("make the receive buffer of port %d large: %w", port, err)
	}
	c.discard()
	return nil
}

// flood sends datagrams to the host from a few addresses, every fourth over IPv6, as fast as is gentle.
func flood(ctx context.Context, s *station) {
	sources := FloodSources()
	withWire("wan", func(w *wireEnd) {
		every(ctx, floodPace, func(int) {
			from := sources[0].Addr()
			for n := range floodBurst {
				if n%4 == 3 {
					w.datagram(s, sources[1].Addr(), hostWAN6)
					continue
				}
				if w.datagram(s, from, hostWAN4); !sources[0].Contains(from.Next()) {
					from = sources[0].Addr()
				} else {
					from = from.Next()
				}
			}
		})
	})
}

func (w *wireEnd) datagram(s *station, from netip.Addr, to string) {
	src, dst := netip.AddrPortFrom(from, floodPort), netip.AddrPortFrom(addr(to), floodPort)
	f := Flow{Kind: "flood", Src: from, Dst: dst.Addr(), SPort: src.Port(), DPort: dst.Port(), Proto: unix.IPPROTO_UDP}
	w.send(s, f, nil, ip(from, dst.Addr(), unix.IPPROTO_UDP, part{}, udp(src, dst, make([]byte, floodSize))))
}
