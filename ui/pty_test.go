// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"hooktop/ui/term"
)

// patience is how long a test waits for an event before it calls it missing.
const patience = 30 * time.Second

// ptyRun is a child with a screen on a pseudo terminal.
type ptyRun struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	slave  *os.File // kept open: settings can be read when the child is gone
	before term.State
	notes  chan string // lines of the child's side channel
	pid    int         // of the process with the screen

	mu   sync.Mutex
	cond *sync.Cond
	raw  bytes.Buffer
	emu  *vt.Emulator
	eof  bool
}

type ptyOptions struct {
	scenario string
	unread   bool // nobody reads what the child writes
	noCtty   bool // the terminal is not the child's controlling one
	env      []string
}

func startPty(t *testing.T, o ptyOptions) *ptyRun {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	side, childSide, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &ptyRun{t: t, master: master, slave: slave, notes: make(chan string, 1000), emu: vt.NewEmulator(80, 24)}
	p.cond = sync.NewCond(&p.mu)
	if p.before, err = term.Save(int(slave.Fd())); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append([]string{childVar + "=" + o.scenario, "TERM=xterm-256color", "LANG=C.UTF-8", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, o.env...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, childSide
	p.cmd.ExtraFiles = []*os.File{childSide}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: !o.noCtty}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	childSide.Close()
	p.pid = p.cmd.Process.Pid
	go func() {
		defer close(p.notes)
		for s := bufio.NewScanner(side); s.Scan(); {
			p.notes <- s.Text()
		}
	}()
	go io.Copy(master, p.emu) // answers of the emulator to queries
	if !o.unread {
		go p.read()
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // gone already, when all went well
		master.Close()
		slave.Close()
	})
	return p
}

func (p *ptyRun) read() {
	b := make([]byte, 1<<16)
	for {
		n, err := p.master.Read(b)
		p.mu.Lock()
		p.raw.Write(b[:n])
		p.emu.Write(b[:n])
		p.eof = err != nil
		p.cond.Broadcast()
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await blocks until the screen satisfies ok.
func (p *ptyRun) await(what string, ok func(screen string, raw []byte) bool) {
	p.t.Helper()
	late := time.AfterFunc(patience, func() {
		_ = syscall.Kill(p.pid, syscall.SIGABRT) // its goroutines, on the side channel
		p.mu.Lock()
		p.eof = true
		p.cond.Broadcast()
		p.mu.Unlock()
	})
	defer late.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !ok(p.emu.String(), p.raw.Bytes()) {
		if p.eof {
			p.t.Fatalf("%s did not come; the child said:\n%s\nthe screen:\n%s\nthe last bytes: %q", what, p.said(), p.emu.String(), tail(p.raw.Bytes(), 400))
		}
		p.cond.Wait()
	}
}

// said is what the side channel still holds, once the child was told to dump its goroutines.
func (p *ptyRun) said() string {
	var sb strings.Builder
	for end := time.After(patience); ; {
		select {
		case l, ok := <-p.notes:
			if !ok {
				return sb.String()
			}
			sb.WriteString(l + "\n")
		case <-end:
			return sb.String()
		}
	}
}

func tail(b []byte, n int) []byte { return b[max(len(b)-n, 0):] }

// up waits for the dashboard.
func (p *ptyRun) up() {
	p.t.Helper()
	p.await("the dashboard", func(s string, _ []byte) bool { return strings.Contains(s, "row 5 of frame") })
}

func (p *ptyRun) typed(s string) {
	p.t.Helper()
	if _, err := p.master.WriteString(s); err != nil {
		p.t.Fatal(err)
	}
}

// note waits for a line of the side channel that begins so.
func (p *ptyRun) note(prefix string) string {
	p.t.Helper()
	late := time.After(patience)
	var seen []string
	for {
		select {
		case l, ok := <-p.notes:
			if !ok {
				p.t.Fatalf("the child ended without saying %q; it said:\n%s", prefix, strings.Join(seen, "\n"))
			}
			if strings.HasPrefix(l, prefix) {
				return l
			}
			seen = append(seen, l)
		case <-late:
			p.t.Fatalf("the child did not say %q; it said:\n%s", prefix, strings.Join(seen, "\n"))
		}
	}
}

// finish waits for the end and checks what the screen must leave behind: the settings of before, no mode switched on.
func (p *ptyRun) finish(want string) {
	p.t.Helper()
	got := p.note("ended ")
	if !strings.HasPrefix(got, "ended "+want) {
		p.t.Errorf("ended with %q, want %q", got, want)
	}
	p.settled()
	p.exited()
}

// exited waits for the child, which must have been restored its terminal before it said that it ended.
func (p *ptyRun) exited() {
	p.t.Helper()
	kill := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("child: %v", err)
	}
}

func (p *ptyRun) settled() {
	p.t.Helper()
	after, err := term.Save(int(p.slave.Fd()))
	if err != nil {
		p.t.Fatal(err)
	}
	if after != p.before {
		p.t.Errorf("terminal settings differ:\nbefore %+v\nafter  %+v", p.before, after)
	}
}

// modesOff reports the modes that the stream leaves switched on.
func modesOff(raw []byte) []string {
	var left []string
	state := map[string]string{}
	for _, m := range regexp.MustCompile(`\x1b\[\?([0-9;]+)([hl])`).FindAllSubmatch(raw, -1) {
		for _, n := range strings.Split(string(m[1]), ";") {
			state[n] = string(m[2])
		}
	}
	for n, name := range map[string]string{"1049": "alternate screen", "2004": "bracketed paste", "1004": "focus reports",
		"1000": "mouse", "1002": "mouse", "1003": "mouse", "1006": "mouse", "2026": "synchronized output"} {
		if state[n] == "h" {
			left = append(left, name+" "+n)
		}
	}
	if state["25"] == "l" {
		left = append(left, "cursor hidden")
	}
	return left
}

// clean waits until the stream has left every mode.
func (p *ptyRun) clean() {
	p.t.Helper()
	p.await("a clean terminal", func(_ string, raw []byte) bool {
		return bytes.Contains(raw, []byte("\x1b[?1049h")) && len(modesOff(raw)) == 0
	})
}

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
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1} {
		t.Run(s.String(), func(t *testing.T) {
			p := startPty(t, ptyOptions{scenario: "flood", unread: true})
			p.note("stalled")
			if err := p.cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
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
