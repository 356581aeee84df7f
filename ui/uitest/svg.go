// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"fmt"
	"html"
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
)

// Cell size of a picture in pixels, for a font of 15.
const (
	cellW, cellH = 9.03, 19.0
	margin       = 14.0
)

// SVG draws a screen as a picture: one text element a row, rectangles behind cells with a background. fg and bg are the
// colours of the terminal itself, as "#d6dbe1".
func SVG(s *Screen, fg, bg string) string {
	w, h := float64(s.W)*cellW+2*margin, float64(s.H)*cellH+2*margin
	var sb strings.Builder
	fmt.Fprintf(&sb, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="'DejaVu Sans Mono','JetBrains Mono',Menlo,Consolas,monospace" font-size="15" xml:space="preserve">`+"\n", w, h, w, h)
	fmt.Fprintf(&sb, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", bg)
	for y := 0; y < s.H; y++ {
		s.runs(y, func(x, n int, text string, st uv.Style) {
			f, b := colours(st, fg, bg)
			px, py := margin+float64(x)*cellW, margin+float64(y)*cellH
			if b != bg {
				fmt.Fprintf(&sb, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"/>`, px, py, float64(n)*cellW, cellH, b)
			}
			if strings.TrimSpace(text) == "" {
				return
			}
			extra := ""
			if st.Attrs&uv.AttrBold != 0 {
				extra += ` font-weight="bold"`
			}
			if st.Underline != uv.UnderlineNone {
				extra += ` text-decoration="underline"`
			}
			fmt.Fprintf(&sb, `<text x="%.2f" y="%.2f" textLength="%.2f" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
				px, py+cellH-5, float64(n)*cellW, f, extra, html.EscapeString(strings.ReplaceAll(text, " ", "\u00a0")))
		})
	}
	sb.WriteString("</svg>\n")
	return sb.String()
}

// runs calls f for each run of cells of one style.
func (s *Screen) runs(y int, f func(x, n int, text string, st uv.Style)) {
	for x := 0; x < s.W; {
		var text strings.Builder
		key, from := s.style(x, y), x
		var st uv.Style
		if c := s.buf.CellAt(x, y); c != nil {
			st = c.Style
		}
		for x < s.W && s.style(x, y) == key {
			c := s.buf.CellAt(x, y)
			switch {
			case c == nil || c.Content == "" && c.Width > 0:
				text.WriteByte(' ')
			case c.Width > 0:
				text.WriteString(c.Content)
			}
			x++
		}
		f(from, x-from, text.String(), st)
	}
}

func colours(st uv.Style, fg, bg string) (string, string) {
	f, b := hex(st.Fg, fg), hex(st.Bg, bg)
	if st.Attrs&uv.AttrReverse != 0 {
		f, b = b, f
	}
	return f, b
}

func hex(c color.Color, none string) string {
	if c == nil {
		return none
	}
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
