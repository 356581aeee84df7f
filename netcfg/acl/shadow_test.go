// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// The index over pairs of address matches must find what comparing each rule with each finds.
func TestShadowsAgainstEachWithEach(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 5))
	p := Policy{Sets: map[string]Set{}}
	prefix := func() netip.Prefix {
		if rnd.IntN(3) == 0 {
			return netip.MustParsePrefix(fmt.Sprintf("2001:db8:%x::/%d", rnd.IntN(2)<<12, 32+rnd.IntN(8))).Masked()
		}
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rnd.IntN(4)) << 6, 0, byte(rnd.IntN(2))}), rnd.IntN(33)).Masked()
	}
	for i := range 6 {
		var list []netip.Prefix
		for range i {
			list = append(list, prefix())
		}
		p.Sets[fmt.Sprint("s", i)] = Set{List: disjoint(list)}
	}
	side := func() (e End) {
		switch rnd.IntN(4) {
		case 0:
			e.Set, e.Not = fmt.Sprint("s", rnd.IntN(6)), rnd.IntN(3) == 0
		case 1, 2:
			e.Prefix, e.Not = prefix(), rnd.IntN(6) == 0
		}
		return e
	}
	for range 800 {
		p.Rules = append(p.Rules, Rule{From: side(), To: side(), Dir: Dir(rnd.IntN(3)), Action: Action(rnd.IntN(2))})
	}
	s := newShadows(&p)
	forms := s.all(p.Rules)
	found := 0
	for i, f := range forms {
		var want *Rule
		for _, g := range forms[:i] {
			if want == nil && s.addresses[g.src].spans.covers(s.addresses[f.src].spans) && s.addresses[g.dst].spans.covers(s.addresses[f.dst].spans) && g.covers(f) {
				want = g.rule
			}
		}
		empty := len(s.addresses[f.src].spans) == 0 || len(s.addresses[f.dst].spans) == 0 // covered by everything; told before
		if got := s.of(f); got != want && !empty {
			t.Fatalf("rule %d, %s: shadowed by %v, want %v", i, f.rule, got, want)
		}
		if want != nil {
			found++
		}
		s.add(f)
	}
	if found < 100 || found == len(forms) {
		t.Errorf("%d of %d rules are shadowed: the test shows little", found, len(forms))
	}
}

// Spans must hold exactly the addresses that the oracle matches.
func TestSpansAgainstTheOracle(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 6))
	p := Policy{Sets: map[string]Set{"a": {List: disjoint([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"),
		netip.MustParsePrefix("11.0.0.0/8"), netip.MustParsePrefix("::/1"), netip.MustParsePrefix("8000::/1")})}, "none": {}}}
	for _, e := range []End{{}, {Set: "a"}, {Set: "a", Not: true}, {Set: "none"}, {Set: "none", Not: true}, {Prefix: netip.MustParsePrefix("::/0")},
		{Prefix: netip.MustParsePrefix("::/0"), Not: true}, {Prefix: netip.MustParsePrefix("0.0.0.0/0")}, {Prefix: netip.MustParsePrefix("255.255.255.255/32"), Not: true},
		{Prefix: netip.MustParsePrefix("ffff::/16"), Not: true}, {Prefix: netip.MustParsePrefix("::ffff:0:0/90").Masked()}, {Prefix: netip.MustParsePrefix("::1/128")}} {
		list := p.spans(&e)
		for i, one := range list {
			if one.lo.compare(one.hi) > 0 || i > 0 && list[i-1].hi.next().compare(one.lo) >= 0 {
				t.Errorf("%+v: spans %v are not apart", e, list)
			}
		}
		try := []netip.Addr{}
		for _, one := range append(append(spans{}, list...), mapped, everything) {
			try = append(try, one.lo.addr(), one.hi.addr(), one.lo.prev().addr(), one.hi.next().addr())
		}
		for range 200 {
			try = append(try, u128{rnd.Uint64(), rnd.Uint64()}.addr(), u128{0, 0xffff<<32 | rnd.Uint64N(1<<32)}.addr())
		}
		for _, a := range try {
			n := numberOf(a)
			if in := list.covers(spans{{n, n}}); in != p.address(&e, a) || in != list.meets(spans{{n, n}}) {
				t.Errorf("%+v and %s: spans say %v, the oracle %v", e, a, in, p.address(&e, a))
			}
		}
	}
}

func BenchmarkEvaluate10000(b *testing.B) {
	var p Policy
	for i := range 10000 {
		e, err := ParseEntry(fmt.Sprintf("deny in tcp from 10.%d.%d.0/24 to 192.0.2.%d port 80,443", i/250, i%250, i%200))
		if err != nil {
			b.Fatal(err)
		}
		p.Rules = append(p.Rules, *e.Rule)
	}
	k := Packet{Dir: In, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("10.0.0.1"), Proto: TCP, SPort: 1, DPort: 2}
	for b.Loop() {
		Evaluate(&p, k, nil)
	}
}
