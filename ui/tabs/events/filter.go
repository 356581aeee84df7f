// SPDX-License-Identifier: Apache-2.0

package events

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
)

// set takes another filter.
func (t *Tab) set(text string) tea.Cmd {
	f, err := t.cols.Parse(text)
	if err != nil || text == t.filter {
		return nil
	}
	t.filter, t.pass = text, nil
	if text != "" {
		t.pass = f.Compile()
	}
	t.list.Release()
	t.lay()
	return nil
}

// byCell filters by the cell under the row and column cursors.
func (t *Tab) byCell(not bool) tea.Cmd {
	e, ok := t.selected()
	if !ok {
		return nil
	}
	term := ""
	if c := t.cols.Find(t.list.Column().Key); c != nil {
		term = c.Only(column.EventRow{Event: e})
	}
	if term == "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: t.list.Column().Head() + " is empty or changes by itself: h l choose another column"})
	}
	return t.set(filter.Narrow(t.filter, term, not))
}

// seen gives the values of a column in the events at hand.
func (t *Tab) seen(key string) []string {
	return filter.Seen(t.cols, key, len(t.all), func(i int) column.Row { return column.EventRow{Event: &t.all[i]} })
}

func toast(m core.ToastMsg) tea.Cmd { return func() tea.Msg { return m } }
