// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// The test binary plays the parts of other processes: the watcher, and runs that hold things until they are killed.
const (
	watchPart   = "watch-run"
	latePart    = "watch-late"
	tooLatePart = "watch-too-late"
	victimPart  = "victim"
	writerPart  = "writer"
	racerPart   = "racer"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case watchPart:
			part(Watch(os.Args[2:], func() (Host, error) { return openFileHost(filepath.Join(os.Args[2], "kernel")), nil }))
		case latePart:
			part(late(fdSocket, os.Args[2:]))
		case tooLatePart:
			part(late(fdMain, os.Args[2:]))
		case victimPart:
			part(victim(os.Args[2], os.Args[3]))
		case writerPart:
			part(writer(os.Args[2]))
		case racerPart:
			part(racer(os.Args[2]))
		}
	}
	os.Exit(m.Run())
}

func part(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// busy attaches and detaches filters as the engine does, for ever: journal first, then the kernel.
func busy(j *Guard, h *fileHost) error {
	for {
		var made []snap.Filter
		for i := 2; i <= 3; i++ {
			if err := j.IntendQdisc(i, fmt.Sprintf("eth%d", i-2)); err != nil {
				return err
			}
			if err := h.add(h.qdisc(i)); err != nil {
				return err
			}
			for _, egress := range []bool{false, true} {
				f := snap.Filter{Index: i, Egress: egress, Prio: 1, Handle: 7, Name: j.Tag() + map[bool]string{false: "-in", true: "-out"}[egress]}
				if err := j.Intend(f, fmt.Sprintf("eth%d", i-2)); err != nil {
					return err
				}
				if err := h.add(h.path(f)); err != nil {
					return err
				}
				made = append(made, f)
			}
		}
		for _, f := range made {
			if err := h.RemoveFilter(f); err != nil {
				return err
			}
			j.Done(f)
		}
		for i := 2; i <= 3; i++ {
			if _, err := h.RemoveClsact(i); err != nil {
				return err
			}
			j.DoneQdisc(i)
		}
	}
}

func victim(dir, watcher string) error {
	pen, err := TakePen(dir)
	if err != nil {
		return err
	}
	defer pen.Drop()
	g, err := Arm(Options{Dir: dir, Command: watcher})
	if err != nil {
		return err
	}
	fmt.Println(g.proc.Pid)
	return busy(g, openFileHost(filepath.Join(dir, "kernel")))
}

// start runs a part of this binary and returns it with the first line of its output: the PID of its watcher.
func start(t *testing.T, args ...string) (cmd *exec.Cmd, watcher int) {
	t.Helper()
	cmd = exec.Command("/proc/self/exe", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }) // it has ended, unless the test failed
	if _, err := fmt.Fscan(out, &watcher); err != nil {
		t.Fatalf("%v: no PID of the watcher: %v", args, err)
	}
	return cmd, watcher
}

// ended waits for a process that is not our child.
func ended(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// work spins until about n entries were written: a random instant that needs no clock.
func work(t *testing.T, dir string, n int64) {
	t.Helper()
	for {
		paths, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			if st, err := os.Stat(p); err == nil && st.Size() > n*100 {
				return
			}
		}
	}
}

func TestWatcherUndoesWhatAKilledRunMade(t *testing.T) {
	for range 30 {
		undone(t, watchPart, rand.Int64N(100))
	}
}

// undone kills a run that has written so many entries, and waits for its watcher, which leaves nothing.
func undone(t *testing.T, watcherPart string, entries int64) {
	t.Helper()
	dir, h := newDir(t)
	cmd, watcher := start(t, victimPart, dir, watcherPart)
	work(t, dir, entries)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	ended(t, watcher)
	if left := h.names(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.*")); len(files) > 0 {
		t.Errorf("files left: %v", files)
	}
}

