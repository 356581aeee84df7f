// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

// enforcing is a stage with the tabs of this build over a policy, seen once.
func enforcing(t testing.TB, w, h int, set ...setting) *stage {
	t.Helper()
	s := newStage(t, w, h, append([]setting{realTabs, func(_ *Options, e *core.Env, _ *look) { e.Units.UTC = true }}, set...)...)
	s.b.engine = uitest.NewEnforcer(uitest.PolicyText)
	s.frame()
	return s
}

// did lists what was asked of the engine, but for drafts.
func (s *stage) did() (out []snap.IntentKind) {
	for _, i := range s.b.did {
		if i.Kind != snap.StagePolicy {
			out = append(out, i.Kind)
		}
	}
	return out
}

// tried brings a trial about: the rule under the cursor switched off, reviewed, on trial.
func (s *stage) tried() {
	s.press("2")
	s.frame()
	s.press("j", "j", "j", "j", ".")
	s.frame()
	s.press("C", "t")
	s.clock.Pass(5 * time.Second) // what was said of it is gone
	s.send(tickMsg{})
	s.frame()
}

func TestAnEditGoesFromTheRowToKept(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.press("2")
	s.frame()
	s.want("[2 ACL]", "v41 · 11 rules", "saved as /etc/hooktop/policy.acl", "C review, trial")
	s.press("j", "j", "j", "j", ".")
	s.want("~    4 allow in", "└ was: allow in", "off", "1 STAGED, C reviews and applies", "checking")
	s.frame()
	s.want("staged ~1 changed · 1 remark · drops 41 flows 12.3kpps")
	s.press("C")
	s.want("DIFF   v41 kept → draft", "−     4  allow in  tcp from 10.0.0.0/8", "+     4  off allow in  tcp", "dropped    41 flows   12.3kpps", "comes back after 15 s")
	s.press("enter", "k", "y", "p", "P")
	if got := s.did(); got != nil {
		t.Fatalf("the review asked for %v without t", got)
	}
	s.press("t")
	s.frame()
	s.want("✓ v42 is on trial", "TRIAL 0:12  C then k keep")
	s.clock.Pass(5 * time.Second)
	s.send(tickMsg{})
	s.frame()
	s.want("◆ TRIAL v42 on lb-07 · v41 comes back in 0:12 · drops +12.3k/s, as forecast", "C then k keep v42 · r restore v41 · e +15 s", "hooktop keep 7K3F-9Q")
	for _, key := range []string{"1", "5", "8"} {
		s.press(key)
		s.want("TRIAL v42", "C then k keep")
	}
	s.press("1", "/")
	s.want("TRIAL 0:12  esc C then k keep r restore e +15 s") // the filter has the line above
	s.press("esc", "enter", "k", "t", "C", "enter", "t", "q", "C")
	if got := s.did(); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	s.want("comes back by itself in 0:12", "k    keep v42", "nobody has logged in anew yet")
	s.press("e", "k")
	if got := fmt.Sprint(s.did()); got != "[commit extend keep]" {
		t.Error(got)
	}
	s.frame()
	s.wantNot("TRIAL")
	s.want("✓ v42 kept")
	s.press("2")
	s.frame()
	s.want("v42 · 11 rules")
	s.wantNot("STAGED")
	s.press("u") // what was kept can still be undone: as another draft
	s.want("1 STAGED", "~    4 allow in")
}

func TestTheLeaseCountsOnWithoutFrames(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.tried()
	s.press("space")
	s.want("PAUSED", "0:12")
	s.clock.Pass(5 * time.Second)
	s.send(tickMsg{})
	s.want("0:07")
	s.clock.Pass(8 * time.Second)
	s.send(tickMsg{})
	s.want("the lease has ended: v41 decides again")
	s.press("C", "k")
	if got := s.did(); len(got) != 1 {
		t.Errorf("a trial whose lease is over was kept: %v", got)
	}
	s.b.engine.Policy.Trial = snap.Trial{}
	s.frame()
	s.press("esc", "space")
	s.frame()
	s.wantNot("TRIAL")
	s.want("1 STAGED") // the edit is not lost
}

