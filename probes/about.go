// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hooktop/probes/attach"
	"hooktop/probes/procfs"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// about is what does not change while the engine runs.
type about struct{ host, kernel, netns string }

func readAbout() about {
	var a about
	if name, err := os.Hostname(); err == nil {
		a.host = clean(name)
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		a.kernel = clean(unix.ByteSliceToString(u.Release[:]))
	}
	if inode, initial := procfs.NetNamespace("/proc/self/ns/net"); inode != 0 && !initial {
		a.netns = strconv.FormatUint(inode, 10)
	}
	return a
}

// realtime reports whether the kernel is PREEMPT_RT, where per-CPU writes of the flow table may collide (FACTS 2).
func realtime() bool {
	b, err := os.ReadFile("/sys/kernel/realtime")
	return err == nil && strings.TrimSpace(string(b)) == "1"
}

// clean makes text from outside, joined errors among it, one line that is safe to show.
func clean(s string) string { return format.Clean(strings.ReplaceAll(s, "\n", "; ")) }

func cleanStatus(st snap.Status) snap.Status {
	st.Name, st.To, st.Why, st.Fix = clean(st.Name), clean(st.To), clean(st.Why), clean(st.Fix)
	return st
}

// noJournal is for engines without a watcher: nobody would read it.
type noJournal struct{}

var _ attach.Journal = noJournal{}

func (noJournal) Tag() string                      { return fmt.Sprintf("hooktop-%d", os.Getpid()) }
func (noJournal) Intend(snap.Filter, string) error { return nil }
func (noJournal) Done(snap.Filter)                 {}
func (noJournal) IntendQdisc(int, string) error    { return nil }
func (noJournal) DoneQdisc(int)                    {}
