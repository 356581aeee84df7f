// SPDX-License-Identifier: Apache-2.0

package flows

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
)

// filterStart opens the field with the present filter in it. u goes back to the view from before, not to each text on the way.
func (t *Tab) filterStart() tea.Cmd {
	before := t.view
	t.edit.Closed = func(kept bool) tea.Cmd {
		switch {
		case before == t.view:
			return nil
		case kept:
			t.done, t.undone = append(t.done, before), nil
			return nil
		}
		return t.set(before)
	}
	return t.edit.Start(t.view.filter)
}

// filterBy takes another filter.
func (t *Tab) filterBy(text string) tea.Cmd {
	v := t.view
	v.filter = text
	if v == t.view {
		return nil
	}
	return t.set(v)
}

// seen gives the values of a column in the rows at hand.
func (t *Tab) seen(key string) []string {
	rows := t.frame.Flows.Rows
	return filter.Seen(t.cols, key, len(rows), func(i int) column.Row { return column.FlowRow{Flow: &rows[i]} })
}

// narrow adds a term to the filter, + by itself or - with its negation.
func (t *Tab) narrow(term string, not bool) tea.Cmd {
	v := t.view
	v.filter = filter.Narrow(v.filter, term, not)
	return t.change(v)
}

// byCell filters by the cell under the row and column cursors.
func (t *Tab) byCell(not bool) tea.Cmd {
	if t.view.group != "" {
		return t.byGroup(not)
	}
	f, ok := t.flows.Selected()
	if !ok {
		return nil
	}
	key := t.flows.Column().Key
	term := t.term(f, key)
	if term == "" {
		return warn(t.flows.Column().Head() + " is empty or changes by itself: h l choose another column")
	}
	return t.narrow(term, not)
}

func (t *Tab) byGroup(not bool) tea.Cmd {
	g, ok := t.groups.Selected()
	if !ok {
		return nil
	}
	term := groupTerm(t.view.group, g.Value)
	if term == "" {
		return warn("this group has no value to filter by")
	}
	return t.narrow(term, not)
}

// term makes the filter term of a cell. An endpoint filters by its address: its port is in most cases of one flow only.
func (t *Tab) term(f *snap.Flow, key string) string {
	switch key {
	case "source":
		key = "src"
	case "destination":
		key = "dst"
	case "trend":
		return ""
	}
	c := t.cols.Find(key)
	if c == nil {
		return ""
	}
	return c.Only(column.FlowRow{Flow: f, Window: t.view.window})
}

func warn(text string) tea.Cmd {
	return func() tea.Msg { return core.ToastMsg{Sev: snap.Warn, Text: text} }
}
