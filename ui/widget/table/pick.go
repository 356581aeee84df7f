// SPDX-License-Identifier: Apache-2.0

package table

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/ui/core"
)

// PickColumns opens a picker that shows and hides the columns which may leave. help says what a column holds; nil: nothing is
// said.
func (m *Model[R, ID]) PickColumns(help func(key string) string) tea.Cmd {
	var list []core.Choice
	for _, c := range m.cols {
		if c.Priority == 0 {
			continue
		}
		state := "shown"
		if c.Hidden {
			state = "hidden"
		}
		if help != nil && help(c.Key) != "" {
			state = help(c.Key) + ", " + state
		}
		list = append(list, core.Item(c.Head(), state, func() tea.Cmd { m.Show(c.Key, c.Hidden); return nil }))
	}
	return core.Pick("columns: enter shows or hides", list)
}
