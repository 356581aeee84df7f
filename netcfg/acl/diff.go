// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
)

// ChangeKind says what became of a rule.
type ChangeKind uint8

const (
	Removed ChangeKind = iota
	Added
	Changed
	Moved
)

func (k ChangeKind) String() string { return [...]string{"removed", "added", "changed", "moved"}[k] }

// Change is one rule that is not what it was. Old is nil when it was added, New when it was removed.
type Change struct {
	Kind     ChangeKind
	Old, New *Rule
}

// SetChange is a set whose addresses changed.
type SetChange struct {
	Name           string
	Gone, Come     []netip.Prefix
	Dropped, Fresh bool // the set as a whole went or came
}

// DefaultChange is a default that changed.
type DefaultChange struct {
	Dir      Dir
	Old, New Action
}

// Difference is what one policy decides otherwise than another. Comments, blank lines and the place of sets and defaults do
// not count.
type Difference struct {
	Defaults []DefaultChange
	Sets     []SetChange
	Rules    []Change // in the order of the new policy, removed ones where they stood
	Samples  []Sample // packets whose fate changes
	Tried    int      // packets tried to find them
}

// Same reports whether nothing differs.
func (d *Difference) Same() bool { return len(d.Defaults)+len(d.Sets)+len(d.Rules) == 0 }

// Diff compares two policies: which lines differ, and packets that show it.
func Diff(a, b *Policy) Difference {
	var d Difference
	for _, dir := range []Dir{In, Out} {
		was, _ := a.Default(dir)
		is, _ := b.Default(dir)
		if was != is {
			d.Defaults = append(d.Defaults, DefaultChange{dir, was, is})
		}
	}
	d.Sets = diffSets(a.Sets, b.Sets)
	d.Rules = diffRules(a.Rules, b.Rules)
	if !d.Same() {
		d.Samples, d.Tried = samples(a, b, &d)
	}
	return d
}

func diffSets(a, b map[string]Set) []SetChange {
	var names []string
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []SetChange
	for _, name := range names {
		was, old := a[name]
		is, fresh := b[name]
		c := SetChange{Name: name, Gone: without(was.List, is.List), Come: without(is.List, was.List), Dropped: !fresh, Fresh: !old}
		if len(c.Gone)+len(c.Come) > 0 || c.Dropped || c.Fresh {
			out = append(out, c)
		}
	}
	return out
}

func without(list, other []netip.Prefix) []netip.Prefix {
	has := map[netip.Prefix]bool{}
	for _, p := range other {
		has[p] = true
	}
	var out []netip.Prefix
	for _, p := range list {
		if !has[p] {
			out = append(out, p)
		}
	}
	return out
}

// bare is a rule's text without its comment: what makes a difference.
func bare(r *Rule) string {
	c := *r
	c.Comment = ""
	return c.String()
}

// diffRules pairs rules by identity, then what is left between the same neighbours by likeness.
func diffRules(a, b []Rule) []Change {
	at := map[ID]int{}
	for i := range a {
		at[a[i].ID] = i
	}
	from := make([]int, len(b)) // index in a, -1: none
	used := make([]bool, len(a))
	for j := range b {
		from[j] = -1
		if i, ok := at[b[j].ID]; ok && !used[i] {
			from[j], used[i] = i, true
		}
	}
	stays := Rising(from)
	pairUp(a, b, from, used, stays)
	var out []Change
	next := 0 // rules of a before this are told
	gone := func(to int) {
		for ; next < to; next++ {
			if !used[next] {
				out = append(out, Change{Removed, &a[next], nil})
			}
		}
	}
	for j := range b {
		i := from[j]
		if i >= 0 && stays[j] {
			gone(i)
			next = max(next, i+1)
		}
		switch {
		case i < 0:
			out = append(out, Change{Added, nil, &b[j]})
		case bare(&a[i]) != bare(&b[j]):
			out = append(out, Change{Changed, &a[i], &b[j]})
		case !stays[j]:
			out = append(out, Change{Moved, &a[i], &b[j]})
		}
	}
	gone(len(a))
	return out
}

// Rising marks a longest run of pairs that kept their order: what is not in it has moved. from gives for each new thing the
// index of the old one, -1 for none.
func Rising(from []int) []bool {
	stays := make([]bool, len(from))
	var ends []int // ends[k]: index in from of the smallest end of a run of k+1
	before := make([]int, len(from))
	for j, i := range from {
		if i < 0 {
			continue
		}
		k := sort.Search(len(ends), func(k int) bool { return from[ends[k]] >= i })
		before[j] = -1
		if k > 0 {
			before[j] = ends[k-1]
		}
		if k == len(ends) {
			ends = append(ends, j)
		} else {
			ends[k] = j
		}
	}
	if len(ends) > 0 {
		for j := ends[len(ends)-1]; j >= 0; j = before[j] {
			stays[j] = true
		}
	}
	return stays
}

// maxLook bounds the search for a removed rule that looks like an added one.
const maxLook = 32

// pairUp takes an added rule for the changed form of a removed one that stood in the same gap and looks like it.
func pairUp(a, b []Rule, from []int, used, stays []bool) {
	low := 0
	for j := range b {
		if stays[j] {
			low = from[j] + 1
		}
		if from[j] >= 0 {
			continue
		}
		for i := low; i < min(len(a), low+maxLook) && !used[i]; i++ {
			if Alike(&a[i], &b[j]) {
				from[j], used[i], stays[j] = i, true, true
				low = i + 1
				break
			}
		}
	}
}

// Alike: most of action, direction, protocol and the two sides are the same.
func Alike(a, b *Rule) bool {
	n := 0
	for _, same := range []bool{a.Action == b.Action, a.Dir == b.Dir, a.Proto.Not == b.Proto.Not && slices.Equal(a.Proto.List, b.Proto.List),
		string(a.From.words(nil, "")) == string(b.From.words(nil, "")), string(a.To.words(nil, "")) == string(b.To.words(nil, ""))} {
		if same {
			n++
		}
	}
	return n >= 3
}

// String says what became of the rule, in one line of words.
func (c Change) String() string {
	switch {
	case c.Kind == Removed:
		return fmt.Sprintf("line %d removed: %s", c.Old.Line, c.Old)
	case c.Kind == Added:
		return fmt.Sprintf("line %d added: %s", c.New.Line, c.New)
	case c.Kind == Moved:
		return fmt.Sprintf("line %d moved to %d: %s", c.Old.Line, c.New.Line, c.New)
	case c.Old.Off != c.New.Off:
		state := "on"
		if c.New.Off {
			state = "off"
		}
		return fmt.Sprintf("line %d switched %s: %s, was: %s", c.New.Line, state, c.New, c.Old)
	}
	return fmt.Sprintf("line %d changed: %s, was: %s", c.New.Line, c.New, c.Old)
}
