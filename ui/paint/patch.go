// SPDX-License-Identifier: Apache-2.0

package paint

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// patch writes the cells that differ and nothing between them. The cell renderer writes each line from the first cell that differs
// to the last one, and resets the style after each: where the rates of sixty rows change, that is most of what is sent. What a
// patch can't do, moving lines and cells, and characters of other widths than one, it leaves to that renderer.
type patch struct {
	out       bytes.Buffer
	runs      []run // to be written
	w, h      int
	x, y      int      // of the cursor
	lost      bool     // the cursor stands behind the last column: only an absolute move tells where it is
	pen       uv.Style // of the terminal, as it was asked for
	profile   colorprofile.Profile
	backspace bool
}

// run is cells side by side that one style writes.
type run struct {
	x, y  int
	cells uv.Line
	style *uv.Style // nil: any that leaves no trace on blank cells
	erase bool      // nothing is seen from here to the end of the line
}

// takes reports whether the run's style writes a cell, too.
func (r *run) takes(c *uv.Cell) bool {
	switch {
	case blank(c):
		return r.style == nil || bare(r.style)
	case r.style == nil:
		return len(r.cells) == 0 || bare(&c.Style)
	}
	return c.Style.Equal(r.style)
}

// blank reports whether a cell shows nothing but the terminal's background: the colour of its text is not to be seen.
func blank(c *uv.Cell) bool { return c.Content == " " && c.Link.IsZero() && bare(&c.Style) }

// bare reports whether a space in this style shows nothing but the terminal's background.
func bare(s *uv.Style) bool {
	const unseen = uv.AttrBold | uv.AttrFaint | uv.AttrItalic | uv.AttrBlink | uv.AttrRapidBlink
	return s.Bg == nil && s.Underline == 0 && s.Attrs&^unseen == 0
}

func alike(a, b *uv.Cell) bool {
	return a.Content == b.Content && (*a == *b || blank(a) && blank(b) || a.Equal(b))
}

// matches compares styles. Equal works out each colour; most are the very same value.
func matches(a, b *uv.Style) bool { return *a == *b || a.Equal(b) }

// simple reports whether every terminal gives each character of a line one cell.
func simple(line uv.Line) bool {
	for i := range line {
		c := &line[i]
		if c.Width != 1 || !c.Link.IsZero() || len(c.Content) > 1 && utf8.RuneCountInString(c.Content) != 1 {
			return false
		}
	}
	return true
}

// line notes what brings a line of the terminal from what it was to what it is; false: it can't.
func (p *patch) line(y int, was, is uv.Line) bool {
	if len(was) != p.w || len(is) != p.w || !simple(was) || !simple(is) || y == p.h-1 && !alike(&was[p.w-1], &is[p.w-1]) {
		return false // a character in the last corner may scroll the terminal
	}
	end := p.w // from here on nothing is seen
	for end > 0 && blank(&is[end-1]) {
		end--
	}
	for x := next(was, is, 0); x < p.w; x = next(was, is, x) {
		r := run{x: x, y: y}
		if x >= end && last(was, is)-x >= len(ansi.EraseLineRight) {
			r.erase = true
			p.runs = append(p.runs, r)
			return true
		}
		for x < p.w && r.takes(&is[x]) && (!alike(&was[x], &is[x]) || r.bridges(was, is, x)) {
			if x++; !blank(&is[x-1]) {
				r.style = &is[x-1].Style
			}
			r.cells = is[r.x:x]
		}
		p.runs = append(p.runs, r)
	}
	return true
}

// next is the first cell from x on that differs, last the last one.
func next(was, is uv.Line, x int) int {
	for x < len(is) && alike(&was[x], &is[x]) {
		x++
	}
	return x
}

func last(was, is uv.Line) int {
	x := len(is) - 1
	for x >= 0 && alike(&was[x], &is[x]) {
		x--
	}
	return x
}

// bridges reports whether the cells from x on that stay as they are are written sooner than passed over.
func (r *run) bridges(was, is uv.Line, x int) bool {
	const passing = len("\x1b[2C")
	n := 0
	for i := x; i < len(is) && r.takes(&is[i]); i++ {
		if !alike(&was[i], &is[i]) {
			return true
		}
		if n += len(is[i].Content); n >= passing {
			return false
		}
	}
	return false
}

