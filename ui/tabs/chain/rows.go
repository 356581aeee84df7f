// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"strconv"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// kind of a row.
type kind uint8

const (
	legRow  kind = iota // of a chain in force
	lineRow             // a chain line that is not in force: new, or off
	sumRow              // below the legs: what came back, or what is wrong
	wasRow              // below them: what the line was before it was edited
)

// row is one line of the table.
type row struct {
	id    rowID
	kind  kind
	chain *snap.Chain     // nil: not in force
	leg   int             // index of Chain.Legs
	line  *core.DraftLine // nil: the draft has no such chain
}

// rowID is what the cursor holds on to.
type rowID struct {
	chain string
	leg   int
	kind  kind
}

// sub reports whether a row belongs to those above: the cursor passes it by.
func (r *row) sub() bool { return r.kind == sumRow || r.kind == wasRow }

// head reports whether a row is its chain's first.
func (r *row) head() bool { return r.kind == lineRow || r.kind == legRow && r.leg == 0 }

// name is the chain's.
func (r *row) name() string { return r.id.chain }

// at is the leg of a row, nil where it has none.
func (r *row) at() *snap.Leg {
	if r.kind != legRow || r.chain == nil || r.leg >= len(r.chain.Legs) {
		return nil
	}
	return &r.chain.Legs[r.leg]
}

// mark is what the draft gives the chain, else what is in force.
func (r *row) mark() (mark, bool) {
	if r.line != nil {
		if m, ok := markOf(r.line.Text); ok {
			return m, true
		}
	}
	if l := r.at(); l != nil && l.Mask != 0 {
		return mark{l.Mark, l.Mask}, true
	}
	return mark{}, false
}

// layout lays the chains in force out with their legs, and the lines of the draft that are not in force behind them.
func layout(c *snap.Chains, lines []core.DraftLine) []row {
	var out []row
	told := map[int]bool{}
	for i := range c.Rows {
		ch := &c.Rows[i]
		var line *core.DraftLine
		if at := lineOf(lines, ch); at >= 0 {
			told[at], line = true, &lines[at]
		}
		add := func(k kind, leg int) {
			out = append(out, row{id: rowID{ch.Name, leg, k}, kind: k, chain: ch, leg: leg, line: line})
		}
		for leg := range ch.Legs {
			add(legRow, leg)
		}
		if len(ch.Legs) == 0 {
			add(lineRow, 0)
		}
		if line != nil && line.Was != "" {
			add(wasRow, 0)
		}
		add(sumRow, 0)
	}
	for i := range lines {
		if l := &lines[i]; l.Chain && !told[i] {
			r := row{id: rowID{nameOf(l.Text), i, lineRow}, kind: lineRow, line: l}
			if out = append(out, r); l.Was != "" {
				r.kind, r.id.kind = wasRow, wasRow
				out = append(out, r)
			}
		}
	}
	return out
}

// lineOf is the line of the draft that a chain in force stands in: one that it still has, else the one that it dropped.
func lineOf(lines []core.DraftLine, c *snap.Chain) int {
	at := -1
	for i := range lines {
		l := &lines[i]
		if !l.Chain || nameOf(l.Text) != c.Name {
			continue
		}
		if l.Line > 0 {
			return i
		}
		at = i
	}
	return at
}

// wasText is what a line was: only its mark or its switch where nothing else changed.
func wasText(l *core.DraftLine) string {
	switch {
	case l.Text == "off "+l.Was:
		return "switched off, was on"
	case l.Was == "off "+l.Text:
		return "switched on, was off"
	}
	if m, ok := markOf(l.Was); ok && withMark(l.Text, m) == withMark(l.Was, m) {
		return "was: " + m.short()
	}
	return "was: " + l.Was
}

