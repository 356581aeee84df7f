// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"testing"

	"hooktop/netcfg/acl"
)

func tupleOf(k acl.Packet) Tuple {
	t := Tuple{Src: k.Src.As16(), Dst: k.Dst.As16(), SPort: k.SPort, DPort: k.DPort, Proto: k.Proto}
	if k.Proto == acl.ICMP || k.Proto == acl.ICMPv6 {
		t.SPort = uint16(k.Type)<<8 | uint16(k.Code)
	}
	return t
}

// What user space notes of connections is what the programs look up.
func TestEstablishedKnowsWhatIsNoted(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	in := loadFor(t, p, 1, XDPGeneric)
	known, other := udp("10.0.0.1", 53, "10.0.0.9", 4000), udp("10.0.0.1", 53, "10.0.0.9", 4001)
	six := udp("2001:db8::1", 53, "2001:db8::9", 4000)
	pong := acl.Packet{Dir: acl.In, Dev: "eth0", Src: known.Src, Dst: known.Dst, Proto: acl.ICMP, Type: 0}
	list := []Tuple{tupleOf(known), tupleOf(six), tupleOf(pong)}
	if lost, err := p.NoteSeen(list); err != nil || lost != 0 {
		t.Fatalf("%d lost, %v", lost, err)
	}
	keep(t, p, writePolicy(t, p, "default in deny\nallow in established"))
	for _, k := range []acl.Packet{known, six, pong} {
		if !passes(t, in, frameFor(k)) {
			t.Errorf("%v is denied", k)
		}
	}
	if passes(t, in, frameFor(other)) {
		t.Error("what nobody noted passes")
	}
	many := make([]Tuple, p.sizes.seen()+5)
	for i := range many {
		many[i] = Tuple{Proto: acl.UDP, Src: [16]byte{1, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}}
	}
	if lost, err := p.NoteSeen(many); err != nil || lost < 5 {
		t.Errorf("%d lost, %v", lost, err)
	}
}
