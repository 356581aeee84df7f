// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// udpSock is an unconnected UDP socket (a connected one loses a datagram to each ICMP error) that counts what it sends.
type udpSock struct {
	*net.UDPConn
	s        *station
	local    netip.AddrPort
	kind     string
	dev, dir string // where the host sees what is sent
}

// openUDP binds to an address; port 0: any. dev and dir say at which hook of the host its datagrams pass first.
func openUDP(s *station, kind, from string, port uint16, dev, dir string) (*udpSock, error) {
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr(from), port)))
	if err != nil {
		return nil, fmt.Errorf("open UDP socket at %s port %d: %w", from, port, err)
	}
	bound := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	return &udpSock{c, s, netip.AddrPortFrom(addr(from), bound), kind, dev, dir}, nil
}

// discard reads away what arrives, until the socket is closed: a full receive buffer would show up as drops.
func (u *udpSock) discard() {
	go func() {
		for buf := make([]byte, 1<<16); ; {
			if _, _, err := u.ReadFromUDPAddrPort(buf); err != nil {
				return
			}
		}
	}()
}

func (u *udpSock) send(to netip.AddrPort, payload []byte) {
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	if _, err := u.WriteToUDPAddrPort(payload, to); err != nil {
		return // not sent, not counted
	}
	f := Flow{Kind: u.kind, Src: u.local.Addr(), Dst: to.Addr(), SPort: u.local.Port(), DPort: to.Port(),
		Proto: unix.IPPROTO_UDP, Dev: u.dev, Dir: u.dir,
		Forwarded: u.dir == "in" && !isHost(to.Addr())}
	u.s.add(f, udpFrame(to.Addr(), len(payload)))
}
