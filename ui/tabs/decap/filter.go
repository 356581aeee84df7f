// SPDX-License-Identifier: Apache-2.0

package decap

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
)

func (t *Tab) filterStart() tea.Cmd {
	t.edit = &edit{filter.New(t.env, t.cols, t.view.filter, t.seen), t.view.filter}
	return nil
}

// typing takes a key while the field is open.
func (t *Tab) typing(k tea.KeyPressMsg) {
	switch k.String() {
	case "enter":
		t.filterKeep()
	case "esc":
		t.filterBack()
	default:
		if t.edit.Key(k) {
			t.tried()
		}
	}
}

// tried shows what the text passes when it is a filter. While it is none the last one stays in force.
func (t *Tab) tried() {
	if text, ok := t.edit.Filter(); ok {
		t.filterBy(text)
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
	return t.filterBy(before)
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

// seen gives the values of a column in the rows at hand.
func (t *Tab) seen(key string) []string {
	rows := t.frame.Tunnels.Rows
	return filter.Seen(t.cols, key, len(rows), func(i int) column.Row { return column.TunnelRow{Tunnel: &rows[i]} })
}

func (t *Tab) filterBy(text string) tea.Cmd {
	v := t.view
	v.filter = text
	return t.change(v)
}

// byCell filters by the cell under the row and column cursors.
func (t *Tab) byCell(not bool) tea.Cmd {
	r, ok := t.list.Selected()
	if !ok {
		return nil
	}
	key, term := t.list.Column().Key, ""
	if c := t.cols.Find(key); c != nil && (r.tunnels == 0 || key == t.view.group || key == "kind" && t.view.group == "vni") {
		term = c.Only(r.column())
	}
	if term == "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: t.list.Column().Head() + " is empty or changes by itself: h l choose another column"})
	}
	return t.filterBy(filter.Narrow(t.view.filter, term, not))
}

// inside is the filter of the flows inside the tunnel under the cursor, "" where they can't be told from others.
func (t *Tab) inside() string {
	r, ok := t.list.Selected()
	if !ok || t.lower || !r.id.has || r.id.vni == 0 {
		return ""
	}
	return "vni:" + vniText(r.id.vni)
}

// innerFlows are those flows, as far as the frame answers for them.
func (t *Tab) innerFlows() []snap.Flow {
	if text := t.inside(); text == "" || t.frame.Flows.Query.Filter != text {
		return nil
	}
	return t.frame.Flows.Rows
}

func toast(m core.ToastMsg) tea.Cmd { return func() tea.Msg { return m } }
