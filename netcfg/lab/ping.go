// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	pingPace = 250 * time.Millisecond
	pingSize = 64 // ICMP header and data, as ping(8) sends
	echo4    = 8  // ICMP echo request
	echo6    = 128
)

// ping sends echo requests to the host over both families; its kernel answers.
func ping(ctx context.Context, s *station) {
	for _, p := range []struct {
		network, from, to string
		kind              byte
	}{{"ip4:icmp", pinger4, hostWAN4, echo4}, {"ip6:ipv6-icmp", pinger6, hostWAN6, echo6}} {
		c, err := net.ListenIP(p.network, &net.IPAddr{IP: addr(p.from).AsSlice()})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		defer c.Close()
		dst := &net.IPAddr{IP: addr(p.to).AsSlice()}
		s.senders.Go(func() {
			every(ctx, pingPace, func(i int) {
				b := make([]byte, pingSize)
				b[0] = p.kind
				be.PutUint16(b[4:], 77) // identifier
				be.PutUint16(b[6:], uint16(i))
				if p.kind == echo4 { // ICMPv6: the kernel's
					be.PutUint16(b[2:], ^sum(b))
				}
				if _, err := c.WriteToIP(b, dst); err != nil {
					return // not sent, not counted
				}
				f := Flow{Kind: "icmp", Src: addr(p.from), Dst: addr(p.to), SPort: uint16(p.kind) << 8, Proto: icmpProto(addr(p.to)), Dev: WAN, Dir: "in"}
				s.add(f, ethernetLen+ipHeader(addr(p.to))+pingSize)
			})
		})
	}
	<-ctx.Done()
}
