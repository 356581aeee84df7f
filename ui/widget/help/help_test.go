// SPDX-License-Identifier: Apache-2.0

package help_test

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/help"
)

type bench struct {
	testing.TB
	m   *help.Model
	ran string
}

func open(t testing.TB) *bench {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	b := &bench{TB: t}
	var bs []core.Binding
	for _, s := range []string{"MOVE", "TABLE", "EVERYWHERE"} {
		for i := range 12 {
			name := fmt.Sprintf("%s %d", strings.ToLower(s), i)
			bs = append(bs, core.Binding{Keys: []string{string(rune('a' + i)), "ctrl+x"}, Name: name, Help: name, Section: s,
				Do: func() tea.Cmd { b.ran = name; return nil }})
		}
	}
	bs[1].Disabled = "it is night"
	b.m = help.New(env, "Flows", bs, []string{"SIGNS", "80x24 \x1b[2J"})
	return b
}

func (b *bench) show(w, h int) string {
	b.Helper()
	x := b.m.View(w, h)
	if len(x.Lines) != h {
		b.Errorf("%dx%d: %d lines", w, h, len(x.Lines))
	}
	for _, f := range uitest.Faults(x.Lines, w, h, true) {
		b.Errorf("%dx%d: %s", w, h, f)
	}
	if c := x.Cursor; c == nil || c.X < 0 || c.X >= w || c.Y < 0 || c.Y >= h {
		b.Errorf("%dx%d: cursor %+v", w, h, x.Cursor)
	}
	return uitest.Draw(x.Lines, w, h).Text()
}

func (b *bench) press(ks ...string) (done bool) {
	for _, k := range ks {
		done, _ = b.m.Key(keys.Press(k))
	}
	return done
}

func (b *bench) want(screen string, texts ...string) {
	b.Helper()
	for _, t := range texts {
		if !strings.Contains(screen, t) {
			b.Errorf("no %q in\n%s", t, screen)
		}
	}
}

func TestSheetScrolls(t *testing.T) {
	b := open(t)
	b.want(b.show(120, 20), "MOVE", "TABLE", "EVERYWHERE", "move 1 (not now)", "SIGNS", `\x1b[2J`)
	got := b.show(40, 16)
	b.want(got, "move 0", "up and down for")
	if strings.Contains(got, "everywhere 11") {
		t.Errorf("everything fits:\n%s", got)
	}
	for range 6 {
		b.press("pgdown")
		got = b.show(40, 16)
	}
	b.want(got, "everywhere 11")
	b.press("up", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup", "pgup")
	b.want(b.show(40, 16), "move 0")
}

func TestSearchRuns(t *testing.T) {
	b := open(t)
	b.show(80, 20)
	b.press("t", "a", "b", "l", "e", "space", "1")
	b.want(b.show(80, 20), "search: table 1", "> b ctrl+x", "table 1 ", "table 10")
	b.press("down", "down", "up")
	if !b.press("enter") || b.ran != "table 10" {
		t.Errorf("ran %q", b.ran)
	}
	b = open(t)
	b.press("m", "o", "v", "e", "space", "1")
	b.want(b.show(80, 20), "not now, it is night")
	if b.press("enter") || b.ran != "" {
		t.Errorf("a disabled key ran %q", b.ran)
	}
	b.press("x", "x")
	b.want(b.show(80, 20), "no key matches")
	b.press("ctrl+u", "?")
	if b.m.Paste("nothing like this\n"); !strings.Contains(b.show(80, 20), "no key matches") {
		t.Error("a paste is not searched for")
	}
}

func TestClosesAndFits(t *testing.T) {
	for _, k := range []string{"esc", "?", "f1", "ctrl+c"} {
		if !open(t).press(k) {
			t.Errorf("%s does not close it", k)
		}
	}
	b := open(t)
	for w := 8; w < 200; w += 5 {
		for h := 3; h < 40; h += 2 {
			b.show(w, h)
			b.press("down", "pgdown", "pgup")
		}
	}
	b.press("a")
	for w := 8; w < 200; w += 5 {
		b.show(w, 12)
	}
}
