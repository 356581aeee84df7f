// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

func TestAMarkIsEditedInItsCell(t *testing.T) {
	b := plain(t, 100, 26)
	b.Press("j", "e")
	b.Want("[10/f0", "as it is now")
	b.Press("ctrl+u")
	b.Type("21/f0")
	b.Want("✗ 1 is outside of the mask: 21/f1")
	b.Press("enter")
	if !b.Tab.Capturing() {
		t.Fatal("enter staged an error")
	}
	if got := b.Why("enter"); got != "blocked by an error" {
		t.Error(got)
	}
	b.Press("ctrl+u")
	b.Type("40/f0")
	b.Want("✗ chain ids has 40/f0")
	b.Press("ctrl+u")
	b.Type("4020/f0f0")
	b.Want("✗ bits 4000 are kube-proxy's (known agent)")
	b.Press("ctrl+u")
	b.Type("20/f0")
	b.Want("✓ 20/f0: no conflict", "as typed", "0010")
	before := b.Engine.Policy.Draft.Seq
	b.Press("esc")
	if b.Tab.Capturing() || b.Engine.Policy.Draft.Seq != before {
		t.Error("esc did not leave all as it was")
	}
	b.Press("e", "ctrl+u")
	b.Send(tea.PasteMsg{Content: "20/f0"})
	b.Press("enter")
	b.Want("~fw", "20/f0", "└ was: 10/f0", "staged ~1 changed", "1 STAGED", "after edit")
	if got := b.Engine.Policy.Draft.Text; !strings.Contains(got, "return fw1 via 10.9.0.6 mark 0x20/0xf0 upstream") || !strings.Contains(got, "mark 0x40/0xf0") {
		t.Errorf("the engine has %q", got)
	}
	b.Press("u")
	if got := b.Draw().Text(); strings.Contains(got, "20/f0") || strings.Contains(got, "was:") {
		t.Errorf("after undo:\n%s", got)
	}
	b.Press("ctrl+r")
	b.Want("└ was: 10/f0")
	b.Press("e", "enter") // as it stands: nothing more is staged
	b.Want("staged ~1 changed")
}

func TestChainsAreSwitchedAndDeleted(t *testing.T) {
	b := plain(t, 100, 26)
	b.Press(".")
	b.Want("~fw", "└ switched off, was on")
	b.Press("u", "G", ".") // scrub was off
	b.Want("~scrub", "staged", "└ switched on, was off")
	b.Press("u", "k", "D")
	b.Want("−ids", "deleted", "−1 deleted")
	if got := b.Why("e"); !strings.Contains(got, "the draft has this line no more") {
		t.Error(got)
	}
	b.Press("u", "E")
	if m := uitest.ToACL[core.LineMsg](b); !m.Edit || m.Line != 11 || !strings.HasPrefix(m.Text, "chain ids") {
		t.Errorf("%+v", m)
	}
	b.Press("a")
	if m := uitest.ToACL[core.DraftMsg](b); m.Rule != "chain " || !strings.Contains(m.Note, "0x20/0xf0 is free") {
		t.Errorf("%+v", m)
	}
	b.Press("enter")
	b.Want("line       chain ids in lan0", "state      closed: closed for 3s", "! rp_filter ids1 1 (strict)", "sysctl -w net.ipv4.conf.ids1.rp_filter=2")
	b.Press("enter")
	if m := uitest.ToACL[core.LineMsg](b); m.Edit || m.Line != 11 {
		t.Errorf("%+v", m)
	}
	b.Press("esc", "x")
	b.Pick("its line on the ACL tab")
	b.Press("g", "j", "y")
	if m, _ := uitest.Last[core.CopyMsg](b); m.Text != "chain fw  fw1 → wan0  upstream  mark 0x10/0xf0  table 7102  10.0.0.1 wan0  47.9k pps  43 110 000 packets  ok" {
		t.Errorf("%+v", m)
	}
}

func TestTheCursorPassesWhatBelongsToOthers(t *testing.T) {
	b := plain(t, 100, 26)
	seen := []string{}
	for range 9 {
		for _, l := range strings.Split(b.Draw().Text(), "\n") {
			if strings.HasPrefix(l, ">") {
				seen = append(seen, strings.Fields(strings.TrimLeft(l, ">◆ "))[0])
			}
		}
		b.Press("j")
	}
	if got := strings.Join(seen, " "); got != "fw fw1 wan0 fw0 ids ids1 scrub scrub scrub" {
		t.Error(got)
	}
	b.Press("k", "k", "k", "k", "k", "k", "k", "k", "k")
	if got := b.Draw().Line(1); !strings.HasPrefix(got, "> fw") {
		t.Error(got)
	}
}

func TestDriftIsRepairedByOneKey(t *testing.T) {
	b := plain(t, 100, 26)
	if got := b.Why("R"); got != "every rule and route is in place" {
		t.Error(got)
	}
	b.Base.Chains.Steer[1].State, b.Base.Chains.Steer[1].Why = "missing", "somebody deleted it 3 s ago"
	b.Base.Chains.Rows[0].State, b.Base.Chains.Rows[0].Why = "drift", "ip rule 9101 is missing"
	b.Frame()
	b.Want("!fw", "drift: ip rule 9101 is missing   R repairs", "drift: 1 rule or route missing or changed: R repairs", "RULES AND ROUTES: 1 missing, 4 in place", "! missing  9101", "somebody deleted it")
	b.Press("R")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Kind != snap.RepairChains {
		t.Errorf("%+v", m)
	}
	b.Base.State.ReadOnly = "pid 4711 holds the pen"
	b.Frame()
	for _, key := range []string{"R", "e", "E", "a", ".", "D", "u"} {
		if got := b.Why(key); got != "read-only: pid 4711 holds the pen" {
			t.Errorf("%s: %q", key, got)
		}
	}
}

func TestTheWayOfOneFlow(t *testing.T) {
	b := plain(t, 100, 26)
	flow := b.All[0].Key
	b.Send(core.WayMsg{Flow: flow})
	if b.Asked.Flows.Follow != flow || b.Asked.Flows.Limit != 1 {
		t.Errorf("asked for %+v", b.Asked.Flows)
	}
	b.Want("ONE PACKET 10.4.1.17:51544 > 10.9.0.10:443 TCP", "fw1 metadata chain fw → tc skb->mark 0x10")
	b.Base.Chains.Lineage = nil
	b.Frame()
	b.Want("10.4.1.17:51544 > 10.9.0.10:443 TCP: none has been seen in a chain; 0 lets it go")
	b.Press("0")
	b.Want("x on a row of Flows shows the way of its packets")
	if b.Asked.Flows.Follow != (snap.FlowKey{}) {
		t.Errorf("asked for %+v", b.Asked.Flows)
	}
}

func TestEmptyStatesSayWhy(t *testing.T) {
	b := plain(t, 80, 20)
	b.Engine.Policy.Text = "default in allow\n"
	b.Base.Chains = snap.Chains{}
	b.Frame()
	b.Want("The policy has no chain", "a  begins a chain line")
	b.Press("a")
	if m := uitest.ToACL[core.DraftMsg](b); m.Rule != "chain " || !strings.Contains(m.Note, "0x1/0xf is free") {
		t.Errorf("%+v", m)
	}
	b.Base.Chains.Why = "no ip rules in this namespace"
	b.Frame()
	b.Want("Nothing can be steered: no ip rules")
}
