// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"hooktop/ui/term"
)

func TestEveryWayToEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(p *ptyRun)
		want string
	}{
		{"q", func(p *ptyRun) { p.typed("q") }, "<nil>"},
		{"ctrl+c", func(p *ptyRun) { p.typed("\x03") }, "<nil>"},
		{"mouse on, then q", func(p *ptyRun) {
			p.typed("m")
			p.await("mouse mode", func(_ string, raw []byte) bool { return bytes.Contains(raw, []byte("\x1b[?1002h")) })
			p.typed("q")
		}, "<nil>"},
		{"SIGTERM", func(p *ptyRun) { _ = p.cmd.Process.Signal(syscall.SIGTERM) }, "<nil>"},
		{"SIGHUP", func(p *ptyRun) { _ = p.cmd.Process.Signal(syscall.SIGHUP) }, "<nil>"},
		{"SIGQUIT", func(p *ptyRun) { _ = p.cmd.Process.Signal(syscall.SIGQUIT) }, "<nil>"},
		{"SIGINT", func(p *ptyRun) { _ = p.cmd.Process.Signal(syscall.SIGINT) }, "<nil>"},
		{"context", func(p *ptyRun) { _ = p.cmd.Process.Signal(syscall.SIGUSR1) }, "<nil>"},
		{"panic in update", func(p *ptyRun) { p.typed("X") }, "the screen failed in update: in update"},
		{"panic in a command", func(p *ptyRun) { p.typed("Y") }, "the screen failed in a command: in a command"},
		{"panic in a sequence", func(p *ptyRun) { p.typed("W") }, "the screen failed in a command: in a sequence"},
		{"panic in view", func(p *ptyRun) { p.typed("V") }, "the screen failed in view: in view"},
		{"panic in an own goroutine", func(p *ptyRun) { _ = p.cmd.Process.Signal(syscall.SIGUSR2) }, "the screen failed in a test: in a goroutine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startPty(t, ptyOptions{scenario: "screen"})
			p.up()
			c.do(p)
			p.finish(c.want)
			p.clean()
		})
	}
}

func TestQuitWhileStarting(t *testing.T) {
	p := startPty(t, ptyOptions{scenario: "attaching"})
	p.await("the start screen", func(s string, _ []byte) bool { return strings.Contains(s, "attaching on") })
	p.typed("\x03")
	p.finish("<nil>")
	p.clean()
}

func TestTerminalClosed(t *testing.T) {
	t.Run("controlling", func(t *testing.T) { // the kernel sends SIGHUP
		p := startPty(t, ptyOptions{scenario: "screen"})
		p.up()
		p.slave.Close()
		p.master.Close()
		if got := p.note("ended "); !strings.HasPrefix(got, "ended <nil>") && !strings.Contains(got, term.ErrGone.Error()) {
			t.Error(got)
		}
		p.exited()
	})
	t.Run("not controlling", func(t *testing.T) { // sudo, nohup: no signal comes, only errors
		p := startPty(t, ptyOptions{scenario: "screen", noCtty: true})
		p.up()
		p.slave.Close()
		p.master.Close()
		if got := p.note("ended "); !strings.Contains(got, term.ErrGone.Error()) {
			t.Error(got)
		}
		p.exited()
	})
}

func TestStalledTerminal(t *testing.T) {
	signal := func(s syscall.Signal) func(*ptyRun) {
		return func(p *ptyRun) {
			if err := p.cmd.Process.Signal(s); err != nil {
				t.Error(err)
			}
		}
	}
	for name, end := range map[string]func(*ptyRun){
		"SIGTERM": signal(syscall.SIGTERM), "context": signal(syscall.SIGUSR1), "q": func(p *ptyRun) { p.typed("q") },
	} {
		t.Run(name, func(t *testing.T) {
			p := startPty(t, ptyOptions{scenario: "flood", unread: true})
			p.note("stalled")
			end(p)
			p.finish(term.ErrStalled.Error())
			go p.read() // the terminal comes back: what it finds leaves every mode
			p.await("a clean terminal", func(_ string, raw []byte) bool {
				return bytes.Contains(raw, []byte(term.ResetSequences())) && len(modesOff(raw)) == 0
			})
		})
	}
}