func TestDropsBeyondTheForecastAreSaid(t *testing.T) {
	s := enforcing(t, 160, 40)
	s.tried()
	s.b.engine.Policy.Trial.DropPPS = 55000
	s.b.engine.Policy.Trial.Quiet = 3
	s.b.engine.Policy.Trial.Fresh = true
	s.frame()
	s.want("drops +55.0k/s, 4x the forecast · 3 flows went quiet · a fresh login got in")
	s.b.engine.Policy.Trial.DropPPS, s.b.engine.Policy.Trial.Forecast = 0, snap.Impact{}
	s.frame()
	s.want("drops +0/s, as forecast")
}

// TestATrialStandsOnEveryScreen: whatever else is open, at every size, what comes back and when is there.
func TestATrialStandsOnEveryScreen(t *testing.T) {
	for _, size := range [][2]int{{40, 10}, {44, 12}, {60, 11}, {80, 23}, {80, 24}, {160, 50}, {300, 100}} {
		for name, ks := range map[string][]string{"plain": nil, "help": {"?"}, "palette": {":"}, "filter": {"1", "/"}, "quit": {"q"}, "panel": {"C"}, "edit": {"2", "e"}} {
			s := enforcing(t, 80, 24)
			s.tried()
			s.press("1")
			s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			s.press(ks...)
			text := s.view().Text()
			if !strings.Contains(text, "TRIAL") || !strings.Contains(text, "0:12") || !strings.Contains(text, map[bool]string{true: " k keep", false: "C then k"}[name == "panel"]) {
				t.Errorf("%s at %v:\n%s", name, size, text)
			}
		}
	}
}

func TestATrialShowsWhereNothingElseDoes(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.tried()
	s.send(tea.WindowSizeMsg{Width: 30, Height: 5})
	s.want("TRIAL v42 0:12 then v41")
}

func TestTrialGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}, {40, 10}} {
		s := enforcing(t, size[0], size[1])
		s.tried()
		uitest.GoldenScreen(t, fmt.Sprintf("trial_%dx%d", size[0], size[1]), s.view(), size[0] == 80)
		s.press("C")
		uitest.GoldenScreen(t, fmt.Sprintf("trialpanel_%dx%d", size[0], size[1]), s.view(), false)
	}
}

func TestQuitSaysWhichChainsEnd(t *testing.T) {
	for want, rows := range map[string][]snap.Chain{"": nil, ", opens chain fw": {{Name: "fw"}}, ", opens 2 chains": {{Name: "fw"}, {Name: "ids"}}} {
		if got := opened(rows); got != want {
			t.Errorf("%d chains: %q", len(rows), got)
		}
	}
}

func TestQuitSaysWhatEnds(t *testing.T) {
	s := enforcing(t, 120, 24)
	s.press("q")
	s.want("quitting ends v41, readmits 88.1kpps 45.1Mb/s, opens 2 chains. quit?", "y quit")
	s.press("q")
	s.want("quit: not done")
	if s.calls != nil {
		t.Fatalf("%v", s.calls)
	}
	s.press("ctrl+c", "ctrl+c") // what is enforced does not end by the key that asked
	if s.calls != nil {
		t.Fatalf("%v", s.calls)
	}
	s.tried()
	s.press("q")
	s.want("v42 was not kept: quitting takes it back and ends v41")
	s.press("esc")

	s = enforcing(t, 120, 24)
	s.b.engine.Policy.Kept, s.b.engine.Policy.Text = 0, ""
	s.frame()
	s.press("2")
	s.frame()
	s.press("a")
	for _, r := range "deny in" {
		s.press(map[bool]string{true: "space", false: string(r)}[r == ' '])
	}
	s.press("enter")
	s.frame()
	s.press("ctrl+c")
	s.want("staged edits stay on disk as draft. quit?")
	s.press("ctrl+c")
	if got := fmt.Sprint(s.calls); got != "[quit]" {
		t.Error(got)
	}

	s = enforcing(t, 80, 24)
	s.b.engine = nil
	s.frame()
	s.press("q")
	if got := fmt.Sprint(s.calls); got != "[quit]" {
		t.Errorf("nothing ends with it, and yet: %s", got)
	}
}

