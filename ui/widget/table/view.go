// SPDX-License-Identifier: Apache-2.0

package table

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/format"
)

// Mark is one glyph of the gutter.
type Mark struct {
	Glyph string // one cell, "" for none
	Token themes.Token
}

// underline marks the column under the column cursor, on top of the token's style.
const underline = "\x1b[4m"

// View draws the header and h-1 rows, each w cells wide. It allocates the lines and nothing a cell.
func (m *Model[R, ID]) View(w, h int) []string {
	if w < 1 || h < 1 {
		return nil
	}
	m.expire()
	m.lines = max(h-1, 1)
	m.scroll()
	m.place(w)
	out := make([]string, 0, h)
	out = append(out, m.header(w))
	for i := 0; i < h-1; i++ {
		abs, gone := m.top+i, !m.goneAt.IsZero()
		switch {
		case gone && abs == m.at:
			out = append(out, m.row(&m.last, w, true, m.Gone()))
			continue
		case gone && abs > m.at:
			abs--
		}
		if abs >= m.win.Total {
			out = append(out, "")
			continue
		}
		r := m.hand(abs)
		if r == nil {
			out = append(out, m.waiting(w, abs == m.at && !m.Blur))
			continue
		}
		out = append(out, m.row(r, w, abs == m.at && !gone && !m.Blur, m.vanished(r)))
	}
	return out
}

func (m *Model[R, ID]) place(w int) {
	if m.placed.w == w && m.placed.col == m.col && m.placed.gen == m.gen && m.places != nil {
		return
	}
	m.places = layout(m.cols, w, m.gap(), m.col)
	m.placed.w, m.placed.col, m.placed.gen = w, m.col, m.gen
}

// gap is the room between columns.
func (m *Model[R, ID]) gap() int {
	if m.env.Comfortable {
		return 2
	}
	return 1
}

// pen appends styled text; a style is switched only when it changes.
type pen struct {
	th  *themes.Theme
	b   []byte
	cur string
	n   int // cells written
}

func (p *pen) style(sgr string) {
	if sgr == p.cur {
		return
	}
	if p.cur != "" {
		p.b = append(p.b, themes.Reset...)
	}
	p.b = append(p.b, sgr...)
	p.cur = sgr
}

func (p *pen) blanks(n int) {
	p.n += max(n, 0)
	for ; n > 0; n-- {
		p.b = append(p.b, ' ')
	}
}

func (p *pen) end() string {
	p.style("")
	return string(p.b)
}

func (m *Model[R, ID]) header(w int) string {
	th, g := m.env.Theme, m.env.Glyphs
	p := pen{th: th, b: m.buf[:0]}
	head, cur := th.SGR(themes.Header), th.SGR(themes.RowCursor)+underline
	p.style(head)
	p.blanks(min(gutter, w))
	for i, pl := range m.places {
		if i > 0 {
			p.blanks(m.gap())
		}
		c := &m.cols[pl.col]
		arrow := ""
		if c.Key == m.sort {
			if arrow = g.SortDown; m.asc {
				arrow = g.SortUp
			}
		}
		title := c.Head()
		if room := pl.width - utf8.RuneCountInString(arrow); len(title) > room {
			title = title[:max(room, 0)]
		}
		used := len(title)
		if arrow != "" && used < pl.width {
			used++
		} else {
			arrow = ""
		}
		pad := pl.width - used
		if c.Right {
			p.blanks(pad)
		}
		if pl.col == m.col && !m.Blur {
			p.style(cur)
		}
		p.b = append(append(p.b, title...), arrow...)
		p.n += used
		p.style(head)
		if !c.Right {
			p.blanks(pad)
		}
	}
	p.blanks(w - p.n)
	s := p.end()
	m.buf = p.b
	return s
}

func (m *Model[R, ID]) row(r *R, w int, cursor bool, gone time.Duration) string {
	th := m.env.Theme
	p := pen{th: th, b: m.buf[:0]}
	whole, tok := false, themes.Text
	switch {
	case cursor:
		whole, tok = true, themes.RowCursor
	case gone > 0:
		whole, tok = true, themes.TextDim
	}
	m.gutter(&p, r, w, cursor, whole, tok)
	from, until, span := m.span(r)
	for i, pl := range m.places {
		if i > from && i < until {
			continue
		}
		if i > 0 {
			p.blanks(m.gap())
		}
		if i == from {
			if !whole {
				tok = span.tok
			}
			m.spanned(&p, span.text, i, until, tok)
			continue
		}
		c := &m.cols[pl.col]
		m.cell = c.Cell(m.cell[:0], r, pl.width)
		dots := "…"
		if m.env.Glyphs.ASCII {
			m.cell, dots = twin(m.cell), "~" // not the glyph's ".": 2001:db8.10 would be an address
		}
		text, n := fit(m.cell, pl.width, dots)
		if !whole {
			tok = themes.Text
			if c.Token != nil {
				tok = c.Token(r)
			}
		}
		if c.Right {
			p.blanks(pl.width - n)
		}
		p.style(th.SGR(tok))
		p.b = append(p.b, text...)
		p.n += n
		if !c.Right {
			p.blanks(pl.width - n)
		}
	}
	p.blanks(w - p.n)
	s := p.end()
	m.buf = p.b
	if gone > 0 {
		s = m.over(s, w, gone, tok)
	}
	return s
}

