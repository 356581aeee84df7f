// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func (h *fileHost) steering(n int) string { return filepath.Join(h.dir, fmt.Sprintf("chain,%d", n)) }

func (h *fileHost) RemoveSteering(n int) ([]string, error) {
	if err := os.Remove(h.steering(n)); err != nil {
		return nil, nil // it is gone
	}
	return []string{fmt.Sprintf("ip rule %d", n)}, nil
}

func (h *fileHost) SteeringLeft() ([]int, error) {
	paths, err := filepath.Glob(filepath.Join(h.dir, "chain,*"))
	var out []int
	for _, p := range paths {
		n := 0
		fmt.Sscanf(filepath.Base(p), "chain,%d", &n)
		out = append(out, n)
	}
	return out, err
}

// The watcher of a run that was killed undoes them too.
func TestTheWatcherUndoesSteering(t *testing.T) {
	dir, h := newDir(t)
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.IntendSteering(0); err != nil {
		t.Fatal(err)
	}
	if err := h.add(h.steering(0)); err != nil {
		t.Fatal(err)
	}
	w := &watcher{dir: dir, journal: filepath.Base(j.Name()), open: func() (Host, error) { return h, nil }}
	if err := j.Keep(); err != nil {
		t.Fatal(err)
	}
	if items, err := w.undo(); err != nil || len(items) != 1 || len(h.names(t)) != 0 {
		t.Errorf("%+v, %v; left: %v", items, err, h.names(t))
	}
}

// Rules and routes of chains are undone by the numbers that the journal of the dead run has, and others are left alone.
func TestSteeringOfADeadRunIsUndone(t *testing.T) {
	dir, h := newDir(t)
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 3, 5} {
		if err := j.IntendSteering(n); err != nil {
			t.Fatal(err)
		}
	}
	j.DoneSteering(3)
	for _, n := range []int{0, 3, 5, 7} {
		if err := h.add(h.steering(n)); err != nil {
			t.Fatal(err)
		}
	}
	if !j.Pending() {
		t.Error("nothing is pending")
	}
	if err := j.Keep(); err != nil { // as if the run was killed
		t.Fatal(err)
	}
	items, err := Reclaim(dir, h)
	if err != nil || len(items) != 2 || Failed(items) || items[0].Kind != "chain" {
		t.Errorf("%+v, %v", items, err)
	}
	if got := h.names(t); !slices.Equal(got, []string{"chain,3", "chain,7"}) {
		t.Errorf("left: %v", got)
	}

	// What no journal names goes with a sweep, unless a living run has it.
	live, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := live.IntendSteering(7); err != nil {
		t.Fatal(err)
	}
	items, err = Sweep(dir, h)
	if err != nil || len(items) != 2 || items[0].State != "removed" || items[1].State != "kept" {
		t.Errorf("%+v, %v", items, err)
	}
	live.DoneSteering(7)
	if err := live.End(); err != nil {
		t.Error(err)
	}
	if _, err = Sweep(dir, h); err != nil || len(h.names(t)) != 0 {
		t.Errorf("left: %v, %v", h.names(t), err)
	}
}
