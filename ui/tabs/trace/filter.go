// SPDX-License-Identifier: Apache-2.0

package trace

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/ui/column"
	"hooktop/ui/widget/filter"
)

// filterStart opens the field with the present filter in it.
func (t *Tab) filterStart() tea.Cmd {
	t.edit = &edit{filter.New(t.env, t.cols, t.filter, t.seen), t.filter}
	return nil
}

// typing takes a key while the field is open.
func (t *Tab) typing(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		return t.filterKeep()
	case "esc":
		return t.filterBack()
	}
	if t.edit.Key(k) {
		return t.tried()
	}
	return nil
}

func (t *Tab) complete() tea.Cmd {
	if t.edit.Complete() {
		return t.tried()
	}
	return nil
}

func (t *Tab) filterClear() tea.Cmd {
	t.edit.Clear()
	return t.tried()
}

// tried shows what the text passes when it is a filter. While it is none the last one stays in force.
func (t *Tab) tried() tea.Cmd {
	if text, ok := t.edit.Filter(); ok {
		return t.set(text)
	}
	return nil
}

// filterKeep closes the field. A text that is no filter keeps it open: enter does not throw typing away.
func (t *Tab) filterKeep() tea.Cmd {
	if _, ok := t.edit.Filter(); ok {
		t.edit = nil
	}
	return t.ask()
}

// filterBack closes the field and brings the former filter back.
func (t *Tab) filterBack() tea.Cmd {
	before := t.edit.before
	t.edit = nil
	return t.set(before)
}

func (t *Tab) paste(text string) tea.Cmd {
	switch {
	case t.form != nil:
		t.form.paste(text)
		return t.ask()
	case t.edit != nil:
		t.edit.Paste(text)
		return t.tried()
	}
	return nil
}

// seen gives the values of a column in the rows at hand.
func (t *Tab) seen(key string) []string {
	rows := t.frame.Trace.Rows
	return filter.Seen(t.cols, key, len(rows), func(i int) column.Row { return column.TraceRow{TraceEvent: &rows[i]} })
}
