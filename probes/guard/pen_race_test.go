// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"sync"
	"testing"
)

// A start beside another one's clean-up, or beside the watcher of a run that was killed just now: that one holds a lock
// for a moment, and is no other writer.
func TestNobodyIsInTheWayOfAStartBesideAReclaim(t *testing.T) {
	dir, h := newDir(t)
	ended := make(chan struct{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					if _, err := Reclaim(dir, h); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 300 {
		pen, err := TakePen(dir)
		if err != nil {
			t.Errorf("take the pen that nobody holds: %v", err)
			break
		}
		j, err := OpenJournal(dir)
		if err != nil {
			t.Errorf("open the journal: %v", err)
		} else if err := j.Drop(); err != nil {
			t.Error(err)
		}
		if err := pen.Drop(); err != nil || t.Failed() {
			t.Error(err)
			break
		}
	}
	close(ended)
	all.Wait()
}
