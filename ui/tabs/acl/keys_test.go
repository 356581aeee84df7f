// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

// staged is the text that the engine has as draft.
func staged(b *uitest.Bench) string { return b.Engine.Policy.Draft.Text }

func has(t *testing.T, b *uitest.Bench, want ...string) {
	t.Helper()
	text := b.Draw().Text() + b.Tab.Message(b.W)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing:\n%s", w, text)
		}
	}
}

// TestEditsReachTheEngine: each edit goes out as the whole text, undo takes it back, and the last undo drops the draft.
func TestEditsReachTheEngine(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 8)
	for _, step := range []struct {
		keys []string
		want func(string) bool
	}{
		{[]string{"."}, func(s string) bool { return strings.Contains(s, "\noff deny  in  from 203.0.113.0/24") }},
		{[]string{"J"}, func(s string) bool { return strings.Contains(s, "port 22\noff deny  in  from 203.0.113.0/24") }},
		{[]string{"K", "K"}, func(s string) bool {
			return strings.Contains(s, "off deny  in  from 203.0.113.0/24  # SSH scan\ndeny  in  from @scanners")
		}},
		{[]string{"D"}, func(s string) bool { return !strings.Contains(s, "203.0.113.0/24") }},
		{[]string{"u"}, func(s string) bool {
			return strings.Contains(s, "off deny  in  from 203.0.113.0/24  # SSH scan\ndeny  in  from @scanners")
		}},
		{[]string{"u", "u", "u"}, func(s string) bool {
			return strings.Contains(s, "\noff deny  in  from 203.0.113.0/24  # SSH scan\nallow")
		}},
		{[]string{"u"}, func(s string) bool { return s == "" }},
		{[]string{"ctrl+r"}, func(s string) bool { return strings.Contains(s, "\noff deny  in  from 203.0.113.0/24") }},
	} {
		b.Press(step.keys...)
		if !step.want(staged(b)) {
			t.Fatalf("after %v the draft is\n%s", step.keys, staged(b))
		}
		b.Frame()
	}
	last, _ := uitest.Last[core.DoMsg](b)
	if w := last.Intent.Policy; w.Base != 41 || w.Seq == 0 || w.Seq != b.Engine.Policy.Draft.Seq {
		t.Errorf("%+v", w)
	}
}

// TestOneDraftIsUnderWayAtATime: what is staged while another is being written goes out after it, newest only.
func TestOneDraftIsUnderWayAtATime(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	engine := b.Engine
	onLine(b, 4)
	b.Engine = nil // answers come when the test says so
	b.Press("J", "J", "J")
	var sent []snap.Intent
	for _, m := range b.Msgs {
		if do, ok := m.(core.DoMsg); ok {
			sent = append(sent, do.Intent)
		}
	}
	if len(sent) != 1 {
		t.Fatalf("%d drafts are under way", len(sent))
	}
	if tab(b).checked() != nil {
		t.Error("a draft that nobody has seen counts as checked")
	}
	b.Engine = engine
	b.Send(core.AnswerMsg{Intent: sent[0]})
	if !strings.Contains(staged(b), "@scanners log \"known scanners\"\nallow in  tcp from 10.0.0.0/8") || engine.Policy.Draft.Seq != 2 {
		t.Errorf("draft %d is\n%s", engine.Policy.Draft.Seq, staged(b))
	}
}

func TestTheEditorStagesNothingWrong(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 8)
	b.Press("e")
	if q := b.Asked.Flows; q.Limit != seenFlows || q.Filter != "" {
		t.Errorf("asked for %+v: the editor offers addresses seen", q)
	}
	b.Press("ctrl+u")
	b.Type("deny in tcp to any port 8000-80")
	b.Press("enter")
	has(t, b, "✗ column 25: ", "runs backwards")
	if staged(b) != "" {
		t.Fatalf("staged\n%s", staged(b))
	}
	if k := keys.Find(b.Tab.Bindings(), "enter"); k.Disabled == "" {
		t.Error("enter is not shown as blocked")
	}
	b.Press("ctrl+u")
	b.Type("deny in from @nosuch")
	has(t, b, "set @nosuch is not made anywhere")
	b.Press("enter")
	if staged(b) != "" {
		t.Fatalf("staged\n%s", staged(b))
	}
	b.Press("ctrl+u", "enter") // an empty line deletes nothing
	has(t, b, "┌ line 8")
	b.Type("deny in from 203.0.113.7")
	has(t, b, "never reached: line 7 takes all of its packets")
	b.Press("enter")
	has(t, b, "~    8 deny  in  203.0.113.7", "was: deny  in  from 203.0.113.0/24  # SSH scan")
	b.Press("e", "esc", "e", "enter") // neither is an edit
	if b.Engine.Policy.Draft.Seq != 1 {
		t.Errorf("%d drafts were staged", b.Engine.Policy.Draft.Seq)
	}
}

