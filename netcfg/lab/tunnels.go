// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/nl"
)

// Peers send to the host in tunnels. Where a policy has Tunnels, what is inside reaches services of the host; until then it is counted,
// and a process takes the outer packets as a tunnel endpoint would.
const (
	vxlanPeer  = "192.0.2.21" // a device of the kernel's, where it has them
	pagesPeer  = "192.0.2.22" // another one, with a TCP client inside
	genevePeer = "192.0.2.31" // options, and IPv6 inside
	roguePeer  = "203.0.113.66"

	vxlanVNI, pagesVNI, geneveVNI, rogueVNI = 100, 200, 300, 666

	// Inner addresses: the far end's and the host's.
	vxlanFrom, vxlanTo     = "10.50.0.9", "10.50.0.1"
	pagesFrom, pagesTo     = "10.60.0.9", "10.60.0.1"
	geneveFrom4, geneveTo4 = "10.70.0.9", "10.70.0.1"
	geneveFrom6, geneveTo6 = "2001:db8:70::9", "2001:db8:70::1"

	vxlanPort, genevePort = 4789, 6081
	innerPort             = 5004 // RTP's
	// tunnelPort is what outer packets are sent from; the kernel would make it a hash of the inner flow.
	tunnelPort = 50100
)

// Tunnels are the lines of a policy that unwrap what the peers send. Others use the same endpoint without being asked: what they
// send stays outside.
const Tunnels = `tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.16/28 inner 10.50.0.0/24 strip
tunnel vxlan port 4789 vni 200 to 192.0.2.1 peers 192.0.2.16/28 inner 10.60.0.0/24 strip
tunnel geneve port 6081 vni 300 to 192.0.2.1 peers 192.0.2.31 inner 10.70.0.0/24,2001:db8:70::/64 strip
`

// innerAddrs are the host's addresses inside tunnels.
func innerAddrs() []string { return []string{vxlanTo, pagesTo, geneveTo4, geneveTo6} }

// overlay is a tunnel device of a peer.
type overlay struct {
	dev, peer, from, to string
	vni                 uint32
}

func overlays() []overlay {
	return []overlay{{"vx100", vxlanPeer, vxlanFrom, vxlanTo, vxlanVNI}, {"vx200", pagesPeer, pagesFrom, pagesTo, pagesVNI}}
}

// addOverlays makes the peers' devices. Without them the first peer encapsulates by itself, and the second is silent.
func addOverlays(h *nl.Host) error {
	for _, o := range overlays() {
		err := h.AddVXLAN(nl.VXLAN{Name: o.dev, VNI: o.vni, Local: addr(o.peer), Remote: addr(hostWAN4), Port: vxlanPort, From: tunnelPort})
		if errors.Is(err, nl.ErrNoDevice) {
			return nil
		}
		if err != nil {
			return err
		}
		// Nothing but what the senders send shall be in the tunnel: no IPv6, and the host's MAC address is known. Any would do.
		err = errors.Join(h.Sysctl("ipv6/conf/"+o.dev+"/disable_ipv6", "1"), h.AddNeighbour(o.dev, addr(o.to), [6]byte{2, 'h', 't', 0, 9, 1}),
			h.SetUp(o.dev, true), h.AddAddr(o.dev, netip.PrefixFrom(addr(o.from), 24)))
		if err != nil {
			return err
		}
	}
	return nil
}

// serveTunnels takes what arrives in tunnels, as their endpoint and, where it is unwrapped, as its receiver.
func serveTunnels(s *station) error {
	for _, at := range []string{hostWAN4, hostWAN6} {
		for _, port := range []uint16{vxlanPort, genevePort} {
			if err := serveFlow(s, at, port); err != nil {
				return err
			}
		}
	}
	for _, at := range innerAddrs() {
		if err := serveFlow(s, at, innerPort); err != nil {
			return err
		}
	}
	return serveWeb(pagesTo)
}

const (
	// vxlanPace and others: so that rows have rates of their own.
	vxlanPace  = 5 * time.Millisecond
	genevePace = 20 * time.Millisecond
	roguePace  = 100 * time.Millisecond
	pagesPace  = 400 * time.Millisecond
	// pagesTime is what a page may take: until the tunnel is unwrapped nobody answers.
	pagesTime = time.Second
	pagesSize = 20_000
	innerSize = 172 // 20 ms of G.711 in RTP
)

// sendVXLAN sends datagrams into the first device.
func sendVXLAN(ctx context.Context, s *station) {
	o := overlays()[0]
	if _, err := net.InterfaceByName(o.dev); err != nil {
		withWire("wan", func(w *wireEnd) {
			every(ctx, vxlanPace, func(int) { w.wrapped(s, inVXLAN(w, o.vni, o.peer, hostWAN4, rtp(o.from, o.to))) })
		})
		return
	}
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr(o.from), innerPort)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer c.Close()
	every(ctx, vxlanPace, func(int) {
		if _, err := c.WriteToUDPAddrPort(make([]byte, innerSize), netip.AddrPortFrom(addr(o.to), innerPort)); err != nil {
			return // not sent, not counted
		}
		inside := ethernetLen + ip4Len + udpLen + innerSize
		f := tunnelFlow(o.peer, hostWAN4, vxlanPort)
		f.Dev, f.Dir = WAN, "in"
		s.add(f, udpFrame(f.Dst, vxlanLen+inside))
	})
}

