// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
)

func TestLintFindings(t *testing.T) {
	now := time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC)
	ssh := acl.WayIn{Proto: acl.TCP, Local: addr("10.0.0.1"), Peer: addr("10.0.0.9"), Port: 22, PeerPort: 4242, Name: "ssh", Own: true}
	nat := []acl.NAT{{Inside: netip.MustParsePrefix("172.16.0.0/12"), Outside: addr("198.51.100.1"), Dir: acl.In},
		{Inside: netip.MustParsePrefix("172.16.0.0/12"), Dir: acl.Out}}
	for _, c := range []struct{ policy, want string }{
		{"deny in from 10.0.0.0/8\nallow in tcp from 10.1.0.0/16 to any port 80", "2 shadowed by 1"},
		{"deny in from 10.0.0.0/8 expires 1h\nallow in from 10.1.0.0/16", ""},
		{"deny in from 10.0.0.0/8 expires 2h\nallow in from 10.1.0.0/16 expires 1h", "2 shadowed by 1"},
		{"deny in expires 2031-01-01T00:00:00Z\nallow in expires 2032-01-01T00:00:00Z", ""},
		{"deny in expires 2031-01-01T00:00:00Z\nallow in expires 2031-01-01T00:00:00Z", "2 shadowed by 1"},
		{"deny in expires 2031-01-01T00:00:00Z\nallow in", ""},
		{"count in from 10.0.0.0/8\nallow in from 10.1.0.0/16", ""},
		{"off deny in\nallow in from 10.1.0.0/16", ""},
		{"deny in tcp to any port 80\nallow in tcp", "1 note"},
		{"deny tcp to any port 1-99\nallow in tcp to any port 80", "1 note"}, // later fragments of line 2 remain
		{"allow tcp to any port 1-99\nallow in tcp to any port 80", "1 note; 2 shadowed by 1"},
		{"deny in not udp\nallow in tcp", "2 shadowed by 1"},
		{"deny from @a\nallow from 10.1.2.3\nset a { 10.0.0.0/8, 2001:db8::/32 }", "2 shadowed by 1"},
		{"deny from 10.0.0.0/8\nallow from @a\nset a { 10.0.0.1, 10.9.0.0/16 }", "2 shadowed by 1"},
		{"deny from ::/0\nallow from 10.1.2.3", ""},
		{"deny in icmp\nallow in icmpv6 type echo-request", "2 shadowed by 1"},
		{"deny in tcp from 10.0.0.1\ndeny  in tcp from 10.0.0.1/32 log # again", "2 duplicate by 1"},
		{"count in tcp\ncount in tcp", "2 duplicate by 1"},
		{"deny from @a\nset a { }", "1 never"},
		{"deny tcp to any port not 0-65535", "1 never"},
		{"allow in expires 2030-01-01T00:00:00Z", "1 expired"},
		{"deny from 10.0.0.1 to 2001:db8::1", "1 odd"},
		{"deny icmpv6 from 10.0.0.1", "1 odd"},
		{"deny icmpv4 to 2001:db8::/32", "1 odd"},
		{"set a { 10.0.0.1 }\nallow from 10.0.0.1", "1 note"},
		{"allow in from not 10.0.0.0/8", "1 note"},
		{"deny in to 172.16.3.4", "1 behind-nat"},
		{"deny in from 172.16.3.4", ""},
		{"deny out from 172.16.3.4", "1 behind-nat"},
		{"deny in tcp from 10.0.0.0/24", "1 cuts by 1"},
		{"deny out to 10.0.0.9", "1 cuts by 1"},
		{"allow in tcp to any port 22\ndefault in deny", "1 note"},
		{"default in deny", "1 cuts by 1"},
		{"default in deny\nallow in from 10.0.0.9 expires 2031-01-01T00:00:00Z", "1 cuts by 1"},
		{"default in allow\nlimit in from 10.0.0.9 rate 1/m per source burst 5", "2 note"},
		{"default out deny\nallow out established", "2 note"},
	} {
		p := parsed(t, c.policy)
		var got []string
		circumstances := acl.Circumstances{Now: now, NAT: nat}
		if strings.Contains(c.want, "cuts") || strings.Contains(c.policy, "default") {
			circumstances.Ways = []acl.WayIn{ssh}
			circumstances.State = acl.NewState(now)
			for _, k := range ssh.Packets() {
				circumstances.State.Saw(k)
			}
		}
		for _, f := range acl.Lint(&p, circumstances) {
			text := fmt.Sprintf("%d %s", f.Line, f.Kind)
			if f.By > 0 {
				text += fmt.Sprintf(" by %d", f.By)
			}
			got = append(got, text)
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%q:\n%v\nwant %s", c.policy, acl.Lint(&p, circumstances), c.want)
		}
	}
}

