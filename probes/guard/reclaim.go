// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Reclaim undoes the journals of dead runs in this network namespace. Journals of living runs and of other namespaces
// are left alone, and said. No folder means nothing to do.
func Reclaim(dir string, h Host) ([]Item, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	self, err := Self()
	if err != nil {
		return nil, fmt.Errorf("reclaim: %w", err)
	}
	var items []Item
	for _, p := range paths {
		items = append(items, reclaim(p, self, h)...)
	}
	pens, err := filepath.Glob(penPath(dir, "*"))
	if err != nil {
		return items, fmt.Errorf("list pens: %w", err)
	}
	for _, p := range pens {
		f, err := lockFile(p, 0)
		if err != nil {
			continue // somebody holds it, or it went just now
		}
		if err := dropPen(f, dir); err != nil {
			return items, fmt.Errorf("remove the pen of a dead run: %w", err)
		}
	}
	if self.PIDNS == initialPIDs { // elsewhere most processes are out of sight, and whose namespaces they hold
		items = append(items, sweepDrafts(dir, self.NetNS, heldNamespaces)...)
	}
	_ = os.Remove(dir) // fails while anything is in it
	return items, nil
}

// reclaim undoes one journal if its run is dead.
func reclaim(path string, self Identity, h Host) []Item {
	name := strings.TrimSuffix(filepath.Base(path), suffix)
	f, err := lockFile(path, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case errors.Is(err, errLocked):
		return []Item{{Kind: "run", Name: name, State: "kept", Why: "it is running"}}
	case err != nil:
		return []Item{{Kind: "journal", Name: name, State: "failed", Why: err.Error()}}
	}
	c, err := read(f)
	if err != nil {
		f.Close()
		return []Item{{Kind: "journal", Name: name, State: "failed", Why: err.Error()}}
	}
	var items []Item
	switch {
	case c.Run.Boot != self.Boot:
		// The machine was started anew: nothing of it can be there.
	case c.Run.NetNS != self.NetNS && namespaceExists(c.Run.NetNS):
		f.Close()
		if c.empty() {
			_ = os.Remove(path) // it made nothing
			return nil
		}
		return []Item{{Kind: "journal", Name: name, State: "kept", Why: fmt.Sprintf(
			"it belongs to network namespace %d: run hooktop cleanup there", c.Run.NetNS)}}
	case c.Run.NetNS != self.NetNS:
		// The namespace is gone, and everything in it.
	default:
		items = undo(h, c)
	}
	if Failed(items) {
		f.Close()
		return items
	}
	if err := dropFile(f, filepath.Dir(path)); err != nil {
		items = append(items, Item{Kind: "journal", Name: name, State: "failed", Why: err.Error()})
	}
	return items
}

func read(f *os.File) (Contents, error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, math.MaxInt64)) // a run of weeks with many devices writes a long one
	if err != nil {
		return Contents{}, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	c, err := parse(b)
	if err != nil {
		return c, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return c, nil
}

// sweepSteering removes rules and routes of chains that no living run has in its journal.
func sweepSteering(dir string, h Host) []Item {
	left, err := h.SteeringLeft()
	if err != nil {
		return []Item{{Kind: "chain", State: "failed", Why: err.Error()}}
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return []Item{{Kind: "chain", State: "failed", Why: err.Error()}}
	}
	held := map[int]bool{}
	for _, p := range paths { // those of the dead were undone before
		if b, err := os.ReadFile(p); err == nil {
			if c, err := parse(b); err == nil {
				for _, n := range c.Numbers {
					held[n] = true
				}
			}
		}
	}
	var items []Item
	for _, n := range left {
		if held[n] {
			items = append(items, Item{Kind: "chain", Name: fmt.Sprintf("number %d", n), State: "kept", Why: "a run has it in its journal"})
			continue
		}
		items = append(items, undoSteering(h, n)...)
	}
	return items
}

// Sweep removes every filter of this network namespace that carries our mark and whose process is dead, journal or not:
// for leftovers whose journal was lost. Filters of runs in other PID namespaces look dead from here, so this is only for
// who asks for it.
func Sweep(dir string, h Host) ([]Item, error) {
	links, err := h.Links()
	if err != nil {
		return nil, fmt.Errorf("list devices: %w", err)
	}
	var items []Item
	for _, l := range links {
		filters, err := h.ListFilters(l.Index)
		if err != nil {
			items = append(items, Item{Kind: "filter", Dev: l.Name, State: "failed", Why: err.Error()})
			continue
		}
		for _, f := range filters {
			pid, start, ok := parseTag(f.Name)
			if !ok {
				continue
			}
			item := Item{Kind: "filter", Name: f.Name, Dev: l.Name, State: "removed"}
			if alive(pid, start) {
				item.State, item.Why = "kept", "pid "+strconv.Itoa(pid)+" is running"
			} else if err := h.RemoveFilter(f); err != nil {
				item.State, item.Why = "failed", err.Error()
			}
			items = append(items, item)
		}
	}
	return append(items, sweepSteering(dir, h)...), nil
}
