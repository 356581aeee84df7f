// SPDX-License-Identifier: Apache-2.0

package trace

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
)

// set takes another filter of rows.
func (t *Tab) set(text string) tea.Cmd {
	if text != t.filter {
		t.events.Release()
		t.filter = text
	}
	return t.ask()
}

// byCell filters by the cell under the row and column cursors.
func (t *Tab) byCell(not bool) tea.Cmd {
	e, ok := t.events.Selected()
	if !ok {
		return nil
	}
	c := t.cols.Find(t.events.Column().Key)
	term := ""
	if c != nil {
		term = c.Only(column.TraceRow{TraceEvent: e})
	}
	if term == "" {
		return func() tea.Msg {
			return core.ToastMsg{Sev: snap.Warn, Text: t.events.Column().Head() + " is empty or of one row only: h l choose another column"}
		}
	}
	text := filter.Narrow(t.filter, term, not)
	if !not {
		t.filter = text // the row under the cursor passes: it keeps the cursor
	}
	return t.set(text)
}

// seen gives the values of a column in the rows at hand.
func (t *Tab) seen(key string) []string {
	rows := t.frame.Trace.Rows
	return filter.Seen(t.cols, key, len(rows), func(i int) column.Row { return column.TraceRow{TraceEvent: &rows[i]} })
}
