// SPDX-License-Identifier: Apache-2.0

package palette_test

import (
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/palette"
)

func TestPalette(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	ran := ""
	do := func(name string) func() tea.Cmd { return func() tea.Cmd { ran = name; return nil } }
	cmds := palette.FromBindings([]core.Binding{
		{Keys: []string{"j"}, Name: "down", Help: "one row down"}, // acts only where the keyboard is
		{Keys: []string{"s"}, Name: "sort", Help: "sort", Do: do("sort")},
		{Keys: []string{"D"}, Name: "stop", Help: "stop watching", Do: do("stop"), Disabled: "read-only"},
	})
	if len(cmds) != 2 || cmds[0].Detail != "s" {
		t.Fatalf("%+v", cmds)
	}
	var told []string
	open := func(ks ...string) (done bool, msg tea.Msg) {
		p := palette.New(env, cmds, told, func(label string) { told = append([]string{label}, told...) })
		for _, k := range ks {
			d, cmd := p.Key(keys.Press(k))
			if done = d; cmd != nil {
				msg = cmd()
			}
		}
		return done, msg
	}
	if done, _ := open("s", "o", "enter"); !done || ran != "sort" {
		t.Errorf("so enter: ran %q", ran)
	}
	ran = ""
	if _, msg := open("s", "t", "o", "p", "enter"); ran != "" || msg.(core.ToastMsg).Text != "stop watching: read-only" {
		t.Errorf("a disabled command ran %q, said %+v", ran, msg)
	}
	if _, msg := open("enter"); msg == nil || told[0] != "stop watching" {
		t.Errorf("what was used last does not lead: %v", told)
	}
}
