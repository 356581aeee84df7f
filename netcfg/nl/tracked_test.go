// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

func TestTracked(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "a0", b, "b0")
	for _, x := range []struct {
		n   *ktest.NS
		dev string
		end string
	}{{a, "a0", "1"}, {b, "b0", "2"}} {
		x.n.Addr(t, x.dev, "192.0.2."+x.end+"/24")
		x.n.Addr(t, x.dev, "2001:db8::"+x.end+"/64")
	}
	h := at(t, a)
	if got, err := h.Tracked(); err != nil || len(got) > 0 {
		t.Errorf("nothing is tracked yet: %v, %v", got, err)
	}
	a.Sysctl(t, "netfilter/nf_conntrack_acct", "1")
	a.Do(t, func() error { // a rule that looks at the state makes the namespace track
		c := exec.Command("nft", "-f", "-")
		c.Stdin = strings.NewReader("table inet t { chain c { type filter hook input priority 0; ct state new accept; }; }")
		return c.Run()
	})
	sink := a.UDPSocket(t, "192.0.2.1:53")
	sink6 := a.UDPSocket(t, "[2001:db8::1]:53")
	defer sink.Close()
	defer sink6.Close()
	port := b.SendUDP(t, "192.0.2.2:0", "192.0.2.1:53", make([]byte, 100), 7)
	port6 := b.SendUDP(t, "[2001:db8::2]:0", "[2001:db8::1]:53", make([]byte, 10), 3)
	want := map[snap.Tracked]bool{
		tracked("192.0.2.2", "192.0.2.1", port, 7, 7*128):          true,
		tracked("2001:db8::2", "2001:db8::1", port6, 3, 3*(48+10)): true,
	}
	all := reading(t, h.Tracked, func(l []snap.Tracked) bool {
		packets := uint64(0)
		for _, c := range l {
			if c.DPort == 53 {
				packets += c.Packets
			}
		}
		return packets >= 7+3
	})
	for _, c := range all {
		delete(want, c)
	}
	if len(want) > 0 {
		t.Errorf("missing %+v among %+v", want, all)
	}
}

// tracked is a UDP connection to port 53 without an answer. Bytes are those of IP packets.
func tracked(src, dst string, port uint16, packets, bytes uint64) snap.Tracked {
	return snap.Tracked{Proto: unix.IPPROTO_UDP, Src: snap.AddrFrom(netip.MustParseAddr(src)), Dst: snap.AddrFrom(netip.MustParseAddr(dst)),
		SPort: port, DPort: 53, Packets: packets, Bytes: bytes,
		RSrc: snap.AddrFrom(netip.MustParseAddr(dst)), RDst: snap.AddrFrom(netip.MustParseAddr(src)), RSPort: 53, RDPort: port}
}
