// SPDX-License-Identifier: Apache-2.0

package compile

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
	"hooktop/netcfg/policy"
)

func parsed(t testing.TB, text string) acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	p := f.ACL()
	p.Guard = acl.Guard([]acl.WayIn{{Proto: acl.TCP, Local: netip.MustParseAddr("10.1.2.3"), Peer: netip.MustParseAddr("10.0.0.1"), Port: 22, Name: "ssh"}})
	return p
}

var slots = map[string]uint16{"eth0": 1, "eth1": 2}

// state is the oracle's state as the image asks for it.
type state struct {
	s *acl.State
	p *acl.Policy
	k acl.Packet
}

func (s state) Now() time.Time { return s.s.Now }
func (s state) Established(k acl.Packet) bool {
	probe := acl.Policy{In: acl.Deny, Out: acl.Deny, Rules: []acl.Rule{{Established: true}}}
	return acl.Evaluate(&probe, k, s.s).By == acl.ByRule
}

// Token asks the oracle's buckets of the rule whose record it is.
func (s state) Token(r *Record, _ netip.Addr) bool { return !acl.Evaluate(s.p, s.k, s.s).Limited }

// said turns an oracle's decision into what the image says.
func said(d acl.Decision, p *acl.Policy, k acl.Packet) Judged {
	hit := map[acl.By]int{acl.ByGuard: firstHit + d.Index, acl.ByRule: firstHit + len(p.Guard) + d.Index, acl.ByDefault: HitDefaultIn}[d.By]
	if d.By == acl.ByDefault && k.Dir == acl.Out {
		hit = HitDefaultOut
	}
	j := Judged{Deny: d.Verdict == acl.Deny, Hit: uint16(hit), Limited: d.Limited}
	legs := 0
	for i := range p.Chains {
		if p.Chains[i].Off {
			continue
		}
		if d.Leg.Chain == i+1 {
			j.Leg = uint16(legs + 1 + slices.IndexFunc(p.Chains[i].Legs(), func(l acl.Leg) bool { return l.Kind == d.Leg.Kind }))
		}
		legs += len(p.Chains[i].Legs())
	}
	for _, i := range d.Counted {
		j.Counted = append(j.Counted, uint16(firstHit+len(p.Guard)+i))
	}
	return j
}

func same(a, b Judged) bool {
	slices.Sort(a.Counted) // lists are walked one after another
	return a.Deny == b.Deny && a.Hit == b.Hit && a.Limited == b.Limited && slices.Equal(a.Counted, b.Counted)
}

func clone(s *acl.State) *acl.State {
	out := acl.NewState(s.Now)
	for k, v := range s.Flows {
		out.Flows[k] = v
	}
	for k, v := range s.Buckets {
		out.Buckets[k] = v
	}
	return out
}

// compare runs packets through oracle and image and says how many met a rule.
func compare(t *testing.T, text string, seed uint64, packets int) (ruled int) {
	t.Helper()
	p := parsed(t, text)
	m, err := Compile(&p, Options{Devices: slots})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	s := acl.NewSampler(seed, &p)
	st := acl.NewState(time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC))
	for n := range packets {
		k := s.Any()
		if len(p.Rules) > 0 && n%4 > 0 {
			k = s.For(&p.Rules[n%len(p.Rules)])
		}
		if k.Dir == acl.Both {
			k.Dir = acl.In
		}
		before := clone(st)
		got := m.Judge(k, slots[k.Dev], state{before, &p, k})
		d := st.Step(&p, k)
		if want := said(d, &p, k); !same(got, want) {
			t.Fatalf("seed %d: %v: image %+v, oracle %+v, in\n%s", seed, k, got, want, text)
		}
		if d.By == acl.ByRule {
			ruled++
		}
	}
	return ruled
}

func TestImageDecidesAsTheOracle(t *testing.T) {
	policies := 1500
	if testing.Short() {
		policies = 150
	}
	packets, ruled := 0, 0
	for seed := range uint64(policies) {
		r := rand.New(rand.NewPCG(seed, 1))
		packets += 60
		ruled += compare(t, acltest.Crowded(r, 1+r.IntN(40)), seed, 60)
	}
	if ruled < packets/3 {
		t.Errorf("%d of %d packets met a rule", ruled, packets)
	}
}

