// SPDX-License-Identifier: Apache-2.0

// Package line builds one screen line out of styled pieces, counting cells.
package line

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
)

// Underline is added to a token's style for a column or letter that is pointed at.
const Underline = "\x1b[4m"

// Builder appends pieces until Width cells are used; what does not fit is cut. Text must be clean (format.Clean).
type Builder struct {
	th   *themes.Theme
	sb   strings.Builder
	w, n int
}

// New starts a line of at most w cells.
func New(th *themes.Theme, w int) *Builder { return &Builder{th: th, w: w} }

// Reset starts the next line, keeping the buffer's theme.
func (b *Builder) Reset(w int) { b.sb = strings.Builder{}; b.w, b.n = w, 0 }

// Left is how many cells are free.
func (b *Builder) Left() int { return b.w - b.n }

// Add appends s in the token's style, cut to what is left.
func (b *Builder) Add(tok themes.Token, s string) *Builder {
	n := Width(s)
	if n > b.w-b.n {
		s = ansi.Truncate(s, b.w-b.n, "")
		n = Width(s)
	}
	if n == 0 {
		return b
	}
	b.n += n
	if p := b.th.SGR(tok); p != "" {
		b.sb.WriteString(p)
		b.sb.WriteString(s)
		b.sb.WriteString(themes.Reset)
	} else {
		b.sb.WriteString(s)
	}
	return b
}

// AddUnder is Add with an underline on top of the token's style.
func (b *Builder) AddUnder(tok themes.Token, s string) *Builder {
	if Width(s) > b.w-b.n {
		s = ansi.Truncate(s, b.w-b.n, "")
	}
	if n := Width(s); n > 0 {
		b.n += n
		b.sb.WriteString(b.th.SGR(tok) + Underline + s + themes.Reset)
	}
	return b
}

// Join appends text that was styled already and takes n cells; it is left out when it does not fit.
func (b *Builder) Join(styled string, n int) *Builder {
	if n <= b.Left() {
		b.sb.WriteString(styled)
		b.n += n
	}
	return b
}

// Pad appends blanks in the token's style.
func (b *Builder) Pad(tok themes.Token, n int) *Builder {
	if n = min(n, b.w-b.n); n > 0 {
		b.Add(tok, strings.Repeat(" ", n))
	}
	return b
}

// Fill pads to the full width and returns the line.
func (b *Builder) Fill(tok themes.Token) string { b.Pad(tok, b.w-b.n); return b.sb.String() }

// String returns the line as it stands.
func (b *Builder) String() string { return b.sb.String() }

// Width counts terminal cells; plain ASCII is counted without tables.
func Width(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// Parts joins as many parts, from the first on, as there is room for; they are plain ASCII.
func Parts(parts []string, w int) string {
	s := ""
	for i, p := range parts {
		if i > 0 {
			p = "  " + p
		}
		if len(s)+len(p) > w {
			break
		}
		s += p
	}
	return s
}
