// SPDX-License-Identifier: Apache-2.0

package picker

import (
	"math"
	"slices"
	"strings"

	"github.com/sahilm/fuzzy"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
)

// List is the items of a picker that match a query, best first, with a selection. It stands in a picker's box or in a form.
type List struct {
	// Aligned puts details beside each other and cuts them; else they stand at the right, and leave where there is no room.
	Aligned bool

	env    *core.Env
	items  []core.PickItem
	recent []string // labels, newest first
	query  string
	found  []match
	at     int // index into found
	top    int
}

type match struct {
	item int
	at   []int // byte offsets of matched letters in the label
}

// NewList makes a list of items. recent ones lead while the query is empty.
func NewList(env *core.Env, items []core.PickItem, recent []string) List {
	l := List{env: env, recent: recent}
	l.SetItems(items)
	return l
}

// SetItems replaces the items; the selection stays on its label where that still matches. Labels and details come from
// anywhere: they are cleaned here.
func (l *List) SetItems(items []core.PickItem) {
	was, at := "", l.at
	if i, ok := l.Selected(); ok {
		was = l.items[i].Label
	}
	l.items = make([]core.PickItem, 0, len(items))
	for _, it := range items[:min(len(items), maxItems)] {
		l.items = append(l.items, core.PickItem{Label: format.Clean(it.Label), Detail: format.Clean(it.Detail)})
	}
	l.Search(l.query)
	if at > 0 {
		l.at = max(slices.IndexFunc(l.found, func(f match) bool { return l.items[f.item].Label == was }), 0)
	}
}

// Search lists what matches and selects the best.
func (l *List) Search(query string) {
	l.at, l.top, l.found, l.query = 0, 0, l.found[:0], query
	if query == "" {
		l.all()
		return
	}
	for _, f := range fuzzy.FindFrom(query, labels(l.items)) {
		l.found = append(l.found, match{f.Index, f.MatchedIndexes})
	}
	slices.SortStableFunc(l.found, func(a, b match) int { return l.rank(a) - l.rank(b) })
}

// Show lists all items in their order, with the letters of a query marked: somebody else has searched.
func (l *List) Show(query string) {
	l.at, l.top, l.found, l.query = 0, 0, l.found[:0], ""
	for i := range l.items {
		m := match{item: i}
		for _, f := range fuzzy.Find(query, []string{l.items[i].Label}) {
			m.at = f.MatchedIndexes
		}
		l.found = append(l.found, m)
	}
}

// rank puts labels that begin with what was typed first, the shortest of them at the top: what enter takes is no surprise.
func (l *List) rank(f match) int {
	label := l.items[f.item].Label
	if len(label) >= len(l.query) && strings.EqualFold(label[:len(l.query)], l.query) {
		return len(label)
	}
	return math.MaxInt32
}

// all lists every item, those used lately first.
func (l *List) all() {
	used := map[int]bool{}
	for _, r := range l.recent {
		if i := slices.IndexFunc(l.items, func(it core.PickItem) bool { return it.Label == r }); i >= 0 && !used[i] {
			used[i] = true
			l.found = append(l.found, match{item: i})
		}
	}
	for i := range l.items {
		if !used[i] {
			l.found = append(l.found, match{item: i})
		}
	}
}

type labels []core.PickItem

func (l labels) String(i int) string { return l[i].Label }
func (l labels) Len() int            { return len(l) }

// Select puts the selection on item i.
func (l *List) Select(i int) {
	for j, f := range l.found {
		if f.item == i {
			l.at = j
		}
	}
}

// Selected is the index of the item under the selection.
func (l *List) Selected() (int, bool) {
	if l.at >= len(l.found) {
		return 0, false
	}
	return l.found[l.at].item, true
}

// Move moves the selection.
func (l *List) Move(n int) { l.at = max(min(l.at+n, len(l.found)-1), 0) }

// Found is how many items match.
func (l *List) Found() int { return len(l.found) }

// View draws at most h matches, w cells wide.
func (l *List) View(w, h int) []string {
	if l.at < l.top {
		l.top = l.at
	}
	l.top = max(l.top, l.at-h+1)
	end := min(l.top+h, len(l.found))
	label := 0
	for i := l.top; i < end && l.Aligned; i++ {
		label = max(label, line.Width(l.items[l.found[i].item].Label))
	}
	var out []string
	for i := l.top; i < end; i++ {
		out = append(out, l.row(l.found[i], i == l.at, w, min(label, w/2)))
	}
	return out
}

// shortest is the beginning of a detail that still says something.
const shortest = 12

// row draws an item. label is the width of aligned labels, 0: the detail stands at the right.
func (l *List) row(f match, selected bool, w, label int) string {
	it := l.items[f.item]
	tok, detail, mark := themes.Text, themes.TextDim, " "
	if selected {
		tok, detail, mark = themes.RowCursor, themes.RowCursor, l.env.Glyphs.Cursor
	}
	room := line.Width(it.Detail)
	switch {
	case label > 0:
		room = max(w-label-5, 0)
	case room > w/2 && line.Width(it.Label)+room+4 > w:
		if room = w - line.Width(it.Label) - 4; room < shortest { // the label matters more
			room = 0
		}
	}
	b := line.New(l.env.Theme, w-room-1)
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
		d = l.env.Twin(string(format.AppendEnd(nil, it.Detail, room)))
	}
	return left + line.New(l.env.Theme, room+1).Add(detail, d).Fill(detail)
}
