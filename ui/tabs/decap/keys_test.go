// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// first is the row at the top.
func first(b *uitest.Bench) string {
	return strings.TrimLeft(strings.Split(b.Draw().Text(), "\n")[1], ">! ")
}

func TestSortFilterGroup(t *testing.T) {
	b := plain(t, 100, 26)
	b.Press("s")
	b.Pick("ERR/S")
	if got := first(b); !strings.HasPrefix(got, "vxlan    10.4.3.9") {
		t.Errorf("by errors: %s", got)
	}
	b.Press("<")
	if got := first(b); !strings.HasPrefix(got, "gre") {
		t.Errorf("by packets: %s", got)
	}
	b.Press("I")
	if got := first(b); !strings.Contains(got, "10.4.4.3") {
		t.Errorf("inverted: %s", got)
	}
	b.Press("/")
	b.Type("kind:vxlan peer:10.4.0.0/16")
	b.Want("kind:vxlan peer:10.4.0.0/16")
	b.Press("enter")
	b.Want("filter kind:vxlan peer:10.4.0.0/16", "1 of 2 /9")
	b.Press("/", "ctrl+u")
	b.Type("nothing:x")
	b.Want("no such column")
	b.Press("enter", "esc")
	b.Want("1 of 2 /9")
	b.Press("0", "/")
	b.Type("pps:>1M")
	b.Press("enter")
	b.Want("No tunnel matches   pps:>1M", "9 tunnels are hidden")
	b.Press("0", "p")
	b.Pick("kind")
	b.Want("2 peers", "1 of 7 /9", "mixed")
	b.Press("/")
	b.Type("kind:ipip")
	b.Press("enter", "enter")
	b.Want("group of   2 tunnels", "38.8k")
	b.Press("esc", "0", "p")
	b.Pick("nothing")
	b.Press("g", "+")
	b.Want("filter kind:=")
}

func TestRowsStayInPlaceForTwoSeconds(t *testing.T) {
	b := plain(t, 100, 26)
	swap := func() {
		rows := append([]snap.Tunnel(nil), b.Base.Tunnels.Rows...)
		rows[1].PPS, rows[0].PPS = rows[0].PPS, rows[1].PPS
		b.Base.Tunnels.Rows = rows
	}
	swap()
	b.Frame()
	if got := first(b); !strings.HasPrefix(got, "gre") {
		t.Errorf("at once: %s", got)
	}
	b.Clock.Pass(2 * time.Second)
	b.Frame()
	if got := first(b); !strings.HasPrefix(got, "ipip") {
		t.Errorf("after 2 s: %s", got)
	}
	b.Press("o")
	swap()
	b.Clock.Pass(time.Minute)
	b.Frame()
	if got := first(b); !strings.HasPrefix(got, "ipip") {
		t.Errorf("held: %s", got)
	}
	b.Want("order held")
}

func TestALineIsDraftedForATunnel(t *testing.T) {
	b := plain(t, 80, 20)
	b.Press("j") // ipip, which no line names
	b.Want("counted, not stripped: no line of the policy allows it")
	b.Press("b")
	if m := uitest.ToACL[core.DraftMsg](b); m.Rule != "tunnel ipip to 10.9.0.1 peers 10.4.2.9 strip inner " || !strings.Contains(m.Note, "inner sources") {
		t.Errorf("%+v", m)
	}
	b.Press("j")
	if got := b.Why("b"); got != "line 4 speaks of it: e edits it" {
		t.Error(got)
	}
	b.Press("j", "j", "j", "j")
	b.Want("gtpu", "this kind is never unwrapped")
	b.Press("b")
	if m := uitest.ToACL[core.DraftMsg](b); m.Rule != "tunnel gtpu port 2152 vni 3735928559 to 10.9.0.1 peers 10.4.7.1 count" {
		t.Errorf("%+v", m)
	}
	if _, errs := policy.ParseLine("tunnel gtpu port 2152 vni 3735928559 to 10.9.0.1 peers 10.4.7.1 count"); errs != nil {
		t.Error(errs)
	}
	b.Press("k", "k", "k") // gue: its line is off
	b.Base.Tunnels.Rows[3].Line = 8
	b.Frame()
	if got := b.Why("b"); got != "line 8 speaks of it: . switches it on" {
		t.Error(got)
	}
}

