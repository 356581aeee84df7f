// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
)

func TestParsePacket(t *testing.T) {
	four := func(k acl.Packet) acl.Packet {
		k.Src, k.Dst = netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.1")
		if k.Dir == acl.Both {
			k.Dir = acl.In
		}
		return k
	}
	six := func(k acl.Packet) acl.Packet {
		k.Dir, k.Src, k.Dst = acl.Out, netip.MustParseAddr("2001:db8::9"), netip.MustParseAddr("2001:db8::1")
		return k
	}
	for text, want := range map[string]acl.Packet{
		"tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0":                 four(acl.Packet{Proto: acl.TCP, SPort: 4242, DPort: 22, Dev: "eth0"}),
		"out tcp 10.0.0.9:4242 > 10.0.0.1:22":                      four(acl.Packet{Dir: acl.Out, Proto: acl.TCP, SPort: 4242, DPort: 22}),
		"in 17 ::ffff:10.0.0.9 > 10.0.0.1:53 vlan 5 vni 7":         four(acl.Packet{Proto: acl.UDP, SPort: 49152, DPort: 53, VLAN: 5, VNI: 7}),
		"out sctp [2001:db8::9]:1 > [2001:db8::1]:65535":           six(acl.Packet{Proto: acl.SCTP, SPort: 1, DPort: 65535}),
		"out icmp [2001:db8::9] > 2001:db8::1":                     six(acl.Packet{Proto: acl.ICMPv6, Type: 128}),
		"icmp 10.0.0.9 > 10.0.0.1":                                 four(acl.Packet{Proto: acl.ICMP, Type: 8}),
		"icmpv4 10.0.0.9 > 10.0.0.1 type 3 (whatever) code 4":      four(acl.Packet{Proto: acl.ICMP, Type: 3, Code: 4}),
		"icmp 10.0.0.9 > 10.0.0.1 type redirect first fragment":    four(acl.Packet{Proto: acl.ICMP, Type: 5, Frag: acl.First}),
		"udp 10.0.0.9 > 10.0.0.1 later fragment dev \"a,b\" # why": four(acl.Packet{Proto: acl.UDP, Frag: acl.Later, Dev: "a,b"}),
		"gre 10.0.0.9 > 10.0.0.1 dev type":                         {},
		"not IP dev eth0":                                          {Dir: acl.In, NotIP: true, Dev: "eth0"},
		"out malformed":                                            {Dir: acl.Out, Malformed: true},
	} {
		got, errs := acl.ParsePacket(text)
		if want == (acl.Packet{}) {
			if len(errs) != 1 {
				t.Errorf("%s: %+v, %v, want an error", text, got, errs)
			}
			continue
		}
		if len(errs) > 0 || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, errs, want)
		}
	}
}

func TestParsePacketErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                               "column 1: the protocol is missing: write tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0",
		"tpc 10.0.0.9:1 > 10.0.0.1:2":                    "column 1: \"tpc\" is no protocol: did you mean tcp?",
		"300 10.0.0.9 > 10.0.0.1":                        "column 1: \"300\" is no protocol: numbers go from 0 to 255",
		"10.0.0.9:1 > 10.0.0.1:2":                        "column 1: \"10.0.0.9:1\" is no protocol: it stands before the source: write tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0",
		"in":                                             "column 3: the protocol is missing: write tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0",
		"tcp":                                            "column 4: the source is missing: write SOURCE > DESTINATION: 10.0.0.9:4242 > 10.0.0.1:22",
		"tcp from 10.0.0.9 to 10.0.0.1":                  "column 5: the source is missing before \"from\": write SOURCE > DESTINATION: 10.0.0.9:4242 > 10.0.0.1:22",
		"tcp 10.0.0.9:1 10.0.0.1:2":                      "column 16: > is missing: write SOURCE > DESTINATION, in quotes of the shell",
		"tcp 10.0.0.9:1 >":                               "column 17: the destination is missing: write SOURCE > DESTINATION: 10.0.0.9:4242 > 10.0.0.1:22",
		"tcp 10.0.0.9:x > 10.0.0.1:2":                    "column 5: the source: \":x\" is no port: write :1 to :65535 behind the address",
		"tcp 10.0.0.9:70000 > 10.0.0.1:2":                "column 5: the source: \":70000\" is no port: write :1 to :65535 behind the address",
		"tcp 10.0.0:1 > 10.0.0.1:2":                      "column 5: the source: \"10.0.0\" is no address: an IPv4 address has four parts",
		"tcp 10.0.0.0/8 > 10.0.0.1:2":                    "column 5: the source: \"10.0.0.0/8\" is a prefix: a packet has one address",
		"udp fe80::1%eth0 > fe80::2":                     "column 5: the source: \"fe80::1%eth0\" has a zone: write the address alone and dev eth0",
		"udp [2001:db8::1 > [2001:db8::2]:1":             "column 5: \"[2001:db8::1\" has no ]: write [2001:db8::1]:22",
		"udp 10.0.0.9 > 2001:db8::1":                     "column 16: source and destination are of two families: both IPv4 or both IPv6",
		"tcp 10.0.0.9 > 10.0.0.1":                        "column 16: the destination's port is missing: write 10.0.0.1:22",
		"icmp 10.0.0.9:1 > 10.0.0.1":                     "column 6: icmpv4 has no ports: write the address alone",
		"tcp 10.0.0.9:1 > 10.0.0.1 later fragment":       "column 5: a later fragment shows no ports: write the address alone",
		"icmp 10.0.0.9 > 10.0.0.1 type ping":             "column 31: type: \"ping\" is not known: write echo-request or echo-reply",
		"icmp 10.0.0.9 > 10.0.0.1 type 256":              "column 31: type: 256 is out of range: 0 to 255",
		"icmp 10.0.0.9 > 10.0.0.1 type packet-too-big":   "column 31: type: icmpv4 has no packet-too-big: it is the other family's",
		"icmp 10.0.0.9 > 10.0.0.1 type 3 later fragment": "column 31: a later fragment shows no type: leave it out",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 type 3":             "column 34: tcp has no type: write icmp, icmpv4 or icmpv6",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 vlna 3":             "column 29: \"vlna\" is not known here: did you mean vlan?",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 vlan 5000":          "column 34: vlan: 5000 is out of range: 1 to 4094",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 vlan not 5":         "column 29: vlan not: a packet has one value: remove not",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 dev":                "column 32: dev: the device is missing: write dev eth0",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 dev a dev b":        "column 35: \"dev\" is there twice: remove one",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 first":              "column 29: \"first\" is not known here: behind the addresses: type, code, first fragment, later fragment, dev, vlan, vni",
		"not tcp":                                        "column 5: not: \"tcp\" can't be inverted: write not IP, or one protocol",
		"not IP type 3":                                  "column 8: \"type\" is too much: such a frame has no more than dev and vlan",
		"tcp 10.0.0.9:1 > 10.0.0.1:2 \x1b[31m":           "column 29: character U+001B can't be seen: remove it",
	} {
		_, errs := acl.ParsePacket(text)
		if len(errs) != 1 || errs[0].Error() != want {
			t.Errorf("%q: %v\nwant %s", text, errs, want)
		}
	}
}

func TestParsePacketReadsWhatIsPrinted(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for seed := range uint64(200) {
		p := parsed(t, acltest.Crowded(r, 20))
		s := acl.NewSampler(seed, &p)
		for i := range p.Rules {
			k := s.For(&p.Rules[i])
			if k.Src.Is4() != k.Dst.Is4() {
				continue // no frame is so
			}
			if back, errs := acl.ParsePacket(k.String()); len(errs) > 0 || back != k {
				t.Fatalf("%s: read as %+v, %v, was %+v", k, back, errs, k)
			}
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	f.Add("out icmp 10.0.0.9 > 10.0.0.1 type 3 (destination-unreachable) code 4 dev \"a,b\" vlan 5")
	f.Add("udp [2001:db8::1]:53 > [2001:db8::2]:53 first fragment vni 7")
	f.Add("not IP dev eth0 # x")
	f.Fuzz(func(t *testing.T, text string) {
		k, errs := acl.ParsePacket(text)
		if len(errs) > 0 {
			if len(errs) != 1 || errs[0].Col < 1 || errs[0].Msg == "" || errs[0].Hint == "" || k != (acl.Packet{}) {
				t.Fatalf("%q: %+v, %+v", text, k, errs)
			}
			return
		}
		if back, errs := acl.ParsePacket(k.String()); len(errs) > 0 || back != k {
			t.Fatalf("%q is printed as %q, which is read as %+v, %v", text, k, back, errs)
		}
	})
}
