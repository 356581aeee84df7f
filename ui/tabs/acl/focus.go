// SPDX-License-Identifier: Apache-2.0

package acl

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
)

// Query implements core.Tab. Flows are asked for only while the editor is open: ways in first, which it watches over, then
// the fastest, whose addresses it offers.
func (t *Tab) Query(q *snap.Query) {
	if t.edit == nil {
		return
	}
	q.Flows = snap.FlowQuery{Sort: "pps", Limit: seenFlows}
	if !t.edit.ways.known {
		q.Flows.Filter = waysFilter
	}
}

// Capturing implements core.Tab.
func (t *Tab) Capturing() bool {
	return t.edit != nil || t.review != nil || t.heads != nil || t.refused != nil || t.field()
}

// field reports whether the message line is a field.
func (t *Tab) field() bool {
	return t.save != nil || t.find != nil || t.heads != nil && t.heads.name != nil
}

// Cursor implements core.Tab: the place in a field, else the row under the cursor.
func (t *Tab) Cursor() *tea.Cursor {
	switch {
	case t.field(), t.edit != nil, t.review != nil && (t.review.asking || t.review.canary.typing):
		return tea.NewCursor(t.at.x, t.at.y)
	case t.heads != nil || t.review != nil || t.refused != nil || t.list.Total() == 0:
		return nil
	}
	return tea.NewCursor(0, t.list.Line())
}

func toast(m core.ToastMsg) tea.Cmd { return func() tea.Msg { return m } }
