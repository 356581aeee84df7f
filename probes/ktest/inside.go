// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// insideEnv holds the name of the test that runs inside.
const insideEnv = "HOOKTOP_TEST_INSIDE"

// Inside runs the calling test once more, as a process in network, PID and mount namespaces of its own: the loopback is
// up, /proc shows the new processes only, mounts stay inside, and whatever is left running ends with it. It is true there;
// here, where it was called first, it is false once that run is over, and the test has failed if that one has.
//
//	if !ktest.Inside(t) {
//		return
//	}
func Inside(t *testing.T) bool {
	t.Helper()
	if os.Getenv(insideEnv) == t.Name() {
		settle(t)
		return true
	}
	limit := "2m"
	switch {
	case Full():
		limit = "1h"
	case InGuest():
		limit = "8m"
	}
	run := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run="+run, "-test.v", "-test.count=1", "-test.timeout="+limit, fmt.Sprintf("-test.short=%v", testing.Short()))
	cmd.Env = append(os.Environ(), insideEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		Pdeathsig:  unix.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	// Without a result line the test function was not among those that ran.
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name()+" ")) {
		t.Errorf("inside: %v\n%s", err, out)
	} else {
		t.Logf("inside:\n%s", out)
	}
	return false
}

// settle makes the new namespaces usable.
func settle(t *testing.T) {
	t.Helper()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf("make mounts private: %v", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		t.Fatalf("mount /proc: %v", err)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0); err != nil { // as in NewNS
		t.Fatal(err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatalf("find lo: %v", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		t.Fatalf("bring lo up: %v", err)
	}
}
