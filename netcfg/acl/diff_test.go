// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
)

func TestDiffSaysWhatBecameOfEachRule(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"comments and blanks", "deny in tcp # x\n", "# head\n\ndeny   in tcp\n", ""},
		{"sets and defaults elsewhere", "set a { 10.0.0.1 }\ndeny from @a\ndefault in deny", "default in deny\ndeny from @a\nset a { 10.0.0.1 }", ""},
		{"added", "allow\n", "deny in tcp\nallow\n", "line 1 added: deny  in  tcp"},
		{"removed", "deny in tcp\nallow\n", "allow\n", "line 1 removed: deny  in  tcp"},
		{"moved", "deny in tcp\nallow udp\ncount\n", "allow udp\ncount\ndeny in tcp\n", "line 1 moved to 3: deny  in  tcp"},
		{"changed", "deny in tcp to any port 22\nallow\n", "deny in tcp to any port 23\nallow\n",
			"line 1 changed: deny  in  tcp to any port 23, was: deny  in  tcp to any port 22"},
		{"off", "deny in tcp\n", "off deny in tcp\n", "line 1 switched off: off deny  in  tcp, was: deny  in  tcp"},
		{"options", "deny in tcp\n", "deny in tcp log\n", "line 1 changed: deny  in  tcp log, was: deny  in  tcp"},
		{"no likeness", "deny in tcp from 10.0.0.1\n", "allow out udp to 10.0.0.2\n",
			"line 1 added: allow out udp to 10.0.0.2; line 1 removed: deny  in  tcp from 10.0.0.1"},
		{"one of two", "deny in tcp\ndeny in tcp\n", "deny in tcp\n", "line 2 removed: deny  in  tcp"},
	} {
		a, b := parsed(t, c.a), parsed(t, c.b)
		d := acl.Diff(&a, &b)
		var got []string
		for _, one := range d.Rules {
			got = append(got, one.String())
		}
		if text := strings.Join(got, "; "); text != c.want || d.Same() != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.name, text, c.want)
		}
	}
}

func TestDiffOfDefaultsAndSets(t *testing.T) {
	a := parsed(t, "default in deny\nset a { 10.0.0.1, 10.0.0.2 }\nset old { }\nallow in from @a\n")
	b := parsed(t, "default out deny\nset a { 10.0.0.2, 10.0.0.3 }\nset new { }\nallow in from @a\n")
	d := acl.Diff(&a, &b)
	if len(d.Defaults) != 2 || d.Defaults[0] != (acl.DefaultChange{Dir: acl.In, Old: acl.Deny}) || d.Defaults[1] != (acl.DefaultChange{Dir: acl.Out, New: acl.Deny}) {
		t.Errorf("defaults: %+v", d.Defaults)
	}
	if got := fmt.Sprint(d.Sets); got != "[{a [10.0.0.1/32] [10.0.0.3/32] false false} {new [] [] false true} {old [] [] true false}]" {
		t.Errorf("sets: %s", got)
	}
	if len(d.Samples) == 0 {
		t.Error("no packet shows the difference")
	}
}

func TestDiffShowsPacketsWhoseFateChanges(t *testing.T) {
	for _, c := range []struct{ a, b, was, is string }{
		{"deny in tcp to 10.0.0.5 port 443\n", "deny in tcp to 10.0.0.5 port 444\n", "deny by line 1", "allow by default"},
		{"deny in from 10.0.0.0/24\n", "deny in from 10.0.0.0/25\n", "deny by line 1", "allow by default"},
		{"allow in tcp\ndeny in from 10.0.0.7\n", "deny in from 10.0.0.7\nallow in tcp\n", "allow by line 1", "deny by line 1"},
		{"default in deny\n", "default in deny\nallow in established\n", "deny by default", "allow by line 2"},
		{"allow in udp\n", "limit in udp rate 5/s per source\n", "allow by line 1", "limit by line 1"},
		{"set a { 10.0.0.1 }\ndeny in from @a\n", "set a { 10.0.0.2 }\ndeny in from @a\n", "deny by line 2", "allow by default"},
		{"deny out icmpv6 type 200\n", "deny out icmpv6 type 201\n", "allow by default", "deny by line 1"},
	} {
		a, b := parsed(t, c.a), parsed(t, c.b)
		d := acl.Diff(&a, &b)
		if !slices.ContainsFunc(d.Samples, func(s acl.Sample) bool { return s.Was == c.was && s.Is == c.is }) {
			t.Errorf("%q to %q: no packet goes from %q to %q among %v", c.a, c.b, c.was, c.is, d.Samples)
		}
	}
	// The order of rules that share no packet decides nothing.
	a, b := parsed(t, "deny in tcp\nallow in udp\n"), parsed(t, "allow in udp\ndeny in tcp\n")
	if d := acl.Diff(&a, &b); d.Same() || len(d.Samples) != 0 || d.Tried == 0 {
		t.Errorf("%d rules, samples %v of %d packets", len(d.Rules), d.Samples, d.Tried)
	}
}

