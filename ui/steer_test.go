// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// steering is a stage over a policy with tunnel and chain lines, seen once.
func steering(t testing.TB, w, h int) *stage {
	t.Helper()
	s := newStage(t, w, h, realTabs, func(_ *Options, e *core.Env, _ *look) { e.Units.UTC = true })
	s.b.engine = uitest.NewEnforcer(uitest.SteerText)
	s.frame()
	return s
}

// lastDraft is the text that was staged last.
func (s *stage) lastDraft() string {
	for i := len(s.b.did) - 1; i >= 0; i-- {
		if s.b.did[i].Kind == snap.StagePolicy {
			return s.b.did[i].Policy.Text
		}
	}
	return ""
}

// TestAMarkGoesFromItsCellToKept: the Chain tab has no draft of its own; the review and the lease are the ACL tab's.
func TestAMarkGoesFromItsCellToKept(t *testing.T) {
	s := steering(t, 80, 24)
	s.press("4") // the ACL tab was never in view
	s.frame()
	s.want("[4 Chain]", "2 chains, 1 closed", "lan0 → fw0  to service", "C review, trial")
	s.press("j", "e", "ctrl+u", "2", "0", "/", "f", "0")
	s.want("[20/f0", "✓ 20/f0: no conflict", "enter stage")
	s.press("enter")
	s.want("~fw", "└ was: 10/f0", "1 STAGED, C reviews", "checking")
	if got := s.lastDraft(); !strings.Contains(got, "mark 0x20/0xf0") {
		t.Errorf("staged %q", got)
	}
	s.frame()
	s.want("staged ~1 changed · 1 remark")
	s.press("C")
	s.want("[2 ACL]", "REVIEW 1 staged edit", "−    10  chain fw", "+    10  chain fw", "comes back after 15 s")
	s.press("t")
	s.frame()
	s.press("4", "C", "k")
	s.frame()
	if got := fmt.Sprint(s.did()); got != "[commit keep]" {
		t.Error(got)
	}
	s.wantNot("STAGED", "was: 10/f0")
	s.press("u")
	s.want("└ was: 20/f0", "1 STAGED")
	s.press("2")
	s.frame()
	s.want("[2 ACL]", "1 STAGED, C reviews and applies", "~   10 chain fw in lan0")
}

func TestATunnelLineIsDraftedFromItsRow(t *testing.T) {
	s := steering(t, 80, 24)
	s.press("3")
	s.frame()
	s.want("[3 Decap]", "tunnels 119.1kpps", "stripped 59.5%")
	s.press("j", "b")
	s.want("[2 ACL]", "EDITING new line 9", "peers 10.4.2.9 strip inner", "say which inner sources")
	for _, r := range "10.90.0.0/16" {
		s.press(string(r))
	}
	s.press("enter")
	s.want("+    9 tunnel ipip to 10.9.0.1 peers 10.4.2.9")
	if got := s.lastDraft(); !strings.Contains(got, "10.90.0.0/16") || strings.Index(got, "ipip") < strings.Index(got, "off tunnel gue") || strings.Index(got, "ipip") > strings.Index(got, "chain fw") {
		t.Errorf("staged %q", got)
	}
	s.press("3")
	s.frame()
	s.want("STAGED, C reviews", "staged +1 new")
	s.press("tab")
	s.want("staged", "tunnel ipip to 10.9.0.1", "└ suspended: the kernel's vxlan device vx200")
	s.press("u")
	s.wantNot("tunnel ipip to 10.9.0.1", "STAGED")
	s.press("tab", "k", "enter", "enter")
	s.want("[2 ACL]", ">     6 tunnel gre vni any")
	s.press("3", "e")
	s.want("[2 ACL]", "EDITING line 6", "tunnel gre vni any to 10.9.0.1 peers 10.4.2.0/24")
	s.press("esc", "3")
	s.frame()
	s.want("[3 Decap]")
}

// TestAnOpenEditorIsNotShifted: another tab's edit does not change lines under the editor.
func TestAnOpenEditorIsNotShifted(t *testing.T) {
	s := steering(t, 80, 24)
	s.press("2")
	s.frame()
	s.press("j", "j", "j", "e")
	s.m.goTo(3) // a click on the tab bar
	s.frame()
	s.want("[4 Chain]")
	s.press(".")
	s.want("finish what is open on the ACL tab first")
	if got := s.lastDraft(); got != "" {
		t.Errorf("staged %q", got)
	}
	s.send(core.TellMsg{Tab: "nowhere", With: core.EditMsg{Verb: core.EditUndo}})
	s.send(core.TellMsg{Tab: snap.ACLTab, With: core.EditMsg{Verb: core.EditDelete, Line: 3, Was: "deny  in  from 203.0.113.0/24  # SSH scan"}})
	if got := s.lastDraft(); got != "" {
		t.Errorf("staged %q", got)
	}
}

// TestAnEditOfALineThatIsAnotherByNowIsRefused: keys that come late hit nobody else's line.
func TestAnEditOfALineThatIsAnotherByNowIsRefused(t *testing.T) {
	s := steering(t, 80, 24)
	s.press("4")
	s.frame()
	for _, e := range []core.EditMsg{{Verb: core.EditDelete, Line: 3, Was: "deny in from 1.2.3.4"}, {Verb: core.EditSwitch, Line: 0}, {Verb: core.EditText, Line: 99, Was: "x", Text: "y"}} {
		s.send(core.TellMsg{Tab: snap.ACLTab, With: e})
		s.want("the draft has changed meanwhile, nothing was done")
		s.press("esc")
	}
	s.send(core.TellMsg{Tab: snap.ACLTab, With: core.EditMsg{Verb: core.EditText, Line: 3, Was: "deny  in  from 203.0.113.0/24  # SSH scan", Text: "deny in from nowhere"}})
	s.want("edit line 3: column 14")
	if got := s.lastDraft(); got != "" {
		t.Errorf("staged %q", got)
	}
}

func TestDriftIsRepairedFromTheScreen(t *testing.T) {
	s := steering(t, 80, 24)
	s.press("4")
	s.frame(func(f *snap.Frame) { f.Chains.Steer[0].State = "missing" })
	s.press("R")
	if got := fmt.Sprint(s.did()); got != "[repair]" {
		t.Error(got)
	}
}
