// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// A run of weeks on a host of containers writes more than a megabyte; its last promise is the one that matters.
func TestALongJournalIsReadToItsEnd(t *testing.T) {
	dir, h := newDir(t)
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := snap.Filter{Index: 2, Prio: 1, Handle: 7, Name: j.Tag() + "-in"}
	for size(t, j) < 1<<20 {
		if err := j.Intend(f, "eth0"); err != nil {
			t.Fatal(err)
		}
		j.Done(f)
	}
	f.Egress, f.Name = true, j.Tag()+"-out"
	if err := j.Intend(f, "eth0"); err != nil {
		t.Fatal(err)
	}
	if err := h.add(h.path(f)); err != nil {
		t.Fatal(err)
	}
	if err := j.Keep(); err != nil {
		t.Fatal(err)
	}
	if items, err := Reclaim(dir, h); err != nil || len(items) != 1 || items[0].State != "removed" {
		t.Errorf("reclaim: %v, %v; want one filter removed", items, err)
	}
	if left := h.names(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// What a full file system took of a line must not spoil those that come after it.
func TestAFullRunSpoilsNoJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hooktop")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the mount goes with the thread
		done <- onFullDisk(dir)
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// onFullDisk fills a file system of two pages, one for the journal, and makes room again.
func onFullDisk(dir string) error {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8k,mode=0700"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, make([]byte, 4096), 0o600); err != nil {
		return err
	}
	j, err := OpenJournal(dir)
	if err != nil {
		return err
	}
	defer j.Keep()
	made := 0
	for f := (snap.Filter{Index: 2, Prio: 1, Name: j.Tag() + "-in"}); ; f.Handle++ {
		if j.Intend(f, "eth0") != nil {
			break
		}
		made++
	}
	if err := os.Remove(other); err != nil {
		return err
	}
	if err := j.IntendQdisc(2, "eth0"); err != nil {
		return err
	}
	c, err := read(j.file)
	if err != nil {
		return err
	}
	if len(c.Filters) != made || len(c.Qdiscs) != 1 {
		return fmt.Errorf("%d filters and %d qdiscs, want %d and 1", len(c.Filters), len(c.Qdiscs), made)
	}
	return nil
}
