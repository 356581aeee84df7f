// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

// edit is the filter field: the text, and what esc brings back.
type edit struct {
	prompt.Field
	before view
	err    *column.Error
	next   []column.Completion // ways to go on from what was typed
	taken  int                 // how many of them tab has been through
}

// filterStart opens the field with the present filter in it.
func (t *Tab) filterStart() tea.Cmd {
	t.edit = &edit{Field: prompt.New(), before: t.view}
	t.edit.Set(t.view.filter)
	return nil
}

// offer is the line of completions: the first few, while the end of the text is what is being typed.
func (e *edit) offer() string {
	word := len([]rune(e.Value()[:strings.LastIndexByte(e.Value(), ' ')+1]))
	if len(e.next) == 0 || e.Value() == "" || e.err != nil && e.err.Col < word {
		return ""
	}
	s := "  tab"
	for i := range min(len(e.next), 5) {
		s += " " + e.next[(e.taken+i)%len(e.next)].Item
	}
	return s
}

// typing takes a key while the field is open.
func (t *Tab) typing(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		return t.filterKeep()
	case "esc":
		return t.filterBack()
	case "tab":
		return t.complete()
	}
	if t.edit.Key(k) {
		return t.typed()
	}
	return nil
}

func (t *Tab) filterClear() tea.Cmd {
	t.edit.Set("")
	return t.typed()
}

// typed checks the text and, when it is a filter, shows what it passes. While it is none the last one stays in force.
func (t *Tab) typed() tea.Cmd {
	t.edit.next, t.edit.taken = t.cols.Complete(t.edit.Value(), t.seen), 0
	return t.tried()
}

func (t *Tab) tried() tea.Cmd {
	e := t.edit
	text := strings.TrimSpace(e.Value())
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

// complete takes the next completion; each tab another one.
func (t *Tab) complete() tea.Cmd {
	e := t.edit
	if len(e.next) == 0 {
		return nil
	}
	e.Set(e.next[e.taken%len(e.next)].Text)
	e.taken++
	return t.tried()
}

// seen gives the values of a column in the rows at hand.
func (t *Tab) seen(key string) []string {
	c := t.cols.Find(key)
	if c == nil || c.Kind != column.Word && c.Kind != column.Text {
		return nil
	}
	var out []string
	rows := t.frame.Flows.Rows
	for i := range rows {
		if v := c.Plain(column.FlowRow{Flow: &rows[i]}); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
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

// field draws the message line while the filter is edited, in at most w cells, and tells the cell of the cursor.
func (t *Tab) field(w int) (string, int) {
	e := t.edit
	input, tok, why := themes.Input, themes.HintText, t.twin(format.Clean(e.offer()))
	if why == "" && e.err != nil { // what can still be completed is not wrong yet
		input, tok, why = themes.InputError, themes.InputError, " "+t.env.Glyphs.Cross+" "
		if e.err.Col >= 0 && e.Value() != "" {
			why += "column " + strconv.Itoa(e.err.Col+1) + ": "
		}
		why = t.twin(format.Clean(why + e.err.Error()))
	}
	b := line.New(t.env.Theme, w).Add(themes.HintKey, " / ")
	text, at := e.View(&themes.Theme{}, themes.Text, max(b.Left()-min(line.Width(why), w*2/3), 8))
	if why != "" {
		text = ansi.Truncate(text, max(line.Width(strings.TrimRight(text, " ")), at)+2, "")
	}
	at += w - b.Left()
	return b.Add(input, t.twin(text)).Add(tok, why).String(), min(at, w-1)
}

// narrow adds a term to the filter, + by itself or - with its negation.
func (t *Tab) narrow(term string, not bool) tea.Cmd {
	if not {
		term = negate(term)
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

// negate makes the term that passes exactly the other rows.
func negate(term string) string {
	switch {
	case strings.HasPrefix(term, "!"):
		return term[1:]
	case strings.HasPrefix(term, "port:") && strings.Contains(term, " "):
		return "!(" + term + ")"
	}
	return "!" + term
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
		return warn(t.flows.Column().Head() + " is empty or changes by itself: h l choose another column")
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
func (t *Tab) term(f *snap.Flow, key string) string {
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

func warn(text string) tea.Cmd {
	return func() tea.Msg { return core.ToastMsg{Sev: snap.Warn, Text: text} }
}
