// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"slices"
	"strconv"
	"strings"

	"hooktop/netcfg/policy"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
)

// editLines are the lines inside the editor: the text, what it is, what is to be said of it, what it does, what may follow.
const editLines = 5

// editView is the list, with the editor between its rows when it is open: those below move down, and none is hidden that has room.
func (t *Tab) editView(w, h int) []string {
	list := t.listView(w, h)
	if t.edit == nil {
		return list
	}
	b, at := t.editBox(w, h), t.editRow()
	if b.Y < 1 || at > h {
		return b.Over(list, w)
	}
	above, below := list[1:at], list[at:]
	if t.edit.edit.Verb == policy.Replace {
		below = below[min(1+t.subs(), len(below)):]
	}
	above = above[max(len(above)-(b.Y-1), 0):]
	out := slices.Concat(list[:1], above, b.Lines, below, make([]string, h))
	return out[:h]
}

// editRow is the line of the body that the editor stands at: that of the row which is edited, or the one below the row that it
// follows.
func (t *Tab) editRow() int {
	y := t.list.Line()
	if t.edit.edit.Verb == policy.Insert && t.list.Total() > 0 {
		if r, ok := t.selected(); ok && r.n < t.edit.edit.At {
			y += 1 + t.subs()
		}
	}
	return y
}

// subs counts the rows under the cursor's that belong to it.
func (t *Tab) subs() (n int) {
	for i := t.list.At() + 1; i < len(t.rows) && t.rows[i].sub(); i++ {
		n++
	}
	return n
}

// editBox draws the editor for a body of w by h, at the row that is edited or below the one that it follows.
func (t *Tab) editBox(w, h int) box.Box {
	ed := t.edit
	inner := max(w-2, 1)
	text, x := ed.field.View(t.env.Theme, themes.Input, max(inner-2, 1))
	lines := append([]string{" " + text + " "}, t.saidLines(inner)...)
	lines = append(lines, t.wordsLine(inner))
	if room := h - 3; room < editLines { // hardly any height: the text and what is wrong with it matter
		lines = lines[:max(room, 1)]
	}
	high := len(lines) + 2
	y := max(min(t.editRow(), h-high), 0)
	t.at.x, t.at.y = x+2, y+1
	return box.Box{X: 0, Y: y, W: w, Lines: box.Frame(t.env, w, t.editTitle(), t.editRight(), "", lines)}
}

func (t *Tab) editTitle() string {
	e := t.edit.edit
	if e.Verb == policy.Replace {
		return "line " + strconv.Itoa(e.At)
	}
	return "new line " + strconv.Itoa(e.At)
}

func (t *Tab) editRight() string {
	if n := len(t.edit.queue); n > 0 {
		return format.Plural(uint64(n), "more line") + " to come"
	}
	return "nothing is applied yet"
}

// saidLines are three: how the text reads, what is to be said of it, what it does. What is wrong with it may take the room of what it
// would do.
func (t *Tab) saidLines(w int) []string {
	tok, text := t.verdict()
	if list := detail.Wrap(t.twin(format.Clean(text)), max(w-2, 1)); tok == themes.InputError && len(list) > 1 {
		return []string{t.boxLine(w, tok, list[0]), t.boxLine(w, tok, strings.Join(list[1:], " ")), t.remarkLine(w)}
	}
	return []string{t.boxLine(w, tok, text), t.remarkLine(w), t.doesLine(w)}
}

func (t *Tab) boxLine(w int, tok themes.Token, s string) string {
	return line.New(t.env.Theme, w).Add(tok, " "+string(format.AppendEnd(nil, t.twin(format.Clean(s)), max(w-2, 1)))).Fill(themes.Text)
}

// verdict says what is wrong with the text, else how it reads.
func (t *Tab) verdict() (themes.Token, string) {
	ed, g := t.edit, t.env.Glyphs
	switch {
	case ed.err != "":
		return themes.InputError, g.Cross + " " + ed.err
	case ed.lint.bad != "" && ed.lint.text == ed.field.Value():
		return themes.InputError, g.Cross + " " + ed.lint.bad
	case ed.line.Kind == policy.Blank:
		return themes.HintText, "allow, deny, limit, count, set, default, tunnel or chain; esc cancels"
	}
	return themes.OK, g.Check + " " + lineText(ed.line)
}

// remarkLine says what the linter thinks of the line; behind it what is known of the draft.
func (t *Tab) remarkLine(w int) string {
	ed, g := t.edit, t.env.Glyphs
	b := line.New(t.env.Theme, w).Pad(themes.Text, 1)
	add := func(tok themes.Token, s string) {
		b.Add(tok, string(format.AppendEnd(nil, t.twin(format.Clean(s)), max(b.Left()-1, 0))))
	}
	fresh := ed.lint.text == ed.field.Value() && ed.err == ""
	switch d := t.checked(); {
	case fresh && ed.lint.cut != "":
		add(themes.Crit, g.Crit+" "+ed.lint.cut)
	case fresh && ed.lint.remark != "":
		add(themes.Warn, g.Warn+" "+ed.lint.remark)
	case d != nil && len(d.Cuts) > 0:
		add(themes.Crit, g.Crit+" staged so far: "+d.Cuts[0])
	case ed.note != "":
		add(themes.Warn, g.Warn+" "+ed.note)
	case d != nil && priceText(d) != "" && t.staged.any():
		add(themes.TextDim, "staged so far: "+priceText(d))
	}
	return b.Fill(themes.Text)
}

// doesLine says what the line decides of live flows, now and after the edit.
func (t *Tab) doesLine(w int) string {
	ed := t.edit
	tok, text := themes.TextDim, t.now()
	switch {
	case ed.err != "":
	case ed.lint.text == ed.field.Value() && ed.lint.does != "":
		tok, text = themes.Text, ed.lint.does
	case text == "" && ed.edit.Verb == policy.Insert && ed.line.Kind == policy.Rule:
		text = "what it would do to live flows is checked once it is staged"
		if n := len(t.liveFlows()); n > 0 && ed.lint.text == ed.field.Value() {
			text = "would decide none of the " + format.Count(uint64(n)) + " fastest flows; all are checked once it is staged"
		}
	}
	b := line.New(t.env.Theme, w).Pad(themes.Text, 1)
	return b.Add(tok, string(format.AppendEnd(nil, t.twin(text), max(b.Left()-1, 0)))).Fill(themes.Text)
}

// wordsLine offers what may follow; tab takes the marked one.
func (t *Tab) wordsLine(w int) string {
	ed := t.edit
	b := line.New(t.env.Theme, w).Pad(themes.Text, 1)
	if len(ed.words) == 0 {
		return b.Fill(themes.Text)
	}
	b.Add(themes.HintKey, "tab").Pad(themes.Text, 1)
	from := max(ed.at-2, 0)
	for i := from; i < len(ed.words); i++ {
		word := t.twin(format.Clean(ed.words[i]))
		if line.Width(word)+3 > b.Left() {
			break
		}
		tok := themes.HintText
		if i == ed.at {
			tok = themes.RowCursor
		}
		b.Add(tok, " "+word+" ")
	}
	return b.Fill(themes.Text)
}

// twin replaces what an ASCII terminal can't draw.
func (t *Tab) twin(s string) string { return t.env.Twin(s) }
