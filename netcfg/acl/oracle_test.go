// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"net/netip"
	"testing"
	"time"

	"hooktop/netcfg/acl"
)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func tcp(src string, sport uint16, dst string, dport uint16) acl.Packet {
	return acl.Packet{Dir: acl.In, Dev: "eth0", Src: addr(src), Dst: addr(dst), Proto: acl.TCP, SPort: sport, DPort: dport}
}

// with changes a packet.
func with(k acl.Packet, change func(*acl.Packet)) acl.Packet {
	change(&k)
	return k
}

func TestOracle(t *testing.T) {
	out := func(k *acl.Packet) { k.Dir = acl.Out }
	later := func(k *acl.Packet) { k.Frag, k.SPort, k.DPort = acl.Later, 0, 0 }
	ssh := tcp("10.0.0.9", 4242, "10.0.0.1", 22)
	echo := acl.Packet{Dir: acl.In, Src: addr("10.0.0.9"), Dst: addr("10.0.0.1"), Proto: acl.ICMP, Type: 8}
	echo6 := acl.Packet{Dir: acl.In, Src: addr("2001:db8::9"), Dst: addr("2001:db8::1"), Proto: acl.ICMPv6, Type: 128}
	for _, c := range []struct {
		name, policy string
		packet       acl.Packet
		want         string
	}{
		{"nothing is dropped without a policy", "", ssh, "allow by default"},
		{"default by direction", "default in deny", ssh, "deny by default"},
		{"default of the other direction", "default in deny", with(ssh, out), "allow by default"},
		{"a default that is off", "off default in deny", ssh, "allow by default"},
		{"first match wins", "deny in tcp to any port 22\nallow in tcp", ssh, "deny by line 1"},
		{"a rule that is off", "off deny in\nallow in", ssh, "allow by line 2"},
		{"count goes on", "count in tcp\ndeny in tcp", ssh, "deny by line 2"},
		{"no direction is both", "deny tcp", with(ssh, out), "deny by line 1"},
		{"other direction", "deny in tcp", with(ssh, out), "allow by default"},
		{"source port", "deny tcp from 10.0.0.0/24 port 4242", ssh, "deny by line 1"},
		{"not port", "deny tcp to any port not 80,443", ssh, "deny by line 1"},
		{"not port, inside", "deny tcp to any port not 22", ssh, "allow by default"},
		{"not address", "deny from not 10.0.0.0/24", ssh, "allow by default"},
		{"not address holds for the other family", "deny from not 10.0.0.0/24", echo6, "deny by line 1"},
		{"IPv6 prefix does not hold IPv4", "deny from ::/0", ssh, "allow by default"},
		{"IPv4 prefix does not hold IPv6", "deny from 0.0.0.0/0", echo6, "allow by default"},
		{"mapped packet", "deny from 10.0.0.0/8", with(ssh, func(k *acl.Packet) { k.Src = addr("::ffff:10.0.0.9") }), "deny by line 1"},
		{"mapped prefix", "deny from ::ffff:10.0.0.0/104", ssh, "deny by line 1"},
		{"set", "set a { 192.0.2.1, 10.0.0.8/29 }\ndeny from @a", ssh, "deny by line 2"},
		{"not an empty set", "set a { }\ndeny from not @a", ssh, "deny by line 2"},
		{"icmp is both", "deny icmp", echo6, "deny by line 1"},
		{"type by name, IPv4", "deny icmp type echo-request", echo, "deny by line 1"},
		{"type by name, IPv6", "deny icmp type echo-request", echo6, "deny by line 1"},
		{"type of one family", "deny icmpv4 type 8", echo6, "allow by default"},
		{"not type", "deny icmp type not echo-request", echo, "allow by default"},
		{"protocol list", "deny udp,tcp", ssh, "deny by line 1"},
		{"not protocol", "deny not udp", ssh, "deny by line 1"},
		{"device", "deny dev eth0", ssh, "deny by line 1"},
		{"other device", "deny dev not eth0", ssh, "allow by default"},
		{"vlan", "deny vlan 12", with(ssh, func(k *acl.Packet) { k.VLAN = 12 }), "deny by line 1"},
		{"not vlan holds untagged", "deny vlan not 12", ssh, "deny by line 1"},
		{"vni", "deny vni 7", ssh, "allow by default"},
		{"first fragment", "deny tcp to any port 22", with(ssh, func(k *acl.Packet) { k.Frag = acl.First }), "deny by line 1"},
		{"later fragment passes over deny with ports", "deny tcp to any port 22", with(ssh, later), "allow by default"},
		{"later fragment of an allowed datagram", "allow tcp to any port 22\ndefault in deny", with(ssh, later), "allow by line 1"},
		{"later fragment, not port", "deny tcp to any port not 80", with(ssh, later), "allow by default"},
		{"later fragment, no ports asked", "deny tcp", with(ssh, later), "deny by line 1"},
		{"later fragment is limited", "limit tcp to any port 22 rate 1/h per source", with(ssh, later), "limit by line 1"},
		{"later fragment and flows", "allow established\ndefault in deny", with(ssh, later), "allow by line 1"},
		{"not established", "allow established\ndefault in deny", ssh, "deny by default"},
		{"malformed, default allow", "deny in", acl.Packet{Dir: acl.In, Malformed: true}, "allow by default"},
		{"malformed, default deny", "allow in\ndefault in deny", acl.Packet{Dir: acl.In, Malformed: true}, "deny by default"},
	} {
		p := parsed(t, c.policy)
		if got := p.Words(acl.Evaluate(&p, c.packet, nil)); got != c.want {
			t.Errorf("%s: %s in\n%s\n%s, want %s", c.name, c.packet, c.policy, got, c.want)
		}
	}
}

