// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long a run has to detach by itself before it is killed and its watcher cleans up.
const grace = 5 * time.Second

// EndRuns ends the living runs of this network namespace: SIGTERM, then SIGKILL. The caller itself is spared.
func EndRuns(ctx context.Context, dir string) ([]Item, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	self, err := Self()
	if err != nil {
		return nil, err
	}
	var items []Item
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			continue // it ended just now
		}
		c, err := parse(b)
		r := c.Run
		if err != nil || r.PID == self.PID || r.NetNS != self.NetNS || r.Boot != self.Boot {
			continue
		}
		if r.PIDNS != self.PIDNS {
			items = append(items, Item{Kind: "run", Name: r.Tag(), State: "kept", Why: "it runs in another PID namespace"})
			continue
		}
		if item, was := endRun(ctx, r); was {
			items = append(items, item)
		}
	}
	return items, nil
}

func endRun(ctx context.Context, r Identity) (item Item, was bool) {
	item = Item{Kind: "run", Name: r.Tag(), State: "removed"}
	fd, err := unix.PidfdOpen(r.PID, 0)
	if err != nil {
		return item, false
	}
	defer unix.Close(fd)
	if !alive(r.PID, r.Start) { // asked after the pidfd holds the PID: it can't be another process any more
		return item, false
	}
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
			break // ESRCH: it is gone
		}
		_ = unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0) // one that is stopped detaches by itself then, as any other
		if waitPidfd(ctx, fd, grace) {
			return item, true
		}
	}
	if alive(r.PID, r.Start) {
		item.State, item.Why = "failed", "it does not end"
	}
	return item, true
}

// waitPidfd waits for the end of a process.
func waitPidfd(ctx context.Context, fd int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for ctx.Err() == nil {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(min(left, 100*time.Millisecond).Milliseconds())+1)
		if err == nil && n > 0 {
			return true
		}
	}
	return false
}
