// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// TestATrialNeedsTheHostsName where the draft closes a way in, and where nothing would be protected. No key confirms the
// name, and none that ends it starts the trial.
func TestATrialNeedsTheHostsName(t *testing.T) {
	for name, risk := range map[string]func(*uitest.Bench){
		"cut":     func(b *uitest.Bench) { b.Engine.Cuts = []string{"ssh 10.0.0.8:50122 would be cut"} },
		"console": func(b *uitest.Bench) { b.Base.State.NoRemote = true },
	} {
		b := bench(t, uitest.PolicyText, 80, 24)
		risk(b)
		onLine(b, 4)
		b.Press("D")
		b.Frame()
		b.Send(core.ReviewMsg{})
		b.Press("t")
		b.Type("lb-0t")
		b.Press("enter", "t", "esc", "t")
		if b.Engine.Began != 0 {
			t.Fatalf("%s: a trial began without the name", name)
		}
		b.Type("lb-07")
		has(t, b, "the host's name is given: t begins the trial")
		if b.Engine.Began != 0 {
			t.Fatalf("%s: the name alone began it", name)
		}
		b.Press("enter", "t")
		last, _ := uitest.Last[core.DoMsg](b)
		if b.Engine.Began != 1 || last.Intent.Policy.Host != "lb-07" {
			t.Errorf("%s: %d trials, %+v", name, b.Engine.Began, last.Intent)
		}
	}
}

func TestTheReviewWaitsForTheCheck(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	b.Send(core.ReviewMsg{})
	if m, _ := uitest.Last[core.ToastMsg](b); !strings.HasPrefix(m.Text, "nothing is staged") {
		t.Errorf("%q", m.Text)
	}
	b.Engine.Slow = true
	onLine(b, 4)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	b.Press("t", "enter")
	has(t, b, "t waits: the draft is being checked")
	if b.Engine.Began != 0 {
		t.Fatal("a draft that was not checked is on trial")
	}
	b.Engine.Policy.Draft.Checked = true
	b.Frame()
	b.Engine.Fail = "commit: another generation stands"
	b.Press("t")
	has(t, b, "✗ commit: another generation stands")
	b.Press("t")
	if b.Engine.Began != 1 || tab(b).review != nil {
		t.Errorf("%d trials, review %v", b.Engine.Began, tab(b).review)
	}
	b.Frame()
	if len(b.Msgs) == 0 {
		t.Error("nothing was said")
	}
}

func TestADraftThatWasNotTakenIsNotTried(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	engine := b.Engine
	onLine(b, 4)
	b.Engine = nil
	b.Press("D")
	sent, _ := uitest.Last[core.DoMsg](b)
	b.Engine = engine
	b.Send(core.AnswerMsg{Intent: sent.Intent, Answer: snap.Answer{Err: "keep the draft: no space left on device"}})
	b.Frame()
	has(t, b, "staged −1 deleted · ✗ keep the draft: no space left on device")
	b.Send(core.ReviewMsg{})
	b.Press("t")
	has(t, b, "t waits: the draft was not taken: keep the draft: no space")
	if b.Engine.Began != 0 {
		t.Error("it is on trial")
	}
}

// TestAfterATrialLapsedTheDraftIsStillThere, and counters belong to what is in force.
func TestAfterATrialLapsedTheDraftIsStillThere(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 4)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	b.Press("t")
	b.Frame()
	onLine(b, 4) // the line that was 5
	if r, _ := tab(b).list.Selected(); tab(b).hits(r) == nil || tab(b).hits(r).Line != 4 {
		t.Errorf("counters of the trial: %+v", tab(b).hits(r))
	}
	b.Engine.Policy.Trial = snap.Trial{}
	b.Frame()
	onLine(b, 4)
	if r, _ := tab(b).list.Selected(); tab(b).hits(r) == nil || tab(b).hits(r).Line != 5 {
		t.Errorf("counters of what stands: %+v", tab(b).hits(r))
	}
	has(t, b, "staged −1 deleted")
}

func TestAnotherPolicyUnderTheDraft(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	b.Engine.Policy.Kept, b.Engine.Policy.Text = 50, "deny in\n" // without edits: it is simply shown
	b.Frame()
	has(t, b, "1 deny  in")
	if staged(b) != "" {
		t.Errorf("\n%s", staged(b))
	}
	onLine(b, 1)
	b.Press("a")
	b.Type("allow out")
	b.Press("enter")
	b.Engine.Policy.Kept, b.Engine.Policy.Text = 51, "deny in\ndeny out\n"
	b.Frame()
	m, _ := uitest.Last[core.ToastMsg](b)
	if !strings.Contains(m.Text, "another policy stands now") || b.Engine.Policy.Draft.Base != 51 {
		t.Errorf("%q, draft over %d", m.Text, b.Engine.Policy.Draft.Base)
	}
}

// TestAPolicyOnTrialSinceTheLaunchIsShown: its rules decide, so that an empty table would lie.
func TestAPolicyOnTrialSinceTheLaunchIsShown(t *testing.T) {
	b := bench(t, "", 80, 24)
	b.Engine.Policy.Kept = 0
	b.Engine.Policy.Trial = snap.Trial{Gen: 1, Text: "deny in tcp to any port 23\n", Lease: 15e9}
	b.Frame()
	has(t, b, "+    1 deny  in  any               any             tcp  23         1.02M    now")
	b.Engine.Policy.Trial = snap.Trial{}
	b.Frame()
	has(t, b, "+    1 deny  in", "staged +1 new")
	b.Engine.Policy.Kept, b.Engine.Policy.Text = 2, "deny  in  tcp to any port 23\n"
	b.Frame()
	has(t, b, "     1 deny  in", "saved as")
}

// TestEditsGoOnDuringATrial: keeping it leaves what was edited since staged, and nothing else.
func TestEditsGoOnDuringATrial(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 9)
	b.Press("e", "ctrl+u")
	b.Type("deny udp") // nothing like the line that it was
	b.Press("enter")
	b.Frame()
	b.Send(core.ReviewMsg{})
	b.Press("t")
	b.Frame()
	onLine(b, 4)
	b.Press(".")
	b.Engine.Do(snap.Intent{Kind: snap.KeepPolicy, Arg: b.Engine.Policy.Trial.Code})
	b.Msgs = nil
	b.Frame()
	has(t, b, "staged ~1 changed", "~    4 allow in", "     9 deny      any")
	if m, ok := uitest.Last[core.ToastMsg](b); ok {
		t.Errorf("%+v", m)
	}
	if base := b.Engine.Policy.Draft.Base; base != 42 {
		t.Errorf("the draft is over %d", base)
	}
}
