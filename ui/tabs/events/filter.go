// SPDX-License-Identifier: Apache-2.0

package events

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
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
		t.tried()
	}
	return nil
}

// tried shows what the text passes when it is a filter. While it is none the last one stays in force.
func (t *Tab) tried() {
	if text, ok := t.edit.Filter(); ok {
		t.set(text)
	}
}

// filterKeep closes the field. A text that is no filter keeps it open: enter does not throw typing away.
func (t *Tab) filterKeep() tea.Cmd {
	if _, ok := t.edit.Filter(); ok {
		t.edit = nil
	}
	return nil
}

// filterBack closes the field and brings the former filter back.
func (t *Tab) filterBack() tea.Cmd {
	before := t.edit.before
	t.edit = nil
	t.set(before)
	return nil
}

func (t *Tab) complete() tea.Cmd {
	if t.edit.Complete() {
		t.tried()
	}
	return nil
}

func (t *Tab) filterClear() tea.Cmd {
	t.edit.Clear()
	t.tried()
	return nil
}

// set takes another filter.
func (t *Tab) set(text string) {
	f, err := t.cols.Parse(text)
	if err != nil || text == t.filter {
		return
	}
	t.filter, t.pass = text, nil
	if text != "" {
		t.pass = f.Compile()
	}
	t.list.Release()
	t.lay()
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
	t.set(filter.Narrow(t.filter, term, not))
	return nil
}

// seen gives the values of a column in the events at hand.
func (t *Tab) seen(key string) []string {
	return filter.Seen(t.cols, key, len(t.all), func(i int) column.Row { return column.EventRow{Event: &t.all[i]} })
}

func toast(m core.ToastMsg) tea.Cmd { return func() tea.Msg { return m } }
