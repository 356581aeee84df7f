// SPDX-License-Identifier: Apache-2.0

// Package palette turns bindings into a picker of commands, each with its key.
package palette

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/widget/picker"
)

// Command is one line of the palette.
type Command struct {
	Label, Detail string
	Disabled      string // why it can't be run now
	Do            func() tea.Cmd
}

// FromBindings lists what can be run by name. Bindings without Do act only where the keyboard is, and are left out.
func FromBindings(bs []core.Binding) []Command {
	var out []Command
	for _, b := range bs {
		if b.Do == nil || b.Help == "" {
			continue
		}
		out = append(out, Command{Label: b.Help, Detail: keys.Show(b.Keys), Disabled: b.Disabled, Do: b.Do})
	}
	return out
}

// New opens the palette. ran is told the label of what was chosen, so that it leads next time.
func New(env *core.Env, cmds []Command, recent []string, ran func(label string)) *picker.Model {
	items := make([]core.PickItem, len(cmds))
	for i, c := range cmds {
		items[i] = core.PickItem{Label: c.Label, Detail: c.Detail}
		if c.Disabled != "" {
			items[i].Detail = "not now: " + c.Disabled
		}
	}
	p := picker.New(env, ":", items, recent)
	p.Done = func(i int) tea.Cmd {
		ran(cmds[i].Label)
		if why := cmds[i].Disabled; why != "" {
			return func() tea.Msg { return core.ToastMsg{Sev: 1, Text: cmds[i].Label + ": " + why} }
		}
		return cmds[i].Do()
	}
	return p
}
