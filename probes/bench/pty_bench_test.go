// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// meter runs a program in a pty behind a terminal emulator and counts what it writes and burns.
type meter struct {
	t    *testing.T
	cmd  *exec.Cmd
	file *os.File
	emu  *vt.Emulator

	mu      sync.Mutex
	changed *sync.Cond
	bytes   int
	writes  int
	ended   bool
}

func startMeter(t *testing.T, cols, rows int, env []string, name string, args ...string) *meter {
	t.Helper()
	m := &meter{t: t, cmd: exec.Command(name, args...), emu: vt.NewEmulator(cols, rows)}
	m.changed = sync.NewCond(&m.mu)
	m.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=xterm-256color", "LANG=C.UTF-8"}, env...)
	f, err := pty.StartWithSize(m.cmd, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)})
	if err != nil {
		t.Fatalf("start %s in a pty: %v", name, err)
	}
	m.file = f
	go func() { // answers to the program's queries; undrained they block the emulator
		b := make([]byte, 4096)
		for {
			n, err := m.emu.Read(b)
			if err != nil {
				return
			}
			_, _ = f.Write(b[:n])
		}
	}()
	go m.read()
	t.Cleanup(m.close)
	return m
}

func (m *meter) read() {
	b := make([]byte, 1<<16)
	for {
		n, err := m.file.Read(b)
		m.mu.Lock()
		if n > 0 {
			_, _ = m.emu.Write(b[:n])
			m.bytes += n
			m.writes++
		}
		m.ended = err != nil
		m.changed.Broadcast()
		m.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// until waits for the screen to satisfy ok; the deadline is generous because it is no measurement.
func (m *meter) until(what string, ok func() bool) {
	m.t.Helper()
	late := time.AfterFunc(60*time.Second, func() { m.mu.Lock(); m.ended = true; m.changed.Broadcast(); m.mu.Unlock() })
	defer late.Stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	for !ok() {
		if m.ended {
			m.t.Fatalf("%s: never seen; the screen shows:\n%s", what, m.emu.String())
		}
		m.changed.Wait()
	}
}

// column0 is the row of the first cell in column 0 that holds s, or -1. The lock must be held.
func (m *meter) column0(s string) int {
	for y := range m.emu.Height() {
		if c := m.emu.CellAt(0, y); c != nil && c.Content == s {
			return y
		}
	}
	return -1
}

// usage is a program's CPU time over a window, with what it wrote in it.
type usage struct {
	bytesPerSec float64
	cpuPercent  float64 // of one core
	writes      int
}

func (m *meter) window(d time.Duration) usage {
	m.mu.Lock()
	b0, w0 := m.bytes, m.writes
	m.mu.Unlock()
	c0, t0 := cpuTime(m.cmd.Process.Pid), time.Now()
	<-time.After(d)
	el := time.Since(t0)
	c1 := cpuTime(m.cmd.Process.Pid)
	m.mu.Lock()
	defer m.mu.Unlock()
	return usage{float64(m.bytes-b0) / el.Seconds(), float64(c1-c0) / float64(el) * 100, m.writes - w0}
}

// keyLatency presses j and k in turn and times until the cursor mark has moved, in ms.
func (m *meter) keyLatency(n int, mark string) []float64 {
	var out []float64
	m.until("cursor", func() bool { return m.column0(mark) >= 0 })
	for i := range n {
		<-time.After(60*time.Millisecond + time.Duration(i*7919%23)*time.Millisecond) // out of step with the ticks
		m.mu.Lock()
		from := m.column0(mark)
		m.mu.Unlock()
		key := "j"
		if i/5%2 == 1 {
			key = "k"
		}
		t0 := time.Now()
		if _, err := m.file.WriteString(key); err != nil {
			m.t.Fatal(err)
		}
		m.until("cursor moved by "+key, func() bool { y := m.column0(mark); return y >= 0 && y != from })
		out = append(out, float64(time.Since(t0).Microseconds())/1000)
	}
	return out
}

func (m *meter) close() {
	_, _ = m.file.WriteString("q")
	done := make(chan struct{})
	go func() { _ = m.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = m.cmd.Process.Kill()
		<-done
	}
	_ = m.file.Close()
}

// cpuTime sums the scheduler's run time of all threads (/proc/PID/task/TID/schedstat, ns).
func cpuTime(pid int) time.Duration {
	var sum time.Duration
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, p := range tasks {
		b, err := os.ReadFile(p)
		if err != nil {
			continue
		}
		if f := strings.Fields(string(b)); len(f) > 0 {
			n, _ := strconv.ParseInt(f[0], 10, 64)
			sum += time.Duration(n)
		}
	}
	return sum
}

func percentile(x []float64, p int) float64 {
	y := append([]float64(nil), x...)
	for i := 1; i < len(y); i++ {
		for j := i; j > 0 && y[j] < y[j-1]; j-- {
			y[j], y[j-1] = y[j-1], y[j]
		}
	}
	return y[min(len(y)-1, len(y)*p/100)]
}
