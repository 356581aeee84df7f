// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Options say where to read; the zero value is this host.
type Options struct {
	Root string // of a host's files, for tests: "…/proc/kallsyms", "…/sys/kernel/btf"; nothing is mounted then
}

// sources are the files that a catalogue is read from.
type sources struct {
	root  string
	mount []int // file descriptors of private mounts
}

func (o Options) sources() *sources { return &sources{root: o.Root} }

func (s *sources) path(name string) string { return s.root + name }

// fs is a file system of the kernel: its type and the places where it is mounted on most hosts, with a file of it.
type fs struct {
	kind   string
	places []string
	probe  string
}

// traceFS, securityFS and debugFS list available_filter_functions, lockdown and the probes' blacklist.
func traceFS() fs {
	return fs{"tracefs", []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"}, "events"}
}
func securityFS() fs { return fs{"securityfs", []string{"/sys/kernel/security"}, "lockdown"} }
func debugFS() fs    { return fs{"debugfs", []string{"/sys/kernel/debug"}, "kprobes"} }

// dir is where a file system can be read. One that is mounted nowhere is mounted for this process alone, attached to no
// directory: nobody else sees it, and it is gone when close is called or the process ends.
func (s *sources) dir(f fs) (string, error) {
	for _, place := range f.places {
		if _, err := os.Stat(filepath.Join(s.path(place), f.probe)); err == nil {
			return s.path(place), nil
		} else if errors.Is(err, os.ErrPermission) {
			return "", fmt.Errorf("read %s at %s: %w", f.kind, place, err)
		}
	}
	if s.root != "" {
		return "", fmt.Errorf("%s is not mounted at %s", f.kind, f.places[0])
	}
	fd, err := detached(f.kind)
	if err != nil {
		return "", fmt.Errorf("%s is not mounted at %s, and not to be mounted for hooktop alone (%w): mount -t %s %s %s",
			f.kind, f.places[0], err, f.kind, f.kind, f.places[0])
	}
	s.mount = append(s.mount, fd)
	return "/proc/self/fd/" + strconv.Itoa(fd), nil
}

// detached mounts a file system without attaching it to a directory (Linux 5.2).
func detached(kind string) (int, error) {
	ctx, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(ctx)
	if err := unix.FsconfigCreate(ctx); err != nil {
		return -1, err
	}
	return unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
}

func (s *sources) close() {
	for _, fd := range s.mount {
		unix.Close(fd)
	}
	s.mount = nil
}
