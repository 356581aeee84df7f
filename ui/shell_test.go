// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/tabs/acl"
	"hooktop/ui/tabs/chain"
	"hooktop/ui/tabs/decap"
	"hooktop/ui/tabs/events"
	"hooktop/ui/tabs/flows"
	"hooktop/ui/tabs/programs"
	"hooktop/ui/tabs/trace"
)

// realTabs are the tabs of this build.
func realTabs(o *Options, _ *core.Env, _ *look) {
	o.Tabs = []func(*core.Env) core.Tab{flows.New, acl.New, decap.New, chain.New, trace.New, events.New, programs.New}
}

func TestKeysOfThisBuild(t *testing.T) {
	s := newStage(t, 80, 24, realTabs)
	for i, tab := range s.m.tabs {
		s.m.at = i
		for _, err := range keys.Check(s.m.bindings()) {
			t.Errorf("%s: %v", tab.Name(), err)
		}
		for _, b := range s.m.global() {
			if b.Do == nil {
				t.Errorf("%s does nothing", b.Name)
			}
		}
	}
}

// TestHintsHaveBindings: every key that a footer names does something there.
func TestHintsHaveBindings(t *testing.T) {
	s := newStage(t, 300, 24, realTabs)
	s.frame()
	for i := range s.m.tabs {
		s.m.at, s.m.views.dirty = i, true
		line := s.view().Line(23)
		if !strings.HasSuffix(strings.TrimSpace(line), "? help") {
			t.Errorf("the last hint is not help: %q", line)
		}
		for _, h := range strings.Split(strings.TrimSpace(line), "  ") {
			if k, _, _ := strings.Cut(strings.TrimSpace(h), " "); k != "" && keys.Find(s.m.bindings(), k) == nil {
				t.Errorf("the hint %q has no binding", h)
			}
		}
	}
}

func TestTabsKeepTheirDigits(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.want("[1 Flows] 8 Programs")
	s.press("8")
	s.want("1 Flows [8 Programs]", "of Programs") // the tab got the frame that it had missed
	s.press("]")
	s.want("[1 Flows]")
	s.press("[")
	s.want("[8 Programs]")
	s.press("2")
	s.want("[8 Programs]")
	tabs := []core.Tab{&fakeTab{name: "Other"}, &fakeTab{name: "ACL"}, &fakeTab{name: "Another"}}
	if got := fmt.Sprint(digit(tabs, 0), digit(tabs, 1), digit(tabs, 2)); got != "1 2 3" {
		t.Error(got)
	}
}

func TestPauseFreezesAndAnswersQuestions(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.want("● LIVE 2Hz", "of frame 1 ")
	s.press("space")
	if hz := s.b.last().Hz; hz != pausedHz {
		t.Errorf("asked for %g Hz", hz)
	}
	s.want("❚❚ PAUSED, showing", "space resumes")
	before := s.m.View()
	s.clock.Pass(time.Minute)
	for range 3 {
		s.frame()
		s.send(tickMsg{})
	}
	if after := s.m.View(); after.Content != before.Content {
		t.Error("a paused screen changed")
	}
	s.press("j") // the tab asks for another window: its answer is shown
	s.frame()
	s.want("of frame 5 ")
	s.frame()
	s.want("of frame 5 ")
	s.press("Z")
	s.want("● LIVE", "of frame 6 ") // the newest one, at once
}

func TestStates(t *testing.T) {
	s := newStage(t, 80, 24)
	s.want("◌ STARTING")
	s.frame()
	s.clock.Pass(5 * time.Second)
	s.send(tickMsg{})
	s.want("◌ STALE 5 s, engine does not answer")
	s.frame()
	s.want("● LIVE")
	s.press("o")
	s.clock.Pass(2 * time.Second)
	s.frame()
	s.want("ORDER HELD")
	s.press("o")
	s.frame(func(f *snap.Frame) { f.State.ReadOnly = "pid 4711 holds the pen" })
	s.want("READ-ONLY, pid 4711 holds the pen")
	s.frame(func(f *snap.Frame) { f.State.Fallback = "bpf(2): operation not permitted" })
	s.want("FALLBACK, bpf(2): operation not permitted")
	s.frame(func(f *snap.Frame) { f.NetNS = "4026532177"; f.Interfaces = f.Interfaces[:1] })
	s.want("lb-07[4026532177] eth0 ")
	s.send(frameMsg{err: errors.New("read frames: connection refused")})
	s.want("✗ NO ENGINE read frames: connection refused, last data")
	s.press("r")
	if s.m.feed.ended != nil {
		t.Error("r does not try again")
	}
}

