// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// late is a watcher that stands still until somebody speaks to it. It leaves a mark when it ends as it was told to.
func late(args []string) error {
	host := openFileHost(filepath.Join(args[0], "kernel"))
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: fdSocket, Events: unix.POLLIN}}, -1); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err := Watch(args, func() (Host, error) { return host, nil }); err != nil {
		return err
	}
	return host.add(host.qdisc(1))
}

// A watcher that is late holds up nobody, is not killed for it, and hears what it was told meanwhile.
func TestAWatcherMayBeLate(t *testing.T) {
	dir, h := newDir(t)
	g, err := Arm(Options{Dir: dir, Command: latePart})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-g.Gone():
		t.Error("the watcher is gone")
	default:
	}
	g.Screen(true)
	if err := g.Release(); err != nil {
		t.Error(err)
	}
	if got := h.names(t); len(got) != 1 {
		t.Errorf("the watcher did not end as it was told to: %v", got)
	}
}