func TestNextStartUndoesWhatBothLeft(t *testing.T) {
	for range 30 {
		dir, h := newDir(t)
		foreign := snap.Filter{Index: 2, Prio: 1, Handle: 7, Name: "cilium"}
		if err := h.add(h.path(foreign)); err != nil {
			t.Fatal(err)
		}
		cmd, watcher := start(t, victimPart, dir, watchPart)
		work(t, dir, rand.Int64N(100))
		if err := unix.Kill(watcher, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		ended(t, watcher)
		items, err := Reclaim(dir, h)
		if err != nil || Failed(items) {
			t.Errorf("reclaim: %v, %v", err, items)
		}
		left := slices.DeleteFunc(h.names(t), func(s string) bool { return s == filepath.Base(h.path(foreign)) || s == "qdisc,2" })
		if len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		if list, _ := h.ListFilters(2); len(list) != 1 {
			t.Errorf("foreign filters after reclaim: %v", list)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "*.*")); len(files) > 0 {
			t.Errorf("files left: %v", files)
		}
	}
}

func TestReclaimTakesPensThatNobodyHolds(t *testing.T) {
	dir, h := newDir(t)
	dead := penPath(dir, 7)
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pen, err := TakePen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer pen.Drop()
	if _, err := Reclaim(dir, h); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(penPath(dir, "*")); len(left) != 1 || left[0] != pen.file.Name() {
		t.Errorf("pens after reclaim: %v, want the one that is held", left)
	}
}

func TestALivingRunIsLeftAlone(t *testing.T) {
	dir, h := newDir(t)
	cmd, watcher := start(t, victimPart, dir, watchPart)
	work(t, dir, 20)
	items, err := Reclaim(dir, h)
	if err != nil || len(items) != 1 || items[0].State != "kept" {
		t.Errorf("reclaim beside a living run: %v, %v", items, err)
	}
	_, err = TakePen(dir)
	var held *HeldError
	if !errors.As(err, &held) || held.By.PID != cmd.Process.Pid {
		t.Errorf("pen beside a living run: %v, want pid %d", err, cmd.Process.Pid)
	}
	got, err := EndRuns(t.Context(), dir)
	if err != nil || len(got) != 1 || got[0].State != "removed" {
		t.Errorf("end runs: %v, %v", got, err)
	}
	_ = cmd.Wait() // ended by a signal
	ended(t, watcher)
	if left := h.names(t); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// writer takes the pen, or says that it is held, and gives it back; a file of which only one may exist proves it.
func writer(dir string) error {
	fmt.Println(0)
	for range 200 {
		pen, err := TakePen(dir)
		var held *HeldError
		if errors.As(err, &held) {
			continue
		}
		if err != nil {
			return err
		}
		f, err := os.OpenFile(filepath.Join(dir, "kernel", "only"), os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("two writers at a time: %w", err)
		}
		if err := errors.Join(f.Close(), os.Remove(f.Name()), pen.Drop()); err != nil {
			return err
		}
	}
	return nil
}

func TestExactlyOneWriter(t *testing.T) {
	dir, _ := newDir(t)
	var all sync.WaitGroup
	for range 4 {
		cmd, _ := start(t, writerPart, dir)
		all.Go(func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("writer: %v", err)
			}
		})
	}
	all.Wait()
}

func TestReleaseLeavesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hooktop")
	g, err := Arm(Options{Dir: dir, Command: watchPart})
	if err != nil {
		t.Fatal(err)
	}
	pid := g.proc.Pid
	if err := g.Release(); err != nil {
		t.Errorf("release: %v", err)
	}
	if err := g.Release(); err != nil {
		t.Errorf("release again: %v", err)
	}
	if _, err := startTime(pid); err == nil {
		t.Errorf("the watcher %d still runs", pid)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestRearmAfterTheWatcherWasKilled(t *testing.T) {
	dir, _ := newDir(t)
	g, err := Arm(Options{Dir: dir, Command: watchPart})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.proc.Kill(); err != nil {
		t.Fatal(err)
	}
	<-g.Gone()
	if err := g.Rearm(); err != nil {
		t.Fatal(err)
	}
	if err := g.Release(); err != nil {
		t.Error(err)
	}
}