func TestMessageLinePriorities(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	row := func(want string) {
		t.Helper()
		if got := strings.TrimSpace(s.view().Line(22)); !strings.HasPrefix(got, want) {
			t.Errorf("message line %q, want %q", got, want)
		}
	}
	row("1-19 of 38 212")
	s.send(core.ToastMsg{OK: true, Text: "v42 kept"})
	row("✓ v42 kept")
	s.send(core.ToastMsg{Sev: snap.Crit, Text: "apply failed: E2BIG. Nothing changed."})
	row("✗ apply failed")
	s.press("x")
	row("detach it?   y detach   any other key: no")
	s.press("x")
	row("✗ apply failed")
	s.press("/", "a", "b")
	row("ab")
	s.press("esc")
	row("✗ apply failed")
	s.press("esc")
	row("i detach: not done")
	s.clock.Pass(11 * time.Second)
	s.send(tickMsg{})
	row("1-19 of 38 212")
}

func TestConfirmation(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.b.answer = snap.Answer{Text: "detached", Command: "hooktop detach eth0"}
	s.press("x", "enter")
	s.press("x", "esc")
	s.press("x", "space")
	if len(s.b.did) != 0 {
		t.Fatal("enter, esc or space confirmed")
	}
	s.press("x", "y")
	if len(s.b.did) != 1 {
		t.Fatal("y did not confirm")
	}
	s.want("✓ detached")
	if _, ok := s.tab().got[len(s.tab().got)-1].(core.AnswerMsg); !ok {
		t.Errorf("the tab did not get its answer: %T", s.tab().got[len(s.tab().got)-1])
	}
	s.press("@")
	s.want("hooktop detach eth0")
	s.press("esc")
	s.m.last = "y" // whatever led here
	s.send(core.ConfirmMsg{Question: "sure?", Verb: "go", Do: func() tea.Cmd { t.Error("confirmed by the key that led here"); return nil }})
	s.want("sure?", " d go")
	s.press("y")
}

// TestOrderIsHeldUnderMenus: rows must not move while something stands over them.
func TestOrderIsHeldUnderMenus(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	for _, open := range []string{"?", ":", "T", "@", "c", "x"} {
		if s.b.last().Flows.Hold {
			t.Errorf("before %s: held", open)
		}
		s.press(open)
		if !s.b.last().Flows.Hold {
			t.Errorf("%s does not hold the order", open)
		}
		s.press("esc")
	}
}

func TestPaste(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.send(tea.PasteMsg{Content: "qD1x"})
	s.want("paste ignored: no field is open")
	if len(s.calls) > 0 || s.m.confirm != nil {
		t.Error("a paste was taken for commands")
	}
	s.press("/")
	s.send(tea.PasteMsg{Content: "proto:tcp\n!src:10.0.0.1"})
	if got := s.tab().field.Value(); got != "proto:tcp !src:10.0.0.1" {
		t.Errorf("%q", got)
	}
	s.press("esc", ":")
	s.send(tea.PasteMsg{Content: "theme light"})
	s.press("enter")
	if s.m.env.Theme.Name != "light" {
		t.Error(s.m.env.Theme.Name)
	}
	s.press("x")
	s.send(tea.PasteMsg{Content: "y"})
	if len(s.b.did) > 0 {
		t.Error("a paste confirmed")
	}
}

func TestFieldsTakeGlobalLetters(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.press("/", "q", "1", "?", "space", ":")
	if got := s.tab().field.Value(); got != "q1? :" || len(s.calls) > 0 || s.m.over != nil {
		t.Errorf("%q %v", got, s.calls)
	}
	s.press("ctrl+c") // cancels the field first
	if s.tab().editing || len(s.calls) > 0 {
		t.Error("ctrl+c did not just cancel the field")
	}
	s.press("ctrl+c")
	if fmt.Sprint(s.calls) != "[quit]" {
		t.Error(s.calls)
	}
}

func TestSplitEscapeIsNoCommand(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.press("esc", "[", "x")
	if s.m.at != 0 || s.m.confirm != nil {
		t.Error("the rest of a split arrow acted")
	}
	s.clock.Pass(time.Second)
	s.press("[")
	if s.m.at != 1 {
		t.Error("[ by itself does nothing")
	}
}

func TestDisabledKeysSayWhy(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.press("n")
	s.want("never: it is only for the test")
}