// Every sample must be true by the oracle, and what Diff says must lead from one policy to the other.
func TestDiffOfRandomPolicies(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	shown := 0
	for range 60 {
		lines := strings.Split(acltest.Crowded(rnd, 25), "\n")
		other := slices.Clone(lines)
		for range 1 + rnd.IntN(4) {
			i, j := 5+rnd.IntN(len(other)-5), 5+rnd.IntN(len(other)-5)
			switch rnd.IntN(3) {
			case 0:
				other = slices.Delete(other, i, i+1)
			case 1:
				other[i], other[j] = other[j], other[i]
			default:
				other = slices.Insert(other, i, strings.Split(acltest.Crowded(rnd, 1), "\n")[5])
			}
		}
		a, b := parsed(t, strings.Join(lines, "\n")), parsed(t, strings.Join(other, "\n"))
		d := acl.Diff(&a, &b)
		old, now := len(a.Rules), len(b.Rules)
		for _, c := range d.Rules {
			switch c.Kind {
			case acl.Removed:
				old--
			case acl.Added:
				now--
			}
		}
		if old != now {
			t.Fatalf("%d rules stay of the old policy and %d of the new", old, now)
		}
		for _, s := range d.Samples {
			shown++
			if s.Was[:5] == s.Is[:5] || a.Words(s.Old) != s.Was || b.Words(s.New) != s.Is {
				t.Fatalf("%s: %s, then %s", s.Packet, s.Was, s.Is)
			}
		}
		if same := acl.Diff(&a, &a); !same.Same() || len(same.Samples) > 0 {
			t.Fatalf("a policy differs from itself: %+v", same.Rules)
		}
	}
	t.Logf("%d packets shown", shown)
}

// At least 70 of 100 packets must meet a rule, or comparing kernel and oracle by them shows little.
func TestSamplerMeetsRules(t *testing.T) {
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "deny in tcp from 10.%d.0.0/16 to 192.0.2.%d port %d-%d\nallow in udp from 2001:db8:%d::/48\n", i, i, 20+i, 30+i, i)
	}
	p := parsed(t, text.String())
	s := acl.NewSampler(7, &p)
	met, all := 0, 0
	hit, frags := map[int]bool{}, map[acl.Frag]int{}
	for i := range p.Rules {
		for range 50 {
			k := s.For(&p.Rules[i])
			frags[k.Frag]++
			d := acl.Evaluate(&p, k, nil)
			all++
			if d.By == acl.ByRule {
				met++
				hit[d.Index] = true
			}
		}
	}
	if met*10 < all*7 || len(hit) != len(p.Rules) {
		t.Errorf("%d of %d packets met a rule, %d of %d rules were met", met, all, len(hit), len(p.Rules))
	}
	if frags[acl.First]*50 < all || frags[acl.Later]*50 < all {
		t.Errorf("fragments: %v of %d packets", frags, all)
	}
	again := acl.NewSampler(7, &p)
	first := acl.NewSampler(7, &p)
	if again.Any() != first.Any() || again.For(&p.Rules[3]) != first.For(&p.Rules[3]) {
		t.Error("the same seed gave other packets")
	}
}

func BenchmarkDiff10000(b *testing.B) {
	var text strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&text, "deny in tcp from 10.%d.%d.0/24 to 192.0.2.%d port 80,443\n", i/250, i%250, i%200)
	}
	p := parsed(b, text.String())
	q := parsed(b, strings.Replace(text.String(), "port 80,443", "port 80", 1))
	for b.Loop() {
		acl.Diff(&p, &q)
	}
}

func TestSamplesArePlain(t *testing.T) {
	for text, want := range map[string]string{
		"deny in from 198.51.100.96":         "in tcp 198.51.100.96:40000 > 192.0.2.1:443",
		"deny in udp to any port 53":         ":53",
		"deny out to 2001:db8:9::1 dev eth1": "out tcp [2001:db8::7]:40000 > [2001:db8:9::1]:443 dev eth1",
		"deny in icmp vlan 12":               "type ",
	} {
		a, b := parsed(t, "allow in\nallow out\n"), parsed(t, text+"\nallow in\nallow out\n")
		d := acl.Diff(&a, &b)
		if len(d.Samples) == 0 || !strings.Contains(d.Samples[0].Packet.String(), want) || strings.Contains(d.Samples[0].Packet.String(), "fragment") {
			t.Errorf("%s: %+v, want %s", text, d.Samples, want)
		}
	}
}
