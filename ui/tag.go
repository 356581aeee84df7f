// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"reflect"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// tagged is a message that came out of a tab's command: it goes back to that tab, in view or not.
type tagged struct {
	tab int
	msg tea.Msg
}

func (m *model) onTagged(t tagged) tea.Cmd {
	cmd := m.onShell(t.tab, t.msg)
	m.ask(false)
	return cmd
}

// tag marks what a tab's command returns. Messages of the framework itself pass unmarked, for it must see them.
func tag(i int, cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() tea.Msg {
		switch msg := cmd().(type) {
		case nil:
			return nil
		case tagged:
			return msg
		case tea.BatchMsg:
			for j, c := range msg {
				msg[j] = tag(i, c)
			}
			return msg
		default:
			return tagMsg(i, msg)
		}
	}
}

func tagMsg(i int, msg tea.Msg) tea.Msg {
	if !ofFramework(msg) {
		return tagged{i, msg}
	}
	eachCmd(msg, func(c tea.Cmd) tea.Cmd { return tag(i, c) })
	return msg
}

func ofFramework(msg tea.Msg) bool {
	return strings.HasPrefix(reflect.TypeOf(msg).PkgPath(), "charm.land/bubbletea/")
}

// eachCmd replaces the commands inside a message that is a list of them: what tea.Batch and tea.Sequence make. The type of
// the latter is not exported.
func eachCmd(msg tea.Msg, with func(tea.Cmd) tea.Cmd) {
	v := reflect.ValueOf(msg)
	if v.Kind() != reflect.Slice {
		return
	}
	for j := 0; j < v.Len(); j++ {
		if c, ok := v.Index(j).Interface().(tea.Cmd); ok && c != nil {
			v.Index(j).Set(reflect.ValueOf(with(c)))
		}
	}
}
