// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"net/netip"
	"testing"

	"hooktop/netcfg/acl"
)

// Everything by which operators get in passes the guard, whatever the policy says.
func TestGuardedPassesWhateverThePolicySays(t *testing.T) {
	at := netip.MustParseAddrPort
	own := Session{Proto: protoTCP, Local: at("10.0.0.1:22"), Peer: at("10.0.0.8:50122"), Agent: "sshd"}
	w := &WayIn{
		Own: []Session{own},
		Established: []Session{
			own,
			{Proto: protoTCP, Local: at("[::ffff:10.0.0.1]:22"), Peer: at("[::ffff:10.0.0.9]:50123"), Agent: "sshd"},
			{Proto: protoUDP, Local: at("0.0.0.0:60001"), Agent: "mosh-server"},
		},
		Peers:    []netip.Addr{netip.MustParseAddr("10.0.0.8"), netip.MustParseAddr("2001:db8::8")},
		Carriers: []Carrier{{Proto: protoUDP, Port: 51820, Device: "wg0"}, {Proto: protoUDP, Port: 4789, Device: "vx0", VTEP: true}},
	}
	ways := w.Guarded()
	if len(ways) != 6 || !ways[0].Own || ways[1].Own {
		t.Fatalf("%d ways: %+v", len(ways), ways)
	}
	p := acl.Policy{In: acl.Deny, Out: acl.Deny, Guard: acl.Guard(ways)}
	pass := func(want bool, k acl.Packet) {
		t.Helper()
		if d := acl.Evaluate(&p, k, nil); (d.Verdict == acl.Allow) != want {
			t.Errorf("%s: %s", k, p.Words(d))
		}
	}
	for _, way := range ways[:4] {
		for _, k := range way.Packets() {
			pass(true, k)
		}
	}
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.77")
	pass(true, acl.Packet{Dir: acl.In, Proto: acl.UDP, Src: b, Dst: a, SPort: 9, DPort: 51820})
	pass(true, acl.Packet{Dir: acl.Out, Proto: acl.UDP, Src: a, Dst: b, SPort: 51820, DPort: 9})
	pass(true, acl.Packet{Dir: acl.In, Proto: acl.UDP, Src: b, Dst: a, SPort: 9, DPort: 4789})
	pass(true, acl.Packet{Dir: acl.Out, Proto: acl.UDP, Src: a, Dst: b, SPort: 9, DPort: 4789})
	pass(false, acl.Packet{Dir: acl.In, Proto: acl.TCP, Src: b, Dst: a, SPort: 9, DPort: 22})
	pass(false, acl.Packet{Dir: acl.Out, Proto: acl.UDP, Src: a, Dst: b, SPort: 9, DPort: 53})
}
