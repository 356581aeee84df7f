// SPDX-License-Identifier: Apache-2.0

package flows

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/block"
)

// block drafts the rule on the tab of the policy, with the editor open on it.
func (t *Tab) block() tea.Cmd {
	f, ok := t.flows.Selected()
	if !ok {
		return nil
	}
	return draft(f, block.Rules(&f.Key)[0].Text)
}

func draft(f *snap.Flow, rule string) tea.Cmd {
	note := ""
	switch f.WayIn {
	case snap.OwnSession:
		note = "this flow is your own session"
	case snap.AccessFlow:
		note = "this flow is somebody's way in"
	}
	return block.Draft(rule, note)
}

// noBlock says why no rule can be drafted.
func (t *Tab) noBlock() string {
	if t.view.group != "" {
		return "choose one flow: enter opens the group"
	}
	var key *snap.FlowKey
	if f, ok := t.flows.Selected(); ok {
		key = &f.Key
	}
	if why := block.Cant(&t.frame.State, key); why != "" {
		return why
	}
	return t.noRow()
}
