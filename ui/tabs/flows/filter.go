// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
	"strconv"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/format"
)

// edit is the filter field: the text, the place in it, and what esc brings back.
type edit struct {
	text   []rune
	at     int
	before view
	err    *column.Error
}

// maxFilter bounds what can be typed or pasted into the field, in runes.
const maxFilter = 1000

func (e *edit) insert(s string) {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, s)
	in := []rune(format.Clean(s))
	if len(in) > maxFilter-len(e.text) {
		in = in[:max(maxFilter-len(e.text), 0)]
	}
	e.text = append(e.text[:e.at:e.at], append(in, e.text[e.at:]...)...)
	e.at += len(in)
}

func (e *edit) cut(from, to int) {
	if from < 0 || from >= to || to > len(e.text) {
		return
	}
	e.text = append(e.text[:from:from], e.text[to:]...)
	e.at = from
}

// word is where the word before the place begins.
func (e *edit) word() int {
	i := e.at
	for i > 0 && e.text[i-1] == ' ' {
		i--
	}
	for i > 0 && e.text[i-1] != ' ' {
		i--
	}
	return i
}

// filterStart opens the field with the present filter in it.
func (t *Tab) filterStart() tea.Cmd {
	text := []rune(t.view.filter)
	t.edit = &edit{text: text, at: len(text), before: t.view}
	return nil
}

// typing takes a key while the field is open.
func (t *Tab) typing(k tea.KeyPressMsg) tea.Cmd {
	e := t.edit
	switch k.String() {
	case "enter":
		return t.filterKeep()
	case "esc":
		return t.filterBack()
	case "left":
		e.at = max(e.at-1, 0)
	case "right":
		e.at = min(e.at+1, len(e.text))
	case "home":
		e.at = 0
	case "end":
		e.at = len(e.text)
	case "backspace", "ctrl+h":
		e.cut(e.at-1, e.at)
		return t.typed()
	case "delete":
		at := e.at
		e.cut(at, at+1)
		return t.typed()
	case "ctrl+u":
		e.cut(0, e.at)
		return t.typed()
	case "ctrl+k":
		at := e.at
		e.cut(at, len(e.text))
		return t.typed()
	case "ctrl+w":
		e.cut(e.word(), e.at)
		return t.typed()
	default:
		if k.Text != "" {
			e.insert(k.Text)
			return t.typed()
		}
	}
	return nil
}

// typed checks the text and, when it is a filter, shows what it passes. While it is none the last one stays in force.
func (t *Tab) typed() tea.Cmd {
	e := t.edit
	text := strings.TrimSpace(string(e.text))
	if e.err = t.check(text); e.err != nil {
		return nil
	}
	v := t.view
	v.filter = text
	if v == t.view {
		return nil
	}
	return t.set(v)
}

func (t *Tab) check(text string) *column.Error {
	_, err := t.cols.Parse(text)
	if err == nil {
		return nil
	}
	var where *column.Error
	if !errors.As(err, &where) {
		where = &column.Error{Col: -1, Msg: err.Error()}
	}
	return where
}

// filterKeep closes the field. A text that is no filter keeps it open: enter does not throw typing away.
func (t *Tab) filterKeep() tea.Cmd {
	e := t.edit
	if e.err != nil {
		return nil
	}
	t.edit = nil
	if e.before != t.view {
		t.done, t.undone = append(t.done, e.before), nil
	}
	return t.ask()
}

// filterBack closes the field and brings the former filter back.
func (t *Tab) filterBack() tea.Cmd {
	before := t.edit.before
	t.edit = nil
	if before == t.view {
		return nil
	}
	return t.set(before)
}

// field draws the field as text with a block for the cursor, in at most w cells.
func (t *Tab) field(w int) string {
	e, block := t.edit, "█"
	if t.env.Glyphs.ASCII {
		block = "_" // the twin
	}
	tail := ""
	if e.err != nil {
		tail = "  " + t.env.Glyphs.Cross + " " + e.err.Msg
		if e.err.Col >= 0 && len(e.text) > 0 {
			tail = "  " + t.env.Glyphs.Cross + " column " + strconv.Itoa(e.err.Col+1) + ": " + e.err.Msg
		}
		if e.err.Hint != "" {
			tail += ", " + e.err.Hint
		}
	}
	room := max(w-2-min(len([]rune(tail)), w/2)-1, 8)
	from := max(e.at-room, 0)
	text := string(e.text[from:e.at]) + block + string(e.text[e.at:min(len(e.text), max(from+room, e.at))])
	return "/ " + text + format.Clean(tail)
}

// narrow adds a term to the filter, + by itself or - with its negation.
func (t *Tab) narrow(term string, not bool) tea.Cmd {
	if not {
		term = "!" + term
	}
	v := t.view
	switch {
	case v.filter == "":
		v.filter = term
	case strings.Contains(" "+v.filter+" ", " "+term+" "):
		return nil
	case strings.Contains(strings.ToLower(v.filter), " or "):
		v.filter = "(" + v.filter + ") " + term
	default:
		v.filter += " " + term
	}
	return t.change(v)
}

// byCell filters by the cell under the row and column cursors.
func (t *Tab) byCell(not bool) tea.Cmd {
	if t.view.group != "" {
		return t.byGroup(not)
	}
	f, ok := t.flows.Selected()
	if !ok {
		return nil
	}
	key := t.flows.Column().Key
	term := t.term(f, key)
	if term == "" {
		return warn("the cell under " + t.flows.Column().Title + " is empty or changes by itself: move the column cursor with h l, or filter with / " + key + ":>10")
	}
	return t.narrow(term, not)
}

func (t *Tab) byGroup(not bool) tea.Cmd {
	g, ok := t.groups.Selected()
	if !ok {
		return nil
	}
	term := groupTerm(t.view.group, g.Value)
	if term == "" {
		return warn("this group has no value to filter by")
	}
	return t.narrow(term, not)
}

// term makes the filter term of a cell. An endpoint filters by its address: its port is in most cases of one flow only.
func (t *Tab) term(f *snapFlow, key string) string {
	switch key {
	case "source":
		key = "src"
	case "destination":
		key = "dst"
	case "trend":
		return ""
	}
	c := t.cols.Find(key)
	if c == nil {
		return ""
	}
	return c.Only(column.FlowRow{Flow: f, Window: t.view.window})
}

// groupTerm makes the filter term of a group's value.
func groupTerm(group, value string) string {
	if value == "" {
		return ""
	}
	for _, g := range groupings() {
		if g.key == group {
			if strings.ContainsAny(value, " \"\\()!,") {
				value = strconv.Quote(value)
			}
			return g.term + value
		}
	}
	return ""
}

func warn(text string) tea.Cmd {
	return func() tea.Msg { return core.ToastMsg{Sev: 1, Text: text} }
}