func TestRateFollowsTheTerminal(t *testing.T) {
	s := newStage(t, 80, 24)
	s.slow = true // the first drawings of a loaded machine
	s.frame(func(f *snap.Frame) { f.Started = false })
	s.slow, s.seq = true, s.seq+9 // frames come in bursts while programs attach
	s.frame()
	s.want("LIVE 2Hz")
	s.seq += 9 // a burst after a key
	s.frame()
	s.want("LIVE 2Hz")
	s.slow = true
	s.frame()
	s.want("LIVE 1Hz (slowed)", "1.24Mpps 9.81Gb/s drop .02%", "refresh slowed from 2Hz to 1Hz: the terminal is behind")
	s.send(tea.WindowSizeMsg{Width: 160, Height: 24})
	s.want("LIVE 1Hz (slowed from 2Hz: terminal is behind)")
	s.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	if hz := s.b.last().Hz; hz != 1 {
		t.Errorf("asked for %g Hz", hz)
	}
	s.seq += 3 // snapshots overwritten in the mailbox, all the while
	s.clock.Pass(3 * time.Second)
	s.frame()
	s.want("LIVE 0.5Hz")
	for range 2 {
		s.clock.Pass(10 * time.Second)
		s.send(tickMsg{})
	}
	s.frame()
	s.want("● LIVE 2Hz")
	s.press("}")
	s.want("refresh 5Hz")
	s.press("{", "{", "{", "{", "{", "{", "{")
	if hz := s.b.last().Hz; hz != 0.2 {
		t.Errorf("asked for %g Hz", hz)
	}
	s.press("}", "}", "}")
	s.send(tea.BlurMsg{})
	if q := s.b.last(); q.Hz != 0.5 || q.Focus {
		t.Errorf("blurred: %+v", q)
	}
	s.send(tea.FocusMsg{})
	if q := s.b.last(); q.Hz != 2 || !q.Focus {
		t.Errorf("focused: %+v", q)
	}
}

func TestQueriesAreAskedOnceAndOfTheTabInView(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	n := len(s.b.asked)
	s.frame()
	s.send(tickMsg{})
	s.press("esc")
	if got := len(s.b.asked); got != n {
		t.Errorf("asked again without a change: %+v", s.b.asked[n:])
	}
	s.press("j")
	if q := s.b.last(); len(s.b.asked) != n+1 || q.Flows.Offset != 1 || q.Tab != "Flows" {
		t.Errorf("%+v", q)
	}
	s.press("8")
	if q := s.b.last(); q.Tab != "Programs" || q.ID <= 1 {
		t.Errorf("%+v", q)
	}
}

func TestStartScreen(t *testing.T) {
	bad := func(f *snap.Frame) {
		f.Start = append(f.Start, snap.Status{Name: "pipeline wg0 ingress", Outcome: snap.Unavailable, Why: "permission denied", Fix: "run as root"})
	}
	pending := func(f *snap.Frame) { f.Started = false; f.Start[0].Outcome = snap.Pending }
	s := newStage(t, 80, 24)
	s.frame(pending)
	s.want("attaching on lb-07   0 of 1", "hooktop cleanup")
	early := newStage(t, 80, 24)
	early.frame(pending)
	early.press("!") // asked for before it left by itself
	early.frame()
	early.want("attached on lb-07")
	s.frame()
	s.wantNot("hooktop cleanup") // all is fine: it leaves by itself
	s.press("!")
	s.want("attached on lb-07", "✓ pipeline eth0 ingress", "attached generic XDP", "Left out", "Your way in")
	s.clock.Pass(time.Hour)
	s.send(tickMsg{})
	s.want("attached on lb-07") // the user opened it
	s.press("a")
	if len(s.b.did) != 1 || s.b.did[0].Kind != snap.WatchInterface {
		t.Error(s.b.did)
	}
	s.press("j", "x") // a key that is not its own closes it and acts
	s.want("detach it?")

	s = newStage(t, 80, 24)
	s.frame(bad)
	s.want("✗ pipeline wg0 ingress", "because permission denied", "→ run as root")
	s.clock.Pass(startStays)
	s.send(tickMsg{})
	s.wantNot("because permission denied")
	s.want("0 of 2 programs degraded, 1 unavailable: ! shows which and why")

	s = newStage(t, 80, 24)
	s.frame(bad)
	s.press("ctrl+c")
	if fmt.Sprint(s.calls) != "[quit]" {
		t.Error(s.calls)
	}
}

// Each r collects and ranks anew, once.
func TestRefreshRanksEachTime(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	for range 2 {
		before := len(s.b.asked)
		s.press("r")
		if q := s.b.last(); len(s.b.asked) == before || !q.Flows.Rerank {
			t.Fatalf("r asked %d times, rerank %v", len(s.b.asked)-before, q.Flows.Rerank)
		}
		s.press("o")
		if s.b.last().Flows.Rerank {
			t.Fatal("the wish outlives its answer")
		}
	}
}
