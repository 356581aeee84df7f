// SPDX-License-Identifier: Apache-2.0

// Package filter is the field in which a filter over columns is typed: completion, where it is wrong, and how cells
// become terms of it.
package filter

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

// Field is an open field.
type Field struct {
	prompt.Field
	env   *core.Env
	set   *column.Set
	seen  func(key string) []string // values of a column in the rows at hand
	err   *column.Error
	next  []column.Completion // ways to go on from what was typed
	taken int                 // how many of them tab has been through
}

// New opens a field with a filter in it.
func New(env *core.Env, set *column.Set, text string, seen func(key string) []string) *Field {
	f := &Field{Field: prompt.New(), env: env, set: set, seen: seen}
	f.Set(text)
	return f
}

// Key takes a key press and reports whether the text changed. enter and esc are the caller's.
func (f *Field) Key(k tea.KeyPressMsg) bool {
	if k.String() == "tab" {
		return f.Complete()
	}
	before := f.Value()
	if !f.Field.Key(k) {
		return false
	}
	if f.Value() != before {
		f.typed()
		return true
	}
	return false
}

// Paste inserts text as one edit.
func (f *Field) Paste(s string) {
	f.Field.Paste(s)
	f.typed()
}

// Clear empties the field.
func (f *Field) Clear() {
	f.Set("")
	f.typed()
}

// Complete takes the next completion; each time another one.
func (f *Field) Complete() bool {
	if len(f.next) == 0 {
		return false
	}
	f.Set(f.next[f.taken%len(f.next)].Text)
	f.taken++
	f.check()
	return true
}

// Offers reports whether there is something to complete.
func (f *Field) Offers() bool { return len(f.next) > 0 }

// Filter is the text, and whether it is a filter.
func (f *Field) Filter() (string, bool) { return strings.TrimSpace(f.Value()), f.err == nil }

func (f *Field) typed() {
	f.next, f.taken = f.set.Complete(f.Value(), f.seen), 0
	f.check()
}

func (f *Field) check() {
	f.err = nil
	_, err := f.set.Parse(strings.TrimSpace(f.Value()))
	if err != nil && !errors.As(err, &f.err) {
		f.err = &column.Error{Col: -1, Msg: err.Error()}
	}
}

// offer is the line of completions: the first few, while the end of the text is what is being typed.
func (f *Field) offer() string {
	word := len([]rune(f.Value()[:strings.LastIndexByte(f.Value(), ' ')+1]))
	if len(f.next) == 0 || f.Value() == "" || f.err != nil && f.err.Col < word {
		return ""
	}
	s := "  tab"
	for i := range min(len(f.next), 5) {
		s += " " + f.next[(f.taken+i)%len(f.next)].Item
	}
	return s
}

// View draws the field as a message line of at most w cells, and tells the cell of the cursor.
func (f *Field) View(w int) (string, int) {
	input, tok, why := themes.Input, themes.HintText, f.env.Twin(format.Clean(f.offer()))
	if why == "" && f.err != nil { // what can still be completed is not wrong yet
		input, tok, why = themes.InputError, themes.InputError, " "+f.env.Glyphs.Cross+" "
		if f.err.Col >= 0 && f.Value() != "" {
			why += "column " + strconv.Itoa(f.err.Col+1) + ": "
		}
		why = f.env.Twin(format.Clean(why + f.err.Error()))
	}
	b := line.New(f.env.Theme, w).Add(themes.HintKey, " / ")
	text, at := f.Field.View(&themes.Theme{}, themes.Text, max(b.Left()-min(line.Width(why), w*2/3), 8))
	if why != "" {
		text = ansi.Truncate(text, max(line.Width(strings.TrimRight(text, " ")), at)+2, "")
	}
	at += w - b.Left()
	return b.Add(input, f.env.Twin(text)).Add(tok, why).String(), min(at, w-1)
}

// Seen gives the values of a column in n rows at hand, for completion.
func Seen(set *column.Set, key string, n int, row func(i int) column.Row) []string {
	c := set.Find(key)
	if c == nil || c.Kind != column.Word && c.Kind != column.Text {
		return nil
	}
	var out []string
	for i := range n {
		if v := c.Plain(row(i)); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

// Narrow adds a term to a filter, or with not its negation.
func Narrow(text, term string, not bool) string {
	if not {
		term = Negate(term)
	}
	switch {
	case text == "":
		return term
	case strings.Contains(" "+text+" ", " "+term+" "):
		return text
	case strings.Contains(strings.ToLower(text), " or "):
		return "(" + text + ") " + term
	}
	return text + " " + term
}

// Negate makes the term that passes exactly the other rows.
func Negate(term string) string {
	switch {
	case strings.HasPrefix(term, "!"):
		return term[1:]
	case strings.HasPrefix(term, "port:") && strings.Contains(term, " "):
		return "!(" + term + ")"
	}
	return "!" + term
}
