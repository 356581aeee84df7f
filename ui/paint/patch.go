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
	w, h      int
	x, y      int      // of the cursor
	lost      bool     // the cursor stands behind the last column: only an absolute move tells where it is
	pen       uv.Style // of the terminal, as it was asked for
	profile   colorprofile.Profile
	backspace bool
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

// line brings a line of the terminal from what it was to what it is; false: it can't.
func (p *patch) line(y int, was, is uv.Line) bool {
	if len(was) != p.w || len(is) != p.w || !simple(was) || !simple(is) || y == p.h-1 && !alike(&was[p.w-1], &is[p.w-1]) {
		return false // a character in the last corner may scroll the terminal
	}
	end := p.w // from here on nothing is seen
	for end > 0 && blank(&is[end-1]) {
		end--
	}
	for x := next(was, is, 0); x < p.w; x = next(was, is, x) {
		if x >= end && last(was, is)-x >= len(ansi.EraseLineRight) {
			p.move(x, y)
			p.style(&is[x])
			p.out.WriteString(ansi.EraseLineRight)
			return true
		}
		p.move(x, y)
		for x < p.w && (!alike(&was[x], &is[x]) || p.bridges(was, is, x)) {
			p.put(&is[x])
			x++
		}
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
func (p *patch) bridges(was, is uv.Line, x int) bool {
	const passing = len("\x1b[2C")
	n := 0
	for i := x; i < len(is); i++ {
		switch c := &is[i]; {
		case !alike(&was[i], c):
			return n < passing
		case blank(c) && !bare(&p.pen), !blank(c) && !matches(&c.Style, &p.pen):
			return false
		default:
			if n += len(c.Content); n >= passing {
				return false
			}
		}
	}
	return false
}

func (p *patch) put(c *uv.Cell) {
	p.style(c)
	p.out.WriteString(c.Content)
	p.x++
	p.lost = p.x >= p.w
}

// style takes up the pen that a cell asks for. A blank one takes any that leaves no trace.
func (p *patch) style(c *uv.Cell) {
	if blank(c) && bare(&p.pen) || matches(&c.Style, &p.pen) {
		return
	}
	p.ink(c.Style)
}

func (p *patch) ink(s uv.Style) {
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
		down := p.down(y - p.y)
		for _, along := range []string{p.along(x - p.x), "\r" + p.along(x)} {
			if len(down)+len(along) < len(way) {
				way = down + along
			}
		}
	}
	p.out.WriteString(way)
	p.x, p.y, p.lost = x, y, false
}

func (p *patch) down(n int) string {
	switch {
	case n < 0:
		return csi(-n, 'A')
	case n < 4:
		return strings.Repeat("\n", n)
	}
	return csi(n, 'B')
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

// csi is a relative move; by one cell it needs no number.
func csi(n int, verb byte) string {
	if n == 1 {
		return "\x1b[" + string(verb)
	}
	return "\x1b[" + strconv.Itoa(n) + string(verb)
}

// finish leaves the terminal as the cell renderer expects it: without a style, its cursor known.
func (p *patch) finish() []byte {
	p.ink(uv.Style{})
	if p.lost {
		p.out.WriteByte('\r')
		p.x, p.lost = 0, false
	}
	return p.out.Bytes()
}
