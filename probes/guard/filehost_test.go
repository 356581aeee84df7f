// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

// fileHost is a kernel whose filters and qdiscs are files of a folder, so that other processes see them.
type fileHost struct{ dir string }

func openFileHost(dir string) *fileHost { return &fileHost{dir} }

func (h *fileHost) path(f snap.Filter) string {
	return filepath.Join(h.dir, fmt.Sprintf("filter,%d,%v,%d,%d,%s", f.Index, f.Egress, f.Prio, f.Handle, f.Name))
}

func (h *fileHost) qdisc(i int) string { return filepath.Join(h.dir, fmt.Sprintf("qdisc,%d", i)) }

func (h *fileHost) add(path string) error { return os.WriteFile(path, nil, 0o600) }

func (h *fileHost) Links() ([]snap.Link, error) {
	return []snap.Link{{Index: 1, Name: "lo"}, {Index: 2, Name: "eth0"}, {Index: 3, Name: "eth1"}}, nil
}

func (h *fileHost) ListFilters(ifindex int) ([]snap.Filter, error) {
	paths, err := filepath.Glob(filepath.Join(h.dir, fmt.Sprintf("filter,%d,*", ifindex)))
	var list []snap.Filter
	for _, p := range paths {
		parts := strings.Split(filepath.Base(p), ",")
		f := snap.Filter{Index: ifindex, Egress: parts[2] == "true", Name: parts[5]}
		fmt.Sscan(parts[3], &f.Prio)
		fmt.Sscan(parts[4], &f.Handle)
		list = append(list, f)
	}
	return list, err
}

func (h *fileHost) RemoveFilter(f snap.Filter) error { return os.Remove(h.path(f)) }

func (h *fileHost) RemoveClsact(ifindex int) (bool, error) {
	if list, err := h.ListFilters(ifindex); err != nil || len(list) > 0 {
		return false, err
	}
	err := os.Remove(h.qdisc(ifindex))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// names of what the made-up kernel holds.
func (h *fileHost) names(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// newDir makes a run folder and the made-up kernel in it.
func newDir(t *testing.T) (dir string, h *fileHost) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "hooktop")
	kernel := filepath.Join(dir, "kernel")
	if err := os.MkdirAll(kernel, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, openFileHost(kernel)
}
