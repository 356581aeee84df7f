// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

func TestBlockDraftsOnTheTabOfThePolicy(t *testing.T) {
	b := bench(t, 18, 100, 24)
	b.Press("j", "j", "j", "b")
	m, _ := uitest.Last[core.GoMsg](b)
	if m.Tab != snap.ACLTab || m.With != (core.DraftMsg{Rule: "deny  in  from 203.0.113.9"}) {
		t.Errorf("%+v", m)
	}
	b.Press("x")
	b.Pick("block from 203.0.113.9 to this port")
	if m, _ = uitest.Last[core.GoMsg](b); m.With != (core.DraftMsg{Rule: "deny  in  tcp from 203.0.113.9 to 10.9.0.22 port 8443"}) {
		t.Errorf("%+v", m)
	}
	b.Press("/")
	b.Type("way:own")
	b.Press("enter", "b")
	if m, _ = uitest.Last[core.GoMsg](b); m.With.(core.DraftMsg).Note != "this flow is your own session" {
		t.Errorf("%+v", m)
	}
	b.Press("/", "ctrl+u")
	b.Type("vni:>0")
	b.Press("enter")
	if k := keys.Find(b.Tab.Bindings(), "b"); !strings.Contains(k.Disabled, "outer packet") {
		t.Errorf("%q", k.Disabled)
	}
}

// TestRowsNameTheirRule as long as a policy is in force.
func TestRowsNameTheirRule(t *testing.T) {
	b := bench(t, 18, 80, 24)
	if text := b.Draw().Text(); strings.Contains(text, "RULE") {
		t.Errorf("a rule where nothing is in force:\n%s", text)
	}
	b.All[3].Rule, b.All[3].Verdict = 14, "drop"
	b.All[4].Rule, b.All[4].Verdict = 7, "limit"
	b.Base.Policy.Kept = 41
	b.Frame()
	text := b.Draw().Text()
	for _, want := range []string{"RULE", "✗14", "~7", "–"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	b.Send(core.FilterMsg{Filter: "rule:14"})
	if b.Asked.Flows.Filter != "rule:14" || !strings.Contains(b.Draw().Text(), "203.0.113.9") || strings.Contains(b.Draw().Text(), "172.16.8.4") {
		t.Errorf("%q:\n%s", b.Asked.Flows.Filter, b.Draw().Text())
	}
	b.Press("u")
	if b.Asked.Flows.Filter != "" {
		t.Errorf("%q after undo", b.Asked.Flows.Filter)
	}
}

// TestAFlowIsFollowedThroughChains: only where there are chains.
func TestAFlowIsFollowedThroughChains(t *testing.T) {
	b := bench(t, 40, 80, 20)
	b.Press("x")
	b.Pick("its way through the chains")
	if g, _ := uitest.Last[core.GoMsg](b); g.Tab != snap.ChainTab || g.With != (core.WayMsg{Flow: b.All[0].Key}) {
		t.Errorf("%+v", g)
	}
	b.Base.Chains = snap.Chains{}
	b.Frame()
	b.Press("x")
	if p, _ := uitest.Last[core.PickMsg](b); strings.Contains(fmt.Sprint(p.Items), "through the chains") {
		t.Errorf("%+v", p.Items)
	}
}
