// SPDX-License-Identifier: Apache-2.0

package decap

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/widget/filter"
)

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
