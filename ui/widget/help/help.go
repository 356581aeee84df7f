// SPDX-License-Identifier: Apache-2.0

// Package help is the overlay that shows every key of a place, made from the bindings, searchable.
package help

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
	"hooktop/ui/widget/scroll"
)

const (
	maxColumns = 4
	maxEntry   = 60 // cells of one key and its words
)

// Model is the open overlay.
type Model struct {
	env   *core.Env
	title string
	bs    []core.Binding
	notes []string // lines at the foot: signs, the terminal
	field prompt.Field
	found []int // indexes into bs while there is a query
	at    int
	text  scroll.Model
}

// New opens the help for the bindings of a place.
func New(env *core.Env, place string, bs []core.Binding, notes []string) *Model {
	return &Model{env: env, title: "help " + env.Glyphs.Dot + " " + place, bs: bs, notes: notes, field: prompt.New(), text: scroll.New(false)}
}

// Key takes a key press. Letters search; enter runs the highlighted key.
func (m *Model) Key(k tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	switch s := k.String(); s {
	case "esc", "ctrl+c", "f1":
		return true, nil
	case "?":
		if m.field.Value() == "" {
			return true, nil
		}
		m.edit(k)
	case "enter":
		if m.at < len(m.found) {
			if b := m.bs[m.found[m.at]]; b.Do != nil && b.Disabled == "" {
				return true, b.Do()
			}
		}
	case "up", "ctrl+p":
		m.move(k, -1)
	case "down", "ctrl+n", "tab":
		m.move(k, 1)
	case "pgup":
		m.move(k, -10)
	case "pgdown":
		m.move(k, 10)
	default:
		m.edit(k)
	}
	return false, nil
}

// edit edits the query.
func (m *Model) edit(k tea.KeyPressMsg) {
	if m.field.Key(k) {
		m.search()
	}
}

// Paste puts text into the query.
func (m *Model) Paste(s string) tea.Cmd {
	m.field.Paste(s)
	m.search()
	return nil
}

// move scrolls the sheet, or walks through what was found.
func (m *Model) move(k tea.KeyPressMsg, n int) {
	if m.field.Value() == "" {
		m.text.Key(k)
		return
	}
	m.at = min(max(m.at+n, 0), max(len(m.found)-1, 0))
}

func (m *Model) search() {
	m.found, m.at = m.found[:0], 0
	m.text.Top()
	q := strings.ToLower(m.field.Value())
	if q == "" {
		return
	}
	for i, b := range m.bs {
		if strings.Contains(strings.ToLower(b.Help+" "+keys.Show(b.Keys)+" "+b.Section+" "+b.Name), q) {
			m.found = append(m.found, i)
		}
	}
}

// View gives the box, which fills a body of w by h.
func (m *Model) View(w, h int) box.Box {
	inner, rows := max(w-2, 1), max(h-2, 1)
	notes := m.notes
	if rows < 14 {
		notes = nil
	}
	room := rows - len(notes)
	var text []string
	if m.field.Value() != "" {
		text = m.matches(inner, room)
	} else {
		text = m.text.View(m.sheet(inner), inner, room)
	}
	for len(text) < room {
		text = append(text, line.New(m.env.Theme, inner).Fill(themes.Text))
	}
	for _, n := range notes {
		text = append(text, line.New(m.env.Theme, inner).Add(themes.TextDim, " "+format.Clean(n)).Fill(themes.Text))
	}
	foot, x := "type to search", 3
	if m.field.Value() == "" && m.text.More() {
		foot = "type to search, up and down for more"
	}
	if q := m.field.Value(); q != "" {
		foot = "search: " + format.Clean(q)
		x = 3 + line.Width(foot)
	}
	b := box.Box{W: w, Lines: box.Frame(m.env, w, m.title, "esc or ? closes", foot, text)}
	b.Cursor = tea.NewCursor(min(x, w-1), min(h-1, len(b.Lines)-1))
	return b
}