func TestAFlowIsBlockedFromItsRow(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.press("j", "j", "j", "b") // 203.0.113.9
	s.want("[2 ACL]", "EDITING new line 4", "deny  in  from 203.0.113.9")
	s.press("enter")
	s.want("+    4 deny  in  203.0.113.9")
	last := s.b.did[len(s.b.did)-1]
	if last.Kind != snap.StagePolicy || !strings.Contains(last.Policy.Text, "\ndeny  in  from 203.0.113.9\nallow in  tcp") || last.Policy.Base != 41 {
		t.Errorf("%+v", last)
	}
	s.press("j", "enter")
	s.want("[1 Flows]", "filter rule:4")
	if got := s.b.last().Flows.Filter; got != "rule:4" {
		t.Errorf("asked for %q", got)
	}
	s.press("u")
	if got := s.b.last().Flows.Filter; got != "" {
		t.Errorf("asked for %q after undo", got)
	}
}

// TestNothingHappensByAccident: keys at random, a million of them in the long form (make test-faults). A trial begins by t in a review that C opened,
// and is kept by k in the panel that C opened; a canary goes on to the rest by n in that panel: by no other key and from nowhere else.
func TestNothingHappensByAccident(t *testing.T) {
	n := 12_000
	if rounds, err := strconv.Atoi(os.Getenv("HOOKTOP_ROUNDS")); err == nil {
		n = rounds * 5000
	}
	t.Chdir(t.TempDir()) // w writes files
	r := rand.New(rand.NewPCG(4, 2026))
	s := enforcing(t, 80, 24)
	s.b.engine = uitest.NewEnforcer(uitest.PolicyText + uitest.SteerText[strings.Index(uitest.SteerText, "tunnel"):])
	s.b.engine.Several()
	all := []string{"j", "k", "e", "a", "A", "D", "J", "K", ".", "u", "ctrl+r", "V", "w", "x", "y", "C", "C", "t", "k", "m", "r", "d", "c", "s", "n", "N", "P", "enter", "esc", "tab", "space",
		"1", "2", "3", "4", "5", "6", "8", "R", "E", "p", "f", "/", "q", "ctrl+c", "b", "down", "up", "?", ":", "@", "[", "]", "o", "i", "n", "S", "g", "G", "backspace", "ctrl+u", "pgdown"}
	trials, keeps, canaries, rests := 0, 0, 0, 0
	for i := range n {
		key := pickOne(r, all)
		reviewing, panel, soak := false, false, s.b.engine.Policy.Canary.Gen != 0 // no other key may do it: only these look at the screen
		canary := s.b.engine.Policy.Canary.Gen
		switch key {
		case "t":
			reviewing = strings.Contains(s.view().Text(), "apply to lb-07")
		case "k":
			panel = s.m.over != nil && strings.Contains(s.view().Text(), "trial of v")
		case "n":
			panel = s.m.over != nil && strings.Contains(s.view().Text(), "canary v")
		}
		before := len(s.b.did)
		if i%97 == 0 { // neither a paste nor a click nor a size is a key
			key = "none"
			s.send(pickOne(r, []tea.Msg{tea.PasteMsg{Content: pickOne(r, []string{"k", "t", "lb-07"})},
				tea.MouseClickMsg{X: r.IntN(80), Y: r.IntN(24), Button: tea.MouseLeft}, tea.WindowSizeMsg{Width: 80, Height: 24}, tickMsg{}}))
		} else {
			s.press(key)
		}
		for _, did := range s.b.did[before:] {
			switch {
			case did.Kind == snap.CommitPolicy && (key != "t" || !reviewing):
				t.Fatalf("key %d, %q, began a trial outside of the review", i, key)
			case did.Kind == snap.KeepPolicy && (key != map[bool]string{true: "n", false: "k"}[did.Arg == snap.Rest] || !panel):
				t.Fatalf("key %d, %q, kept a trial or canary outside of its panel", i, key)
			case did.Kind == snap.CommitPolicy && len(did.Policy.On) > 0:
				canaries++
				trials++
			case did.Kind == snap.KeepPolicy && did.Arg == snap.Rest && canary != 0 && s.b.engine.Policy.Canary.Gen == 0:
				rests++
			case did.Kind == snap.KeepPolicy && did.Arg == snap.Rest: // the screen was behind: nothing came of it
			case did.Kind == snap.CommitPolicy:
				trials++
			case did.Kind == snap.KeepPolicy:
				keeps++
			}
		}
		switch {
		case i%7 == 0:
			s.frame()
		case i%211 == 0 && s.b.engine.Policy.Trial.Gen != 0:
			s.b.engine.Policy.Trial = snap.Trial{} // the lease ends
		case i%1009 == 0 && !soak && s.b.engine.Policy.Trial.Gen == 0: // one that was begun on the command line
			s.b.engine.On = []string{"bond0"}
			s.b.engine.Watch(s.b.engine.Policy.Kept+1, "deny in\n")
		}
		if got := s.lines(); i%50 == 0 && len(uitest.Faults(got, 80, 24, false)) > 0 {
			t.Fatalf("key %d, %q: %v", i, key, uitest.Faults(got, 80, 24, false))
		}
		s.calls, s.b.did = nil, s.b.did[:0]
	}
	if trials < 3 || keeps < 1 {
		t.Errorf("%d trials and %d keeps: the keys never got there", trials, keeps)
	}
	if n > 100_000 && (canaries < 1 || rests < 3) {
		t.Errorf("%d canaries, %d of them let the rest follow: the keys never got there", canaries, rests)
	}
	t.Logf("%d keys, %d trials, %d keeps, %d canaries, %d let the rest follow", n, trials, keeps, canaries, rests)
}