func TestTheEditorCompletes(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 8)
	b.Press("a")
	b.Type("de")
	b.Press("tab")
	b.Type("in from @")
	b.Press("tab")
	if got := tab(b).edit.field.Value(); got != "deny in from @scanners " {
		t.Errorf("%q", got)
	}
	b.Press("ctrl+u")
	b.Type("deny in from 203")
	b.Frame()
	b.Press("tab")
	if got := tab(b).edit.field.Value(); got != "deny in from 203.0.113.9 " {
		t.Errorf("%q: addresses seen are offered", got)
	}
	b.Press("backspace", "ctrl+u")
	b.Type("deny in tcp dev ")
	b.Press("down", "down", "up", "tab")
	if got := tab(b).edit.field.Value(); got != "deny in tcp dev eth0 " {
		t.Errorf("%q", got)
	}
}

func TestPastedAddressesMakeARuleEach(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	onLine(b, 7)
	b.Press("A")
	b.Type("deny in from ")
	b.Send(tea.PasteMsg{Content: "192.0.2.1\n192.0.2.2, 2001:db8::/64\n"})
	has(t, b, "2 more lines to come", "deny in from 192.0.2.1")
	b.Press("enter", "enter", "enter")
	if !strings.Contains(staged(b), "deny  in  from 192.0.2.1\ndeny  in  from 192.0.2.2\ndeny  in  from 2001:db8::/64\ndeny  in  from @scanners") {
		t.Errorf("\n%s", staged(b))
	}
	b.Press("a")
	b.Send(tea.PasteMsg{Content: "deny in tcp\nto any port 23"})
	if got := tab(b).edit.field.Value(); got != "deny in tcp to any port 23" {
		t.Errorf("%q", got)
	}
}

// TestTheLinesOfOthersStay: guard, defaults and deleted lines can't be edited, and say why.
func TestTheLinesOfOthersStay(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 30)
	why := func(key, want string) {
		t.Helper()
		if k := keys.Find(b.Tab.Bindings(), key); !strings.Contains(k.Disabled, want) {
			t.Errorf("%s: %q", key, k.Disabled)
		}
	}
	why("e", "guard")
	b.Press("G")
	why("D", "default in deny")
	onLine(b, 1)
	why(".", "nothing to switch off")
	onLine(b, 8)
	b.Press("D")
	why("e", "u takes the deletion back")
	b.Base.State.ReadOnly = "pid 4711 holds the pen"
	b.Frame()
	for _, key := range []string{"e", "a", "A", "D", "J", "K", ".", "u", "w"} {
		why(key, "pid 4711 holds the pen")
	}
	b.Base.State.ReadOnly, b.Engine.Policy.Why = "", "the kernel has no BPF"
	b.Frame()
	why("a", "the kernel has no BPF")
}

func TestTheCursorPassesWhatBelongsToARow(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 30)
	onLine(b, 6)
	b.Press("j")
	if r, _ := tab(b).list.Selected(); r.n != 7 || r.sub() {
		t.Errorf("%+v", r)
	}
	b.Press("j", "k", "k")
	if r, _ := tab(b).list.Selected(); r.n != 6 || r.sub() {
		t.Errorf("%+v", r)
	}
}

// TestADraftOfAnEarlierSessionIsTakenUp with a word about it.
func TestADraftOfAnEarlierSessionIsTakenUp(t *testing.T) {
	env, clock := uitest.Env(t, "dark", 0, false)
	b := &uitest.Bench{T: t, Tab: New(env), Env: env, Clock: clock, Base: uitest.Frame(9), All: uitest.Flows(9), W: 80, H: 24, Engine: uitest.NewEnforcer(uitest.PolicyText)}
	b.Engine.Policy.Draft = snap.Draft{Seq: 17, Text: uitest.PolicyText + "deny  out from 10.9.9.9\n"}
	b.Draw()
	b.Frame()
	m, _ := uitest.Last[core.ToastMsg](b)
	if m.Text != "draft of an earlier session: +1 new. C reviews it, x drops it" {
		t.Errorf("%q", m.Text)
	}
	if b.Engine.Policy.Draft.Seq != 18 {
		t.Errorf("draft %d: it is to be checked anew", b.Engine.Policy.Draft.Seq)
	}
	b.Frame()
	b.Press("G")
	has(t, b, "staged +1 new", "+   17 deny  out 10.9.9.9")
	b.Press("x")
	b.Pick("drop the draft")
	if staged(b) != "" {
		t.Errorf("\n%s", staged(b))
	}
	b.Press("u")
	if !strings.Contains(staged(b), "10.9.9.9") {
		t.Error("a dropped draft can't be brought back")
	}
}

