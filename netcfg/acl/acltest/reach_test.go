// SPDX-License-Identifier: Apache-2.0

package acltest_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/acltest"
	"hooktop/netcfg/policy"
)

// Each rule is reached by a packet that the oracle gives it, or is one that the linter or the search over all that stands
// above says nothing reaches; what the linter is certain of is so.
func TestEveryRuleIsReachedOrShadowed(t *testing.T) {
	fates := map[acltest.Fate]int{}
	together := 0
	for seed := range uint64(120) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		text := acltest.Crowded(rnd, 1+rnd.IntN(60))
		if seed%8 == 7 {
			text = acltest.Spread(rnd, 300)
		}
		f, err := policy.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		p := f.ACL()
		p.Guard = acl.Guard(nil)[:rnd.IntN(8)]
		r := acltest.NewReach(&p, []string{"eth0", "eth1"}, rnd)
		lint := acltest.Unreached(&p)
		for i := range p.Rules {
			k, seen, fate := r.Packet(i)
			fates[fate]++
			if kind, said := lint[p.Rules[i].Line]; said && fate == acltest.Reached {
				t.Fatalf("seed %d: line %d is %s, and %v reaches it, in\n%s", seed, p.Rules[i].Line, kind, k, text)
			} else if !said && fate == acltest.Shadowed {
				together++
			}
			if fate != acltest.Reached {
				continue
			}
			state := acl.NewState(time.Time{})
			if seen {
				state.Saw(acltest.Asked(k))
			}
			if d := acl.Evaluate(&p, k, state); d.Index != i && !slices.Contains(d.Counted, i) {
				t.Fatalf("seed %d: %v is for line %d, and %s, in\n%s", seed, k, p.Rules[i].Line, p.Words(d), text)
			}
		}
	}
	t.Logf("reached %d, off %d, in a tunnel %d, shadowed %d (%d of them by several rules together), not known %d", fates[acltest.Reached], fates[acltest.Off],
		fates[acltest.InTunnel], fates[acltest.Shadowed], together, fates[acltest.Unknown])
	if fates[acltest.Unknown] > 0 {
		t.Error("the search gave up")
	}
}
