// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/ktest"
)

// drafts makes a folder with drafts of network namespaces and files of other kinds.
func drafts(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("deny in tcp\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func listed(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

// Drafts of namespaces that are gone go. One's own, those of namespaces that somebody holds, and what is none stay.
func TestDraftsOfNamespacesThatAreGone(t *testing.T) {
	dir := drafts(t, "draft-11", "draft-12", "draft-13", "draft-014", "draft-x", "draft-15.old", "1-2.journal")
	if err := os.Symlink(filepath.Join(dir, "draft-11"), filepath.Join(dir, "draft-16")); err != nil {
		t.Fatal(err)
	}
	items := sweepDrafts(dir, 12, func(exists map[uint64]bool) error {
		if got := slices.Sorted(maps.Keys(exists)); !slices.Equal(got, []uint64{11, 13}) {
			t.Errorf("asked about %v", got)
		}
		exists[13] = true
		return nil
	})
	if len(items) != 1 || items[0] != (Item{Kind: "draft", Name: "of network namespace 11", State: "removed", Why: "the namespace is gone"}) {
		t.Errorf("%+v", items)
	}
	if got := listed(t, dir); got != "1-2.journal draft-014 draft-12 draft-13 draft-15.old draft-16 draft-x" {
		t.Errorf("left: %s", got)
	}
}

// A draft is left alone where not every process can be seen, and when somebody writes it while namespaces are looked for: a new
// namespace may have the number of one that is gone.
func TestDraftsThatMayBeSomebodys(t *testing.T) {
	dir := drafts(t, "draft-11", "draft-12")
	if items := sweepDrafts(dir, 1, func(map[uint64]bool) error { return fs.ErrPermission }); len(items) > 0 {
		t.Errorf("%+v", items)
	}
	items := sweepDrafts(dir, 1, func(map[uint64]bool) error {
		path := filepath.Join(dir, "draft-11")
		return errors.Join(os.Rename(filepath.Join(dir, "draft-12"), path), os.Chtimes(path, time.Time{}, time.Now().Add(time.Minute)))
	})
	if got := listed(t, dir); len(items) > 0 || got != "draft-11" {
		t.Errorf("%+v, left %s", items, got)
	}
}

// A namespace is held by a process in it, by a descriptor, or by a mount: each alone keeps its draft.
func TestHeldNamespaces(t *testing.T) {
	n := ktest.NewNS(t) // a descriptor of this process
	held, err := inode(n.Path())
	if err != nil {
		t.Fatal(err)
	}
	self, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	const gone = 1 << 62 // no inode of the kernel's
	exists := map[uint64]bool{held: false, self.NetNS: false, gone: false}
	hidden := heldNamespaces(exists)
	if hidden != nil && !errors.Is(hidden, fs.ErrPermission) || !exists[held] || !exists[self.NetNS] || exists[gone] {
		t.Errorf("%v, %v", exists, hidden)
	}
	if namespaceExists(gone) || !namespaceExists(held) {
		t.Error("one by one they are otherwise")
	}
	dir := t.TempDir()
	for ns := range exists {
		if err := os.WriteFile(Draft(dir, ns), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	items, err := Reclaim(dir, nil)
	if self.PIDNS != initialPIDs || hidden != nil {
		if err != nil || len(items) > 0 {
			t.Errorf("where not every process is seen: %+v, %v", items, err)
		}
		return
	}
	if err != nil || len(items) != 1 || strings.Contains(listed(t, dir), "draft-4611686018427387904") {
		t.Errorf("%+v, %v, left %s", items, err, listed(t, dir))
	}
}
