// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A machine that stands still for as long as a lock is waited for makes nobody the holder of it.
func TestALockIsTriedForAfterAStall(t *testing.T) {
	dir, _ := newDir(t)
	path := filepath.Join(dir, "a.lock")
	if err := makeDir(dir); err != nil {
		t.Fatal(err)
	}
	passing, err := lockFile(path, os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	defer passing.Close()
	looks := 0
	own, err := lockOwn(path, dir, func() bool {
		switch looks++; looks {
		case 1:
			<-time.After(patience)
		case 3:
			passing.Close()
		}
		return true
	})
	if err != nil {
		t.Fatalf("after %d looks: %v", looks, err)
	}
	if err := dropFile(own, dir); err != nil {
		t.Error(err)
	}
}
