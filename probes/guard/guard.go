// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Words that go over the socket, one byte each.
const (
	wordReady     = 'r' // watcher: armed
	wordScreenOn  = 's' // main: the terminal is in raw mode, on the alternate screen
	wordScreenOff = 'S'
	wordQuit      = 'q' // main: everything is detached, go quietly
)

// File descriptors of the watcher.
const (
	fdSocket = 3
	fdMain   = 4 // pidfd of the main process
	fdTTY    = 5 // only with a terminal
)

// Times of a watcher.
const (
	armWait    = 2 * time.Second  // for its report, which the screen waits for: one that is later is waited for beside it
	armTimeout = 30 * time.Second // then it hangs, and not only the machine
)

// quitWait is how long a watcher is waited for that was told to end. Tests wait longer.
var quitWait = 5 * time.Second

// Options of Arm.
type Options struct {
	Dir      string   // "" means Dir
	Command  string   // the hidden command by which this program becomes the watcher
	Terminal *os.File // restored when the process is killed while Screen is on; nil: there is none
}

// Guard is the main process's end: the journal, and the watcher that undoes it. It implements attach.Journal.
type Guard struct {
	opt     Options
	journal *Journal
	noLog   error // why there is no journal

	mu     sync.Mutex
	sock   *os.File
	proc   *os.Process
	gone   chan struct{} // closed when the watcher ended
	screen bool
	quit   bool
}

// Arm opens the journal and starts the watcher, which is ready when Arm returns, or, on a machine that stands still, about to be.
// Without a journal (no privilege, /run not writable) nothing that outlives the process may be made, but the terminal is still
// guarded: Log says why.
func Arm(o Options) (*Guard, error) {
	if o.Dir == "" {
		o.Dir = Dir
	}
	g := &Guard{opt: o}
	g.journal, g.noLog = OpenJournal(o.Dir)
	if err := g.startWatcher(); err != nil {
		if g.journal != nil {
			err = errors.Join(err, g.journal.Drop())
		}
		return nil, fmt.Errorf("start the watcher: %w", err)
	}
	return g, nil
}

// Refuse is a Guard in place of a journal that can't be: it promises nothing, because of why.
func Refuse(why error) *Guard { return &Guard{noLog: why} }

// Log says why there is no journal, nil when there is one.
func (g *Guard) Log() error { return g.noLog }

// startWatcher runs this very program, whatever became of its file, as the watcher.
func (g *Guard) startWatcher() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socketpair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "watcher"), os.NewFile(uintptr(pair[1]), "main")
	defer theirs.Close()
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		ours.Close()
		return fmt.Errorf("pidfd_open: %w", err)
	}
	self := os.NewFile(uintptr(pidfd), "pidfd")
	defer self.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		ours.Close()
		return err
	}
	defer null.Close()
	files := []*os.File{null, null, null, theirs, self}
	journal := ""
	if g.journal != nil {
		journal = g.journal.Name()
	}
	args := []string{"hooktop", g.opt.Command, g.opt.Dir, filepath.Base(journal)}
	if g.opt.Terminal != nil {
		files = append(files, g.opt.Terminal)
		args = append(args, "tty")
	}
	proc, err := os.StartProcess("/proc/self/exe", args, &os.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: files, Sys: &unix.SysProcAttr{Setsid: true},
	})
	if err != nil {
		ours.Close()
		return err
	}
	g.sock, g.proc, g.gone = ours, proc, make(chan struct{})
	go func(gone chan struct{}) { // ends with the watcher; can't panic
		_, _ = proc.Wait()
		close(gone)
	}(g.gone)
	return g.waitReady()
}

