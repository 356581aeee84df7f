// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/nl"
	"hooktop/probes/snap"
)

// self is this program, whatever became of its file.
const self = "/proc/self/exe"

// envNamespace tells the program that Enter started in which namespace it must be.
const envNamespace = "HOOKTOP_LAB"

// Inside reports whether this process is the lab's host: Enter started it and it is in the namespace that Enter made.
func Inside() bool {
	want, err := strconv.ParseUint(os.Getenv(envNamespace), 10, 64)
	if err != nil {
		return false
	}
	have, err := nl.NamespaceOf("/proc/thread-self/ns/net")
	return err == nil && have == want
}

// Devices are the names of the host's devices, which Inside knows before Build has made them.
func Devices() []string { return []string{"lo", WAN, LAN} }

// Enter moves this process into a new, unnamed network namespace and starts the program again there with args (the name
// first), same pid and terminal. It returns only when that failed. A Go program changes namespaces by thread, hence exec.
func Enter(args []string) error {
	runtime.LockOSThread() // exec keeps the namespace of the thread that calls it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make the lab's network namespace: %w (it needs root, or CAP_SYS_ADMIN)", err)
	}
	ino, err := nl.NamespaceOf("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	if err := unix.Exec(self, args, environment(os.Environ(), ino)); err != nil {
		return fmt.Errorf("start hooktop in the lab's namespace: %w", err)
	}
	return nil
}

// nameProcess gives the process the name that exec of /proc/self/exe took from it. Best effort: it is for the eye.
func nameProcess() { _ = rename(filepath.Base(os.Args[0])) }

// rename names the process and the threads that the runtime has started by now; others get the name of who starts them. A trace
// shows that of the thread.
func rename(name string) error {
	threads, err := filepath.Glob("/proc/self/task/*/comm")
	for _, path := range threads {
		_ = os.WriteFile(path, []byte(name), 0) // it may be gone
	}
	if err != nil {
		return err
	}
	return os.WriteFile("/proc/self/comm", []byte(name), 0)
}

// environment is that of somebody who is logged in over the lab's session: what an SSH server would set is set, what
// tells of the real session is not passed on.
func environment(env []string, namespace uint64) []string {
	local, peer := Session()
	drop := []string{envNamespace + "=", "SSH_CONNECTION=", "SSH_CLIENT="}
	out := []string{
		fmt.Sprintf("%s=%d", envNamespace, namespace),
		fmt.Sprintf("SSH_CONNECTION=%s %d %s %d", peer.Addr(), peer.Port(), local.Addr(), local.Port()),
		fmt.Sprintf("SSH_CLIENT=%s %d %d", peer.Addr(), peer.Port(), local.Port()),
	}
next:
	for _, e := range env {
		for _, d := range drop {
			if strings.HasPrefix(e, d) {
				continue next
			}
		}
		out = append(out, e)
	}
	return out
}

// onlyLoopback makes sure that what Build is about to change is an empty namespace, not somebody's machine.
func onlyLoopback(h *nl.Host) error {
	links, err := h.Links()
	if err != nil {
		return err
	}
	for _, l := range links {
		if !l.Loopback && !fallback(l) {
			return fmt.Errorf("build the lab: this network namespace is in use: it has the device %q", l.Name)
		}
	}
	return nil
}

// fallback knows the tunnel devices that come with a new namespace by themselves, down, once their module is loaded
// (net.core.fb_tunnels_only_for_init_net).
func fallback(l snap.Link) bool {
	switch l.Name {
	case "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0":
		return !l.Up
	}
	return false
}
