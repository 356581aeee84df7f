// SPDX-License-Identifier: Apache-2.0

// Package picker is the fuzzy picker: one query, the best matches under it, drawn over the table.
package picker

import (
	"fmt"
	"math"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/sahilm/fuzzy"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

const (
	maxLines = 12   // of the box, borders and query included
	maxItems = 5000 // matching is linear: 0.05 ms per 143 items
	maxWidth = 68
)

// Model is an open picker.
type Model struct {
	Done   func(i int) tea.Cmd // enter: the index of the chosen item
	Moved  func(i int) tea.Cmd // the selection moved: live preview; may be nil
	Closed func() tea.Cmd      // esc: undo the preview; may be nil

	env    *core.Env
	title  string
	items  []core.PickItem
	recent []string // labels, newest first
	field  prompt.Field
	found  []match
	at     int // index into found
	top    int
	moved  int // item that Moved was called for
}

type match struct {
	item int
	at   []int // byte offsets of matched letters in the label
}

// New opens a picker. Labels and details come from anywhere: they are cleaned here. recent items lead while the query is
// empty.
func New(env *core.Env, title string, items []core.PickItem, recent []string) *Model {
	m := &Model{env: env, title: format.Clean(title), recent: recent, field: prompt.New(), moved: -1}
	for _, it := range items[:min(len(items), maxItems)] {
		m.items = append(m.items, core.PickItem{Label: format.Clean(it.Label), Detail: format.Clean(it.Detail)})
	}
	m.search()
	return m
}

// Select puts the selection on item i.
func (m *Model) Select(i int) {
	for j, f := range m.found {
		if f.item == i {
			m.at = j
		}
	}
	m.moved = i
}

// Key takes a key press. done closes the picker.
func (m *Model) Key(k tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	switch k.String() {
	case "esc", "ctrl+c":
		if m.Closed != nil {
			cmd = m.Closed()
		}
		return true, cmd
	case "enter":
		if m.at < len(m.found) && m.Done != nil {
			return true, m.Done(m.found[m.at].item)
		}
		return false, nil
	case "up", "ctrl+p", "shift+tab":
		m.at = max(m.at-1, 0)
	case "down", "ctrl+n":
		m.at = min(m.at+1, max(len(m.found)-1, 0))
	case "pgup":
		m.at = max(m.at-m.rows(maxLines), 0)
	case "pgdown":
		m.at = min(m.at+m.rows(maxLines), max(len(m.found)-1, 0))
	case "tab":
		if m.at < len(m.found) {
			m.field.Set(m.items[m.found[m.at].item].Label)
			m.search()
		}
	default:
		if !m.field.Key(k) {
			return false, nil
		}
		m.search()
	}
	return false, m.preview()
}

// Paste puts text into the query.
func (m *Model) Paste(s string) tea.Cmd {
	m.field.Paste(s)
	m.search()
	return m.preview()
}

func (m *Model) preview() tea.Cmd {
	if m.Moved == nil || m.at >= len(m.found) || m.found[m.at].item == m.moved {
		return nil
	}
	m.moved = m.found[m.at].item
	return m.Moved(m.moved)
}

func (m *Model) search() {
	m.at, m.top, m.found = 0, 0, m.found[:0]
	query := m.field.Value()
	if query == "" {
		m.all()
		return
	}
	for _, f := range fuzzy.FindFrom(query, labels(m.items)) {
		m.found = append(m.found, match{f.Index, f.MatchedIndexes})
	}
	slices.SortStableFunc(m.found, func(a, b match) int { return m.rank(a, query) - m.rank(b, query) })
}

// rank puts labels that begin with what was typed first, the shortest of them at the top: what enter takes is no surprise.
func (m *Model) rank(f match, query string) int {
	label := m.items[f.item].Label
	if len(label) >= len(query) && strings.EqualFold(label[:len(query)], query) {
		return len(label)
	}
	return math.MaxInt32
}

// all lists every item, those used lately first.
func (m *Model) all() {
	used := map[int]bool{}
	for _, r := range m.recent {
		if i := slices.IndexFunc(m.items, func(it core.PickItem) bool { return it.Label == r }); i >= 0 && !used[i] {
			used[i] = true
			m.found = append(m.found, match{item: i})
		}
	}
	for i := range m.items {
		if !used[i] {
			m.found = append(m.found, match{item: i})
		}
	}
}

type labels []core.PickItem

func (l labels) String(i int) string { return l[i].Label }
func (l labels) Len() int            { return len(l) }

// rows is how many items a box of the given height shows.
func (m *Model) rows(h int) int { return max(min(h, maxLines)-3, 1) }

// View gives the box for a body of w by h.
func (m *Model) View(w, h int) box.Box {
	bw := min(maxWidth, max(w-4, min(w, 12)))
	rows := m.rows(h)
	if m.at < m.top {
		m.top = m.at
	}
	m.top = max(m.top, m.at-rows+1)
	count := fmt.Sprintf("%d of %d", len(m.found), len(m.items))
	inner := bw - 2
	b := line.New(m.env.Theme, inner)
	b.Pad(themes.Input, 1)
	text, x := m.field.View(m.env.Theme, themes.Input, max(inner-len(count)-3, 1))
	lines := []string{b.String() + text + line.New(m.env.Theme, inner-1-max(inner-len(count)-3, 1)).
		Add(themes.HintText, " "+count).Fill(themes.Text)}
	end := min(m.top+rows, len(m.found))
	for i := m.top; i < end; i++ {
		lines = append(lines, m.row(m.found[i], i == m.at, inner))
	}
	if len(m.found) == 0 {
		lines = append(lines, line.New(m.env.Theme, inner).Add(themes.TextDim, "  nothing matches; ctrl+u clears").Fill(themes.Text))
	}
	out := box.Frame(m.env, bw, m.title, "", "", lines)
	bx, by := box.Center(w, h, bw, min(maxLines, h))
	return box.Box{X: bx, Y: by, W: bw, Lines: out, Cursor: tea.NewCursor(bx+2+x, by+1)}
}

func (m *Model) row(f match, selected bool, w int) string {
	it := m.items[f.item]
	tok, detail, mark := themes.Text, themes.TextDim, " "
	if selected {
		tok, detail, mark = themes.RowCursor, themes.RowCursor, m.env.Glyphs.Cursor
	}
	room := line.Width(it.Detail)
	if room > w/2 && line.Width(it.Label)+room+4 > w {
		room = 0 // the label matters more
	}
	b := line.New(m.env.Theme, w-room-1)
	b.Add(tok, mark+" ")
	at, plain := 0, 0
	for i, r := range it.Label {
		end := i + len(string(r))
		if at < len(f.at) && f.at[at] == i {
			b.Add(tok, it.Label[plain:i]).AddUnder(tok, it.Label[i:end])
			plain, at = end, at+1
		}
	}
	b.Add(tok, it.Label[plain:])
	left := b.Fill(tok)
	d := ""
	if room > 0 {
		d = it.Detail
	}
	return left + line.New(m.env.Theme, room+1).Add(detail, d).Fill(detail)
}

// Hints are the keys for the footer.
func (m *Model) Hints() []core.Binding {
	return []core.Binding{
		{Keys: []string{"enter"}, Help: "choose"}, {Keys: []string{"tab"}, Help: "complete"},
		{Keys: []string{"up", "down"}, Help: "move"}, {Keys: []string{"ctrl+u"}, Help: "clear"},
		{Keys: []string{"esc"}, Help: "close"},
	}
}
