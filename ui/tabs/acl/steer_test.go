// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// TestTunnelAndChainLinesAreLinesLikeOthers: they have counters, say what is wrong, and are edited in place.
func TestTunnelAndChainLinesAreLinesLikeOthers(t *testing.T) {
	b := bench(t, uitest.SteerText, 80, 26)
	uitest.GoldenScreen(t, "steer_80x26", b.Draw(), false)
	want := func(texts ...string) {
		t.Helper()
		got := b.Draw().Text()
		for _, s := range texts {
			if !strings.Contains(got, s) {
				t.Errorf("%q is not on the screen:\n%s", s, got)
			}
		}
	}
	want("└ suspended: the kernel's vxlan device vx200 serves port 4789", "└ closed: no answer from 10.9.1.2")
	onLine(b, 4)
	b.Press("enter")
	if g, _ := uitest.Last[core.GoMsg](b); g.Tab != snap.DecapTab {
		t.Errorf("enter on a tunnel line: %+v", g)
	}
	b.Press("e", "ctrl+u")
	b.Type("tunnel vxlan port 4789 vni 101 count")
	b.Press("enter")
	want("~    4 tunnel vxlan port 4789 vni 101", "staged", "└ was: tunnel vxlan port 4789 vni 100")
	onLine(b, 10)
	b.Press("enter")
	if g, _ := uitest.Last[core.GoMsg](b); g.Tab != snap.ChainTab {
		t.Errorf("enter on a chain line: %+v", g)
	}
	b.Press(".")
	want("~   10 off chain fw")
	b.Base.Tunnels.Lines[1].State = "strips"
	b.Base.Chains.Rows[1].State = "ok"
	b.Frame()
	if got := b.Draw().Text(); strings.Contains(got, "suspended") || strings.Contains(got, "closed:") {
		t.Errorf("what is over is still said:\n%s", got)
	}
}

// TestADraftedLineGoesWhereItsKindStands.
func TestADraftedLineGoesWhereItsKindStands(t *testing.T) {
	for rule, line := range map[string]string{"deny in from 1.2.3.4": "new line 3", "tunnel gre vni any count": "new line 9", "chain x in y": "new line 13"} {
		b := bench(t, uitest.SteerText, 80, 26)
		b.Send(core.DraftMsg{Rule: rule})
		if got := tab(b).editTitle(); got != line {
			t.Errorf("%s: %s, want %s", rule, got, line)
		}
	}
	b := bench(t, "default in allow\n", 80, 26)
	b.Send(core.DraftMsg{Rule: "tunnel gre vni any count"})
	if got := tab(b).editTitle(); got != "new line 2" {
		t.Errorf("in a file without: %s", got)
	}
}