// TestInnerPrefixesComeFromFlows: what is seen inside a tunnel is what its line would let out of it.
func TestInnerPrefixesComeFromFlows(t *testing.T) {
	b := plain(t, 200, 56)
	b.Base.Tunnels.Rows[2].Line, b.Base.Tunnels.Rows[2].VNI = 0, 4096 // the one inner flow of the traffic is in it
	b.Clock.Pass(rankEvery)
	b.Frame()
	b.Press("j", "j")
	b.Frame()
	if b.Asked.Flows.Filter != "vni:4096" {
		t.Errorf("asked for %+v", b.Asked.Flows)
	}
	b.Want("FLOWS INSIDE", "10.244.1.5:40200 → 10.244.2.9:5432")
	b.Press("b")
	if m := uitest.ToACL[core.DraftMsg](b); m.Rule != "tunnel vxlan port 4789 vni 4096 to 10.9.0.1 peers 10.4.3.9 inner 10.244.1.0/24 strip" {
		t.Errorf("%+v", m)
	}
	b.Press("x")
	b.Pick("flows inside it")
	if g, _ := uitest.Last[core.GoMsg](b); g.Tab != "Flows" || g.With != (core.FilterMsg{Filter: "vni:4096"}) {
		t.Errorf("%+v", g)
	}
}

// TestLinesAreChangedHere: the draft is the one of the ACL tab.
func TestLinesAreChangedHere(t *testing.T) {
	b := plain(t, 100, 46)
	b.Want("4 strips", "└ suspended: the kernel's vxlan device vx200 serves port 4789", "8 off")
	b.Press("j", "j", ".") // the vxlan tunnel of line 4
	b.Want("~   4 staged", "off tunnel vxlan port 4789 vni 100", "└ was: tunnel vxlan port 4789 vni 100", "staged ~1 changed", "1 STAGED")
	if got := b.Engine.Policy.Draft.Text; !strings.Contains(got, "\noff tunnel vxlan port 4789 vni 100 to") {
		t.Errorf("the engine has %q", got)
	}
	b.Press("u")
	b.Want("4 strips", "unwrapped by line 4")
	b.Press("ctrl+r", "u", "D")
	b.Want("−   4 deleted")
	if got := b.Why("."); !strings.Contains(got, "the draft has this line no more") {
		t.Error(got)
	}
	b.Press("u", "tab", "j")
	b.Want("LINE OF THE POLICY")
	b.Press("j", "e")
	if m := uitest.ToACL[core.LineMsg](b); !m.Edit || m.Line != 6 || !strings.HasPrefix(m.Text, "tunnel gre vni any") {
		t.Errorf("%+v", m)
	}
	b.Press("enter")
	if m := uitest.ToACL[core.LineMsg](b); m.Edit || m.Line != 6 {
		t.Errorf("%+v", m)
	}
	b.Press("a")
	if m := uitest.ToACL[core.DraftMsg](b); m.Rule != "tunnel " {
		t.Errorf("%+v", m)
	}
	b.Press("esc", "enter")
	b.Want("policy     unwrapped by line 4", "ERRORS   18/s", "inner source", "1 204")
	b.Press("enter")
	if m := uitest.ToACL[core.LineMsg](b); m.Line != 4 {
		t.Errorf("%+v", m)
	}
	b.Press("esc", "y", "Y")
	if m, _ := uitest.Last[core.CopyMsg](b); !strings.Contains(m.Text, `"kind":"vxlan"`) || !strings.Contains(m.Text, `"inner source not allowed":1204`) {
		t.Errorf("%+v", m)
	}
}

func TestNothingIsEditedWhereNothingCan(t *testing.T) {
	b := plain(t, 100, 26)
	b.Base.State.ReadOnly = "pid 4711 holds the pen"
	b.Frame()
	for _, key := range []string{"b", "e", ".", "D", "u", "a"} {
		if got := b.Why(key); got != "read-only: pid 4711 holds the pen" {
			t.Errorf("%s: %q", key, got)
		}
	}
	b.Base.Tunnels = snap.Tunnels{Why: "no eBPF"}
	b.Frame()
	b.Want("Tunnels are not looked at: no eBPF")
	b.Base.Tunnels = snap.Tunnels{}
	b.Frame()
	b.Want("No packet has come in a tunnel yet.")
}

// TestNoTabHoldsADraft: a build without the ACL tab still shows what there is.
func TestNoTabHoldsADraft(t *testing.T) {
	env, clock := uitest.Env(t, "dark", themes.TrueColor, false)
	b := &uitest.Bench{T: t, Tab: New(env), Env: env, Clock: clock, Base: uitest.Frame(0), W: 100, H: 26}
	b.Base.Tunnels = uitest.Tunnels()
	b.Frame()
	b.Want("vxlan")
	if got := b.Why("b"); got != "there is no policy here" {
		t.Error(got)
	}
}
