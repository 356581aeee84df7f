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

// fs is a file system of the kernel: its type, the place where it is mounted on most hosts, another one, and a file of it.
type fs struct {
	kind, place, other, probe string
}

// traceFS, securityFS and debugFS have available_filter_functions, lockdown and the blacklist of kprobes.
func traceFS() fs    { return fs{"tracefs", "/sys/kernel/tracing", "/sys/kernel/debug/tracing", "events"} }
func securityFS() fs { return fs{"securityfs", "/sys/kernel/security", "", "lockdown"} }
func debugFS() fs    { return fs{"debugfs", "/sys/kernel/debug", "", "kprobes"} }

// dir is where a file system can be read. One that is not mounted at its place is mounted for this process alone, attached to
// no directory: nobody else sees it, and it is gone when close is called or the process ends. The other place comes last: to look
// there makes the kernel mount it, for everybody to see.
func (s *sources) dir(f fs) (string, error) {
	if dir, ok, err := s.mounted(f, f.place); ok || err != nil {
		return dir, err
	}
	err := unix.ENOENT
	if s.root == "" {
		fd, mountErr := detached(f.kind)
		if mountErr == nil {
			s.mount = append(s.mount, fd)
			return "/proc/self/fd/" + strconv.Itoa(fd), nil
		}
		errors.As(mountErr, &err)
	}
	if f.other != "" {
		if dir, ok, err := s.mounted(f, f.other); ok || err != nil {
			return dir, err
		}
	}
	return "", fmt.Errorf("%s is not mounted at %s, nor to be mounted for hooktop alone (%w): mount -t %s %s %s",
		f.kind, f.place, err, f.kind, f.kind, f.place)
}

// mounted says whether a file system is mounted at a place; that this may not be known is an error.
func (s *sources) mounted(f fs, place string) (dir string, ok bool, err error) {
	dir = s.path(place)
	_, err = os.Stat(filepath.Join(dir, f.probe))
	if errors.Is(err, os.ErrPermission) {
		return "", false, fmt.Errorf("read %s at %s: %w", f.kind, place, err)
	}
	return dir, err == nil, nil
}

// cause is an error without the path that it names: through a private mount that is one of /proc/self/fd.
func cause(err error) error {
	if named := (*os.PathError)(nil); errors.As(err, &named) {
		return named.Err
	}
	return err
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
