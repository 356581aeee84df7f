// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"slices"

	"hooktop/netcfg/acl"
)

// Pair is a line of two files, or of one of them.
type Pair struct {
	Old, New int  // numbers from 1, 0: the file has no such line
	Moved    bool // its neighbours kept their order, it did not
}

// name tells lines apart: a rule by what names its counters, sets and chains by their names, a default by its direction.
type name struct {
	kind Kind
	acl.ID
}

func nameOf(l Line) name {
	switch l.Kind {
	case Rule:
		return name{Rule, l.Rule.ID}
	case Set:
		return name{Set, acl.ID{Text: l.Set.Name}}
	case Default:
		return name{Default, acl.ID{Text: l.Default.Dir.String()}}
	case Chain:
		return name{Chain, acl.ID{Text: l.Chain.Name}}
	case Tunnel:
		return name{Tunnel, acl.ID{Text: l.Tunnel.Match()}}
	}
	return name{l.Kind, acl.ID{Text: l.Text}}
}

// Pairs lays two files side by side, line by line: in the order of b, with the lines that only a has where they stood.
// Unlike Diff it counts comments, blank lines and places.
func Pairs(a, b File) []Pair {
	first := make(map[name]int, len(a.lines)) // from 1: the first line of that name that is left
	twin := make([]int, len(a.lines))         // the next one, 0: none
	for i := len(a.lines) - 1; i >= 0; i-- {
		n := nameOf(a.lines[i])
		twin[i], first[n] = first[n], i+1
	}
	from, used := make([]int, len(b.lines)), make([]bool, len(a.lines))
	for j, l := range b.lines {
		from[j] = -1
		n := nameOf(l)
		if i := first[n] - 1; i >= 0 {
			from[j], first[n], used[i] = i, twin[i], true
		}
	}
	stays := acl.Rising(from)
	likely(a, b, from, used, stays)
	out := make([]Pair, 0, len(b.lines)+8)
	next := 0 // lines of a before this are told
	gone := func(to int) {
		for ; next < to; next++ {
			if !used[next] {
				out = append(out, Pair{Old: next + 1})
			}
		}
	}
	for j, i := range from {
		if i >= 0 && stays[j] {
			gone(i)
			next = max(next, i+1)
		}
		out = append(out, Pair{Old: i + 1, New: j + 1, Moved: i >= 0 && !stays[j]})
	}
	gone(len(a.lines))
	return out
}

// likely takes a new line for the changed form of one that went from the same gap and looks like it: a text that was
// edited elsewhere says no more.
func likely(a, b File, from []int, used, stays []bool) {
	low := 0
	for j, l := range b.lines {
		if stays[j] {
			low = from[j] + 1
		}
		if from[j] >= 0 {
			continue
		}
		end := low
		for end < len(used) && !used[end] {
			end++
		}
		i := slices.IndexFunc(a.lines[low:end], func(o Line) bool { return switched(o, l) })
		if i < 0 {
			i = slices.IndexFunc(a.lines[low:end], func(o Line) bool { return alike(o, l) })
		}
		if i >= 0 {
			i += low
			from[j], used[i], stays[j] = i, true, true
			low = i + 1
		}
	}
}

// alike reports whether one line may be the changed form of the other: rules by what they match, chains by their name, tunnel
// lines by their kind.
func alike(a, b Line) bool {
	switch {
	case a.Kind != b.Kind:
		return false
	case a.Kind == Rule:
		return acl.Alike(a.Rule, b.Rule)
	case a.Kind == Tunnel || a.Kind == Chain:
		return a.Title() == b.Title()
	}
	return false
}

// switched reports whether one tunnel or chain line is the other, switched off or on. A rule's identity says as much.
func switched(a, b Line) bool {
	if b.Kind != Tunnel && b.Kind != Chain || a.Kind != b.Kind || a.Off() == b.Off() {
		return false
	}
	on, ok := toggled(b)
	return ok && on.String() == a.String()
}

// Title is what a tunnel line is about ("vxlan"), or the name of a chain; "" for other lines.
func (l Line) Title() string {
	switch l.Kind {
	case Tunnel:
		return l.Tunnel.Kind.String()
	case Chain:
		return l.Chain.Name
	}
	return ""
}
