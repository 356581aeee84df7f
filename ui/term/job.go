// SPDX-License-Identifier: Apache-2.0

package term

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CanStop reports whether somebody could continue this process if it stopped itself: a shell with job control above, that
// is, a parent outside its process group and inside its session. In an orphaned process group a stop is for ever.
func CanStop() bool {
	self, err := readStat(os.Getpid())
	if err != nil {
		return false
	}
	for at := self; ; {
		parent, err := readStat(at.parent)
		if err != nil || parent.session != self.session {
			return false
		}
		if parent.group != self.group {
			return true
		}
		at = parent
	}
}

// Stop stops the whole process group, as the tty's suspend key does, and returns when it was continued.
func Stop() error {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	defer signal.Stop(continued)
	if err := unix.Kill(0, unix.SIGSTOP); err != nil {
		return fmt.Errorf("stop the process group: %w", err)
	}
	<-continued // the stop reaches this thread a moment after the call
	return nil
}

type stat struct{ parent, group, session int }

// readStat reads fields 4 to 6 of /proc/PID/stat; the name before them may hold anything, brackets too.
func readStat(pid int) (stat, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, fmt.Errorf("read the process tree: %w", err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(f) < 4 {
		return stat{}, fmt.Errorf("read the process tree: /proc/%d/stat is short", pid)
	}
	var s stat
	for i, to := range []*int{&s.parent, &s.group, &s.session} {
		if *to, err = strconv.Atoi(f[i+1]); err != nil {
			return stat{}, fmt.Errorf("read the process tree: %w", err)
		}
	}
	return s, nil
}