// TestADraftMayComeLate: the engine reads its disk when the screen is up already.
func TestADraftMayComeLate(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	b.Press("a")
	b.Engine.Policy.Draft = snap.Draft{Seq: 17, Text: "deny  out from 10.9.9.9\n" + uitest.PolicyText}
	b.Frame()
	has(t, b, "staged +1 new", "+    1 deny  out 10.9.9.9")
	if tab(b).edit != nil {
		t.Error("the editor is open on a line that is another now")
	}
}

func TestVersionsAreStagedAgain(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	b.Press("V")
	b.Pick("40  2026-03-07 13:20  alice")
	if staged(b) != "deny  in  from 203.0.113.0/24\n" {
		t.Errorf("\n%s", staged(b))
	}
	b.Frame()
	has(t, b, "deleted")
	b.Press("u")
	if staged(b) != "" {
		t.Errorf("\n%s", staged(b))
	}
	b.Engine.Policy.Versions[0].Text = "deny nonsense"
	b.Frame()
	b.Press("V")
	b.Pick("40")
	if m, _ := uitest.Last[core.ToastMsg](b); m.Sev != snap.Crit || !strings.Contains(m.Text, "version 40") {
		t.Errorf("%+v", m)
	}
}

func TestSaving(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 24)
	b.Press("w")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Kind != snap.SavePolicy || m.Intent.Target != "" {
		t.Errorf("%+v", m)
	}
	b.Engine.Policy.File = ""
	b.Frame()
	b.Press("w", "enter")
	b.Type("/etc/p.acl")
	b.Press("enter")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Kind != snap.SavePolicy || m.Intent.Target != "/etc/p.acl" {
		t.Errorf("%+v", m)
	}
	t.Chdir(t.TempDir())
	onLine(b, 4)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	b.Press("w", "w")
	if m, _ := uitest.Last[core.ToastMsg](b); m.Sev != snap.Crit { // a second one of the same second would overwrite it
		t.Errorf("%+v", m)
	}
}

func TestARuleLeadsToItsFlows(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 30)
	goes := func(want string) {
		t.Helper()
		b.Press("enter")
		m, _ := uitest.Last[core.GoMsg](b)
		if f, ok := m.With.(core.FilterMsg); !ok || m.Tab != "Flows" || f.Filter != want {
			t.Errorf("%+v, want %s", m, want)
		}
	}
	onLine(b, 8)
	goes("rule:8")
	b.Press("G", "k")
	goes("rule:0 dir:in")
	onLine(b, 8)
	b.Press("y")
	if m, _ := uitest.Last[core.CopyMsg](b); !strings.HasPrefix(m.Text, "deny  in  from 203.0.113.0/24  # SSH scan  # ") {
		t.Errorf("%q", m.Text)
	}
}

// TestBrokenPolicyIsNotEdited: an edit of what could not be read would stage nearly nothing.
func TestBrokenPolicyIsNotEdited(t *testing.T) {
	b := bench(t, "deny nonsense\n", 80, 24)
	if k := keys.Find(b.Tab.Bindings(), "a"); k.Disabled == "" {
		t.Error("a line can be added to a policy that could not be read")
	}
	b.Send(core.DraftMsg{Rule: "deny in from 192.0.2.1"})
	if tab(b).edit != nil {
		t.Error("b opens the editor")
	}
}

func TestFinding(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 30)
	at := func(n int) {
		t.Helper()
		if r, _ := tab(b).list.Selected(); r.n != n {
			t.Errorf("at line %d, want %d", r.n, n)
		}
	}
	b.Press("/")
	b.Type("203.0.113")
	at(3)
	has(t, b, "203.0.113 ")
	b.Type("x")
	has(t, b, "no line holds it")
	at(0)
	b.Press("backspace", "enter", "n")
	at(8)
	b.Press("n")
	at(3)
	b.Press("N")
	at(8)
	b.Press("/")
	b.Type("TUNNEL")
	at(16)
	b.Press("esc")
	at(8)
}

// TestNoKeyHitsANeighbour: a row that went takes its keys with it.
func TestNoKeyHitsANeighbour(t *testing.T) {
	b := bench(t, uitest.PolicyText, 80, 30)
	onLine(b, 8)
	b.Press("a")
	b.Type("deny in from 192.0.2.1")
	b.Press("enter", "u")
	if r, ok := tab(b).selected(); !ok || r.n != 9 && r.n != 8 {
		t.Errorf("after undo the cursor is on %+v", r)
	}
	onLine(b, 13)
	b.Press("j") // a line that another policy does not have
	b.Engine.Policy.Kept, b.Engine.Policy.Text = 50, "deny in\nallow out\n"
	b.Frame()
	for _, key := range []string{"e", "D", "J", "."} {
		if k := keys.Find(b.Tab.Bindings(), key); k.Disabled == "" {
			t.Errorf("%s acts on a row that is gone", key)
		}
	}
}
