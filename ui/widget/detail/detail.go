// SPDX-License-Identifier: Apache-2.0

// Package detail draws the pane about one thing: a head, fields and paragraphs, framed on the left when it stands beside a
// list and bare when it fills the screen.
package detail

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/widget/line"
)

// Split says how many cells list and pane get at a width (UX: none below 160, 51 columns, 40 % from 240). The pane's
// share holds its border.
func Split(w int) (list, pane int) {
	switch {
	case w < 160:
		return w, 0
	case w < 240:
		return w - 52, 52
	}
	return w - w*2/5, w * 2 / 5
}

// Body collects the lines of a pane of a given inner width.
type Body struct {
	env   *core.Env
	w     int
	lines []Line
}

// Line is a styled line and the cells it takes.
type Line struct {
	text string
	w    int
}

// NewBody starts a body for lines of w cells.
func NewBody(env *core.Env, w int) *Body { return &Body{env: env, w: max(w, 1)} }

// Gap adds an empty line.
func (b *Body) Gap() { b.lines = append(b.lines, Line{}) }

// Head adds a heading.
func (b *Body) Head(s string) { b.Line(themes.Accent, s) }

// Line adds one line, cut to the width.
func (b *Body) Line(tok themes.Token, s string) {
	b.Add(line.New(b.env.Theme, b.w).Add(tok, s))
}

// Field adds "label     value"; a long value goes on below, indented. An empty value adds nothing.
func (b *Body) Field(label, value string) { b.FieldTok(label, themes.Text, value) }

// FieldTok is Field with the value in a token's style.
func (b *Body) FieldTok(label string, tok themes.Token, value string) {
	const indent = 11
	if value == "" {
		return
	}
	for i, part := range Wrap(value, max(b.w-indent, 8)) {
		l := line.New(b.env.Theme, b.w)
		if i == 0 {
			l.Add(themes.TextDim, label)
		}
		l.Pad(themes.Text, indent-line.Width(label)*btoi(i == 0)).Add(tok, part)
		b.Add(l)
	}
}

// Text adds a paragraph, wrapped.
func (b *Body) Text(tok themes.Token, s string) {
	for _, part := range Wrap(s, b.w) {
		b.Line(tok, part)
	}
}

// Add adds a line that was built for the body's width.
func (b *Body) Add(l *line.Builder) { b.lines = append(b.lines, Line{l.String(), b.w - l.Left()}) }

// Width is the room of a line.
func (b *Body) Width() int { return b.w }

// Lines returns what was collected.
func (b *Body) Lines() []Line { return b.lines }

// Wrap breaks clean text at blanks into lines of at most w cells; longer words are cut.
func Wrap(s string, w int) []string {
	if line.Width(s) <= w {
		return []string{s}
	}
	var out []string
	row, used := "", 0
	for _, word := range strings.Fields(s) {
		n := line.Width(word)
		for n > w { // a word that is wider than a line
			if row != "" {
				out = append(out, row)
				row, used = "", 0
			}
			head := ansi.Truncate(word, w, "")
			if head == "" { // not even one wide rune fits
				return append(out, row)
			}
			out = append(out, head)
			word = word[len(head):]
			n = line.Width(word)
		}
		switch {
		case row == "":
			row, used = word, n
		case used+1+n <= w:
			row, used = row+" "+word, used+1+n
		default:
			out = append(out, row)
			row, used = word, n
		}
	}
	if row != "" {
		out = append(out, row)
	}
	return out
}

// Pane frames a body: the head line with a title left and a hint right, then the lines from scroll on, h lines of w cells.
// With a border it stands beside a list.
func Pane(env *core.Env, w, h int, border, focus bool, title, hint string, lines []Line, scroll int) []string {
	if w < 1 || h < 1 {
		return nil
	}
	edge := themes.Border
	if focus {
		edge = themes.BorderFocus
	}
	start := func() *line.Builder {
		l := line.New(env.Theme, w)
		if border {
			l.Add(edge, env.Glyphs.VLine)
		}
		return l.Pad(themes.Text, 1)
	}
	out := make([]string, 0, h)
	scroll = min(scroll, max(len(lines)-(h-1), 0))
	if below := len(lines) - scroll - (h - 1); below > 0 {
		hint = strconv.Itoa(below) + " more below  " + hint
	}
	l := start()
	l.Add(themes.TextStrong, title)
	if n := line.Width(hint); l.Left() > n+1 {
		l.Pad(themes.Text, l.Left()-n-1).Add(themes.HintText, hint)
	}
	out = append(out, l.Fill(themes.Text))
	edgeOn := start().String()
	inner := w - line.Width(ansi.Strip(edgeOn))
	blank := strings.Repeat(" ", max(inner, 0))
	for i := 0; i < h-1; i++ {
		var l Line
		if j := scroll + i; j < len(lines) && lines[j].w <= inner {
			l = lines[j]
		}
		out = append(out, edgeOn+l.text+blank[l.w:])
	}
	return out
}

// Inner is the width of a pane's lines.
func Inner(w int, border bool) int {
	if border {
		return max(w-3, 1)
	}
	return max(w-2, 1)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
