// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hooktop/probes/ktest"
)

// patience bounds the waits for events: long enough for a busy machine, and never part of what is asserted.
const patience = 60 * time.Second

// The end-to-end tests run the program that users run, built once. Its path is unlike any other's, so that its processes
// can be told from those of a hooktop that runs on this machine for somebody else.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "hooktop-e2e-"); built.err != nil {
			return
		}
		if built.err = os.Chmod(built.dir, 0o755); built.err != nil { // another user runs it too
			return
		}
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(built.dir, "hooktop"), ".")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("build: %w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "hooktop")
}

// processes lists the PIDs that execute this test's binary.
func processes(t *testing.T) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err == nil && strings.HasPrefix(exe, built.dir+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killAll kills every process of this test's binary, none of which learns of another's death: one that does would clean up after it, or
// start it anew. So all of them are stopped first, also those that the first ones were just starting.
func killAll(t *testing.T) {
	t.Helper()
	stopped := map[int]bool{}
	for before := -1; before != len(stopped); {
		before = len(stopped)
		for _, pid := range processes(t) {
			_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended
			stopped[pid] = true
		}
	}
	for pid := range stopped {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// noProcesses waits until none is left, as a watcher that cleans up may outlive its run for a moment.
func noProcesses(t *testing.T) {
	t.Helper()
	late := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		pids := processes(t)
		if len(pids) == 0 {
			return
		}
		select {
		case <-again.C:
		case <-late:
			for _, pid := range pids {
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				t.Errorf("process %d is left: %q", pid, line)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			return
		}
	}
}

// ground is a namespace with one end of a veth pair in it, watched by name or by its route: the machine's own devices
// are never touched.
func ground(t *testing.T) *ktest.NS {
	t.Helper()
	here, there := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, here, "up0", there, "up1")
	here.Addr(t, "up0", "192.0.2.1/24")
	there.Addr(t, "up1", "192.0.2.2/24")
	return here
}

// ran is what one run of the program left to read.
type ran struct {
	code     int
	out, err string
}

// environment is a plain terminal's, with a home of its own.
func environment(t *testing.T, more ...string) []string {
	t.Helper()
	home := t.TempDir()
	return append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home, "TERM=xterm-256color", "LANG=C.UTF-8"}, more...)
}

// execute runs the program to its end in ns, or in the machine's own namespace for nil.
func execute(t *testing.T, ns *ktest.NS, change func(*exec.Cmd), args ...string) ran {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	var out, errText bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errText, environment(t)
	if change != nil {
		change(cmd)
	}
	start := cmd.Start
	if ns != nil {
		start = func() error { return ns.Run(cmd.Start) }
	}
	if err := start(); err != nil {
		t.Fatalf("start hooktop %v: %v", args, err)
	}
	guard := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
	err := cmd.Wait()
	if !guard.Stop() {
		t.Errorf("hooktop %v did not end by itself: stdout %q, stderr %q", args, out.String(), errText.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run hooktop %v: %v", args, err)
	}
	return ran{code: cmd.ProcessState.ExitCode(), out: out.String(), err: errText.String()}
}

// endsWith has a process end with the test at last, whatever keeps the test from ending it.
func endsWith(t *testing.T, cmd *exec.Cmd) {
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended, and been waited for
		_ = cmd.Wait()
	})
}

// enough repeats a run of so many seconds, three times at most, until it saw enough: a machine that stalls meanwhile leaves little
// traffic. run says what is too few, "" when nothing is; what is wrong it reports itself, and no other run makes up for it.
func enough(t *testing.T, run func() (few string)) {
	t.Helper()
	for left := 2; ; left-- {
		few := run()
		switch {
		case few == "":
			return
		case t.Failed() || left == 0:
			t.Error(few)
			return
		}
		t.Logf("once more: %s", few)
	}
}
