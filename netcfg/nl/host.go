// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Host is a network namespace as netlink sees it. Close it when done.
type Host struct {
	ns     *os.File // nil: the process's own namespace
	handle *netlink.Handle

	buffers sync.Pool // of *[recvSize]byte, for dumps: several a second, for as long as the program runs
}

// Open opens the namespace that the calling thread is in, which for a program that never switches is the process's own.
func Open() (*Host, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err == nil {
		err = bounded(h)
	}
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	return &Host{handle: h}, nil
}

// At opens another namespace by a path such as /proc/4711/ns/net. The Host keeps the namespace alive.
func At(path string) (*Host, error) {
	ns, err := openNamespace(path)
	if err != nil {
		return nil, err
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
	if err == nil {
		err = bounded(h)
	}
	if err != nil {
		ns.Close()
		return nil, fmt.Errorf("open netlink in %s: %w", path, err)
	}
	return &Host{ns: ns, handle: h}, nil
}

// bounded lets no request of a new handle wait for ever; the handle is closed when that can't be.
func bounded(h *netlink.Handle) error {
	err := h.SetSocketTimeout(answerLimit)
	if err != nil {
		h.Close()
	}
	return err
}

func openNamespace(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	return f, nil
}

// Close releases the sockets and the namespace; the latter not before the last Do ends. A later Do fails.
func (h *Host) Close() error {
	h.handle.Close()
	if h.ns != nil {
		return h.ns.Close()
	}
	return nil
}

// Do runs f on a thread that is in the Host's namespace. f must not count on goroutines of its own being there too.
func (h *Host) Do(f func() error) error {
	if h.ns == nil {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("in network namespace: panic: %v", r)
			}
			done <- err
		}()
		err = h.withFD(func(ns int) error { return inNamespace(ns, f) })
	}()
	return <-done
}

// withFD runs f with the namespace's descriptor, which stays open meanwhile: work aside may outlive Close's caller.
func (h *Host) withFD(f func(ns int) error) error {
	conn, err := h.ns.SyscallConn()
	if err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	var ferr error
	if err := conn.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return fmt.Errorf("network namespace: %w", err)
	}
	return ferr
}

// inNamespace switches the goroutine's thread to ns for the length of f. When the way back fails the thread stays
// locked, so that it ends with the goroutine instead of being used by others.
func inNamespace(ns int, f func() error) error {
	runtime.LockOSThread()
	old, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("open own network namespace: %w", err)
	}
	defer unix.Close(old)
	if err := unix.Setns(ns, unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter network namespace: %w", err)
	}
	ferr := f()
	if err := unix.Setns(old, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("leave network namespace: %w", err)
	}
	runtime.UnlockOSThread()
	return ferr
}

// Namespace returns the identity of the Host's network namespace: the inode of its nsfs file.
func (h *Host) Namespace() (uint64, error) {
	if h.ns != nil {
		var st unix.Stat_t
		if err := h.withFD(func(ns int) error { return unix.Fstat(ns, &st) }); err != nil {
			return 0, fmt.Errorf("stat network namespace: %w", err)
		}
		return st.Ino, nil
	}
	return NamespaceOf("/proc/thread-self/ns/net")
}

// NamespaceOf returns the inode behind a path such as /proc/1/ns/net.
func NamespaceOf(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("stat %s: %w", path, err)
	}
	return st.Ino, nil
}
