// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheMainThreadStaysWhereItIs(t *testing.T) {
	n := NewNS(t)
	before, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 200 { // enough to get every thread, the main one too
		all.Go(func() {
			if err := n.Run(func() error {
				if unix.Gettid() == unix.Getpid() {
					t.Error("the main thread was sent into the namespace")
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if after, err := os.Readlink("/proc/self/ns/net"); err != nil || after != before {
		t.Errorf("the process is in %s, was in %s: %v", after, before, err)
	}
}
