// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

func open(t *testing.T, n int, recent ...string) *Model {
	t.Helper()
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	items := []core.PickItem{{Label: "block source", Detail: "b"}, {Label: "sort by source", Detail: "s"}, {Label: "theme colour-blind", Detail: "T"}}
	for i := len(items); i < n; i++ {
		items = append(items, core.PickItem{Label: fmt.Sprintf("item %d", i)})
	}
	return New(env, "pick", items, recent)
}

func typed(m *Model, ks ...string) (done bool) {
	for _, k := range ks {
		done, _ = m.Key(keys.Press(k))
	}
	return done
}

func label(m *Model) string {
	if m.list.at >= len(m.list.found) {
		return ""
	}
	return m.list.items[m.list.found[m.list.at].item].Label
}

func TestSearchAndChoose(t *testing.T) {
	m := open(t, 20)
	chosen := -1
	m.Done = func(i int) tea.Cmd { chosen = i; return nil }
	typed(m, "s", "o", "u", "r")
	if got := label(m); got != "sort by source" && got != "block source" || len(m.list.found) != 2 {
		t.Errorf("%q of %d", got, len(m.list.found))
	}
	typed(m, "ctrl+u", "t", "h", "c", "b")
	if got := label(m); got != "theme colour-blind" {
		t.Errorf("best match %q", got)
	}
	typed(m, "ctrl+u", "s", "o") // what begins so stands before what only contains it
	if got := label(m); got != "sort by source" {
		t.Errorf("so finds %q first", got)
	}
	typed(m, "ctrl+u", "t", "h", "c", "b")
	if !typed(m, "enter") || chosen != 2 {
		t.Errorf("chosen %d", chosen)
	}
}

func TestRecentLeadsWhileTheQueryIsEmpty(t *testing.T) {
	m := open(t, 6, "item 4", "gone", "sort by source")
	var got []string
	for _, f := range m.list.found[:3] {
		got = append(got, m.list.items[f.item].Label)
	}
	if s := strings.Join(got, ","); s != "item 4,sort by source,block source" || len(m.list.found) != 6 {
		t.Errorf("%s of %d", s, len(m.list.found))
	}
}

func TestMovedPreviewsAndEscRestores(t *testing.T) {
	m := open(t, 4)
	var seen []int
	closed := false
	m.Moved = func(i int) tea.Cmd { seen = append(seen, i); return nil }
	m.Closed = func() tea.Cmd { closed = true; return nil }
	m.Select(0)
	typed(m, "down", "down", "down", "down", "up")
	if fmt.Sprint(seen) != "[1 2 3 2]" {
		t.Error(seen)
	}
	if !typed(m, "esc") || !closed {
		t.Error("esc did not close")
	}
}

func TestTabCompletes(t *testing.T) {
	m := open(t, 5)
	typed(m, "b", "l", "o", "tab")
	if m.field.Value() != "block source" {
		t.Error(m.field.Value())
	}
	if typed(m, "x", "y", "z", "enter") {
		t.Error("enter chose something where nothing matches")
	}
}

func TestBoxFits(t *testing.T) {
	for _, n := range []int{3, 500} {
		m := open(t, n)
		m.list.items[0] = core.PickItem{Label: strings.Repeat("long 世 ", 30), Detail: strings.Repeat("d", 40)}
		for w := 10; w < 120; w += 7 {
			for h := 3; h < 60; h += 5 {
				b := m.View(w, h)
				if len(b.Lines) > maxLines || b.X+b.W > w {
					t.Errorf("%dx%d: %d lines at %d, %d wide", w, h, len(b.Lines), b.X, b.W)
				}
				for _, f := range uitest.Faults(b.Lines, b.W, maxLines, false) {
					t.Errorf("%dx%d: %s", w, h, f)
				}
			}
		}
	}
}

func TestHostileItemsAreCleaned(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	m := New(env, "x\x1b[2J", []core.PickItem{{Label: "a\x1b]52;c;AAAA\x07b\u202e", Detail: "\x9b2J"}}, nil)
	typed(m, "a")
	for _, f := range uitest.Faults(m.View(80, 20).Lines, 80, 20, true) {
		t.Error(f)
	}
}

func TestLongDetailStaysWhereTheLabelLeavesRoom(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	detail := "process that holds the socket, shown"
	m := New(env, "columns", []core.PickItem{{Label: "PROCESS", Detail: detail}, {Label: strings.Repeat("long ", 10), Detail: detail}}, nil)
	lines := m.View(80, 19).Lines
	if !strings.Contains(strings.Join(lines, "\n"), detail) {
		t.Error("a detail that has room is not shown")
	}
	if n := strings.Count(strings.Join(lines, "\n"), detail); n != 1 {
		t.Errorf("%d details are shown: the second would cut its label", n)
	}
}

// TestLists: somebody else's order is kept, the selection stays on its label when items come anew, details stand aligned.
func TestLists(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, true)
	l := NewList(env, []core.PickItem{{Label: "tcp_v6_rcv", Detail: "two words"}, {Label: "tcp", Detail: "one … word"}, {Label: "udp"}}, nil)
	l.Aligned = true
	l.Show("tcp")
	if i, ok := l.Selected(); !ok || i != 0 || l.Found() != 3 {
		t.Errorf("item %d of %d", i, l.Found())
	}
	l.Move(1)
	l.SetItems([]core.PickItem{{Label: "new"}, {Label: "tcp"}})
	if i, ok := l.Selected(); !ok || i != 1 {
		t.Errorf("after new items the selection is on %d", i)
	}
	l.SetItems([]core.PickItem{{Label: "tcp_v6_rcv", Detail: "two words"}, {Label: "tcp", Detail: "one … word"}})
	l.Search("tcp")
	for w := 4; w < 60; w++ {
		for _, f := range uitest.Faults(l.View(w, 2), w, 2, true) {
			t.Errorf("%d cells: %s", w, f)
		}
	}
	text := uitest.Draw(l.View(40, 2), 40, 2).Text()
	if want := "> tcp         one ~ word\n  tcp_v6_rcv  two words\n"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
}
