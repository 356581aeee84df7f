// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Hop asks one neighbour whether it is there: ARP (RFC 826) or neighbour solicitation (RFC 4861). Not for concurrent use.
type Hop struct {
	fd    int
	index int
	mac   [6]byte
	from  netip.Addr // own address, invalid: none in that network
	to    netip.Addr
	known [6]byte // of the neighbour
	met   bool
}

const (
	arpLen      = 28
	arpRequest  = 1
	ndSolicit   = 135
	ndAdvertise = 136
	icmp6Filter = 1 // ICMPV6_FILTER
	allHops     = 255
)

var everybody = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// OpenHop prepares to ask for an address on a device that is up.
func (h *Host) OpenHop(dev string, to netip.Addr) (*Hop, error) {
	l, err := h.link(dev)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", to, err)
	}
	p := &Hop{fd: -1, index: l.Attrs().Index, to: to}
	copy(p.mac[:], l.Attrs().HardwareAddr)
	for _, n := range h.Networks(dev) {
		if n.Contains(to) {
			p.from = n.Addr()
		}
	}
	open := p.openARP
	if to.Is6() {
		open = func() error { return p.openND(dev) }
	}
	if err := h.Do(open); err != nil {
		if p.fd >= 0 {
			unix.Close(p.fd)
		}
		return nil, fmt.Errorf("ask for %s on %s: %w", to, dev, err)
	}
	return p, nil
}

func (p *Hop) openARP() (err error) {
	if p.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return err
	}
	return unix.Bind(p.fd, &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_ARP), Ifindex: p.index})
}

func bigEndian16(n uint16) uint16 { return native.Uint16(binary.BigEndian.AppendUint16(nil, n)) }

func (p *Hop) openND(dev string) (err error) {
	if p.fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMPV6); err != nil {
		return err
	}
	var filter unix.ICMPv6Filter // a set bit keeps a type out
	for i := range filter.Data {
		filter.Data[i] = ^uint32(0)
	}
	filter.Data[ndAdvertise/32] &^= 1 << (ndAdvertise % 32)
	return errors.Join(unix.SetsockoptICMPv6Filter(p.fd, unix.IPPROTO_ICMPV6, icmp6Filter, &filter), unix.BindToDevice(p.fd, dev),
		unix.SetsockoptInt(p.fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, allHops))
}

// Close gives the socket back.
func (p *Hop) Close() error { return unix.Close(p.fd) }

// Ask sends one question. wide asks everybody: a neighbour that was met is asked alone otherwise.
func (p *Hop) Ask(wide bool) error {
	if p.to.Is6() {
		return p.solicit()
	}
	b := make([]byte, arpLen)
	binary.BigEndian.PutUint16(b[0:], 1) // Ethernet
	binary.BigEndian.PutUint16(b[2:], unix.ETH_P_IP)
	b[4], b[5], b[7] = 6, 4, arpRequest
	copy(b[8:], p.mac[:])
	if p.from.Is4() {
		copy(b[14:], p.from.AsSlice())
	}
	copy(b[24:], p.to.AsSlice())
	sa := &unix.SockaddrLinklayer{Protocol: bigEndian16(unix.ETH_P_ARP), Ifindex: p.index, Halen: 6}
	to := everybody
	if p.met && !wide {
		to = p.known
	}
	copy(sa.Addr[:], to[:])
	if err := unix.Sendto(p.fd, b, 0, sa); err != nil {
		return fmt.Errorf("ask for %s: %w", p.to, err)
	}
	return nil
}

func (p *Hop) solicit() error {
	b := make([]byte, 32)
	b[0], b[24], b[25] = ndSolicit, 1, 1 // and the option with our own address
	to := p.to.As16()
	copy(b[8:], to[:])
	copy(b[26:], p.mac[:])
	sa := &unix.SockaddrInet6{ZoneId: uint32(p.index), Addr: [16]byte{0xff, 0x02, 11: 1, 12: 0xff, 13: to[13], 14: to[14], 15: to[15]}}
	if err := unix.Sendto(p.fd, b, 0, sa); err != nil {
		return fmt.Errorf("ask for %s: %w", p.to, err)
	}
	return nil
}

// Answered reports whether the neighbour was heard of since the last call, and never waits.
func (p *Hop) Answered() bool {
	heard := false
	var b [128]byte
	for {
		n, from, err := unix.Recvfrom(p.fd, b[:], 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return heard
		}
		heard = p.takes(b[:n], from) || heard
	}
}

// takes reports whether a message is from the neighbour.
func (p *Hop) takes(b []byte, from unix.Sockaddr) bool {
	if p.to.Is6() {
		to, ok := netip.AddrFromSlice(b[min(8, len(b)):min(24, len(b))])
		return len(b) >= 24 && b[0] == ndAdvertise && ok && to == p.to
	}
	sa, ok := from.(*unix.SockaddrLinklayer)
	if !ok || sa.Pkttype == unix.PACKET_OUTGOING || len(b) < arpLen || b[4] != 6 || b[5] != 4 {
		return false
	}
	if sender, ok := netip.AddrFromSlice(b[14:18]); !ok || sender != p.to {
		return false
	}
	copy(p.known[:], b[8:14])
	p.met = true
	return true
}
