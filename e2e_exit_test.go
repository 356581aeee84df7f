// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"hooktop/probes/ktest"
)

// A way to end the program and the exit code that follows, -1 for death by a signal.
type exitWay struct {
	name string
	do   func(*screen)
	code int
	// hung: the terminal is gone, there is nothing to restore.
	hung bool
}

func signal(sig syscall.Signal) func(*screen) {
	return func(s *screen) {
		if err := s.cmd.Process.Signal(sig); err != nil {
			s.t.Fatalf("signal: %v", err)
		}
	}
}

func exitWays() []exitWay {
	return []exitWay{
		{name: "q", do: func(s *screen) { s.keys("q") }},
		{name: "ctrl+c", do: func(s *screen) { s.keys(ctrlC) }},
		{name: "SIGINT", do: signal(syscall.SIGINT)},
		{name: "SIGTERM", do: signal(syscall.SIGTERM)},
		{name: "SIGHUP", do: signal(syscall.SIGHUP)},
		{name: "SIGQUIT", do: signal(syscall.SIGQUIT)},
		{name: "closed terminal", do: func(s *screen) { s.master.Close() }, hung: true},
		{name: "SIGKILL", do: signal(syscall.SIGKILL), code: -1},
	}
}

// Whatever ends the program: nothing is attached, the terminal is as before, no process stays.
func TestEveryExitOfTheDashboard(t *testing.T) {
	for _, way := range exitWays() {
		for _, hooks := range []string{"--no-tcx=false", "--no-tcx"} {
			t.Run(way.name+" "+hooks, func(t *testing.T) {
				ns := ground(t)
				ktest.HostState(t)
				ns.NetState(t)
				s := open(t, ns, 100, 30, nil, "--no-config", hooks, "-i", "up0")
				s.attached()
				way.do(s)
				s.ends(way)
			})
		}
	}
}

// attached waits for the dashboard and for the two programs of its device.
func (s *screen) attached() {
	s.t.Helper()
	s.shows("1 Flows", "LIVE")
	waitUntil(s.t, "programs", func() bool { return ktest.PacketPrograms(s.cmd.Process.Pid) >= 2 })
}

func TestEveryExitOfTheLab(t *testing.T) {
	for _, way := range exitWays() {
		t.Run(way.name, func(t *testing.T) {
			ktest.HostState(t)
			s := open(t, nil, 100, 30, nil, "lab", "--no-config")
			s.live()
			way.do(s)
			s.ends(way)
		})
	}
}

func (s *screen) ends(way exitWay) {
	s.t.Helper()
	code := s.end()
	if way.hung {
		noProcesses(s.t)
		return
	}
	if code != way.code {
		s.t.Errorf("%s: exit code %d, want %d; the screen:\n%s", way.name, code, way.code, s.text())
	}
	s.restored()
	noProcesses(s.t)
}

// Kill at any instant of attach, run and detach: the watcher, or the next start, or cleanup leaves nothing.
func TestKillAtRandomInstants(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	for i := range ktest.Rounds(t, 12) {
		hooks := []string{"--no-tcx=false", "--no-tcx"}[i%2]
		s := open(t, ns, 80, 24, nil, "--no-config", hooks, "-i", "up0")
		span := 1500 * time.Millisecond
		if i%3 == 2 { // while it detaches
			s.attached()
			s.keys("q")
			span = 150 * time.Millisecond
		}
		instant := time.NewTimer(rand.N(span))
		<-instant.C
		all := i%4 >= 2 // its watcher too: what stays is for cleanup
		if all {
			killAll(t)
		} else {
			_ = s.cmd.Process.Kill() // it may have ended
		}
		s.end()
		noProcesses(t)
		if all {
			if got := execute(t, ns, nil, "cleanup"); got.code != 0 {
				t.Errorf("cleanup: exit code %d, stdout %q, stderr %q", got.code, got.out, got.err)
			}
		} else {
			s.restored()
		}
		s.close()
	}
}

// After a kill of the lab with all its processes its namespaces and devices are cleanup's.
func TestKillOfTheLabAndCleanup(t *testing.T) {
	ktest.HostState(t)
	for range ktest.Rounds(t, 2) {
		s := open(t, nil, 80, 24, nil, "lab", "--no-config")
		instant := time.NewTimer(rand.N(3 * time.Second))
		<-instant.C
		killAll(t)
		s.end()
		noProcesses(t)
		if got := execute(t, nil, nil, "cleanup"); got.code != 0 {
			t.Errorf("cleanup: exit code %d, stdout %q, stderr %q", got.code, got.out, got.err)
		}
		s.close()
	}
}
