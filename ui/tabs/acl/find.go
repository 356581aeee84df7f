// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

// finder is the word that is looked for while it is typed. Rules are not filtered: what a rule does hangs on those above it.
type finder struct {
	field prompt.Field
	from  int // row that esc goes back to
	none  bool
}

func (t *Tab) startFind() tea.Cmd {
	t.find = &finder{field: prompt.New(), from: t.list.At()}
	return nil
}

func (t *Tab) findKey(k tea.KeyPressMsg) tea.Cmd {
	f := t.find
	switch k.String() {
	case "esc":
		t.list.Goto(f.from)
		t.find = nil
	case "enter":
		t.word, t.find = f.field.Value(), nil
	default:
		if f.field.Key(k) {
			t.findTyped()
		}
	}
	return nil
}

// findTyped goes to the first line that holds the word, from where the search began.
func (t *Tab) findTyped() {
	f := t.find
	at := t.match(f.field.Value(), f.from, 1)
	if f.none = at < 0; f.none {
		at = f.from
	}
	t.list.Goto(at)
}

// match is the next row from at on whose line holds a word, in any letter case; -1: none. It goes round the ends.
func (t *Tab) match(word string, at, step int) int {
	word = strings.ToLower(word)
	n := len(t.rows)
	for i := range n {
		j := ((at+i*step)%n + n) % n
		r := &t.rows[j]
		if l, ok := t.line(r); ok && !r.sub() && strings.Contains(strings.ToLower(l.String()), word) {
			return j
		}
	}
	return -1
}

// findNext goes to the next line with the word that was looked for last.
func (t *Tab) findNext(step int) tea.Cmd {
	if at := t.match(t.word, t.list.At()+step, step); at >= 0 {
		t.list.Goto(at)
		return nil
	}
	return toast(core.ToastMsg{Sev: snap.Warn, Text: "no line holds " + t.word})
}

// inForce is the number that a line has in the policy in force, 0 when it is not there or decides nothing.
func (t *Tab) inForce(l policy.Line) int {
	switch l.Kind {
	case policy.Rule:
		return t.lineOf(denier{id: l.Rule.ID})
	case policy.Default:
		return t.lineOf(denier{dir: l.Default.Dir})
	}
	return 0
}

func (t *Tab) findLine(w int) string {
	b := line.New(t.env.Theme, w).Add(themes.TextDim, " find ")
	tok := themes.Input
	if t.find.none {
		tok = themes.InputError
	}
	const none = "  no line holds it"
	room := b.Left()
	if t.find.none && room > len(none)+20 {
		room -= len(none)
	}
	text, x := t.find.field.View(t.env.Theme, tok, max(room, 1))
	t.at.x, t.at.y = w-b.Left()+x, t.high
	b.Join(text, max(room, 1))
	if t.find.none {
		b.Add(themes.Warn, none)
	}
	return b.String()
}

func (t *Tab) findBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.findKey(keys.Press(name)) }
	}
	return []core.Binding{
		{Keys: []string{"enter"}, Name: "find.stay", Help: "stay here", Section: move, Hint: 1, Do: press("enter")},
		{Keys: []string{"esc"}, Name: "find.back", Help: "back where it began", Section: move, Hint: 2, Do: press("esc")},
		{Keys: []string{"ctrl+u"}, Name: "find.clear", Help: "clear", Section: move, Hint: 3, Do: press("ctrl+u")},
	}
}