func TestGuardIsAskedFirst(t *testing.T) {
	p := parsed(t, "default in deny\ndefault out deny\ndeny in\ndeny out\n")
	way := acl.WayIn{Proto: acl.TCP, Local: addr("10.0.0.1"), Peer: addr("10.0.0.9"), Port: 22, PeerPort: 4242, Name: "ssh", Own: true}
	ssh := way.Packets()[0]
	v6 := func(typ uint8) acl.Packet {
		return acl.Packet{Dir: acl.In, Src: addr("fe80::1"), Dst: addr("ff02::1"), Proto: acl.ICMPv6, Type: typ}
	}
	dhcp := acl.Packet{Dir: acl.In, Src: addr("10.0.0.1"), Dst: addr("255.255.255.255"), Proto: acl.UDP, SPort: 67, DPort: 68}
	for _, c := range []struct {
		packet acl.Packet
		pass   bool
	}{
		{acl.Packet{Dir: acl.In, NotIP: true}, true},
		{v6(135), true}, {v6(134), true}, {v6(143), true}, {v6(2), true}, {v6(128), false},
		{acl.Packet{Dir: acl.In, Src: addr("10.0.0.9"), Dst: addr("10.0.0.1"), Proto: acl.ICMP, Type: 3, Code: 4}, true},
		{dhcp, true}, {with(dhcp, func(k *acl.Packet) { k.DPort = 69 }), false},
		{with(dhcp, func(k *acl.Packet) { k.Frag = acl.Later }), false},
		{acl.Packet{Dir: acl.In, Malformed: true}, false},
		{ssh, true}, {way.Packets()[1], true}, {way.Packets()[2], true}, {way.Packets()[3], true},
		{with(ssh, func(k *acl.Packet) { k.Src = addr("10.0.0.8") }), false},
		{with(ssh, func(k *acl.Packet) { k.DPort = 23 }), false},
	} {
		p.Guard = acl.Guard([]acl.WayIn{way})
		if d := acl.Evaluate(&p, c.packet, nil); (d.By == acl.ByGuard) != c.pass || (d.Verdict == acl.Allow) != c.pass {
			t.Errorf("%s: %s, want passed by the guard: %v", c.packet, p.Words(d), c.pass)
		}
		p.Guard = nil
		if d := acl.Evaluate(&p, c.packet, nil); d.Verdict != acl.Deny {
			t.Errorf("%s without guard: %s", c.packet, p.Words(d))
		}
	}
	for _, g := range acl.Guard(nil)[1:] {
		if f := file(t, g.Text()); f.Line(1).String() != g.Text() {
			t.Errorf("guard line %q reads back as %q", g.Text(), f.Line(1))
		}
	}
}