// spanText is what stands across columns.
type spanText struct {
	text string
	tok  themes.Token
}

// span says which places a row's text takes: from the first to before the second, none when the first is negative.
func (m *Model[R, ID]) span(r *R) (from, until int, s spanText) {
	if m.Span == nil {
		return -1, -1, s
	}
	text, tok, upTo := m.Span(r)
	if text == "" {
		return -1, -1, s
	}
	until = len(m.places)
	for i, pl := range m.places {
		if i > 0 && m.cols[pl.col].Key == upTo {
			until = i
		}
	}
	return min(1, len(m.places)-1), until, spanText{text, tok}
}

// spanned writes a text over the places from i to before until.
func (m *Model[R, ID]) spanned(p *pen, text string, i, until int, tok themes.Token) {
	w := -m.gap()
	for _, pl := range m.places[i:max(until, i+1)] {
		w += m.gap() + pl.width
	}
	m.cell = append(m.cell[:0], text...)
	dots := "…"
	if m.env.Glyphs.ASCII {
		m.cell, dots = twin(m.cell), "~"
	}
	cut, n := fit(m.cell, w, dots)
	p.style(m.env.Theme.SGR(tok))
	p.b = append(p.b, cut...)
	p.n += n
	p.blanks(w - n)
}

func (m *Model[R, ID]) gutter(p *pen, r *R, w int, cursor, whole bool, tok themes.Token) {
	if w < gutter {
		return
	}
	th := p.th
	if whole {
		p.style(th.SGR(tok))
	}
	if cursor {
		p.b = append(p.b, m.env.Glyphs.Cursor...)
		p.n++
	} else {
		p.blanks(1)
	}
	var mark Mark
	if m.Flag != nil {
		mark = m.Flag(r)
	}
	if mark.Glyph == "" {
		p.blanks(1)
		return
	}
	if !whole {
		p.style(th.SGR(mark.Token))
	}
	p.b = append(p.b, mark.Glyph...)
	p.n++
}

// over writes "gone 3 s" over the right end of a row.
func (m *Model[R, ID]) over(s string, w int, gone time.Duration, tok themes.Token) string {
	word := " gone " + strconv.Itoa(int(gone/time.Second)) + " s"
	if len(word) >= w {
		return s
	}
	return ansi.Truncate(s, w-len(word), "") + m.env.Theme.SGR(tok) + word + themes.Reset
}

// waiting draws a row that is not at hand yet.
func (m *Model[R, ID]) waiting(w int, cursor bool) string {
	p := pen{th: m.env.Theme, b: m.buf[:0]}
	if cursor {
		p.style(m.env.Theme.SGR(themes.RowCursor))
		p.b = append(p.b, m.env.Glyphs.Cursor...)
		p.n++
	} else {
		p.style(m.env.Theme.SGR(themes.TextDim))
		p.blanks(1)
	}
	if w > 4 {
		p.blanks(1)
		p.b = append(p.b, m.env.Glyphs.Ellipsis...)
		p.n++
	}
	p.blanks(w - p.n)
	s := p.end()
	m.buf = p.b
	return s
}

// twin replaces what an ASCII terminal can't draw.
func twin(b []byte) []byte {
	for _, c := range b {
		if c >= 0x80 {
			return append(b[:0], format.ASCII(string(b))...)
		}
	}
	return b
}

// fit returns b cut to w cells, with an ellipsis where something is missing, and its width.
func fit(b []byte, w int, dots string) ([]byte, int) {
	n, ok := format.Cells(b)
	if ok && n <= w {
		return b, n
	}
	if ok && n == len(b) && w > 0 {
		return append(b[:w-1], dots...), w
	}
	s := ansi.Truncate(string(b), w, dots)
	return append(b[:0], s...), ansi.StringWidth(s)
}
