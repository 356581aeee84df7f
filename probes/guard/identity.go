// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Mark begins the name of everything that hooktop makes.
const Mark = "hooktop-"

// Identity of a process that no later process can have.
type Identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot, /proc/PID/stat field 22
	Boot  string `json:"boot"`  // /proc/sys/kernel/random/boot_id
	NetNS uint64 `json:"netns"` // inode of the network namespace
	PIDNS uint64 `json:"pidns"` // inode of the PID namespace: elsewhere PID means another process
}

// Self is this process.
func Self() (Identity, error) {
	id := Identity{PID: os.Getpid()}
	var err error
	if id.Start, err = startTime(id.PID); err != nil {
		return id, err
	}
	if id.Boot, err = bootID(); err != nil {
		return id, err
	}
	if id.NetNS, err = inode("/proc/thread-self/ns/net"); err != nil {
		return id, err
	}
	id.PIDNS, err = inode("/proc/self/ns/pid")
	return id, err
}

// Tag is the mark of ownership of this process: it begins the names of its filters.
func (id Identity) Tag() string { return fmt.Sprintf("%s%d-%d", Mark, id.PID, id.Start) }

// parseTag reads the owner from the name of a filter; ok is false for a name that is not ours.
func parseTag(name string) (pid int, start uint64, ok bool) {
	rest, found := strings.CutPrefix(name, Mark)
	if !found {
		return 0, 0, false
	}
	parts := strings.Split(rest, "-")
	if len(parts) != 3 || parts[2] != "in" && parts[2] != "out" {
		return 0, 0, false
	}
	pid, err := strconv.Atoi(parts[0])
	if err != nil || pid <= 0 {
		return 0, 0, false
	}
	start, err = strconv.ParseUint(parts[1], 10, 64)
	return pid, start, err == nil
}

// alive reports whether the process that a tag names still runs.
func alive(pid int, start uint64) bool {
	now, err := startTime(pid)
	return err == nil && now == start
}

func startTime(pid int) (uint64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read start time: %w", err)
	}
	// The name in parentheses may hold anything, ')' too: fields begin behind the last one, with the state.
	i := bytes.LastIndexByte(b, ')')
	fields := strings.Fields(string(b[i+1:]))
	const field = 22 - 3 // fields[0] is field 3
	if i < 0 || len(fields) <= field {
		return 0, fmt.Errorf("read start time: /proc/%d/stat is short", pid)
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, fmt.Errorf("read start time: process %d is dead", pid)
	}
	return strconv.ParseUint(fields[field], 10, 64)
}

func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func inode(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("stat %s: %w", path, err)
	}
	return st.Ino, nil
}
