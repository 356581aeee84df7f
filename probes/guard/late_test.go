// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
)

// late is a watcher that stands still until something comes on a descriptor: somebody speaks to it, or the main process has ended. After
// a word it leaves a mark when it ends.
func late(fd int32, args []string) error {
	host := openFileHost(filepath.Join(args[0], "kernel"))
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: fd, Events: unix.POLLIN}}, -1); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err := Watch(args, func() (Host, error) { return host, nil }); err != nil || fd != fdSocket {
		return err
	}
	return host.add(host.qdisc(1))
}

// A watcher that is late holds up nobody, is not killed for it, and hears what it was told meanwhile.
func TestAWatcherMayBeLate(t *testing.T) {
	dir, h := newDir(t)
	was := quitWait
	quitWait = ktest.Patience
	t.Cleanup(func() { quitWait = was })
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

// A host that stands still while a run begins, which is then killed at once: the watcher comes when nobody takes its word any more.
func TestAWatcherThatIsTooLateForItsRunCleansUp(t *testing.T) {
	undone(t, tooLatePart, 30)
}
