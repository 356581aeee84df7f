// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// NS is an unnamed network namespace for one test. Nothing is mounted, so it ends with its last user.
type NS struct {
	Handle netns.NsHandle
	NL     *netlink.Handle
}

// NewNS makes a namespace with the loopback device up, and without the kernel's own IPv6 talk (router solicitations,
// duplicate address detection), so that a test counts what it sent. It does not forward, whatever the machine does: the kernel has new
// namespaces begin with the IPv4 settings of the initial one. It ends with the test.
func NewNS(t testing.TB) *NS {
	t.Helper()
	var h netns.NsHandle
	err := onOwnThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare network namespace: %w", err)
		}
		h, err = netns.Get()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	nl, err := netlink.NewHandleAt(h, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatalf("open netlink: %v", err)
	}
	t.Cleanup(nl.Close)
	n := &NS{Handle: h, NL: nl}
	n.Sysctl(t, "ipv4/ip_forward", "0")
	for _, scope := range []string{"all", "default"} {
		n.Sysctl(t, "ipv6/conf/"+scope+"/accept_dad", "0")
		n.Sysctl(t, "ipv6/conf/"+scope+"/router_solicitations", "0")
		n.Sysctl(t, "ipv4/conf/"+scope+"/rp_filter", "0")
	}
	n.Up(t, "lo")
	return n
}

// onOwnThread runs f on a thread that ends with it, because f leaves it in another namespace. Never on the main thread:
// that one can't end, and /proc/self would show its namespace from then on.
func onOwnThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			err := onOwnThread(f) // another thread, as this one is taken meanwhile
			runtime.UnlockOSThread()
			done <- err
			return
		}
		done <- f() // never unlocked: the thread ends with the goroutine
	}()
	return <-done
}

// Run calls f on a thread in the namespace. Goroutines that f starts are not there; sockets that it opens are.
func (n *NS) Run(f func() error) error {
	return onOwnThread(func() error {
		if err := netns.Set(n.Handle); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// Do is Run for tests: an error is fatal.
func (n *NS) Do(t testing.TB, f func() error) {
	t.Helper()
	if err := n.Run(f); err != nil {
		t.Fatal(err)
	}
}

// Path names the namespace for those who open it by path. It is valid in this process until the test ends.
func (n *NS) Path() string { return fmt.Sprintf("/proc/self/fd/%d", int(n.Handle)) }

// Sysctl writes below /proc/sys/net of the namespace: "ipv4/ip_forward".
func (n *NS) Sysctl(t testing.TB, key, value string) {
	t.Helper()
	n.Do(t, func() error { return os.WriteFile("/proc/sys/net/"+key, []byte(value), 0) })
}

// OpenNS opens a namespace that exists, such as /proc/4711/ns/net, and keeps it alive until the test ends.
func OpenNS(t testing.TB, path string) *NS {
	t.Helper()
	h, err := netns.GetFromPath(path)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	t.Cleanup(func() { h.Close() })
	nl, err := netlink.NewHandleAt(h, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatalf("open netlink in %s: %v", path, err)
	}
	t.Cleanup(nl.Close)
	return &NS{Handle: h, NL: nl}
}
