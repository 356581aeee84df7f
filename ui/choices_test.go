// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"image/color"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
)

func TestNoticesBecomeToasts(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	add := func(f *snap.Frame) {
		f.Notices = []snap.Notice{{Seq: 1, Sev: snap.Warn, From: "attach", Text: "eth1 vanished"}, {Seq: 2, Sev: snap.Crit, From: "flows", Text: "table full"}}
	}
	s.frame(add)
	s.want("✗ flows: table full")
	if !strings.Contains(s.m.View().WindowTitle, "hooktop lb-07 · 1 critical") {
		t.Error(s.m.View().WindowTitle)
	}
	s.press("esc")
	s.want("! attach: eth1 vanished")
	s.clock.Pass(time.Minute)
	s.send(tickMsg{})
	s.frame(add)
	s.wantNot("eth1 vanished", "table full") // once is enough
}

func TestThemes(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.press("T", "down")
	if s.m.env.Theme.Name != "light" {
		t.Errorf("no preview: %s", s.m.env.Theme.Name)
	}
	s.press("esc")
	if s.m.env.Theme.Name != "dark" {
		t.Errorf("esc keeps the preview: %s", s.m.env.Theme.Name)
	}
	s.press("T", "m", "o", "n", "o", "enter")
	if s.m.env.Theme.Name != "mono" {
		t.Error(s.m.env.Theme.Name)
	}
}

func TestTerminalChoosesTheTheme(t *testing.T) {
	auto := func(_ *Options, env *core.Env, l *look) {
		l.auto = true
		env.Theme, _ = themes.Builtin("ansi16", themes.ANSI256)
	}
	for _, c := range []struct {
		set   setting
		c     color.Color
		after time.Duration
		want  string
		paint bool
	}{
		{auto, color.White, 50 * time.Millisecond, "light", false},
		{auto, color.Black, 50 * time.Millisecond, "dark", false},
		{auto, color.White, time.Second, "ansi16", false},
		{auto, nil, 0, "ansi16", false},
		{func(*Options, *core.Env, *look) {}, color.White, 0, "dark", true}, // chosen, and it contradicts the terminal
		{func(*Options, *core.Env, *look) {}, color.Black, 0, "dark", false},
	} {
		s := newStage(t, 80, 24, c.set)
		s.clock.Pass(c.after)
		s.send(tea.BackgroundColorMsg{Color: c.c})
		if th := s.m.env.Theme; th.Name != c.want || th.Paint != c.paint {
			t.Errorf("%v after %s: %s painted %v, want %s %v", c.c, c.after, th.Name, th.Paint, c.want, c.paint)
		}
	}
}

func TestMouse(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	click := tea.MouseClickMsg{X: 12, Y: 0, Button: tea.MouseLeft}
	s.send(click)
	if s.m.at != 0 || s.m.View().MouseMode != tea.MouseModeNone {
		t.Error("the mouse acts though it is off")
	}
	s.press("m")
	s.want("mouse on (shift selects)")
	s.send(tea.MouseClickMsg{X: 2, Y: 5, Button: tea.MouseLeft})
	if got, ok := s.tab().got[len(s.tab().got)-1].(tea.MouseClickMsg); !ok || got.Y != 3 {
		t.Errorf("the tab got %+v", got)
	}
	s.send(click)
	if s.m.at != 1 {
		t.Error("a click on the tab bar does nothing")
	}
}

func TestCopy(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.press("y")
	if len(s.said) != 1 || s.said[0] != "\x1b]52;c;YSByb3c=\x07" || len(s.clip) != 1 { // "a row"
		t.Errorf("clipboard %q, file %v", s.said, s.clip)
	}
	s.want("copied row, also to ~/.cache/hooktop/clip")
}

func TestUnitsAndPicker(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	seen := map[core.Units]bool{}
	for range 4 {
		seen[s.m.env.Units] = true
		s.press("U")
	}
	if len(seen) != 4 || s.m.env.Units != (core.Units{}) {
		t.Errorf("%v", seen)
	}
	s.press("c", "down", "enter")
	s.want("picked 1")
}

func TestOwnKeysReachTabsThatKnowTheirOwn(t *testing.T) {
	s := newStage(t, 80, 24)
	s.frame()
	s.m.own = ownKeys(t, "[fake]\ndown = \"z\"\nup = \"j\"\n")
	s.press("z")
	if s.tab().at != 1 {
		t.Error("z is not down")
	}
	s.press("j")
	if s.tab().at != 0 {
		t.Error("j is not up")
	}
	s.press("k", "down")
	if s.tab().at != 0 {
		t.Error("keys that were taken away still act")
	}
}