// searched is for how many runs the order is searched: that takes the square of their number.
const searched = 300

// write writes the runs, the one next that takes the fewest bytes to get to: cells that change are often above one another and in few
// styles, so that from line to line the cursor would go to and fro, and so would the style.
func (p *patch) write() {
	search := len(p.runs) <= searched
	for left := p.runs; len(left) > 0; left = left[1:] {
		best := 0
		for i, least := 0, p.cost(&left[0]); search && i < len(left); i++ {
			if c := p.cost(&left[i]); c < least {
				best, least = i, c
			}
		}
		r := left[best]
		copy(left[1:best+1], left[:best]) // the others stay in their order
		p.move(r.x, r.y)
		switch {
		case r.style != nil:
			p.ink(*r.style)
		case !bare(&p.pen):
			p.ink(uv.Style{})
		}
		if r.erase {
			p.out.WriteString(ansi.EraseLineRight)
		}
		for i := range r.cells {
			p.out.WriteString(r.cells[i].Content)
		}
		p.x += len(r.cells)
		p.lost = p.x >= p.w
	}
	p.runs = p.runs[:0]
}

// cost is about how many bytes it takes to begin a run.
func (p *patch) cost(r *run) int {
	const styling, moving = 12, 8
	n := moving
	if !p.lost {
		n = min(n, downLen(r.y-p.y)+min(p.alongLen(r.x-p.x), 1+p.alongLen(r.x)))
	}
	if r.style == nil && !bare(&p.pen) || r.style != nil && !r.style.Equal(&p.pen) {
		n += styling
	}
	return n
}

func (p *patch) ink(s uv.Style) {
	if s.Equal(&p.pen) {
		return
	}
	is, was := uv.ConvertStyle(s, p.profile), uv.ConvertStyle(p.pen, p.profile)
	p.pen = s
	switch seq := is.Diff(&was); {
	case is.Equal(&was):
	case is.IsZero() && len(seq) > len(ansi.ResetStyle):
		p.out.WriteString(ansi.ResetStyle)
	default:
		p.out.WriteString(seq)
	}
}

// move brings the cursor to a cell, by the shortest way.
func (p *patch) move(x, y int) {
	if !p.lost && x == p.x && y == p.y {
		return
	}
	way := ansi.CursorPosition(x+1, y+1)
	if !p.lost {
		down := down(y - p.y)
		for _, along := range []string{p.along(x - p.x), "\r" + p.along(x)} {
			if len(down)+len(along) < len(way) {
				way = down + along
			}
		}
	}
	p.out.WriteString(way)
	p.x, p.y, p.lost = x, y, false
}

func down(n int) string {
	switch {
	case n < 0:
		return csi(-n, 'A')
	case n < 4:
		return strings.Repeat("\n", n)
	}
	return csi(n, 'B')
}

func downLen(n int) int {
	if n >= 0 && n < 4 {
		return n
	}
	return csiLen(n)
}

func (p *patch) along(n int) string {
	switch {
	case n == 0:
		return ""
	case n > 0:
		return csi(n, 'C')
	case n > -4 && p.backspace:
		return strings.Repeat("\b", -n)
	}
	return csi(-n, 'D')
}

func (p *patch) alongLen(n int) int {
	if n <= 0 && n > -4 && p.backspace {
		return -n
	}
	return csiLen(n)
}

func csiLen(n int) int {
	switch n = max(n, -n); {
	case n < 2:
		return 3 * n
	case n < 10:
		return 4
	case n < 100:
		return 5
	}
	return 6
}

// csi is a relative move; by one cell it needs no number.
func csi(n int, verb byte) string {
	if n == 1 {
		return "\x1b[" + string(verb)
	}
	return "\x1b[" + strconv.Itoa(n) + string(verb)
}

// finish leaves the terminal as the cell renderer expects it: without a style, its cursor known.
func (p *patch) finish() []byte {
	p.write()
	p.ink(uv.Style{})
	if p.lost {
		p.out.WriteByte('\r')
		p.x, p.lost = 0, false
	}
	return p.out.Bytes()
}