func TestStoppedAndContinued(t *testing.T) {
	p := startPty(t, ptyOptions{scenario: "jobshell"})
	p.up()
	if _, err := fmt.Sscanf(p.note("pid "), "pid %d", &p.pid); err != nil {
		t.Fatal(err)
	}
	again := func(n int) {
		t.Helper()
		p.await("the screen after the stop", func(s string, raw []byte) bool {
			return bytes.Count(raw, []byte("\x1b[?1049h")) >= n && strings.Contains(s, "row 5 of frame")
		})
	}
	p.typed("\x1a")
	p.note("stopped, settings restored")
	again(2)
	if err := syscall.Kill(p.pid, syscall.SIGTSTP); err != nil {
		t.Fatal(err)
	}
	p.note("stopped, settings restored")
	again(3)
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil { // cannot be seen coming: the shell restores by itself
		t.Fatal(err)
	}
	p.note("stopped")
	again(4)
	p.typed("q")
	p.finish("<nil>")
	p.clean()
}

func TestSuspendWithoutAShellIsRefused(t *testing.T) {
	p := startPty(t, ptyOptions{scenario: "screen"}) // the child is its own session: nobody could continue it
	p.up()
	p.typed("\x1a")
	p.await("the reason", func(s string, _ []byte) bool { return strings.Contains(s, "suspend: no shell with job control") })
	p.typed("q")
	p.finish("<nil>")
}

func TestResizeStorm(t *testing.T) {
	p := startPty(t, ptyOptions{scenario: "screen"})
	p.up()
	for i := 0; i < 200; i++ {
		w, h := uint16(1+i*37%120), uint16(1+i*13%60)
		if err := pty.Setsize(p.master, &pty.Winsize{Rows: h, Cols: w}); err != nil {
			t.Fatal(err)
		}
	}
	p.mu.Lock()
	p.emu.Resize(80, 24)
	p.mu.Unlock()
	if err := pty.Setsize(p.master, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	p.typed("\x0c") // repaint
	p.await("the dashboard at 80x24", func(s string, _ []byte) bool {
		return strings.Contains(s, "row 19 of frame") && strings.Contains(s, "? help")
	})
	p.typed("q")
	p.finish("<nil>")
	p.clean()
}

func TestResizeIsFollowed(t *testing.T) {
	p := startPty(t, ptyOptions{scenario: "screen"})
	p.up()
	for _, size := range [][2]int{{100, 41}, {60, 12}, {80, 24}} {
		p.mu.Lock()
		p.emu.Resize(size[0], size[1])
		p.mu.Unlock()
		if err := pty.Setsize(p.master, &pty.Winsize{Cols: uint16(size[0]), Rows: uint16(size[1])}); err != nil {
			t.Fatal(err)
		}
		p.await("the hints on the last line", func(s string, _ []byte) bool {
			lines := strings.Split(s, "\n")
			return len(lines) == size[1] && strings.Contains(lines[size[1]-1], "? help") && strings.Contains(s, "row 5 of frame")
		})
	}
	p.typed("q")
	p.finish("<nil>")
	p.clean()
}

func TestCopiedTextReachesTheTerminal(t *testing.T) {
	p := startPty(t, ptyOptions{scenario: "screen"})
	p.up()
	p.typed("y")
	p.await("the text for the clipboard", func(_ string, raw []byte) bool { return bytes.Contains(raw, []byte("\x1b]52;c;YSByb3c=\x07")) })
	p.typed("q")
	p.finish("<nil>")
	p.clean()
}

func TestSynchronizedOutputIsAskedForOverSSH(t *testing.T) {
	p := startPty(t, ptyOptions{scenario: "screen", env: []string{"SSH_TTY=/dev/pts/9"}})
	p.up()
	p.await("the question", func(_ string, raw []byte) bool { return bytes.Contains(raw, []byte("\x1b[?2026$p")) })
	p.typed("q")
	p.finish("<nil>")
}

func TestNoScreen(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for _, c := range []struct {
		env     []string
		in, out *os.File
		want    string
	}{
		{[]string{"TERM=dumb"}, slave, slave, "TERM=dumb"},
		{nil, slave, slave, "TERM is not set"},
		{[]string{"TERM=xterm"}, slave, w, "standard output is not a terminal"},
		{[]string{"TERM=xterm"}, r, slave, "standard input is not a terminal"},
		{[]string{"TERM=xterm"}, nil, slave, "standard input is not a terminal"},
	} {
		err := Run(context.Background(), Options{Env: append([]string{"A=b"}, c.env...), In: c.in, Out: c.out})
		var none *term.NoScreenError
		if !errors.As(err, &none) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.env, err, c.want)
		}
	}
}
