// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

// saveKept saves the policy that was kept to its file; without one the name is asked for.
func (t *Tab) saveKept() tea.Cmd {
	if t.frame.Policy.File != "" {
		return saveTo(snap.Intent{Kind: snap.SavePolicy})
	}
	f := prompt.New()
	t.save = &f
	return nil
}

func (t *Tab) saveKey(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "esc":
		t.save = nil
	case "enter":
		name := strings.TrimSpace(t.save.Value())
		if name == "" {
			return nil
		}
		t.save = nil
		return saveTo(snap.Intent{Kind: snap.SavePolicy, Target: name})
	default:
		t.save.Key(k)
	}
	return nil
}

func (t *Tab) saveLine(w int) string {
	const label = " save to file "
	b := line.New(t.env.Theme, w).Add(themes.TextDim, label)
	room := max(b.Left(), 1)
	text, x := t.save.View(t.env.Theme, themes.Input, room)
	t.at.x, t.at.y = w-b.Left()+x, t.high
	return b.Join(text, room).String()
}

func (t *Tab) saveBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.saveKey(keys.Press(name)) }
	}
	return []core.Binding{
		{Keys: []string{"enter"}, Name: "save.write", Help: "save", Section: own, Hint: 1, Do: press("enter")},
		{Keys: []string{"esc"}, Name: "save.cancel", Help: "cancel", Section: own, Hint: 2, Do: press("esc")},
	}
}
