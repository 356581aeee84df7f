// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// UDPSocket opens a UDP socket in the namespace, bound to addr ("192.0.2.1:0").
func (n *NS) UDPSocket(t testing.TB, addr string) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	n.Do(t, func() (err error) {
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// SendUDP sends the same datagram count times from an unconnected socket bound to from: a connected one would lose a
// datagram to each ICMP error that it reports. The port that it sent from comes back.
func (n *NS) SendUDP(t testing.TB, from, to string, payload []byte, count int) uint16 {
	t.Helper()
	c := n.UDPSocket(t, from)
	dst := netip.MustParseAddrPort(to)
	for range count {
		if _, err := c.WriteToUDPAddrPort(payload, dst); err != nil {
			t.Fatalf("send to %s: %v", to, err)
		}
	}
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// ListenTCP opens a listener in the namespace.
func (n *NS) ListenTCP(t testing.TB, addr string) *net.TCPListener {
	t.Helper()
	var l *net.TCPListener
	n.Do(t, func() (err error) {
		l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
		return err
	})
	t.Cleanup(func() { l.Close() })
	return l
}

// DialTCP connects from the namespace; from may be "".
func (n *NS) DialTCP(t testing.TB, from, to string) *net.TCPConn {
	t.Helper()
	var local *net.TCPAddr
	if from != "" {
		local = net.TCPAddrFromAddrPort(netip.MustParseAddrPort(from))
	}
	var c *net.TCPConn
	// A dial to a literal address with no deadline stays on this thread, and so in the namespace.
	n.Do(t, func() (err error) {
		c, err = net.DialTCP("tcp", local, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(to)))
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// SendFrames puts frames onto a device as they are, Ethernet header first.
func (n *NS) SendFrames(t testing.TB, dev string, frames ...[]byte) {
	t.Helper()
	index := n.Index(t, dev)
	n.Do(t, func() error {
		s, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open packet socket: %w", err)
		}
		defer unix.Close(s)
		for _, f := range frames {
			if err := unix.Sendto(s, f, 0, &unix.SockaddrLinklayer{Ifindex: index, Halen: 6}); err != nil {
				return fmt.Errorf("send a frame of %d bytes to %s: %w", len(f), dev, err)
			}
		}
		return nil
	})
}
