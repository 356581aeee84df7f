// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"os"
	"slices"
	"testing"

	"hooktop/probes/snap"
)

// Sweep takes filters with our mark whose process is dead, though no journal names them, and nothing else.
func TestSweepTakesOnlyMarkedFiltersOfTheDead(t *testing.T) {
	dir, h := newDir(t)
	self, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	dead := Identity{PID: os.Getpid(), Start: self.Start - 1} // the PID was used before: another process
	names := map[string]string{                               // name -> state
		dead.Tag() + "-in":       "removed",
		dead.Tag() + "-out":      "removed",
		Mark + "100000000-7-in":  "removed", // no PID is that high
		self.Tag() + "-in":       "kept",
		"theirs":                 "",
		"hooktop-fan-club":       "",
		"hooktop-12-34-sideways": "",
		"hooktop--1-34-in":       "",
		"hooktop-0-34-in":        "",
		"my-hooktop-12-34-in":    "",
	}
	prio := uint16(0)
	for name := range names {
		prio++
		f := snap.Filter{Index: 2 + int(prio)%2, Egress: prio%3 == 0, Prio: prio, Handle: 1, Name: name}
		if err := h.add(h.path(f)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.add(h.qdisc(2)); err != nil {
		t.Fatal(err)
	}
	items, err := Sweep(dir, h)
	if err != nil || Failed(items) {
		t.Fatalf("%+v, %v", items, err)
	}
	for _, item := range items {
		if names[item.Name] != item.State || item.Dev == "" || item.Kind != "filter" {
			t.Errorf("%+v, want state %q", item, names[item.Name])
		}
	}
	if len(items) != 4 {
		t.Errorf("%d items: %+v", len(items), items)
	}
	var left []string
	for _, i := range []int{1, 2, 3} {
		list, err := h.ListFilters(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			left = append(left, f.Name)
		}
	}
	for name, state := range names {
		if slices.Contains(left, name) == (state == "removed") {
			t.Errorf("%q: there %v, state %q", name, slices.Contains(left, name), state)
		}
	}
}

// brokenHost can't do one thing.
type brokenHost struct {
	*fileHost
	list, remove error
}

func (h brokenHost) ListFilters(i int) ([]snap.Filter, error) {
	if h.list != nil && i == 2 {
		return nil, h.list
	}
	return h.fileHost.ListFilters(i)
}

func (h brokenHost) RemoveFilter(f snap.Filter) error {
	if h.remove != nil {
		return h.remove
	}
	return h.fileHost.RemoveFilter(f)
}

// One device that can't be read, one filter that can't be removed: said, and the rest is swept.
func TestSweepSaysWhatFails(t *testing.T) {
	dir, h := newDir(t)
	name := Mark + "100000000-7-in"
	for _, i := range []int{2, 3} {
		if err := h.add(h.path(snap.Filter{Index: i, Prio: 1, Handle: 1, Name: name})); err != nil {
			t.Fatal(err)
		}
	}
	no := errors.New("no way")
	items, err := Sweep(dir, brokenHost{fileHost: h, list: no})
	if err != nil || len(items) != 2 || items[0].State != "failed" || items[0].Why != "no way" || items[1].State != "removed" {
		t.Errorf("unreadable device: %+v, %v", items, err)
	}
	items, err = Sweep(dir, brokenHost{fileHost: h, remove: no})
	if err != nil || len(items) != 1 || items[0].State != "failed" || items[0].Dev != "eth0" {
		t.Errorf("unremovable filter: %+v, %v", items, err)
	}
}
