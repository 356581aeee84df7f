// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
)

// A terminal that nobody reads holds up neither the detach nor the end. Nothing is written to it after it was given up.
func TestATerminalThatNobodyReadsHoldsNothingUp(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			ns := ground(t)
			ktest.HostState(t)
			ns.NetState(t)
			master, slave, err := pty.Open()
			if err != nil {
				t.Fatalf("open pty: %v", err)
			}
			defer master.Close()
			defer slave.Close()
			if err := pty.Setsize(master, &pty.Winsize{Cols: 200, Rows: 60}); err != nil {
				t.Fatalf("size pty: %v", err)
			}
			cmd := exec.Command(binary(t), "--no-config", "-i", "up0", "--hz", "10")
			cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
			cmd.Env = environment(t)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := ns.Run(cmd.Start); err != nil {
				t.Fatalf("start: %v", err)
			}
			endsWith(t, cmd)
			waitUntil(t, "programs", func() bool { return ktest.PacketPrograms(cmd.Process.Pid) >= 2 })
			// A pty holds 4 kB or more: one frame of 200x60 fills it.
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			kill := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGABRT) })
			_ = cmd.Wait() // its code says it below
			if !kill.Stop() {
				t.Fatal("it hung on the terminal")
			}
			if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
				t.Errorf("exit code %d", code)
			}
			noProcesses(t)
			nothingInRun(t, ns, cmd.Process.Pid)
		})
	}
}

// A second, third, … signal while it detaches kills no teardown.
func TestManySignalsEndItOnce(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	s := open(t, ns, 80, 24, nil, "--no-config", "--no-tcx", "-i", "up0")
	s.attached()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for i := 0; ; i++ {
		<-again.C
		sig := []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT}[i%4]
		if s.cmd.Process.Signal(sig) != nil {
			break // it has ended
		}
	}
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d, want 0; the screen:\n%s", code, s.text())
	}
	s.restored()
	s.until("the last line", func(string) bool {
		return bytes.Contains(s.raw, []byte("nothing is left"))
	})
	noProcesses(t)
	nothingInRun(t, ns, s.cmd.Process.Pid)
}

// waitUntil looks until ok, and fails after patience.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// nothingInRun looks for the journal and the pen of a run that has ended; other runs may go on beside it.
func nothingInRun(t *testing.T, ns *ktest.NS, pid int) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(ns.Path(), &st); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{fmt.Sprintf("%d-*", pid), fmt.Sprintf("pen-%d.*", st.Ino)} {
		left, err := filepath.Glob("/run/hooktop/" + pattern)
		if err != nil || len(left) > 0 {
			t.Errorf("left: %v (%v)", left, err)
		}
	}
}

// A node of the lab that dies is told: its rows stop moving.
func TestTheDeathOfALabNodeIsTold(t *testing.T) {
	ktest.HostState(t)
	s := open(t, nil, 140, 40, nil, "lab", "--no-config")
	s.live()
	for _, pid := range processes(t) {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err == nil && string(comm) == "lab-batch\n" {
			_ = syscall.Kill(pid, syscall.SIGKILL) // the screen says whether it worked
		}
	}
	s.shows("node batch is gone (signal: killed)")
	s.keys("q")
	if code := s.end(); code != 0 {
		t.Errorf("exit code %d; the screen:\n%s", code, s.text())
	}
	s.restored()
	noProcesses(t)
}
