// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/netcfg/nl"
	"hooktop/probes/guard"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// The test binary plays the killed run and its watcher, too.
const (
	watchPart  = "watch-run"
	victimPart = "victim-run"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		var err error
		switch os.Args[1] {
		case watchPart:
			err = guard.Watch(os.Args[2:], func() (guard.Host, error) { return nl.Open() })
		case victimPart:
			err = victim(os.Args[2], os.Args[3] == "clsact")
		default:
			os.Exit(m.Run())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// victim runs engine and guard as main does, and says where it is: "attach", "run", "detach".
func victim(dir string, noTCX bool) error {
	host, err := nl.Open()
	if err != nil {
		return err
	}
	items, err := guard.Reclaim(dir, host)
	if err != nil || guard.Failed(items) {
		return fmt.Errorf("reclaim: %v, %w", items, err)
	}
	g, err := guard.Arm(guard.Options{Dir: dir, Command: watchPart})
	if err != nil {
		return err
	}
	e := New(Config{Interfaces: []string{"v0"}, Mode: "tc", NoTCX: noTCX, Journal: g}, host)
	done := make(chan error, 1)
	fmt.Println("attach")
	go func() { done <- e.Run(context.Background()) }()
	f, err := e.Started(context.Background())
	if err != nil {
		return err
	}
	for _, st := range f.Start {
		if st.Outcome == snap.Unavailable {
			return fmt.Errorf("start: %+v", st)
		}
	}
	fmt.Println("run")
	if _, err := io.ReadAll(os.Stdin); err != nil { // until the test says go on
		return err
	}
	fmt.Println("detach")
	e.Close()
	return errors.Join(<-done, g.Release())
}

// TestKillAtAnyMomentLeavesNothing kills in attach, run and detach, with and without tcx, in every fourth round together
// with the watcher: then the next start removes what is left.
func TestKillAtAnyMomentLeavesNothing(t *testing.T) {
	r := newGround(t)
	dir := filepath.Join(t.TempDir(), "hooktop")
	phases := []string{"attach", "run", "detach"}
	for i := range ktest.Rounds(t, 8) {
		hook := []string{"clsact", "tcx"}[i/len(phases)%2]
		both := i%4 == 3
		r.killOnce(dir, phases[i%len(phases)], hook, both)
		if both {
			r.ns.Do(t, func() error {
				items, err := guard.Reclaim(dir, r.host)
				if guard.Failed(items) {
					t.Errorf("reclaim: %+v", items)
				}
				return err
			})
		}
		r.nothingLeft(fmt.Sprintf("round %d, %s %s, both %v", i, hook, phases[i%len(phases)], both))
		if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) > 0 {
			t.Errorf("round %d: files left: %v", i, files)
		}
	}
}

// killOnce runs a victim up to a phase and kills it a random moment into that.
func (r *rig) killOnce(dir, phase, hook string, both bool) {
	r.t.Helper()
	cmd := exec.Command("/proc/self/exe", victimPart, dir, hook)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	r.ns.Do(r.t, cmd.Start)
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != phase {
		if lines.Text() == "run" && phase == "detach" {
			in.Close()
		}
	}
	limit := map[string]time.Duration{"attach": 500 * time.Millisecond, "run": 50 * time.Millisecond, "detach": 60 * time.Millisecond}[phase]
	moment := time.NewTimer(rand.N(limit))
	<-moment.C
	watchers := ktest.Children(cmd.Process.Pid)
	if both {
		for _, pid := range watchers {
			_ = unix.Kill(pid, unix.SIGKILL) // it may have ended by itself just now
		}
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.t.Fatal(err)
	}
	_ = cmd.Wait() // killed, or it was faster
	for _, pid := range watchers {
		ktest.WaitGone(r.t, pid)
	}
}

// nothingLeft looks at the kernel's own lists of v0. Links vanish a moment after their process.
func (r *rig) nothingLeft(when string) {
	r.t.Helper()
	index := r.ns.Index(r.t, "v0")
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	late := time.After(ktest.Patience)
	for {
		left := r.left(index)
		if left == "" {
			return
		}
		select {
		case <-again.C:
		case <-late:
			r.t.Fatalf("%s: %s", when, left)
		}
	}
}

func (r *rig) left(index int) string {
	var left []string
	r.ns.Do(r.t, func() error {
		for _, egress := range []bool{false, true} {
			ids, err := kern.QueryTCX(index, egress)
			if err != nil && !errors.Is(err, kern.ErrNoTCX) {
				return err
			}
			if len(ids) > 0 {
				left = append(left, fmt.Sprintf("tcx programs %v", ids))
			}
		}
		return nil
	})
	filters, err := r.host.ListFilters(index)
	if err != nil {
		r.t.Fatal(err)
	}
	if len(filters) > 0 {
		left = append(left, fmt.Sprintf("filters %+v", filters))
	}
	has, err := r.host.HasClsact(index)
	if err != nil {
		r.t.Fatal(err)
	}
	if has {
		left = append(left, "a clsact qdisc")
	}
	links, err := r.host.Links()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, l := range links {
		if l.XDP != (snap.XDPInfo{}) {
			left = append(left, fmt.Sprintf("XDP on %s: %+v", l.Name, l.XDP))
		}
	}
	return strings.Join(left, ", ")
}
