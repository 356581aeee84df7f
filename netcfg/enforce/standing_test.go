// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

func address(text string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(text)) }

func tuple(proto uint8, src string, sport uint16, dst string, dport uint16) Tuple {
	return Tuple{Src: address(src), Dst: address(dst), SPort: sport, DPort: dport, Proto: proto}
}

func TestStandingConnections(t *testing.T) {
	socket := func(proto, state uint8, local string, lport uint16, peer string, pport uint16) snap.Socket {
		return snap.Socket{Proto: proto, State: state, Local: address(local), LPort: lport, Peer: address(peer), PPort: pport}
	}
	track := func(proto uint8, replied bool, there, back Tuple) snap.Tracked {
		return snap.Tracked{
			Proto: proto, Replied: replied, Src: there.Src, Dst: there.Dst, SPort: there.SPort, DPort: there.DPort,
			RSrc: back.Src, RDst: back.Dst, RSPort: back.SPort, RDPort: back.DPort,
		}
	}
	there := tuple(acl.TCP, "10.0.0.1", 4000, "10.0.0.2", 443)
	back := tuple(acl.TCP, "10.0.0.2", 443, "10.0.0.1", 4000)
	inside := tuple(acl.TCP, "192.168.1.1", 4000, "10.0.0.2", 443) // before masquerading
	turned := tuple(acl.TCP, "10.0.0.2", 443, "192.168.1.1", 4000)
	ping, pong := tuple(acl.ICMP, "10.0.0.1", 8<<8, "10.0.0.2", 0), tuple(acl.ICMP, "10.0.0.2", 0, "10.0.0.1", 0)
	for _, c := range []struct {
		name    string
		sockets []snap.Socket
		tracked []snap.Tracked
		want    []Tuple
	}{
		{"established", []snap.Socket{socket(acl.TCP, 1, "10.0.0.1", 4000, "10.0.0.2", 443)}, nil, []Tuple{there, back}},
		{"mapped", []snap.Socket{socket(acl.TCP, 1, "::ffff:10.0.0.1", 4000, "::ffff:10.0.0.2", 443)}, nil, []Tuple{there, back}},
		{"no connection", []snap.Socket{
			socket(acl.TCP, 10, "0.0.0.0", 443, "0.0.0.0", 0), socket(acl.TCP, 7, "10.0.0.1", 4000, "10.0.0.2", 443),
			socket(acl.UDP, 7, "10.0.0.1", 53, "0.0.0.0", 0), socket(acl.TCP, 1, "127.0.0.1", 4000, "127.0.0.1", 443),
		}, nil, nil},
		{"connected UDP", []snap.Socket{socket(acl.UDP, 1, "10.0.0.1", 4000, "10.0.0.2", 443)}, nil, []Tuple{
			tuple(acl.UDP, "10.0.0.1", 4000, "10.0.0.2", 443), tuple(acl.UDP, "10.0.0.2", 443, "10.0.0.1", 4000)}},
		{"forwarded", nil, []snap.Tracked{track(acl.TCP, true, there, back)}, []Tuple{back, there}},
		{"never answered", nil, []snap.Tracked{track(acl.TCP, false, there, back)}, []Tuple{back}},
		{"masqueraded", nil, []snap.Tracked{track(acl.TCP, true, inside, back)}, []Tuple{back, turned, inside, there}},
		{"ping", nil, []snap.Tracked{track(acl.ICMP, true, ping, pong)}, []Tuple{pong, ping}},
	} {
		if got := standing(c.sockets, c.tracked); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Connections are asked for by the first policy that says established, and by no other.
func TestWhatStandsIsNotedOnce(t *testing.T) {
	asked := 0
	var failed error
	sockets := make([]snap.Socket, 10)
	for i := range sockets {
		sockets[i] = snap.Socket{Proto: acl.TCP, State: 1, Local: address("10.0.0.1"), LPort: uint16(i + 1), Peer: address("10.0.0.2"), PPort: 443}
	}
	r := newRig(t, func(o *Options) {
		o.Standing = func() ([]snap.Socket, []snap.Tracked, error) { asked++; return sockets, nil, failed }
	})
	keep := func(text string) {
		t.Helper()
		r.commit(text)
		r.good(r.s.Keep(""))
	}
	keep(denyTelnet)
	if asked != 0 {
		t.Fatalf("asked %d times by a policy that needs none", asked)
	}
	keep("default in deny\nallow in established\n")
	if len(r.plane.noted) != 40 || asked != 2 {
		t.Fatalf("%d tuples by %d questions, want those of 10 sockets at check and commit", len(r.plane.noted), asked)
	}
	keep("default in deny\nallow in established\nallow in udp\n")
	if asked != 2 {
		t.Errorf("asked again while the programs note new flows: %d", asked)
	}
	keep(denyTelnet)
	sockets, failed = slices.Concat(sockets, sockets, sockets, sockets), errors.New("dump sockets: no buffer space")
	keep("default in deny\nallow in established\n")
	r.said("no buffer space")
	r.said("established misses")
	r.plane.fail["note"] = errors.New("map is gone")
	keep("deny in udp\n")
	r.stage("allow in established\n")
	r.bad(r.s.Commit(snap.PolicyWish{Base: r.s.kept.id}), "map is gone")
}
