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
	"hooktop/ui/paint"
	"hooktop/ui/term"
)

// runner owns the terminal while the screen is up: its settings and size, signals, suspension, and every end, when it
// vanishes or stalls and when a goroutine panics too. The framework gets keys and messages only.
type runner struct {
	p       *tea.Program
	painter *paint.Painter
	in      *os.File
	size    int // the descriptor to ask for the terminal's size
	out     *term.Output
	saved   term.State

	once  sync.Once
	ended chan struct{} // closed when the end was asked for
	why   error         // read after ended is closed

	resizes  chan os.Signal // one slot: the size is to be read
	stopping sync.Mutex     // one suspension at a time
	stopped  atomic.Bool    // we stopped ourselves: the next SIGCONT is ours
}

// end asks the program to finish; the first reason stands. It never waits.
func (r *runner) end(why error) {
	r.once.Do(func() {
		r.why = why
		close(r.ended)
	})
}

// over reports whether the end was asked for.
func (r *runner) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// goes runs an own goroutine; a panic in it ends the program in order.
func (r *runner) goes(where string, f func()) {
	go func() {
		defer rescue(where, r.end)
		f()
	}()
}

func (r *runner) run(ctx context.Context) error {
	if err := term.Raw(int(r.in.Fd()), r.saved); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", term.ErrGone, err), r.out.Close())
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTSTP, syscall.SIGCONT)
	defer signal.Stop(signals)
	r.goes("signals", func() { r.signals(ctx, signals) })
	signal.Notify(r.resizes, syscall.SIGWINCH)
	defer signal.Stop(r.resizes)
	r.measure()
	r.goes("resizes", func() { r.resized(ctx) })

	finished := make(chan error, 1)
	r.goes("the painter", r.painter.Run)
	r.goes("the screen", func() {
		_, err := r.p.Run()
		r.end(nil) // from here on a terminal that stalls is given up after a while
		r.painter.Close()
		finished <- err
	})
	select {
	case <-ctx.Done():
	case <-r.ended:
	}
	err, stalled := r.finish(finished)
	r.end(nil)
	r.stopping.Lock() // a suspension under way takes the terminal once more
	defer r.stopping.Unlock()
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
// blocks is left behind: detaching must not wait for a screen. A machine that is slow itself is no such terminal.
func (r *runner) finish(finished <-chan error) (err error, stalled bool) {
	r.goes("quit", r.p.Quit)
	hangs := time.Now().Add(hangsAfter)
	slow := time.NewTimer(endsWithin)
	defer slow.Stop()
	for ; ; slow.Reset(term.LookEvery) {
		select {
		case err = <-finished:
			return err, false
		case <-slow.C:
		}
		if r.out.Stuck() || time.Now().After(hangs) {
			break
		}
	}
	r.out.GiveUp()
	last := time.NewTimer(givesBackIn)
	defer last.Stop()
	select {
	case err = <-finished:
		if !r.out.Refused() {
			return err, false
		}
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

// measure has the size read.
func (r *runner) measure() {
	select {
	case r.resizes <- syscall.SIGWINCH:
	default: // it will be
	}
}

// resized tells the program the terminal's size whenever it may have changed. One goroutine does it, so that the last size told
// is the last one read.
func (r *runner) resized(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.resizes:
		}
		w, h, err := term.Size(r.size)
		if err != nil {
			r.end(fmt.Errorf("%w: %w", term.ErrGone, err))
			return
		}
		r.p.Send(tea.WindowSizeMsg{Width: w, Height: h})
	}
}

// resumedMsg comes after the program was stopped and continued.
type resumedMsg struct{}

func (m *model) onResumed(resumedMsg) tea.Cmd {
	m.ask(true)
	return nil
}

// suspend gives the terminal back and stops the process group, as ctrl+z does for any program. Not by SIGTSTP: once it was
// asked for with Notify, Go swallows the one that is sent to oneself. Where nobody could continue it, it does not stop.
func (r *runner) suspend() {
	r.stopping.Lock()
	defer r.stopping.Unlock()
	if r.over() {
		return
	}
	if !term.CanStop() {
		r.p.Send(core.ToastMsg{Sev: snap.Warn, Text: "suspend: no shell with job control above that could resume hooktop"})
		return
	}
	if r.painter.Stop(); r.over() { // it may have waited for the terminal
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
	if r.painter.Stop(); r.over() {
		return
	}
	r.retake()
}

// retake takes the terminal that was given back.
func (r *runner) retake() {
	if err := term.Raw(int(r.in.Fd()), r.saved); err != nil {
		r.end(err)
		return
	}
	r.painter.Start()
	r.measure() // a resize while we were stopped may have sent no signal
	r.p.Send(resumedMsg{})
}
