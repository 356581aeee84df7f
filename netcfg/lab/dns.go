// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"
)

const (
	dnsPort    = 53
	lookUpPace = 60 * time.Millisecond
	// samePort is how many questions a client asks from one port.
	samePort = 40
	typeA    = 1
	typeAAAA = 28
	maxDNS   = 512 // octets of a message over UDP (RFC 1035 4.2.1)
)

func names() []string {
	return []string{"www.example.com", "api.example.net", "mail.example.org", "cdn.assets.example.com", "db-1.prod.example.net", "time.example.org"}
}

// question is a DNS query for one name (RFC 1035 4.1).
func question(id uint16, name string, kind uint16) []byte {
	b := be.AppendUint16(nil, id)
	b = append(b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0) // RD; one question
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(be.AppendUint16(append(b, 0), kind), 0, 1) // class IN
}

// answer makes the response to a query: its question again and one address. nil when it is no query of one question.
func answer(query []byte) []byte {
	end := questionEnd(query)
	if end == 0 || query[2]&0x80 != 0 || be.Uint16(query[4:]) != 1 {
		return nil
	}
	kind := be.Uint16(query[end-4:])
	b := append([]byte(nil), query[:end]...)
	b[2], b[3] = 0x81, 0x80 // QR, RD, RA
	be.PutUint16(b[6:], 1)  // one answer
	b = be.AppendUint16(be.AppendUint16(b, 0xc000|dnsHeader), kind)
	b = be.AppendUint32(append(b, 0, 1), 300) // class IN, TTL in seconds
	data := addr(webServers()[0]).AsSlice()
	if kind == typeAAAA {
		data = addr(webServers()[2]).AsSlice()
	}
	return append(be.AppendUint16(b, uint16(len(data))), data...)
}

const dnsHeader = 12

// questionEnd is the offset behind the first question, 0 when the message ends before.
func questionEnd(b []byte) int {
	at := dnsHeader
	for at < len(b) && b[at] != 0 {
		at += 1 + int(b[at])
	}
	if at += 1 + 4; at > len(b) {
		return 0
	}
	return at
}

// lookUp asks the host's resolver from the LAN, over both families.
func lookUp(ctx context.Context, s *station) {
	clients := lanClients()
	ask(ctx, s, LAN, lookUpPace, []asker{{clients[0], hostLAN4}, {clients[1], hostLAN4}, {clients[2], hostLAN6}})
}

// lookUpOutside asks a resolver beyond the host, which forwards.
func lookUpOutside(ctx context.Context, s *station) {
	clients := lanClients()
	ask(ctx, s, LAN, 4*lookUpPace, []asker{{clients[1], resolver4}, {clients[3], resolver6}})
}

// asker is a client and the server that it asks.
type asker struct{ from, to string }

// ask sends a query from each client in turn at a steady pace, and now and then goes on from a new port. The
// answers are the server's to count.
func ask(ctx context.Context, s *station, dev string, pace time.Duration, clients []asker) {
	// Each client's port, and the one before: its late answers shall not become ICMP errors.
	socks, former := make([]*udpSock, len(clients)), make([]*udpSock, len(clients))
	defer func() { closeAll(append(socks, former...)) }()
	every(ctx, pace, func(i int) {
		n := i % len(clients)
		if i/len(clients)%samePort == 0 {
			fresh, err := openUDP(s, "dns", clients[n].from, 0, dev, "in")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			fresh.discard()
			closeAll(former[n : n+1])
			socks[n], former[n] = fresh, socks[n]
		}
		kind := uint16(typeA)
		if i%3 == 0 {
			kind = typeAAAA
		}
		socks[n].send(netip.AddrPortFrom(addr(clients[n].to), dnsPort), question(uint16(i), names()[i%len(names())], kind))
	})
}

func closeAll(socks []*udpSock) {
	for _, c := range socks {
		if c != nil {
			c.Close()
		}
	}
}

// serveDNS answers on the host's LAN addresses and asks upstream for what it does not know.
func serveDNS(s *station) error {
	up4, err := openUDP(s, "dns", hostWAN4, 0, WAN, "out")
	if err != nil {
		return err
	}
	up6, err := openUDP(s, "dns", hostWAN6, 0, WAN, "out")
	if err != nil {
		return err
	}
	up4.discard()
	up6.discard()
	upstream := func(n int, query []byte) {
		switch n % 4 { // the other half is in the cache
		case 0:
			up4.send(netip.AddrPortFrom(addr(resolver4), dnsPort), query)
		case 2:
			up6.send(netip.AddrPortFrom(addr(resolver6), dnsPort), query)
		}
	}
	for _, at := range []string{hostLAN4, hostLAN6} {
		if err := answerAt(s, at, LAN, "out", upstream); err != nil {
			return err
		}
	}
	return nil
}

// serveResolver is the world's resolver.
func serveResolver(s *station) error {
	for _, at := range []string{resolver4, resolver6} {
		if err := answerAt(s, at, WAN, "in", func(int, []byte) {}); err != nil {
			return err
		}
	}
	return nil
}

func answerAt(s *station, at, dev, dir string, also func(n int, query []byte)) error {
	c, err := openUDP(s, "dns", at, dnsPort, dev, dir)
	if err != nil {
		return err
	}
	go func() {
		buf := make([]byte, maxDNS)
		for n := 0; ; n++ {
			size, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if reply := answer(buf[:size]); reply != nil {
				also(n, buf[:size])
				c.send(from, reply)
			}
		}
	}()
	return nil
}

// serveDiscard takes what arrives at the host's discard port (RFC 863) and reads it away.
func serveDiscard(s *station) error {
	return errors.Join(serveFlow(s, hostWAN4, discardPort), serveFlow(s, hostWAN6, discardPort))
}