func TestGuardKeepsTheWayInWhateverThePolicySays(t *testing.T) {
	way := acl.WayIn{Proto: acl.TCP, Local: addr("10.0.0.1"), Peer: addr("10.0.0.9"), Port: 22, Name: "ssh"}
	p := parsed(t, "deny\ndeny icmpv6 type neighbour-solicitation,packet-too-big\ndeny icmpv6 type neighbour-solicitation")
	c := acl.Circumstances{Ways: []acl.WayIn{way}}
	if f := acl.Lint(&p, c); f[0].Kind != acl.Cuts {
		t.Errorf("without guard: %v", f)
	}
	p.Guard = acl.Guard(c.Ways)
	f := acl.Lint(&p, c)
	if i := slices.IndexFunc(f, func(f acl.Finding) bool { return f.Kind == acl.Cuts }); i >= 0 {
		t.Errorf("with guard: %v", f[i])
	}
	if i := slices.IndexFunc(f, func(f acl.Finding) bool { return f.Kind == acl.Guarded }); i < 0 || f[i].Line != 3 {
		t.Errorf("only line 3 is the guard's alone: %v", f)
	}
}

// What the linter says is certain must be so: a rule called shadowed, expired, guarded or never matching decides and counts
// no packet.
func TestLintIsSound(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 2))
	certain, packets, met := map[acl.Kind]int{}, 0, 0
	for round := range 250 {
		text := acltest.Crowded(rnd, 30)
		now := time.Date(2028+round%4, 6, 1, 0, 0, 0, 0, time.UTC)
		p := parsed(t, text)
		if round%2 == 0 {
			p.Guard = acl.Guard([]acl.WayIn{{Proto: acl.TCP, Local: addr("10.1.2.3"), Peer: addr("10.0.0.1"), Port: 22}})
		}
		silent := map[int]acl.Finding{}
		for _, f := range acl.Lint(&p, acl.Circumstances{Now: now}) {
			switch f.Kind {
			case acl.Shadowed, acl.Never, acl.Expired, acl.Guarded, acl.Duplicate:
				certain[f.Kind]++
				silent[f.Line] = f
			}
		}
		s := acl.NewSampler(uint64(round), &p)
		for i := range p.Rules {
			for n := range 40 {
				k := s.Any()
				if n > 4 {
					k = s.For(&p.Rules[i])
				}
				state := acl.NewState(now.AddDate(n%3, 0, 0)) // what is certain stays so
				if n%2 == 0 {
					answer := k
					answer.Src, answer.Dst, answer.SPort, answer.DPort = k.Dst, k.Src, k.DPort, k.SPort
					state.Saw(answer)
				}
				d := acl.Evaluate(&p, k, state)
				packets++
				for _, at := range append(d.Counted, d.Index) {
					if d.By != acl.ByRule && at == d.Index {
						continue
					}
					r := &p.Rules[at]
					if f, ok := silent[r.Line]; ok && !(f.Kind == acl.Duplicate && r.Action == acl.Count) {
						t.Fatalf("%s took %s although: %v\n%s", r, k, f, text)
					}
				}
				if d.By == acl.ByRule {
					met++
				}
			}
		}
	}
	for _, k := range []acl.Kind{acl.Shadowed, acl.Never, acl.Expired, acl.Guarded, acl.Duplicate} {
		if certain[k] == 0 {
			t.Errorf("no rule was %s: the test shows nothing about it", k)
		}
	}
	t.Logf("%v; %d of %d packets met a rule", certain, met, packets)
}

func BenchmarkLint10000(b *testing.B) {
	var text strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&text, "deny in tcp from 10.%d.%d.0/24 to 192.0.2.%d port 80,443\n", i/250, i%250, i%200)
	}
	p := parsed(b, text.String())
	for b.Loop() {
		acl.Lint(&p, acl.Circumstances{})
	}
}