// matches lists what the query found, one to a line, with why a key can't be used now.
func (m *Model) matches(w, h int) []string {
	var out []string
	first := max(m.at-h+1, 0)
	for i := first; i < len(m.found) && len(out) < h; i++ {
		b := m.bs[m.found[i]]
		tok := themes.Text
		mark := "  "
		if i == m.at {
			tok, mark = themes.RowCursor, m.env.Glyphs.Cursor+" "
		}
		l := line.New(m.env.Theme, w).Add(tok, mark+format.Pad(keys.Show(b.Keys), 14)+" "+format.Pad(b.Help, 26)+" "+b.Section)
		if b.Disabled != "" {
			l.Add(tok, ": not now, "+b.Disabled)
		}
		out = append(out, l.Fill(tok))
	}
	if len(out) == 0 {
		out = append(out, line.New(m.env.Theme, w).Add(themes.TextDim, "  no key matches; ctrl+u clears").Fill(themes.Text))
	}
	return out
}

// sheet lays the sections out in as many columns as hold every word whole.
func (m *Model) sheet(w int) []string {
	blocks := m.blocks()
	var columns [][]string
	var widths []int
	for n := maxColumns; n > 0; n-- {
		columns = distribute(blocks, n)
		widths = widths[:0]
		need := 0
		for _, c := range columns {
			width := 0
			for _, l := range c {
				width = max(width, line.Width(l))
			}
			widths = append(widths, width+1)
			need += width + 1
		}
		if need <= w || n == 1 {
			for i := range widths {
				widths[i] += (w - need) / len(widths)
			}
			break
		}
	}
	tall := 0
	for _, c := range columns {
		tall = max(tall, len(c))
	}
	var out []string
	for y := range tall {
		var sb strings.Builder
		for i, c := range columns {
			cell := ""
			if y < len(c) {
				cell = ansi.Truncate(c[y], w, "")
			}
			sb.WriteString(cell)
			sb.WriteString(strings.Repeat(" ", max(widths[i]-line.Width(cell), 0)))
		}
		s := sb.String()
		out = append(out, s+strings.Repeat(" ", max(w-line.Width(s), 0)))
	}
	return out
}

// distribute puts blocks one after the other into at most n columns of about the same height.
func distribute(blocks [][]string, n int) [][]string {
	total := 0
	for _, b := range blocks {
		total += len(b) + 1
	}
	target := max((total+n-1)/n, 1)
	columns := [][]string{nil}
	for _, b := range blocks {
		at := len(columns) - 1
		if len(columns[at]) > 0 && len(columns[at])+1+len(b)/2 > target && len(columns) < n {
			columns = append(columns, nil)
			at++
		}
		if len(columns[at]) > 0 {
			columns[at] = append(columns[at], "")
		}
		columns[at] = append(columns[at], b...)
	}
	return columns
}

// blocks draws each section, in the order in which sections first occur.
func (m *Model) blocks() [][]string {
	var order []string
	wide := map[string]int{}
	for _, b := range m.bs {
		if _, ok := wide[b.Section]; !ok {
			order = append(order, b.Section)
		}
		wide[b.Section] = max(wide[b.Section], len(keys.Show(b.Keys)))
	}
	by := map[string][]string{}
	for _, b := range m.bs {
		if by[b.Section] == nil {
			by[b.Section] = []string{line.New(m.env.Theme, maxEntry).Add(themes.TextStrong, " "+b.Section).String()}
		}
		key := "  " + format.Pad(keys.Show(b.Keys), wide[b.Section]) + "  "
		l := line.New(m.env.Theme, maxEntry)
		if b.Disabled != "" {
			l.Add(themes.TextDim, key+b.Help+" (not now)")
		} else {
			l.Add(themes.HintKey, key).Add(themes.Text, b.Help)
		}
		by[b.Section] = append(by[b.Section], l.String())
	}
	var out [][]string
	for _, s := range order {
		out = append(out, by[s])
	}
	return out
}

// Hints are the keys for the footer.
func (m *Model) Hints() []core.Binding {
	return []core.Binding{
		{Keys: []string{"esc"}, Help: "close"}, {Keys: []string{"type"}, Help: "to search"},
		{Keys: []string{"enter"}, Help: "run"}, {Keys: []string{"up", "down"}, Help: "more"},
	}
}
