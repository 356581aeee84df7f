// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"net/netip"
	"testing"
)

const chainForTests = "chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open"

func policyOf(t *testing.T, lines ...string) *Policy {
	t.Helper()
	p := &Policy{Sets: map[string]Set{}}
	for i, text := range lines {
		e, errs := ParseEntry(text)
		switch {
		case errs != nil:
			t.Fatalf("%s: %v", text, errs)
		case e.Rule != nil:
			e.Rule.Line = i + 1
			p.Rules = append(p.Rules, *e.Rule)
		default:
			c := *e.Chain
			c.Line = i + 1
			p.Chains = append(p.Chains, c)
		}
	}
	return p
}

// Each leg begins on its device; a denied packet has no mark, and the family is that of the next hops.
func TestWhoIsMarked(t *testing.T) {
	p := policyOf(t, "deny in from 192.0.2.66", chainForTests)
	k := Packet{Dir: In, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("203.0.113.1"), Proto: TCP, SPort: 4000, DPort: 443}
	reply := Packet{Dir: In, Src: k.Dst, Dst: k.Src, Proto: TCP, SPort: 443, DPort: 4000}
	for _, c := range []struct {
		what   string
		packet Packet
		dev    string
		want   LegOf
	}{
		{"there", k, "lan0", LegOf{1, ToService}}, {"on", k, "fw1", LegOf{1, ToUpstream}},
		{"reply", reply, "wan0", LegOf{1, ReplyToService}}, {"back", reply, "fw0", LegOf{1, ReplyBack}},
		{"a reply where requests come from", reply, "lan0", LegOf{}}, {"another device", k, "eth0", LegOf{}},
	} {
		c.packet.Dev = c.dev
		if got := Evaluate(p, c.packet, nil).Leg; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
	}
	k.Dev = "lan0"
	for what, change := range map[string]func(*Packet){
		"denied": func(k *Packet) { k.Src = netip.MustParseAddr("192.0.2.66") }, "another port": func(k *Packet) { k.DPort = 80 },
		"IPv6":   func(k *Packet) { k.Src, k.Dst = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2") },
		"leaves": func(k *Packet) { k.Dir = Out }, "not IP": func(k *Packet) { k.NotIP = true },
	} {
		other := k
		change(&other)
		if got := Evaluate(p, other, nil).Leg; got != (LegOf{}) {
			t.Errorf("%s: %+v", what, got)
		}
	}
	k.Frag, k.DPort, k.SPort = Later, 0, 0
	if got := Evaluate(p, k, nil).Leg; got.Chain != 1 {
		t.Errorf("a later fragment goes another way than the first: %+v", got)
	}
	p.Chains[0].Off = true
	k.Frag, k.DPort = Whole, 443
	if got := Evaluate(p, k, nil).Leg; got != (LegOf{}) {
		t.Errorf("off: %+v", got)
	}
}

func TestLintOfChains(t *testing.T) {
	other := "chain b in lan0 match tcp to 203.0.113.0/24 port 443 service via 10.9.0.6 dev fw2 return fw3 mark 0x20/0xf0 upstream via 10.0.0.1 dev wan0 fail open"
	for _, c := range []struct {
		lines   []string
		devices []string
		want    []string
	}{
		{[]string{chainForTests}, nil, nil},
		{[]string{chainForTests}, []string{"lan0", "fw0", "wan0"}, []string{"chain fw: fw1 is not watched: what arrives there is not marked"}},
		{[]string{chainForTests, other}, nil, []string{"never reached: chain fw of line 1 takes all of its packets"}},
		{[]string{other, chainForTests}, nil, nil},
		{[]string{"off " + chainForTests, other}, nil, nil},
	} {
		var got []string
		for _, f := range Lint(policyOf(t, c.lines...), Circumstances{Devices: c.devices}) {
			got = append(got, f.Text)
		}
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
}

// What the printer writes is read as the same chain again, and in each form of it.
func TestChainReadsBack(t *testing.T) {
	for _, text := range []string{
		chainForTests, "off " + chainForTests + " oneway  # why", "chain a-1 in \"in\" match any service via 2001:db8::2 dev x return y via 2001:db8:1::2 mark 0x1/0x1 upstream via fe80::1 dev z fail closed",
		"chain a in i match not tcp from not 10.0.0.0/8 service via 10.0.0.2 dev x return y mark 0x80000000/0xffffffff upstream via 10.0.0.1 dev z fail closed oneway",
	} {
		e, errs := ParseEntry(text)
		if errs != nil {
			t.Errorf("%s: %v", text, errs)
			continue
		}
		again, errs := ParseEntry(e.Chain.String())
		if errs != nil || again.Chain.String() != e.Chain.String() || e.Chain.String() != text {
			t.Errorf("%s\nbecame %s\nand %v %v", text, e.Chain, again.Chain, errs)
		}
	}
}
