// SPDX-License-Identifier: Apache-2.0

package table

import "hooktop/themes"

// Column says how one column looks and how it gives way. Widths are in cells.
type Column[R any] struct {
	Key      string // stable name: sort key, saved views
	Title    string
	TitleNow func() string // instead of Title where it depends on a choice, as units do; nil: Title
	Width    int           // wanted
	Min      int           // least, when the terminal is narrow; 0: Width
	Max      int           // most, when it is wide; 0: Width
	Priority int           // 0 and 1 stay at any width, higher numbers leave first; from 10 on, after the others had their Max
	Right    bool
	Hidden   bool // not shown until asked for
	NoSort   bool
	// Cell appends the text of a row, at most w cells of clean text; what is longer is cut.
	Cell func(dst []byte, r *R, w int) []byte
	// Token is the cell's meaning; nil is plain text.
	Token func(r *R) themes.Token
}

func (c *Column[R]) min() int {
	if c.Min > 0 {
		return c.Min
	}
	return c.Width
}

func (c *Column[R]) max() int { return max(c.Width, c.Max) }

// Head is the title as it reads now.
func (c *Column[R]) Head() string {
	if c.TitleNow != nil {
		return c.TitleNow()
	}
	return c.Title
}

// place is a column's spot on the screen.
type place struct{ col, width int }

const (
	gutter = 2  // cursor, flag
	fixed  = 1  // priorities up to this one are kept by narrowing, not dropped
	luxury = 10 // priorities from this one on come only when the others are as wide as they want to be
)

// layout chooses columns for w cells. Priority decides who stays; the declared order decides where. When the column under
// the cursor would not be there, the rest scrolls sideways: the priority-0 columns stand still.
func layout[R any](cols []Column[R], w, gap, cursor int) []place {
	on := choose(cols, w, gap)
	if cursor >= 0 && cursor < len(cols) && !on[cursor] && !cols[cursor].Hidden {
		on = scroll(cols, w, gap, cursor)
	}
	return widths(cols, on, w-gutter, gap)
}

func choose[R any](cols []Column[R], w, gap int) []bool {
	const dear, squeeze = 4, 2 // up to this priority the others give up so many cells for one column more: 79 columns are not 80
	on := make([]bool, len(cols))
	least, used := -gap, -gap // sums with the fixed columns at Min, and everybody at Width
	top := 0
	for i := range cols {
		top = max(top, cols[i].Priority)
	}
	for p := 0; p <= top; p++ {
		if p == luxury {
			used = -gap
			for i := range cols {
				if on[i] {
					used += gap + cols[i].max()
				}
			}
		}
		for i := range cols {
			c := &cols[i]
			if c.Priority != p || c.Hidden {
				continue
			}
			if p <= fixed {
				if least+gap+c.min() > w-gutter && least > 0 {
					continue
				}
			} else if short := used + gap + c.Width - (w - gutter); short > 0 && (p > dear || short > squeeze || used-least < short) {
				return on
			}
			least += gap + c.min()
			used += gap + c.Width
			on[i] = true
		}
	}
	return on
}

// scroll shows the standing columns at their least, then as many as fit, ending with the cursor's column.
func scroll[R any](cols []Column[R], w, gap, cursor int) []bool {
	on := make([]bool, len(cols))
	left := w - gutter + gap
	for i := range cols {
		if cols[i].Priority == 0 && !cols[i].Hidden {
			on[i] = true
			left -= gap + cols[i].min()
		}
	}
	for i := cursor; i >= 0; i-- {
		if on[i] || cols[i].Hidden {
			continue
		}
		need := gap + cols[i].Width
		if need > left && i != cursor {
			break
		}
		on[i] = true
		left -= need
	}
	for i := cursor + 1; i < len(cols); i++ {
		if on[i] || cols[i].Hidden {
			continue
		}
		if need := gap + cols[i].Width; need <= left {
			on[i] = true
			left -= need
			continue
		}
		break
	}
	return on
}

// widths starts everybody at Min, then gives what is left: first up to Width, then up to Max, in order of priority.
func widths[R any](cols []Column[R], on []bool, w, gap int) []place {
	var ps []place
	left := w + gap
	for i := range cols {
		if on[i] {
			ps = append(ps, place{i, cols[i].min()})
			left -= gap + cols[i].min()
		}
	}
	for i := len(ps) - 1; left < 0 && i >= 0; i-- { // narrower than every least: cut from the right
		cut := min(-left, ps[i].width)
		ps[i].width -= cut
		left += cut
	}
	left = grow(ps, left, func(p place) int { return cols[p.col].Width })
	grow(ps, left, func(p place) int { return cols[p.col].max() })
	return ps
}

// grow hands out cells one round at a time, so that equals grow alike.
func grow(ps []place, left int, limit func(place) int) int {
	for moved := true; moved && left > 0; {
		moved = false
		for i := range ps {
			if left > 0 && ps[i].width < limit(ps[i]) {
				ps[i].width++
				left--
				moved = true
			}
		}
	}
	return left
}
