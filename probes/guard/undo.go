// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"slices"

	"hooktop/probes/snap"
)

// Host is what undoing needs; netcfg/nl has it.
type Host interface {
	Links() ([]snap.Link, error)
	ListFilters(ifindex int) ([]snap.Filter, error)
	RemoveFilter(f snap.Filter) error
	RemoveClsact(ifindex int) (removed bool, err error)
	RemoveSteering(n int) (removed []string, err error) // rule and routes of a chain, by number
	SteeringLeft() ([]int, error)                       // numbers of which there are any
}

// Item is one thing that was looked at.
type Item struct {
	Kind  string // "filter", "qdisc", "chain", "journal", "run", "draft"
	Name  string
	Dev   string
	State string // "removed", "kept", "failed"
	Why   string
}

// Failed reports whether anything that should have gone is still there.
func Failed(items []Item) bool {
	return slices.ContainsFunc(items, func(i Item) bool { return i.State == "failed" })
}

// undo removes what a journal names and is still there, and nothing else.
func undo(h Host, c Contents) []Item {
	links, err := h.Links()
	if err != nil {
		return []Item{{Kind: "journal", Name: c.Run.Tag(), State: "failed", Why: fmt.Sprintf("list devices: %v", err)}}
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Index] = l.Name
	}
	var items []Item
	ours := map[int]bool{} // devices on which one of our filters stood: the very device, whatever its name is now
	for _, f := range c.Filters {
		if _, there := names[f.Index]; !there {
			continue
		}
		item, had := undoFilter(h, f, names[f.Index])
		if had {
			ours[f.Index] = true
			items = append(items, item)
		}
	}
	for _, q := range c.Qdiscs {
		// An ifindex can be given to another device: its name or our filter must show that it is the same.
		if name, there := names[q.Index]; !there || name != q.Dev && !ours[q.Index] {
			continue
		}
		removed, err := h.RemoveClsact(q.Index)
		item := Item{Kind: "qdisc", Name: "clsact", Dev: names[q.Index], State: "removed"}
		switch {
		case err != nil:
			item.State, item.Why = "failed", err.Error()
		case !removed:
			continue // somebody else's filters are on it, or it is gone
		}
		items = append(items, item)
	}
	for _, n := range c.Numbers {
		items = append(items, undoSteering(h, n)...)
	}
	return items
}

// undoSteering removes what stands of a chain. Rules go before routes, so that no packet is looked up in half a table.
func undoSteering(h Host, n int) []Item {
	removed, err := h.RemoveSteering(n)
	var items []Item
	for _, what := range removed {
		items = append(items, Item{Kind: "chain", Name: what, State: "removed"})
	}
	if err != nil {
		items = append(items, Item{Kind: "chain", Name: fmt.Sprintf("number %d", n), State: "failed", Why: err.Error()})
	}
	return items
}

func undoFilter(h Host, f snap.Filter, dev string) (item Item, had bool) {
	item = Item{Kind: "filter", Name: f.Name, Dev: dev, State: "removed"}
	list, err := h.ListFilters(f.Index)
	if err != nil {
		item.State, item.Why = "failed", err.Error()
		return item, true
	}
	same := func(g snap.Filter) bool {
		return g.Egress == f.Egress && g.Prio == f.Prio && g.Handle == f.Handle && g.Name == f.Name
	}
	if !slices.ContainsFunc(list, same) {
		return item, false
	}
	if err := h.RemoveFilter(f); err != nil {
		item.State, item.Why = "failed", err.Error()
	}
	return item, true
}
