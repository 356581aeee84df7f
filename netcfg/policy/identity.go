// SPDX-License-Identifier: Apache-2.0

package policy

import "hooktop/netcfg/acl"

// name gives an identity to each rule that has none: its text and the lowest ordinal that is free. f's lines are its own.
func (f *File) name(taken map[acl.ID]bool) {
	for _, l := range f.lines {
		if l.Kind == Rule && l.Rule.ID != (acl.ID{}) {
			taken[l.Rule.ID] = true
		}
	}
	next := map[string]int{}
	for i, l := range f.lines {
		if l.Kind == Rule && l.Rule.ID == (acl.ID{}) {
			r := *l.Rule
			r.ID = fresh(r.Match(), next, taken)
			f.lines[i].Rule = &r
		}
	}
}

// nameAll gives identities to the rules of a file that nobody has seen yet.
func (f *File) nameAll() {
	next := make(map[string]int, len(f.lines))
	for _, l := range f.lines {
		if l.Kind == Rule {
			text := l.Rule.Match()
			next[text]++
			l.Rule.ID = acl.ID{Text: text, Ordinal: next[text]}
		}
	}
}

func fresh(text string, next map[string]int, taken map[acl.ID]bool) acl.ID {
	id := acl.ID{Text: text, Ordinal: max(1, next[text])}
	for taken[id] {
		id.Ordinal++
	}
	taken[id] = true
	next[text] = id.Ordinal + 1
	return id
}

// Inherit gives f's rules the identities of the rules in old that read the same, in order: a file that was edited
// elsewhere keeps the counters of what it kept. Rules of the same text take those of the same text in the order of the
// file; new ones never take the name of one that is gone and was inherited by an edit.
func (f File) Inherit(old File) File {
	out := File{lines: append([]Line(nil), f.lines...)}
	left := map[string][]acl.ID{}
	taken := map[acl.ID]bool{}
	for _, l := range old.lines {
		if l.Kind == Rule {
			text := l.Rule.Match()
			left[text] = append(left[text], l.Rule.ID)
			taken[l.Rule.ID] = true
		}
	}
	for i, l := range out.lines {
		if l.Kind != Rule {
			continue
		}
		r, text := *l.Rule, l.Rule.Match()
		r.ID = acl.ID{}
		if ids := left[text]; len(ids) > 0 {
			r.ID, left[text] = ids[0], ids[1:]
		}
		out.lines[i].Rule = &r
	}
	out.name(taken)
	return out
}
