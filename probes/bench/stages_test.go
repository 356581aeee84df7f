// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
	"hooktop/netcfg/policy"
	"hooktop/probes/ktest"
)

// everyStage has something for each of them.
const everyStage = `deny in udp from 10.1.0.0/16 to any port 53
allow in tcp from any to any port 443
tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip
chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open
`

func parsedText(t *testing.T, text string) acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := f.ACL()
	p.Guard = acl.Guard(nil)
	return p
}

// measured also sees to it that nothing stays, and that this thread may run where it could before.
func measured(t *testing.T, p acl.Policy) map[string]Stage {
	t.Helper()
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	s, err := Measure(t.Context(), Wish{Policy: p, For: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil || before != after {
		t.Errorf("CPUs that may be used: %v, before %v (%v)", after, before, err)
	}
	if s.Rounds < minRounds || s.Flows < 1 || len(s.List) != len(meterHooks())*len(stageNames()) {
		t.Errorf("%d rounds over %d flows, %d stages", s.Rounds, s.Flows, len(s.List))
	}
	out := map[string]Stage{}
	for _, one := range s.List {
		out[one.Hook+" "+one.Name] = one
		if (one.Why == "") != (one.One != nil || one.Many != nil) {
			t.Errorf("%s %s: a figure and a reason: %+v", one.Hook, one.Name, one)
		}
		for _, c := range []*Cost{one.One, one.Many} {
			if c != nil && (c.Ns < 0 || c.Min > c.Ns || c.Ns > c.Max) {
				t.Errorf("%s %s: %+v", one.Hook, one.Name, c)
			}
		}
	}
	return out
}

// Each stage that a policy has is measured on each hook, each that it lacks has its reason, and nothing stays.
func TestMeasureKnowsEachStage(t *testing.T) {
	for _, c := range []struct {
		name, text string
		missing    map[string]string
	}{
		{"every", everyStage, nil},
		{"none", "", map[string]string{StageClassify: "there is no policy", StageStrip: "no line", StageMark: "no chain"}},
		{"denied", "default in deny\noff " + strings.Split(everyStage, "\n")[2] + "\n", map[string]string{StageHit: "lets none", StageStrip: "no line", StageMark: "no chain"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ktest.HostState(t)
			got := measured(t, parsedText(t, c.text))
			for _, h := range meterHooks() {
				for _, name := range stageNames() {
					s := got[hookName(h)+" "+name]
					if why := c.missing[name]; why == "" && s.Why != "" || !strings.Contains(s.Why, why) {
						t.Errorf("%s %s: %q, want %q", h, name, s.Why, why)
					}
				}
			}
		})
	}
}

// The stages of a way, each a median of differences, come to the whole way; and what goes further is dearer.
func TestStagesComeToTheWhole(t *testing.T) {
	got := measured(t, parsedText(t, everyStage))
	for _, h := range []string{"xdp", "tc"} {
		for _, many := range []bool{false, true} {
			sum, whole := 0.0, 0.0
			for _, name := range []string{StageFloor, StageParse, StageHit, StageClassify} {
				s := got[h+" "+name]
				c := s.One
				if many {
					c = s.Many
				}
				if whole = c.Ns; name == StageFloor {
					sum = c.Ns
				} else {
					sum += c.Adds
				}
			}
			if t.Logf("%s, many flows %v: stages %.0f ns, whole %.0f ns", h, many, sum, whole); sum > 2*whole || whole > 2*sum {
				t.Errorf("%s, many flows %v: the stages are %.0f ns, the whole is %.0f ns", h, many, sum, whole)
			}
		}
		for _, more := range [][2]string{{StageFloor, StageParse}, {StageParse, StageHit}, {StageHit, StageClassify}} {
			if less, c := got[h+" "+more[0]].One, got[h+" "+more[1]].One; c.Max < less.Min {
				t.Errorf("%s: %s (%+v) is dearer than what goes on to %s (%+v)", h, more[0], less, more[1], c)
			}
		}
	}
}

// Ten thousand rules cost little more than ten: goal S5 is 4 times, this bound only catches what walks the rules.
func TestManyRulesCostLittleMore(t *testing.T) {
	var few, many []float64
	for _, rules := range []int{10, 10_000} {
		got := measured(t, parsedText(t, acltest.Spread(rand.New(rand.NewPCG(1, 2)), rules)))
		for _, h := range []string{"xdp", "tc"} {
			if c := got[h+" "+StageClassify].One; rules == 10 {
				few = append(few, c.Ns)
			} else {
				many = append(many, c.Ns)
			}
		}
	}
	if r := Ratios(many, few); slices.Max(r) > 12 {
		t.Errorf("10,000 rules against 10: %v times", r)
	} else {
		t.Logf("10,000 rules against 10: %.1f times", r)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	ktest.HostState(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Measure(ctx, Wish{For: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What can't be compiled is told, and leaves nothing.
func TestMeasureTellsWhatIsTooMuch(t *testing.T) {
	ktest.HostState(t)
	p := acl.Policy{Rules: make([]acl.Rule, 70_000)}
	for i := range p.Rules {
		p.Rules[i] = acl.Rule{Line: i + 1, Action: acl.Deny, Dir: acl.In}
	}
	if _, err := Measure(t.Context(), Wish{Policy: p}); err == nil || !strings.Contains(err.Error(), "room for") {
		t.Errorf("%v", err)
	}
}

// What the screen shows of a draft: both policies, stage by stage, in one order.
func TestPricesOfADraft(t *testing.T) {
	ktest.HostState(t)
	list, err := Prices(t.Context(), "", everyStage)
	if err != nil || len(list) != len(meterHooks())*len(stageNames()) {
		t.Fatalf("%d stages, %v", len(list), err)
	}
	for i, p := range list {
		judged := p.Stage == StageClassify || p.Stage == StageStrip || p.Stage == StageMark
		if p.Stage != stageNames()[i%len(stageNames())] || p.Why != "" || p.Stage != StageNew && p.Same[1] <= 0 || (p.Same[0] > 0) != (!judged && p.Stage != StageNew) {
			t.Errorf("%+v", p)
		}
	}
	if _, err := Prices(t.Context(), "", "no rule"); err == nil {
		t.Error("a text that is no policy has a price")
	}
}
