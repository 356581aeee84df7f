// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strconv"
	"strings"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// kind of a row.
type kind uint8

const (
	guardHead kind = iota // rule 0, folded or not
	guardLine
	fileLine // of the draft
	goneLine // of the policy that stands: the draft has it no more
	extras   // below a rule: what its columns have no room for
	wasLine  // below a changed line: what it was
	defaults // at the end: what becomes of packets that no rule decides
)

// stage says what the draft did to a line.
type stage uint8

const (
	asIs stage = iota
	added
	changed
	moved
	removed
)

// row is one line of the table. It says where its text and counters stand: a policy of 10,000 rules is laid out anew with
// each edit, and drawn a screen at a time.
type row struct {
	id    rowID
	kind  kind
	stage stage
	n     int // line of the draft, from 1; index of the guard's line; direction of a default
	old   int // line of the policy that stands
	hit   int // index in snap.Policy.Rules, -1: not in force
}

// rowID is what the cursor holds on to.
type rowID struct {
	kind kind
	what acl.ID
}

// sub reports whether a row belongs to the one above: the cursor passes it by.
func (r *row) sub() bool { return r.kind == extras || r.kind == wasLine }

// layout makes the rows: guard, lines of the draft with those that it took away, defaults.
func (t *Tab) layout() []row {
	d := &t.draft
	pairs := policy.Pairs(d.Base, d.File)
	t.credit(pairs, d.File)
	rows := make([]row, 0, len(pairs)+len(pairs)/4+8)
	rows = append(rows, row{kind: guardHead, hit: -1, id: rowID{kind: guardHead}})
	if t.unfolded {
		for i := range t.frame.Policy.Guard {
			rows = append(rows, row{kind: guardLine, n: i, hit: -1, id: rowID{guardLine, acl.ID{Ordinal: i}}})
		}
	}
	twins := map[acl.ID]int{}
	for _, p := range pairs {
		r := row{kind: fileLine, n: p.New, old: p.Old, hit: -1}
		l := t.pairLine(p)
		switch {
		case p.New == 0:
			r.kind, r.stage = goneLine, removed
		case p.Old == 0:
			r.stage = added
		case differs(d.Base.Line(p.Old), l):
			r.stage = changed
		case p.Moved:
			r.stage = moved
		}
		r.id = rowID{r.kind, idOf(l, twins)}
		if l.Kind == policy.Rule && p.New > 0 {
			if i, ok := t.force.at[l.Rule.ID]; ok {
				r.hit = i
			}
		}
		rows = append(rows, r)
		if l.Kind == policy.Rule && hasExtras(l.Rule) || p.New > 0 && t.troubleOf(l) != "" {
			rows = append(rows, under(r, extras))
		}
		if r.stage == changed || r.stage == moved {
			rows = append(rows, under(r, wasLine))
		}
	}
	for _, dir := range []acl.Dir{acl.In, acl.Out} {
		rows = append(rows, row{kind: defaults, n: int(dir), hit: -1, id: rowID{defaults, acl.ID{Ordinal: int(dir)}}})
	}
	return rows
}

// selected is the row under the cursor. One that is gone is none: its line may be another's by now.
func (t *Tab) selected() (*row, bool) {
	r, ok := t.list.Selected()
	return r, ok && t.list.Gone() == 0
}

// credit gives a swap of two neighbours to the one that was moved by hand: the files alone do not tell which it was.
func (t *Tab) credit(pairs []policy.Pair, file policy.File) {
	if len(t.hands) == 0 {
		return
	}
	byHand := func(p policy.Pair) bool {
		l := file.Line(p.New)
		return l.Kind == policy.Rule && t.hands[l.Rule.ID]
	}
	for i := 1; i < len(pairs); i++ {
		p, q := &pairs[i-1], &pairs[i]
		if p.New > 0 && q.New > 0 && p.Old == q.Old+1 && p.Moved && !q.Moved && !byHand(*p) && byHand(*q) {
			p.Moved, q.Moved = false, true
		}
	}
}

// pairLine is the line that a pair is about.
func (t *Tab) pairLine(p policy.Pair) policy.Line {
	if p.New > 0 {
		return t.draft.File.Line(p.New)
	}
	return t.draft.Base.Line(p.Old)
}

// line is the line of a row; false for the rows that are no line.
func (t *Tab) line(r *row) (policy.Line, bool) {
	switch {
	case r.kind == guardHead || r.kind == guardLine || r.kind == defaults:
		return policy.Line{}, false
	case r.n > 0 && r.n <= t.draft.File.Len():
		return t.draft.File.Line(r.n), true
	case r.n == 0 && r.old > 0 && r.old <= t.draft.Base.Len():
		return t.draft.Base.Line(r.old), true
	}
	return policy.Line{}, false
}

// differs compares lines. What an edit did not touch is the very same value.
func differs(a, b policy.Line) bool {
	if a == b {
		return false
	}
	return a.String() != b.String()
}

// idOf names a line for the cursor: a rule by its counters' name, others by what they say.
func idOf(l policy.Line, twins map[acl.ID]int) acl.ID {
	if l.Kind == policy.Rule {
		return l.Rule.ID
	}
	id := acl.ID{Text: l.Text}
	switch l.Kind {
	case policy.Set:
		id.Text = "set " + l.Set.Name
	case policy.Default:
		id.Text = "default " + l.Default.Dir.String()
	case policy.Chain:
		id.Text = "chain " + l.Chain.Name
	case policy.Tunnel:
		id.Text = l.Tunnel.Match()
	}
	twins[id]++
	id.Ordinal = -twins[id]
	return id
}

