// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
)

// screen is the program in a terminal: a pty with an emulator behind it that answers what a terminal answers.
type screen struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File
	slave  *os.File // kept, to compare the settings afterwards
	before unix.Termios
	ended  chan struct{}

	mu      sync.Mutex
	changed *sync.Cond
	emu     *vt.Emulator
	modes   map[int]bool // private modes that are on
	hidden  bool         // the cursor
	raw     []byte       // all that was written
	gone    bool         // the process ended
	late    bool         // the present wait ran out of patience
}

// endMark is a sequence that no program writes and that changes nothing on a screen.
const endMark = "\x1b]7777;end\x07"

// open starts the program in a terminal of its own session, as sshd does.
func open(t *testing.T, ns *ktest.NS, cols, rows int, env []string, args ...string) *screen {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatalf("open pty: %v", err)
	}
	s := &screen{t: t, master: master, slave: slave, ended: make(chan struct{}), emu: vt.NewEmulator(cols, rows), modes: map[int]bool{}}
	s.changed = sync.NewCond(&s.mu)
	s.emu.SetCallbacks(vt.Callbacks{
		EnableMode:       func(m ansi.Mode) { s.modes[m.Mode()] = true },
		DisableMode:      func(m ansi.Mode) { delete(s.modes, m.Mode()) },
		CursorVisibility: func(visible bool) { s.hidden = !visible },
	})
	if err := pty.Setsize(master, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		t.Fatalf("size pty: %v", err)
	}
	s.before = s.termios()
	s.cmd = exec.Command(binary(t), args...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.Env = environment(t, env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	start := s.cmd.Start
	if ns != nil {
		start = func() error { return ns.Run(s.cmd.Start) }
	}
	if err := start(); err != nil {
		t.Fatalf("start hooktop %v: %v", args, err)
	}
	go s.read()
	go s.answer()
	go func() {
		_ = s.cmd.Wait() // the code is in ProcessState
		close(s.ended)
		// What was written before is read before: the mark comes last. A closed terminal takes none.
		_, _ = slave.WriteString(endMark)
	}()
	t.Cleanup(s.close)
	return s
}

func (s *screen) read() {
	b := make([]byte, 1<<16)
	for {
		n, err := s.master.Read(b)
		s.mu.Lock()
		if n > 0 {
			s.raw = append(s.raw, b[:n]...)
			_, _ = s.emu.Write(b[:n])
		}
		s.gone = err != nil || bytes.Contains(s.raw, []byte(endMark))
		s.changed.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// answer hands the emulator's answers to the program. Undrained they would block the emulator.
func (s *screen) answer() {
	b := make([]byte, 4096)
	for {
		n, err := s.emu.Read(b)
		if err != nil {
			return
		}
		_, _ = s.master.Write(b[:n])
	}
}

func (s *screen) close() {
	_ = s.cmd.Process.Kill() // most tests have ended it by now
	<-s.ended
	s.master.Close()
	s.slave.Close()
	s.emu.Close()
}

func (s *screen) termios() unix.Termios {
	s.t.Helper()
	got, err := unix.IoctlGetTermios(int(s.slave.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatalf("read the pty's settings: %v", err)
	}
	return *got
}

// keys sends text as if typed.
func (s *screen) keys(text string) {
	s.t.Helper()
	if _, err := s.master.WriteString(text); err != nil {
		s.t.Fatalf("type %q: %v", text, err)
	}
}

func (s *screen) resize(cols, rows int) {
	s.t.Helper()
	s.mu.Lock()
	s.emu.Resize(cols, rows)
	s.mu.Unlock()
	if err := pty.Setsize(s.master, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		s.t.Fatalf("resize: %v", err)
	}
}

// text is what the screen shows now.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emu.String()
}

// until waits for a screen that satisfies ok. It fails the test when the program ends first, unless that is looked for.
func (s *screen) until(what string, ok func(text string) bool) string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		s.late = true
		s.changed.Broadcast()
		s.mu.Unlock()
	})
	defer timer.Stop()
	for {
		text := s.emu.String()
		switch {
		case ok(text):
			return text
		case s.gone:
			s.t.Fatalf("the program ended (%v) before %s; the screen:\n%s", s.cmd.ProcessState, what, text)
		case s.late:
			s.t.Fatalf("not seen: %s; the screen:\n%s", what, text)
		}
		s.changed.Wait()
	}
}

// shows waits for words on the screen.
func (s *screen) shows(words ...string) string {
	s.t.Helper()
	return s.until(strings.Join(words, " and "), func(text string) bool { return has(text, words...) })
}

func has(text string, words ...string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// hides waits until none of the words is on the screen.
func (s *screen) hides(words ...string) string {
	s.t.Helper()
	return s.until("gone: "+strings.Join(words, ", "), func(text string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return false
			}
		}
		return true
	})
}

// end waits for the process and returns its exit code, -1 for a signal.
func (s *screen) end() int {
	s.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-s.ended:
	case <-late.C:
		s.t.Fatalf("the program did not end; the screen:\n%s", s.text())
	}
	return s.cmd.ProcessState.ExitCode()
}

// restored waits until the terminal is as before: settings, alternate screen, cursor, paste, mouse and focus modes. The
// process has ended; after SIGKILL it is the watcher that restores.
func (s *screen) restored() {
	s.t.Helper()
	late := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		odd := s.disorder()
		if odd == "" {
			return
		}
		select {
		case <-again.C:
		case <-late:
			s.t.Errorf("the terminal is not as before: %s", odd)
			return
		}
	}
}

func (s *screen) disorder() string {
	var odd []string
	if now := s.termios(); now != s.before {
		odd = append(odd, "settings (termios)")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.emu.IsAltScreen() {
		odd = append(odd, "alternate screen")
	}
	if s.hidden {
		odd = append(odd, "cursor hidden")
	}
	for mode, name := range map[int]string{1000: "mouse", 1002: "mouse drag", 1003: "mouse motion", 1006: "mouse SGR", 1004: "focus reports",
		2004: "bracketed paste", 2026: "synchronized output"} {
		if s.modes[mode] {
			odd = append(odd, name)
		}
	}
	return strings.Join(odd, ", ")
}