// TestTheTableStaysWithinItsBytes: UX 13, with every counter of the table moving twice a second. At 200x60 a cursor key
// draws the pane of another row too.
func TestTheTableStaysWithinItsBytes(t *testing.T) {
	for _, c := range []struct{ w, h, key, frame int }{{80, 24, 350, 1000}, {200, 60, 1000, 3000}} {
		st := startStream(t, c.w, c.h, realTabs)
		st.s.b.engine = uitest.NewEnforcer(uitest.PolicyText)
		n := uint64(0)
		frame := func() tea.Msg {
			f := st.s.makeFrame()
			for i := range f.Policy.Rules {
				h := &f.Policy.Rules[i]
				n++
				h.Packets += n * 977
				if i%5 == 0 { // a fifth of the rates
					h.PPS *= 1 + float64(n%9)/50
				}
			}
			return frameMsg{frame: f}
		}
		st.send(frame(), keys.Press("2"), frame())
		st.settle("the table")
		st.send(frame())
		st.settle("the table again")
		count := func() int { st.mu.Lock(); defer st.mu.Unlock(); return len(st.raw) }
		before := count()
		for range 10 {
			st.send(keys.Press("j"))
			st.settle("down")
			st.send(keys.Press("k"))
			st.settle("up")
		}
		if per := (count() - before) / 20; per > c.key {
			t.Errorf("%d bytes per cursor key at %dx%d, budget %d", per, c.w, c.h, c.key)
		} else {
			t.Logf("%d bytes per cursor key at %dx%d", per, c.w, c.h)
		}
		before = count()
		for range 10 {
			st.send(frame())
			st.settle("a frame")
		}
		if per := (count() - before) / 10; per > c.frame {
			t.Errorf("%d bytes per frame at %dx%d, budget %d", per, c.w, c.h, c.frame)
		} else {
			t.Logf("%d bytes per frame at %dx%d", per, c.w, c.h)
		}
	}
}

// TestStreamShowsThePolicy: what the painter sends comes to what the model drew, from the table to the panel of the trial.
func TestStreamShowsThePolicy(t *testing.T) {
	st := startStream(t, 100, 30, realTabs)
	st.s.b.engine = uitest.NewEnforcer(uitest.PolicyText)
	frame := func() {
		t.Helper()
		st.send(frameMsg{frame: st.s.makeFrame()})
		st.settle("a frame")
	}
	frame()
	st.send(keys.Press("2"))
	st.waitFor("saved as /etc/hooktop/policy.acl")
	for _, step := range []struct {
		keys []string
		want string
	}{
		{[]string{"j", "j", "j", "j", "e"}, "┌ line 4"}, {[]string{"backspace", "4", "enter"}, "was: allow in  tcp from 10.0.0.0/8 to any port 443"},
		{[]string{"enter"}, "[1 Flows]"}, {[]string{"2"}, "[2 ACL]"}, {[]string{"D"}, "gone"}, {[]string{"u"}, "~    4 allow in"},
		{[]string{"C"}, "apply to lb-07"}, {[]string{"d"}, "only changes"}, {[]string{"t"}, "on trial"}, {[]string{"C"}, "trial of v42"}, {[]string{"k"}, "v42 kept"},
	} {
		for _, k := range step.keys {
			st.send(keys.Press(k))
		}
		st.settle(strings.Join(step.keys, " "))
		frame()
		st.waitFor(step.want)
	}
}
