// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// initialPIDs is the inode of the PID namespace that all others are in (PROC_PID_INIT_INO, linux/proc_ns.h).
const initialPIDs = 0xeffffffc

const draftPrefix = "draft-"

// Draft is where the draft of a network namespace other than the initial one is kept, by inode: it goes when the namespace has gone,
// whose number the kernel gives to another one some day.
func Draft(dir string, netns uint64) string {
	return filepath.Join(dir, draftPrefix+strconv.FormatUint(netns, 10))
}

// sweepDrafts removes the drafts of network namespaces that are gone. held says which exist; where that can't be told for sure all stay. A draft that
// is written meanwhile is somebody's.
func sweepDrafts(dir string, own uint64, held func(map[uint64]bool) error) []Item {
	paths, err := filepath.Glob(filepath.Join(dir, draftPrefix+"*"))
	if err != nil {
		return []Item{{Kind: "draft", State: "failed", Why: err.Error()}}
	}
	drafts, exists := map[uint64]fs.FileInfo{}, map[uint64]bool{}
	for _, p := range paths {
		ns, err := strconv.ParseUint(strings.TrimPrefix(filepath.Base(p), draftPrefix), 10, 64)
		if err != nil || ns == own || Draft(dir, ns) != p {
			continue
		}
		if st, err := os.Lstat(p); err == nil && st.Mode().IsRegular() {
			drafts[ns], exists[ns] = st, false
		}
	}
	if len(drafts) == 0 || held(exists) != nil {
		return nil
	}
	var items []Item
	for ns, before := range drafts {
		path := Draft(dir, ns)
		now, err := os.Lstat(path)
		if exists[ns] || err != nil || !os.SameFile(before, now) || now.ModTime() != before.ModTime() || now.Size() != before.Size() {
			continue
		}
		item := Item{Kind: "draft", Name: fmt.Sprintf("of network namespace %d", ns), State: "removed", Why: "the namespace is gone"}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			item.State, item.Why = "failed", err.Error()
		}
		items = append(items, item)
	}
	return items
}

// namespaceExists reports whether anything that can be seen holds a network namespace.
func namespaceExists(ns uint64) bool {
	exists := map[uint64]bool{ns: false}
	err := heldNamespaces(exists)
	return exists[ns] || err != nil && !errors.Is(err, fs.ErrPermission)
}

// heldNamespaces sets those of the network namespaces that anything holds: a process in it, a mount of it (ip netns, docker), or an open
// descriptor. It looks at every process, and is asked only about what other namespaces left. fs.ErrPermission: some processes hide what
// they hold.
func heldNamespaces(exists map[uint64]bool) error {
	links, err := filepath.Glob("/proc/[0-9]*/ns/net")
	if err != nil {
		return err
	}
	var hidden error
	see := func(err error) {
		if errors.Is(err, fs.ErrPermission) { // what ended meanwhile is not hidden
			hidden = err
		}
	}
	note := func(link string) {
		to, err := os.Readlink(link)
		see(err)
		for ns := range exists {
			exists[ns] = exists[ns] || to == linkTo(ns)
		}
	}
	for _, l := range links {
		note(l)
		dir := filepath.Dir(filepath.Dir(l))
		mounts, err := os.ReadFile(filepath.Join(dir, "mountinfo"))
		see(err)
		for ns := range exists {
			exists[ns] = exists[ns] || bytes.Contains(mounts, []byte(linkTo(ns)))
		}
		fds, err := os.ReadDir(filepath.Join(dir, "fd"))
		see(err)
		for _, fd := range fds {
			note(filepath.Join(dir, "fd", fd.Name()))
		}
	}
	return hidden
}

func linkTo(ns uint64) string { return fmt.Sprintf("net:[%d]", ns) }
