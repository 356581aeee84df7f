// SPDX-License-Identifier: Apache-2.0

// Package box draws a framed panel over other lines.
package box

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/widget/line"
)

// Box is a panel and its place over a body. Lines are W cells wide.
type Box struct {
	X, Y, W int
	Lines   []string
	Cursor  *tea.Cursor // relative to the body, or nil
}

// Frame puts a border around lines, which are w-2 cells wide. Title stands in the upper edge, right at its other end, foot in
// the lower edge.
func Frame(env *core.Env, w int, title, right, foot string, lines []string) []string {
	g, th := env.Glyphs, env.Theme
	out := make([]string, 0, len(lines)+2)
	out = append(out, edge(env, w, g.TopLeft, g.TopRight, title, right))
	side := th.SGR(themes.BorderFocus) + g.VLine
	if th.SGR(themes.BorderFocus) != "" {
		side += themes.Reset
	}
	for _, l := range lines {
		out = append(out, side+l+side)
	}
	return append(out, edge(env, w, g.BottomLeft, g.BottomRight, foot, ""))
}

func edge(env *core.Env, w int, left, end, title, right string) string {
	g := env.Glyphs
	b := line.New(env.Theme, w)
	b.Add(themes.BorderFocus, left)
	if title != "" && w > 6 {
		b.Add(themes.BorderFocus, " ").Add(themes.TextStrong, ansi.Truncate(title, w-5, g.Ellipsis)).Add(themes.BorderFocus, " ")
	}
	room := b.Left() - 1
	if right != "" && room >= line.Width(right)+4 {
		b.Add(themes.BorderFocus, strings.Repeat(g.HLine, room-line.Width(right)-4)+" ").Add(themes.HintText, right)
		b.Add(themes.BorderFocus, " "+g.HLine+g.HLine)
	} else if room > 0 {
		b.Add(themes.BorderFocus, strings.Repeat(g.HLine, room))
	}
	return b.Add(themes.BorderFocus, end).String()
}

// Over returns body, w cells wide, with the box drawn on it. body is not changed.
func (b Box) Over(body []string, w int) []string {
	out := make([]string, len(body))
	copy(out, body)
	for i, l := range b.Lines {
		y := b.Y + i
		if y < 0 || y >= len(out) {
			continue
		}
		under := out[y]
		left := ansi.Truncate(under, b.X, "")
		left += themes.Reset + strings.Repeat(" ", max(b.X-ansi.StringWidth(left), 0))
		right := rest(under, b.X+b.W)
		out[y] = left + l + right
	}
	return out
}

// rest is what stands from column x on; half a wide rune becomes a blank.
func rest(s string, x int) string {
	want := max(ansi.StringWidth(s)-x, 0)
	right := ansi.TruncateLeft(s, x, "")
	if ansi.StringWidth(right) > want {
		right = ansi.TruncateLeft(s, x+1, "")
	}
	return strings.Repeat(" ", max(want-ansi.StringWidth(right), 0)) + right
}

// Center gives the place of a panel of the given size in a body of w by h; a third of the free height above it.
func Center(w, h, bw, bh int) (x, y int) { return max((w-bw)/2, 0), max((h-bh)/3, 0) }