// A set may have thousands of addresses: one of more than wholeSet is shown by its first few.
const (
	wholeSet = 24
	fewOfSet = 3
)

// lineText is a line for the screen.
func lineText(l policy.Line) string {
	if l.Kind != policy.Set || len(l.Set.List) <= wholeSet {
		return format.Clean(l.String())
	}
	s := *l.Set
	s.List, s.Comment = s.List[:fewOfSet], ""
	more := ", and " + strconv.Itoa(len(l.Set.List)-fewOfSet) + " more }"
	if l.Set.Comment != "" {
		more += "  " + l.Set.Comment
	}
	return format.Clean(strings.TrimSuffix(s.String(), " }") + more)
}

func under(r row, k kind) row {
	r.kind, r.id.kind = k, k
	return r
}

// hasExtras reports whether a rule says something that the columns do not show.
func hasExtras(r *acl.Rule) bool {
	return r.Established || r.Dev.Name != "" || r.VLAN.ID != 0 || r.VNI.ID != 0 || r.Rate.N > 0 || r.Log || !r.Expires.Never() || r.Comment != "" ||
		len(r.From.Ports.List) > 0 || len(r.Type.List) > 0
}

// appendExtras writes them as the language does.
func appendExtras(b []byte, r *acl.Rule) []byte {
	only := *r
	only.Off, only.Proto, only.To, only.From.Prefix, only.From.Not, only.From.Set = false, acl.Protos{}, acl.End{}, acl.End{}.Prefix, false, ""
	only.Dir, only.Comment = acl.Both, ""
	text := only.String()
	if word := r.Action.String(); len(text) > len(word) {
		b = append(b, trimmed(text[len(word):])...)
	}
	if r.Comment != "" {
		if len(b) > 0 {
			b = append(b, "  "...)
		}
		b = append(b, r.Comment...)
	}
	return b
}

func trimmed(s string) string {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	return s
}

// counters are those of a row, nil where it has none.
func (t *Tab) counters(r *row) *snap.Hits {
	p := &t.frame.Policy
	if r.kind != fileLine && t.uncounted() {
		return nil
	}
	switch r.kind {
	case fileLine:
		if h := t.hits(r); h != nil {
			return &h.Hits
		}
		return t.steerHits(r)
	case guardHead:
		return &t.guard
	case guardLine:
		if r.n < len(p.Guard) {
			return &p.Guard[r.n].Hits
		}
	case defaults:
		return &p.Default[r.n-int(acl.In)]
	}
	return nil
}

// uncounted reports that no packet is judged: under the empty policy of a launch the programs pass all, and count no rule. What the
// counters of the guard and of what is left hold is old, and no sign that nothing passes.
func (t *Tab) uncounted() bool {
	p := &t.frame.Policy
	return p.Kept == 0 && p.Trial.Gen == 0 && p.Canary.Gen == 0
}

// hits are a rule's counters. Between a switch and the next snapshot those at hand may be another policy's: their line
// tells.
func (t *Tab) hits(r *row) *snap.RuleHits {
	if r.kind != fileLine || r.hit < 0 || r.hit >= len(t.frame.Policy.Rules) {
		return nil
	}
	if h := &t.frame.Policy.Rules[r.hit]; r.hit < len(t.force.lines) && h.Line == t.force.lines[r.hit] {
		return h
	}
	return nil
}

// flag is the gutter's second cell: what the draft did to the line.
func (t *Tab) flag(r *row) table.Mark {
	if r.sub() {
		return table.Mark{}
	}
	switch r.stage {
	case added:
		return table.Mark{Glyph: "+", Token: themes.StageAdd}
	case changed:
		return table.Mark{Glyph: "~", Token: themes.StageChange}
	case moved:
		return table.Mark{Glyph: "~", Token: themes.StageChange}
	case removed:
		return table.Mark{Glyph: t.minus(), Token: themes.StageDel}
	}
	return table.Mark{}
}

func (t *Tab) minus() string { return t.env.Glyphs.Minus }

// tally counts what is staged.
type tally struct{ added, changed, removed int }

func (c tally) any() bool { return c != tally{} }

func (c tally) total() int { return c.added + c.changed + c.removed }

// tallied says it: "+1 new ~1 changed −2 deleted".
func (t *Tab) tallied() string {
	var parts []string
	for _, p := range []struct {
		n          int
		sign, word string
	}{{t.staged.added, "+", " new"}, {t.staged.changed, "~", " changed"}, {t.staged.removed, t.minus(), " deleted"}} {
		if p.n > 0 {
			parts = append(parts, p.sign+strconv.Itoa(p.n)+p.word)
		}
	}
	return strings.Join(parts, " ")
}

// count looks through rows once a layout.
func count(rows []row) (c tally) {
	for i := range rows {
		r := &rows[i]
		if r.sub() {
			continue
		}
		switch r.stage {
		case added:
			c.added++
		case changed, moved:
			c.changed++
		case removed:
			c.removed++
		}
	}
	return c
}