// sumText says how a chain does, and in which token.
func sumText(c *snap.Chain) (themes.Token, string) {
	fails := "fail closed"
	if c.Open {
		fails = "fail open"
	}
	since := ""
	if c.Silent > 0 {
		since = " for " + format.Span(c.Silent)
	}
	why := ""
	if c.Why != "" {
		why = ": " + format.Clean(c.Why)
	}
	switch c.State {
	case "bypassed":
		return themes.Warn, "bypassed" + since + why
	case "closed":
		return themes.Crit, "closed" + since + ", its packets go nowhere" + why
	case "drift":
		return themes.Warn, "drift" + why + "   R repairs"
	}
	if c.Lost < 0 {
		return themes.TextDim, "nothing was sent to the service in the last ten seconds  " + fails
	}
	tok := themes.Text
	if c.Lost >= 0.01 {
		tok = themes.Warn
	}
	text := "returned " + format.Percent(1-c.Lost) + "  lost " + format.Percent(c.Lost) + "  " + fails
	if c.Why != "" {
		text += "  " + format.Clean(c.Why)
	}
	return tok, text
}

// drifted says what R would repair, "" when nothing has to be.
func drifted(c *snap.Chains) string {
	n := 0
	for i := range c.Steer {
		if s := c.Steer[i].State; s == "missing" || s == "changed" {
			n++
		}
	}
	switch {
	case n == 1:
		return "1 rule or route missing or changed"
	case n > 1:
		return strconv.Itoa(n) + " rules or routes missing or changed"
	}
	for i := range c.Rows {
		if c.Rows[i].State == "drift" {
			return "chain " + c.Rows[i].Name + " has drifted"
		}
	}
	return ""
}

// flag is the gutter's glyph; words say it too.
func (t *Tab) flag(r *row) table.Mark {
	g := t.env.Glyphs
	if !r.head() {
		return table.Mark{}
	}
	if l := r.line; l != nil {
		switch {
		case l.Line == 0:
			return table.Mark{Glyph: g.Minus, Token: themes.StageDel}
		case l.Old == 0:
			return table.Mark{Glyph: "+", Token: themes.StageAdd}
		case l.Was != "":
			return table.Mark{Glyph: "~", Token: themes.StageChange}
		}
	}
	if r.chain == nil {
		return table.Mark{}
	}
	switch r.chain.State {
	case "closed":
		return table.Mark{Glyph: g.Crit, Token: themes.Crit}
	case "bypassed", "drift":
		return table.Mark{Glyph: g.Warn, Token: themes.Warn}
	}
	return table.Mark{}
}

// span gives the rows that are a text.
func (t *Tab) span(r *row) (string, themes.Token, string) {
	switch r.kind {
	case wasRow:
		return t.env.Glyphs.Below + format.Clean(wasText(r.line)), themes.StageChange, ""
	case sumRow:
		tok, text := sumText(r.chain)
		return "  " + text, tok, ""
	}
	return "", themes.Text, ""
}

// way is from where to where a row leads, in at most w cells if the leg's short name fits.
func (t *Tab) way(r *row, w int) string {
	from, to, name := "", "", ""
	switch l := r.at(); {
	case l != nil:
		from, to, name = l.From, l.To, l.Name
	case r.line != nil:
		from, to, name = after(r.line.Text, "in", 1), after(r.line.Text, "dev", 1), "to service"
	}
	if to == "" {
		to = "where routing leads"
	}
	text := format.Clean(from) + " " + t.env.Glyphs.Arrow + " " + format.Clean(to)
	if full := text + "  " + format.Clean(name); line.Width(full) <= w {
		return full
	}
	switch name {
	case "reply to service":
		name = "reply in"
	case "reply back":
		name = "reply out"
	}
	return text + "  " + format.Clean(name)
}

// stateText is a row's state in a word.
func stateText(r *row) string {
	if l := r.at(); l != nil { // in force, whatever the draft says: the gutter shows that
		return format.Clean(l.State)
	}
	switch l := r.line; {
	case l == nil:
	case l.Line == 0:
		return "deleted"
	case l.Staged():
		return "staged"
	case l.Off:
		return "off"
	}
	return "not yet"
}

func stateToken(r *row) themes.Token {
	switch s := stateText(r); {
	case s == "ok":
		return themes.OK
	case s == "down":
		return themes.Crit
	case s == "deleted":
		return themes.StageDel
	case s == "off" || s == "idle":
		return themes.TextDim
	case s == "staged":
		return themes.StageChange
	}
	return themes.Text
}
