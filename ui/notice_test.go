// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
)

// TestWarningsAreMarkedUntilLookedUp: a toast, a mark on the tab bar, and the list behind !.
func TestWarningsAreMarkedUntilLookedUp(t *testing.T) {
	s := newStage(t, 80, 24)
	warn := func(n ...uint64) func(f *snap.Frame) {
		return func(f *snap.Frame) {
			for _, seq := range n {
				f.Notices = append(f.Notices, snap.Notice{Seq: seq, At: f.At, Sev: snap.Warn, From: "attach", Text: "eth9 went away"})
			}
		}
	}
	s.frame(warn(1))
	s.wantNot("8 Programs!") // the start screen says it
	s.frame(warn(1, 2, 3))
	s.want("8 Programs!", "attach: eth9 went away (3 times)")
	s.press("!")
	s.want("Noticed, newest first", "attach: eth9 went away (3 times)")
	s.press("esc")
	s.wantNot("8 Programs!", "Noticed")
	s.frame(warn(1, 2, 3, 4))
	s.want("8 Programs!")
	s.press("8", "1")
	s.wantNot("8 Programs!")
	s.frame(func(f *snap.Frame) { f.Notices = []snap.Notice{{Seq: 5, Text: "eth9 is back"}} })
	s.wantNot("8 Programs!")
	s.press("!")
	s.want("i ", "eth9 is back")
}

// TestOrderIsHeldUnderAnythingOpen: no row moves away under a picker, a question or a field (UX rule 3).
func TestOrderIsHeldUnderAnythingOpen(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	for _, open := range []string{"c", ":", "?", "x", "/", "T", "@"} {
		if s.b.last().Flows.Hold {
			t.Errorf("held before %s", open)
		}
		s.press(open)
		if !s.b.last().Flows.Hold {
			t.Errorf("not held under %s", open)
		}
		s.press("esc")
	}
	s.wantNot("ORDER HELD")
}

// TestLongQuestionsKeepTheirKeys: what the letter does is seen at every width.
func TestLongQuestionsKeepTheirKeys(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.send(core.ConfirmMsg{Question: "stop watching a-device-with-a-long-name? its programs are detached, its flows go.", Verb: "stop", Do: func() tea.Cmd { return nil }})
	for _, w := range []int{40, 60, 80, 100, 120} {
		s.send(tea.WindowSizeMsg{Width: w, Height: 24})
		s.want("   y stop")
	}
	s.want("its flows go.   y stop   any other key: no")
}

// TestAFieldIsSeenUnderAnError: an error stays until esc, and a field that opens meanwhile stands in its place at once.
func TestAFieldIsSeenUnderAnError(t *testing.T) {
	s := enforcing(t, 80, 24)
	for _, tab := range []string{"1", "2", "3", "5", "6"} {
		s.press(tab)
		s.frame()
		s.send(core.ToastMsg{Sev: snap.Crit, Text: "save: the disk is full"})
		s.want("the disk is full")
		s.press("/")
		s.wantNot("the disk is full")
		s.press("q", "q")
		s.want("qq")
		s.press("esc")
		s.want("the disk is full")
		s.press("esc")
	}
}