// waitReady waits for the watcher's report. One that is late is no worse: it is a process of its own with all that it needs, and finds
// what it was told, and the end of this process, when it comes to look.
func (g *Guard) waitReady() error {
	err := report(g.sock, armWait)
	if errors.Is(err, unix.EAGAIN) {
		go func(sock *os.File, proc *os.Process) { // ends with the report or with the watcher; can't panic
			if report(sock, armTimeout) != nil {
				_ = proc.Kill() // Gone tells it
			}
		}(g.sock, g.proc)
		return nil
	}
	if err == nil {
		return nil
	}
	_ = g.proc.Kill()
	<-g.gone
	g.sock.Close()
	return fmt.Errorf("it did not report for duty: %w", err)
}

// report waits for the watcher's first word, unix.EAGAIN says in vain.
func report(sock *os.File, wait time.Duration) error {
	if err := unix.SetsockoptTimeval(int(sock.Fd()), unix.SOL_SOCKET, unix.SO_RCVTIMEO,
		&unix.Timeval{Sec: int64(wait / time.Second)}); err != nil {
		return fmt.Errorf("set timeout: %w", err)
	}
	word := make([]byte, 1)
	n, err := sock.Read(word)
	if err == nil && (n != 1 || word[0] != wordReady) {
		err = fmt.Errorf("it said %q", word[:n])
	}
	return err
}

// Screen tells the watcher whether the terminal needs to be restored if this process is killed.
func (g *Guard) Screen(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.screen = on
	word := byte(wordScreenOff)
	if on {
		word = wordScreenOn
	}
	g.say(word)
}

// say sends a word. A watcher that is dead hears nothing; Gone tells that.
func (g *Guard) say(word byte) {
	_ = unix.Sendto(int(g.sock.Fd()), []byte{word}, unix.MSG_NOSIGNAL, nil)
}

// Gone is closed when the watcher of the moment ended.
func (g *Guard) Gone() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gone
}

// Rearm starts another watcher after the first one was killed.
func (g *Guard) Rearm() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.quit {
		return errors.New("start the watcher: the run is ending")
	}
	g.sock.Close()
	if err := g.startWatcher(); err != nil {
		return fmt.Errorf("start the watcher again: %w", err)
	}
	if g.screen {
		g.say(wordScreenOn)
	}
	return nil
}

// Release ends the guard after everything was detached and the terminal restored: the journal goes, then the watcher.
// What could not be detached stays in the journal; the watcher tries again when this process is gone.
func (g *Guard) Release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.quit {
		return nil
	}
	g.quit = true
	if g.journal != nil && g.journal.Pending() {
		g.say(wordScreenOff)
		return errors.New("some things could not be detached: the watcher tries again, then hooktop cleanup")
	}
	var err error
	if g.journal != nil {
		err = g.journal.Drop()
	}
	g.say(wordQuit)
	select {
	case <-g.gone:
	case <-time.After(quitWait):
		err = errors.Join(err, g.proc.Kill())
		<-g.gone
	}
	return errors.Join(err, g.sock.Close())
}

// Tag is the mark of ownership of this run.
func (g *Guard) Tag() string {
	if g.journal == nil {
		return fmt.Sprintf("%s%d-0", Mark, os.Getpid())
	}
	return g.journal.Tag()
}

// Intend, Done and their like are the journal's; without one nothing may be promised.

func (g *Guard) Intend(f snap.Filter, dev string) error {
	if g.journal == nil {
		return g.noLog
	}
	return g.journal.Intend(f, dev)
}

func (g *Guard) Done(f snap.Filter) {
	if g.journal != nil {
		g.journal.Done(f)
	}
}

func (g *Guard) IntendQdisc(ifindex int, dev string) error {
	if g.journal == nil {
		return g.noLog
	}
	return g.journal.IntendQdisc(ifindex, dev)
}

func (g *Guard) IntendSteering(n int) error {
	if g.journal == nil {
		return g.noLog
	}
	return g.journal.IntendSteering(n)
}

func (g *Guard) DoneSteering(n int) {
	if g.journal != nil {
		g.journal.DoneSteering(n)
	}
}

func (g *Guard) DoneQdisc(ifindex int) {
	if g.journal != nil {
		g.journal.DoneQdisc(ifindex)
	}
}