func TestTokenBucket(t *testing.T) {
	p := parsed(t, "limit in rate 10/s per source burst 3\n")
	s := acl.NewState(time.Unix(1000, 0))
	a, b := tcp("10.0.0.1", 1, "10.0.0.2", 2), tcp("10.0.0.3", 1, "10.0.0.2", 2)
	sent := func(k acl.Packet, n int) (passed int) {
		for range n {
			if d := s.Step(&p, k); d.Verdict == acl.Allow {
				passed++
			} else if !d.Limited {
				t.Errorf("denied, and not by an empty bucket: %+v", d)
			}
		}
		return passed
	}
	for _, c := range []struct {
		after time.Duration
		k     acl.Packet
		n     int
		want  int
	}{
		{0, a, 5, 3}, {0, b, 5, 3}, {99 * time.Millisecond, a, 1, 0}, {time.Millisecond, a, 2, 1}, {250 * time.Millisecond, a, 9, 2},
		{50 * time.Millisecond, a, 9, 1}, {time.Hour, a, 9, 3}, {0, b, 9, 3},
	} {
		s.Now = s.Now.Add(c.after)
		if got := sent(c.k, c.n); got != c.want {
			t.Errorf("at %s: %d of %d passed, want %d", s.Now.Sub(time.Unix(1000, 0)), got, c.n, c.want)
		}
	}
}

func TestEstablishedAndExpires(t *testing.T) {
	p := parsed(t, "default in deny\nallow in established\nallow in tcp to any port 80 expires 2030-01-01T00:00:00Z\nallow out\n")
	s := acl.NewState(time.Date(2029, 12, 31, 23, 59, 59, 0, time.UTC))
	reply := tcp("192.0.2.1", 443, "10.0.0.1", 5000)
	request := with(tcp("10.0.0.1", 5000, "192.0.2.1", 443), func(k *acl.Packet) { k.Dir, k.Dev = acl.Out, "eth1" })
	pong := acl.Packet{Dir: acl.In, Src: addr("192.0.2.1"), Dst: addr("10.0.0.1"), Proto: acl.ICMP, Type: 0}
	ping := acl.Packet{Dir: acl.Out, Src: addr("10.0.0.1"), Dst: addr("192.0.2.1"), Proto: acl.ICMP, Type: 8}
	expect := func(k acl.Packet, want string) {
		t.Helper()
		if got := p.Words(s.Step(&p, k)); got != want {
			t.Errorf("%s: %s, want %s", k, got, want)
		}
	}
	expect(reply, "deny by default")
	expect(reply, "deny by default") // a denied packet is no flow
	expect(request, "allow by line 4")
	expect(reply, "allow by line 2")
	expect(with(reply, func(k *acl.Packet) { k.SPort = 444 }), "deny by default")
	expect(with(reply, func(k *acl.Packet) { k.VNI = 5 }), "allow by line 2")
	expect(pong, "deny by default")
	expect(ping, "allow by line 4")
	expect(pong, "allow by line 2")
	web := tcp("192.0.2.7", 1, "10.0.0.1", 80)
	expect(web, "allow by line 3")
	s.Now = s.Now.Add(time.Second)
	expect(web, "deny by default")
}

func TestCountedRulesAreTold(t *testing.T) {
	p := parsed(t, "count tcp\noff count tcp\ncount udp\ncount to any\ndeny in\ncount in\n")
	d := acl.Evaluate(&p, tcp("10.0.0.9", 1, "10.0.0.1", 2), nil)
	if len(d.Counted) != 2 || d.Counted[0] != 0 || d.Counted[1] != 3 || d.Line != 5 || d.Index != 4 {
		t.Errorf("%+v", d)
	}
}
