// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/term"
)

// runner owns the terminal while the screen is up: what the framework leaves undone when a terminal vanishes or stalls, when
// a signal comes, when a goroutine panics.
type runner struct {
	p     *tea.Program
	in    *os.File
	out   *term.Output
	saved term.State

	once  sync.Once
	ended chan struct{} // closed when the end was asked for
	why   error         // read after ended is closed

	stopping sync.Mutex  // one suspension at a time
	stopped  atomic.Bool // we stopped ourselves: the next SIGCONT is ours
}

// end asks the program to finish; the first reason stands. It never waits.
func (r *runner) end(why error) {
	r.once.Do(func() {
		r.why = why
		close(r.ended)
	})
}

// goes runs an own goroutine; a panic in it ends the program in order.
func (r *runner) goes(where string, f func()) {
	go func() {
		defer rescue(where, r.end)
		f()
	}()
}

func (r *runner) run(ctx context.Context) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTSTP, syscall.SIGCONT)
	defer signal.Stop(signals)
	r.goes("signals", func() { r.signals(ctx, signals) })

	finished := make(chan error, 1)
	r.goes("the renderer", func() {
		_, err := r.p.Run()
		finished <- err
	})
	var err error
	running := true
	select {
	case err = <-finished:
		running = false
	case <-ctx.Done():
	case <-r.ended:
	}
	stalled := false
	if running {
		err, stalled = r.finish(finished)
	}
	r.end(nil)
	restored := term.Restore(int(r.in.Fd()), r.saved)
	if stalled || err != nil || r.why != nil {
		r.out.Reset()
	}
	closed := r.out.Close()
	switch {
	case r.why != nil:
		return r.why
	case stalled:
		return term.ErrStalled
	case err != nil && !errors.Is(err, tea.ErrInterrupted):
		return fmt.Errorf("%w: %w", term.ErrGone, err) // what the framework ends for by itself is a read that failed
	case restored != nil:
		return fmt.Errorf("%w: %w", term.ErrGone, restored)
	}
	return closed
}

// finish ends the program from outside. A terminal that nobody reads gets a second, then it is given up, and what still
// blocks is left behind: detaching must not wait for a screen.
func (r *runner) finish(finished <-chan error) (err error, stalled bool) {
	r.goes("quit", r.p.Quit)
	slow := time.NewTimer(endsWithin)
	defer slow.Stop()
	select {
	case err = <-finished:
		return err, false
	case <-slow.C:
	}
	r.out.GiveUp()
	last := time.NewTimer(givesBackIn)
	defer last.Stop()
	select {
	case <-finished:
	case <-last.C:
	}
	return nil, true
}

func (r *runner) signals(ctx context.Context, in <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-in:
			switch s {
			case syscall.SIGTSTP:
				r.suspend()
			case syscall.SIGCONT:
				r.continued()
			default:
				r.end(nil)
			}
		}
	}
}

// resumedMsg comes after the program was stopped and continued.
type resumedMsg struct{}

func (m *model) onResumed(resumedMsg) tea.Cmd {
	m.ask(true)
	return tea.RequestWindowSize
}

// suspend gives the terminal back and stops the process group, as ctrl+z does for any program. Not by SIGTSTP: once it was
// asked for with Notify, Go swallows the one that is sent to oneself. Where nobody could continue it, it does not stop.
func (r *runner) suspend() {
	r.stopping.Lock()
	defer r.stopping.Unlock()
	if !term.CanStop() {
		r.p.Send(core.ToastMsg{Sev: snap.Warn, Text: "suspend: no shell with job control above that could resume hooktop"})
		return
	}
	if err := r.p.ReleaseTerminal(); err != nil {
		r.end(err)
		return
	}
	r.stopped.Store(true)
	if err := errors.Join(term.Restore(int(r.in.Fd()), r.saved), term.Stop()); err != nil {
		r.end(err)
		return
	}
	r.retake()
}

// continued repairs the screen after a stop that could not be seen coming (SIGSTOP): the shell has used the terminal since.
func (r *runner) continued() {
	r.stopping.Lock()
	defer r.stopping.Unlock()
	if r.stopped.Swap(false) {
		return
	}
	if err := r.p.ReleaseTerminal(); err != nil {
		r.end(err)
		return
	}
	r.retake()
}

// Waiting for the first drawing after a stop.
const (
	drawsWithin = 250 * time.Millisecond
	lookEvery   = 5 * time.Millisecond
	retakes     = 5
)

// retake takes the terminal that was released and makes sure that the screen is drawn again: the framework's old renderer
// may stop the ticker that the new one has just started, and would then draw no more.
func (r *runner) retake() {
	for try := 0; ; try++ {
		before := r.out.Written()
		if err := r.p.RestoreTerminal(); err != nil {
			r.end(err)
			return
		}
		if r.drawn(before) || try == retakes {
			break
		}
		if err := r.p.ReleaseTerminal(); err != nil {
			r.end(err)
			return
		}
	}
	r.p.Send(resumedMsg{})
}

// drawn waits until more than the given number of bytes was written, or the time for it has passed.
func (r *runner) drawn(before int64) bool {
	for waited := time.Duration(0); waited < drawsWithin; waited += lookEvery {
		if r.out.Written() > before || r.out.Waiting() {
			return true
		}
		time.Sleep(lookEvery)
	}
	return false
}
