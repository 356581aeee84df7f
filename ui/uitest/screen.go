// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"strconv"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// Screen is a view drawn into cells, as a terminal would show it.
type Screen struct {
	W, H int
	buf  uv.ScreenBuffer
}

// Draw puts lines, which may carry SGR sequences, into w times h cells.
func Draw(lines []string, w, h int) *Screen {
	s := &Screen{W: w, H: h, buf: uv.NewScreenBuffer(w, h)}
	uv.NewStyledString(strings.Join(lines, "\n")).Draw(s.buf, s.buf.Bounds())
	return s
}

// Text is what can be read, one line a row, without trailing blanks.
func (s *Screen) Text() string {
	var sb strings.Builder
	for y := 0; y < s.H; y++ {
		sb.WriteString(strings.TrimRight(s.Line(y), " "))
		sb.WriteByte('\n')
	}
	return sb.String()
}

// Line is the text of one row.
func (s *Screen) Line(y int) string {
	var sb strings.Builder
	for x := 0; x < s.W; x++ {
		if c := s.buf.CellAt(x, y); c != nil && c.Width > 0 {
			sb.WriteString(c.Content)
		}
	}
	return sb.String()
}

// Styles lists the runs of cells that look alike, "row from-to SGR" a line; plain cells are left out. Diffs can be read.
func (s *Screen) Styles() string {
	var sb strings.Builder
	for y := 0; y < s.H; y++ {
		for x := 0; x < s.W; {
			st := s.style(x, y)
			to := x + 1
			for to < s.W && s.style(to, y) == st {
				to++
			}
			if st != "" {
				sb.WriteString(strconv.Itoa(y) + " " + strconv.Itoa(x) + "-" + strconv.Itoa(to-1) + " " + strings.ReplaceAll(st, "\x1b", "ESC") + "\n")
			}
			x = to
		}
	}
	return sb.String()
}

func (s *Screen) style(x, y int) string {
	c := s.buf.CellAt(x, y)
	if c == nil {
		return ""
	}
	return c.Style.String()
}

// Faults checks what every view must hold: at most h lines, none wider than w cells, no control characters beside SGR.
// With narrow, no rune takes two cells. It returns one line a fault.
func Faults(lines []string, w, h int, narrow bool) []string {
	var out []string
	if len(lines) > h {
		out = append(out, strconv.Itoa(len(lines))+" lines where "+strconv.Itoa(h)+" fit")
	}
	for i, l := range lines {
		plain := ansi.Strip(l)
		at := "line " + strconv.Itoa(i) + ": "
		if n := ansi.StringWidth(l); n > w {
			out = append(out, at+strconv.Itoa(n)+" cells where "+strconv.Itoa(w)+" fit: "+strconv.Quote(plain))
		}
		for _, r := range plain {
			switch {
			case r < 0x20 || r >= 0x7f && r < 0xa0:
				out = append(out, at+"control character in "+strconv.Quote(plain))
			case narrow && ansi.StringWidth(string(r)) != 1:
				out = append(out, at+"a rune that is not one cell wide: "+strconv.QuoteRune(r))
			}
		}
		for rest := l; ; {
			j := strings.IndexByte(rest, 0x1b)
			if j < 0 {
				break
			}
			rest = rest[j+1:]
			if end := strings.IndexFunc(rest, func(r rune) bool { return r != '[' && r != ';' && r != ':' && (r < '0' || r > '9') }); end < 0 || rest[end] != 'm' {
				out = append(out, at+"an escape sequence that is not SGR in "+strconv.Quote(l))
			}
		}
	}
	return out
}
