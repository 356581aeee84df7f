// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bufio"
	"bytes"
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
			if strings.Contains(l, "Caught panic") {
				p.t.Error("the framework caught a panic and wrote over the screen")
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
		p.t.Errorf("child: %v; it said:\n%s", err, p.said()) // a report of the race detector, say
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
