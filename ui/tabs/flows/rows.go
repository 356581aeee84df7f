// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// flag is the gutter's glyph of a flow, with a word elsewhere in the row: own session and access, drop, unanswered SYN.
func (t *Tab) flag(f *snap.Flow) table.Mark { return mark(t.env.Glyphs, f) }

func mark(g *themes.Glyphs, f *snap.Flow) table.Mark {
	switch {
	case f.WayIn == snap.OwnSession:
		return table.Mark{Glyph: g.Own, Token: themes.Accent}
	case f.WayIn == snap.AccessFlow:
		return table.Mark{Glyph: g.Own, Token: themes.InfoTok}
	case f.Verdict == "drop":
		return table.Mark{Glyph: g.Crit, Token: themes.Crit}
	case f.Unanswered, f.Verdict == "limit":
		return table.Mark{Glyph: g.Warn, Token: themes.Warn}
	}
	return table.Mark{}
}

func (t *Tab) groupFlag(g *snap.Group) table.Mark {
	if g.WayIn == snap.NoWayIn {
		return table.Mark{}
	}
	return table.Mark{Glyph: t.env.Glyphs.Own, Token: themes.Accent}
}

// Context implements core.Tab: the totals.
func (t *Tab) Context(w int) string {
	s := totals(&t.frame.Totals, t.env.Units.Bytes)
	if t.frame.Seq == 0 {
		s = ""
	}
	for len(s) > w {
		i := strings.LastIndexByte(s, ' ')
		if i < 0 {
			return ""
		}
		s = s[:i]
	}
	return s
}

func totals(v *snap.Totals, asBytes bool) string {
	b := append(format.AppendSI(nil, v.Rate.PPS, 6), "pps "...)
	bits, unit := v.Rate.BPS, "b/s"
	if asBytes {
		bits, unit = bits/8, "B/s"
	}
	b = append(format.AppendSI(b, bits, 6), unit...)
	b = append(b, " drop "...)
	share := 0.0
	if v.Rate.PPS > 0 {
		share = v.Drops / v.Rate.PPS
	}
	return string(format.AppendPercent(b, share))
}

// Message implements core.Tab: on the left what narrows the view, on the right where in the list this is.
func (t *Tab) Message(w int) string {
	if t.edit.Typing() {
		return t.edit.Line(w)
	}
	pos := t.position()
	room := w - len(pos) - 2
	left := " " + t.narrowing()
	if left == " " {
		left += t.wayIn(room - 1)
	}
	if room < 8 {
		return ansi.Truncate(pos, w, "")
	}
	left = ansi.Truncate(left, room, t.env.Glyphs.Ellipsis)
	return left + strings.Repeat(" ", max(w-line.Width(left)-len(pos), 0)) + pos
}

// position is "1-19 of 38 212 /100 000": rows in view, rows that pass, flows in the table.
func (t *Tab) position() string {
	v := &t.frame.Flows
	l := t.list()
	first, last := l.InView()
	b := append(strconv.AppendInt(nil, int64(first), 10), '-')
	b = append(strconv.AppendInt(b, int64(last), 10), " of "...)
	b = format.AppendCount(b, uint64(l.Total()))
	if t.view.group != "" {
		return string(append(b, " groups"...))
	}
	if t.view.filter != "" {
		b = format.AppendCount(append(b, " /"...), uint64(v.Total))
	}
	return string(b)
}

// narrowing says what stands between the user and the plain list.
func (t *Tab) narrowing() string {
	var parts []string
	if err := t.frame.Flows.Err; err != "" {
		parts = append(parts, t.env.Glyphs.Cross+" "+format.Clean(err))
	}
	if t.frame.Flows.Partial {
		parts = append(parts, "still looking up processes")
	}
	if t.view.filter != "" {
		parts = append(parts, "filter "+format.Clean(t.view.filter))
	}
	if t.view.group != "" {
		parts = append(parts, "by "+t.view.group)
	}
	if t.view.window != 0 {
		parts = append(parts, "rates over "+strconv.Itoa(snap.Windows[t.view.window])+" s")
	}
	if !t.list().Following() {
		parts = append(parts, "follow off")
	}
	return strings.Join(parts, "  ")
}

// wayIn pins the operator's own session where the filter would stand. How it was found is left out where there is no room.
func (t *Tab) wayIn(w int) string {
	st := &t.frame.State
	if len(st.WaysIn) == 0 {
		return ""
	}
	s := t.env.Glyphs.Own + " you: " + t.twin(format.Clean(st.WaysIn[0]))
	if short, _, ok := strings.Cut(s, " ("); ok && line.Width(s) > w {
		return short
	}
	return s
}

// twin replaces what an ASCII terminal can't draw.
func (t *Tab) twin(s string) string { return t.env.Twin(s) }