// sendGeneve sends both families in Geneve, with an option.
func sendGeneve(ctx context.Context, s *station) {
	withWire("wan", func(w *wireEnd) {
		every(ctx, genevePace, func(i int) {
			packet := rtp(geneveFrom4, geneveTo4)
			if i%3 == 0 {
				packet = rtp(geneveFrom6, geneveTo6)
			}
			w.wrapped(s, inGeneve(w, geneveVNI, genevePeer, hostWAN4, packet))
		})
	})
}

// sendRogue sends what no line of Tunnels allows: another peer, another VNI, another endpoint, an inner source of another tunnel's, and
// one that is the host's own.
func sendRogue(ctx context.Context, s *station) {
	withWire("wan", func(w *wireEnd) {
		every(ctx, roguePace, func(int) {
			w.wrapped(s, inVXLAN(w, vxlanVNI, roguePeer, hostWAN4, rtp(vxlanFrom, vxlanTo)))
			w.wrapped(s, inVXLAN(w, rogueVNI, vxlanPeer, hostWAN4, rtp(vxlanFrom, vxlanTo)))
			w.wrapped(s, inVXLAN(w, vxlanVNI, tagger6, hostWAN6, rtp(vxlanFrom, vxlanTo)))
			w.wrapped(s, inVXLAN(w, vxlanVNI, vxlanPeer, hostWAN4, rtp(pagesFrom, vxlanTo)))
			w.wrapped(s, inVXLAN(w, vxlanVNI, vxlanPeer, hostWAN4, rtp(vxlanTo, vxlanTo)))
		})
	})
}

// askInside asks a web server of the host's through the second tunnel. Answers come without one.
func askInside(ctx context.Context, s *station) {
	o := overlays()[1]
	if _, err := net.InterfaceByName(o.dev); err != nil {
		return
	}
	every(ctx, pagesPace, func(int) {
		ctx, cancel := context.WithTimeout(ctx, pagesTime)
		defer cancel()
		_ = askPage(ctx, o.from, netip.AddrPortFrom(addr(o.to), webPort), pagesSize) // until the tunnel is unwrapped none comes
	})
}

const vxlanLen = 8

// wrap is a packet in a tunnel, and the outer flow that it belongs to.
type wrap struct {
	flow Flow
	ip   []byte
}

// wrapped puts a packet in a tunnel on the wire.
func (w *wireEnd) wrapped(s *station, p wrap) { w.send(s, p.flow, nil, p.ip) }

func tunnelFlow(from, to string, port uint16) Flow {
	return Flow{Kind: "tunnel", Src: addr(from), Dst: addr(to), SPort: tunnelPort, DPort: port, Proto: unix.IPPROTO_UDP}
}

func inUDP(from, to string, port uint16, payload []byte) wrap {
	f := tunnelFlow(from, to, port)
	datagram := udp(netip.AddrPortFrom(f.Src, f.SPort), netip.AddrPortFrom(f.Dst, f.DPort), payload)
	return wrap{f, ip(f.Src, f.Dst, unix.IPPROTO_UDP, part{}, datagram)}
}

// inVXLAN puts an IP packet into Ethernet, VXLAN (RFC 7348) and UDP.
func inVXLAN(w *wireEnd, vni uint32, from, to string, packet []byte) wrap {
	h := be.AppendUint32([]byte{8, 0, 0, 0}, vni<<8)
	return inUDP(from, to, vxlanPort, append(h, ethernet(w.far, w.own, nil, packet)...))
}

// inGeneve puts an IP packet into Ethernet, Geneve (RFC 8926) with an option that nobody has to understand, and UDP.
func inGeneve(w *wireEnd, vni uint32, from, to string, packet []byte) wrap {
	option := []byte{0x01, 0x02, 0x03, 1, 'l', 'a', 'b', '.'} // class, type, length in words, value
	h := be.AppendUint16([]byte{byte(len(option) / 4), 0}, transEther)
	h = append(be.AppendUint32(h, vni<<8), option...)
	return inUDP(from, to, genevePort, append(h, ethernet(w.far, w.own, nil, packet)...))
}

const transEther = 0x6558 // Ethernet in what names an EtherType

// rtp is a datagram of a call between two inner addresses.
func rtp(from, to string) []byte {
	src, dst := netip.AddrPortFrom(addr(from), innerPort), netip.AddrPortFrom(addr(to), innerPort)
	return ip(src.Addr(), dst.Addr(), unix.IPPROTO_UDP, part{}, udp(src, dst, make([]byte, innerSize)))
}
