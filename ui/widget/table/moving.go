// SPDX-License-Identifier: Apache-2.0

package table

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/ui/core"
)

// Mover is what movements do to a table, whatever its rows are.
type Mover interface {
	Move(int)
	Page(int)
	Top()
	Bottom()
	MoveColumn(int)
}

// Moved carries out a movement by about n lines: in a table, or in what stands over it.
type Moved func(f func(Mover), n int) tea.Cmd

// toTheEnd is as many lines as a movement to an end may be.
const toTheEnd = 1 << 20

// Moving are the keys that move in a table, the same on every tab; ends replace those of its top and its bottom.
func Moving(moved Moved, column func(n int), ends ...core.Binding) []core.Binding {
	step := func(n int) func() tea.Cmd {
		return func() tea.Cmd { return moved(func(m Mover) { m.Move(n) }, n) }
	}
	page := func(n int) func() tea.Cmd {
		return func() tea.Cmd { return moved(func(m Mover) { m.Page(n) }, n*10) }
	}
	side := func(n int) func() tea.Cmd {
		return func() tea.Cmd { column(n); return nil }
	}
	if len(ends) == 0 {
		ends = []core.Binding{ToTop(moved, "top"), ToBottom(moved, "bottom")}
	}
	out := append([]core.Binding{
		{Keys: []string{"j", "down"}, Name: "move.down", Help: "one row down", Do: step(1)},
		{Keys: []string{"k", "up"}, Name: "move.up", Help: "one row up", Do: step(-1)},
		{Keys: []string{"ctrl+d"}, Name: "move.halfdown", Help: "half a page down", Do: page(1)},
		{Keys: []string{"ctrl+u"}, Name: "move.halfup", Help: "half a page up", Do: page(-1)},
		{Keys: []string{"pgdown"}, Name: "move.pagedown", Help: "page down", Do: page(2)},
		{Keys: []string{"pgup"}, Name: "move.pageup", Help: "page up", Do: page(-2)},
	}, ends...)
	out = append(out,
		core.Binding{Keys: []string{"h", "left"}, Name: "move.left", Help: "column to the left", Do: side(-1)},
		core.Binding{Keys: []string{"l", "right"}, Name: "move.right", Help: "column to the right", Do: side(1)})
	for i := range out {
		out[i].Section = "MOVE"
	}
	return out
}

// ToTop is the key of the top, where help says what is.
func ToTop(moved Moved, help string) core.Binding {
	return core.Binding{Keys: []string{"g", "home"}, Name: "move.top", Help: help, Do: func() tea.Cmd { return moved(Mover.Top, -toTheEnd) }}
}

// ToBottom is the key of the bottom, likewise.
func ToBottom(moved Moved, help string) core.Binding {
	return core.Binding{Keys: []string{"G", "end"}, Name: "move.bottom", Help: help, Do: func() tea.Cmd { return moved(Mover.Bottom, toTheEnd) }}
}