func TestLargeImagesDecideAsTheOracle(t *testing.T) {
	for _, rules := range []int{0, 10, 1000, 10_000} {
		r := rand.New(rand.NewPCG(uint64(rules), 2))
		compare(t, acltest.Spread(r, rules), uint64(rules), 1000)
	}
}

// A rule's buckets outlive a commit that leaves its rate alone, and no other: at a lower rate a source may have taken what takes hours
// to come back.
func TestBucketsOutliveACommitOfTheSameRate(t *testing.T) {
	file, err := policy.Parse("limit in udp rate 1/h per source burst 1000\nlimit in tcp rate 1/h per source burst 1000\n")
	if err != nil {
		t.Fatal(err)
	}
	bucket := func(f policy.File) uint32 {
		p := f.ACL()
		m, err := Compile(&p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Records) != 2 || m.Records[0].Bucket == m.Records[1].Bucket {
			t.Fatalf("records: %+v", m.Records)
		}
		return m.Records[0].Bucket
	}
	before := bucket(file)
	for text, same := range map[string]bool{
		"limit in udp rate 1/h per source burst 1000 log  # told": true,
		"limit in udp to 10.0.0.1 rate 1/h per source burst 1000": true,
		"limit in udp rate 500/s per source burst 1000":           false,
		"limit in udp rate 1/h per source burst 10":               false,
	} {
		line, errs := policy.ParseLine(text)
		if errs != nil {
			t.Fatal(errs)
		}
		edited, _, err := file.Apply(policy.Edit{Verb: policy.Replace, At: 1, Line: line})
		if err != nil {
			t.Fatal(err)
		}
		if after := bucket(edited); (after == before) != same {
			t.Errorf("%s: its buckets are those of before: %v, want %v", text, after == before, same)
		}
	}
	nameless := acl.Policy{Rules: []acl.Rule{{Action: acl.Limit, Rate: acl.Rate{N: 1, Per: time.Second, Burst: 1}}, {Action: acl.Limit, Rate: acl.Rate{N: 1, Per: time.Second, Burst: 1}}}}
	m, err := Compile(&nameless, Options{})
	if err != nil || m.Records[0].Bucket == m.Records[1].Bucket {
		t.Errorf("two rules whose names say the same share a bucket: %v", err)
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	many := func(n int, line func(i int) string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintln(&b, line(i))
		}
		return b.String()
	}
	for name, c := range map[string]struct{ text, want string }{
		"records": {many(500, func(i int) string {
			return "deny in tcp from any port 1,3,5,7,9,11 to any port 1,3,5,7,9," + fmt.Sprint(11+2*i)
		}), "records"},
		"prefixes": {many(12000, func(i int) string { return fmt.Sprintf("deny in from %d.%d.%d.4/30", 1+i/4096, i/64%64, i%64*4) }) +
			"set s {" + many(9000, func(i int) string { return fmt.Sprintf("2001:db8:%x::/64,", 2*i) }) + "2001:db9::/64}\ndeny in from @s", "intervals"},
		"sets":      {many(70, func(i int) string { return fmt.Sprintf("set s%d { 10.0.0.%d }\ndeny in from @s%d", i, i, i) }), "63 sets"},
		"protocols": {many(70, func(i int) string { return fmt.Sprintf("deny in %d", 100+i) }), "63 different lists of protocols"},
		"devices":   {many(70, func(i int) string { return fmt.Sprintf("deny in dev d%d", i) }), "63 different matches on devices"},
	} {
		f, err := policy.Parse(strings.ReplaceAll(c.text, ",\n2001", ", 2001"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p := f.ACL()
		if _, err := Compile(&p, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, rules := range []int{10, 1000, 10_000} {
		p := parsed(b, acltest.Spread(rand.New(rand.NewPCG(1, 2)), rules))
		b.Run(fmt.Sprint(rules), func(b *testing.B) {
			for b.Loop() {
				m, err := Compile(&p, Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(m.Lists)), "entries")
			}
		})
	}
}
