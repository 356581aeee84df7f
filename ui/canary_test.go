// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/ui/uitest"
)

// watched brings a canary about: eth0 first, kept, watched.
func (s *stage) watched() {
	s.b.engine.Several()
	s.press("2")
	s.frame()
	s.press("j", "j", "j", "j", ".")
	s.frame()
	s.press("C", "c", "space", "c", "t")
	s.frame()
	s.press("C", "k")
	s.clock.Pass(5 * time.Second) // what was said of it is gone
	s.send(tickMsg{})
	s.frame()
}

func TestACanaryGoesFromTheReviewToAll(t *testing.T) {
	s := enforcing(t, 80, 24)
	s.b.engine.Several()
	s.press("2")
	s.frame()
	s.press("j", "j", "j", "j", ".")
	s.frame()
	s.press("C", "c", "space", "c", "t")
	s.clock.Pass(5 * time.Second)
	s.send(tickMsg{})
	s.frame()
	s.want("TRIAL v42 on eth0 only")
	s.press("C")
	s.want("k    keep v42: it is watched on eth0, then the rest follows")
	s.press("k")
	s.clock.Pass(5 * time.Second)
	s.send(tickMsg{})
	s.frame()
	for _, key := range []string{"1", "5", "8", "2"} {
		s.press(key)
		s.want("◆ CANARY v42 on eth0 · the rest follows in 4:52 · checks ok", "C then n rest now · r roll back", "drops/s 3 of 14")
	}
	s.clock.Pass(2 * time.Second)
	s.send(tickMsg{})
	s.want("4:50")
	s.press("C", "enter", "k", "t", "y")
	if got := fmt.Sprint(s.did()); got != "[commit keep]" {
		t.Fatal(got)
	}
	s.want("canary v42", "n    let the rest follow now")
	s.press("n")
	if got := fmt.Sprint(s.did()); got != "[commit keep keep]" {
		t.Fatal(got)
	}
	s.frame()
	s.wantNot("CANARY")
	s.press("2")
	s.frame()
	s.want("v42 · 11 rules")
}

func TestACanaryIsRolledBack(t *testing.T) {
	s := enforcing(t, 120, 30)
	s.watched()
	c := &s.b.engine.Policy.Canary
	c.Checks = uitest.Checks()
	c.Checks[1].Now, c.Checks[1].Failed = 120, true
	s.frame()
	s.want("✗ drops/s 120, at most 14", "drops/s 120 of 14")
	s.press("q")
	s.want("v42 is still a canary: quitting takes it back and ends v41")
	s.press("esc", "C", "r")
	s.frame()
	s.wantNot("CANARY")
	s.want("v41 is back")
	s.press("2")
	s.frame()
	s.want("1 STAGED") // the edit is not lost
}

// TestACanaryThatNobodyWatchesIsSaid: without frames its lease ends in the kernel.
func TestACanaryThatNobodyWatchesIsSaid(t *testing.T) {
	s := enforcing(t, 100, 24)
	s.watched()
	s.clock.Pass(2 * time.Second)
	s.send(tickMsg{})
	s.want("the rest follows in 4:50")
	s.clock.Pass(8 * time.Second)
	s.send(tickMsg{})
	s.want("not watched any more: the kernel falls back to v41 by itself")
}

func TestACanaryStandsOnEveryScreen(t *testing.T) {
	for _, size := range [][2]int{{40, 10}, {44, 12}, {60, 11}, {80, 23}, {80, 24}, {160, 50}, {300, 100}} {
		for name, ks := range map[string][]string{"plain": nil, "help": {"?"}, "filter": {"1", "/"}, "quit": {"q"}, "panel": {"C"}, "edit": {"2", "e"}} {
			s := enforcing(t, 80, 24)
			s.watched()
			s.press("1")
			s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			s.press(ks...)
			text := s.view().Text()
			if !strings.Contains(text, "CANARY") || !strings.Contains(text, "4:52") || !strings.Contains(text, map[bool]string{true: " n rest now", false: "C then n rest now"}[name == "panel"]) {
				t.Errorf("%s at %v:\n%s", name, size, text)
			}
		}
	}
}

func TestCanaryGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {100, 30}, {200, 60}, {40, 10}} {
		s := enforcing(t, size[0], size[1])
		s.b.engine.Several()
		s.press("2")
		s.frame()
		s.press("j", "j", "j", "j", ".")
		s.frame()
		s.press("C", "c", "j", "space")
		uitest.GoldenScreen(t, fmt.Sprintf("canarychoice_%dx%d", size[0], size[1]), s.view(), size[0] == 80)
		s.press("j", "space", "j", "c")
		uitest.GoldenScreen(t, fmt.Sprintf("canaryreview_%dx%d", size[0], size[1]), s.view(), false)
		s = enforcing(t, size[0], size[1])
		s.watched()
		s.b.engine.Policy.Canary.Checks[3].Failed = true
		s.frame()
		uitest.GoldenScreen(t, fmt.Sprintf("canary_%dx%d", size[0], size[1]), s.view(), size[0] == 80)
		s.press("C")
		uitest.GoldenScreen(t, fmt.Sprintf("canarypanel_%dx%d", size[0], size[1]), s.view(), false)
	}
}
