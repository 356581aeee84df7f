// SPDX-License-Identifier: Apache-2.0

// Package paint draws the screen's views on a terminal: when something changed, and only then. Bubble Tea's own renderer looks
// sixty times a second whether there is anything to draw, and takes a changed view apart whole; an idle dashboard has to cost
// less than a hundredth of a core.
package paint

import (
	"io"
	"reflect"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

// frameTime is the least time between two drawings. The first change after a rest is drawn at once.
const frameTime = time.Second / 60

// Frame is one picture of the screen. Of the view count its content, the cursor's place and shape, the mouse mode, focus
// reports and the title. Each line of the content stands for itself: it begins and ends without a style.
type Frame struct {
	View tea.View
	W, H int  // the terminal's cells; 0 while they are not known: nothing is drawn
	Anew bool // whatever the terminal shows now, draw all of it
}

// Options describe the terminal.
type Options struct {
	Env       []string
	Profile   colorprofile.Profile
	Tabs      bool // the cursor may be moved by tabs
	Backspace bool // and by backspaces
}

// Painter draws the newest frame on a terminal, on the goroutine that calls Run. Show, Say and Report never wait for the
// terminal; Stop and Close do.
type Painter struct {
	out  io.Writer
	wake chan struct{} // one slot: there is something to draw
	quit chan struct{}
	done chan struct{} // Run has returned

	mu   sync.Mutex // guards the mailbox
	next Frame
	said []byte
	can  abilities

	drawing sync.Mutex // guards what follows; held while the terminal is written to
	screen  screen
	stopped bool
	broken  bool // by a write that failed, or a panic
}

// New makes a painter that writes to out, each frame in one write.
func New(out io.Writer, o Options) *Painter {
	return &Painter{
		out: out, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}), screen: screen{opt: o},
	}
}

// Show makes f the next frame to draw; one that still waits never will be drawn.
func (p *Painter) Show(f Frame) {
	p.mu.Lock()
	f.Anew = f.Anew || p.next.Anew
	old := f.W == p.next.W && f.H == p.next.H && !f.Anew && same(&f.View, &p.next.View)
	p.next = f
	p.mu.Unlock()
	if !old {
		p.call()
	}
}

func same(a, b *tea.View) bool {
	return a.Content == b.Content && a.MouseMode == b.MouseMode && a.ReportFocus == b.ReportFocus && a.WindowTitle == b.WindowTitle &&
		reflect.DeepEqual(a.Cursor, b.Cursor)
}

// Say sends what is no part of the picture, a question to the terminal or a text for its clipboard, before the next frame.
func (p *Painter) Say(seq string) {
	p.mu.Lock()
	p.said = append(p.said, seq...)
	p.mu.Unlock()
	p.call()
}

// Report takes the terminal's answer about a mode that Questions asked for.
func (p *Painter) Report(m tea.ModeReportMsg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Mode {
	case ansi.ModeSynchronizedOutput:
		p.can.sync = m.Value.IsReset()
	case ansi.ModeUnicodeCore:
		p.can.setCore = m.Value.IsReset()
		p.can.graphemes = p.can.setCore || m.Value.IsSet() || m.Value.IsPermanentlySet()
	}
}

func (p *Painter) call() {
	select {
	case p.wake <- struct{}{}:
	default: // it is awake already
	}
}

// Run draws until Close is called.
func (p *Painter) Run() {
	defer close(p.done)
	var last time.Time
	pause := time.NewTimer(frameTime)
	defer pause.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-p.wake:
		}
		if wait := frameTime - time.Since(last); wait > 0 {
			pause.Reset(wait)
			select {
			case <-p.quit:
				return
			case <-pause.C:
			}
		}
		last = time.Now()
		p.work(p.picture)
	}
}

// work writes what make makes.
func (p *Painter) work(make func() []byte) {
	p.drawing.Lock()
	defer p.drawing.Unlock()
	if p.stopped || p.broken {
		return
	}
	p.broken = true // stays so when make panics
	b := make()
	if len(b) > 0 {
		if _, err := p.out.Write(b); err != nil {
			return // who owns the terminal knows already
		}
	}
	p.broken = false
}

// picture is what was said and what the newest frame changes.
func (p *Painter) picture() []byte {
	p.mu.Lock()
	f, b, can := p.next, p.said, p.can
	p.next.Anew, p.said = false, nil
	p.mu.Unlock()
	return append(b, p.screen.draw(&f, can)...)
}

// Stop draws what waits and leaves the screen, all its modes included, until Start.
func (p *Painter) Stop() {
	p.work(func() []byte { return append(p.picture(), p.screen.leave()...) })
	p.drawing.Lock()
	defer p.drawing.Unlock()
	p.stopped = true
}

// Start enters the screen again and draws all of it.
func (p *Painter) Start() {
	p.drawing.Lock()
	p.stopped = false
	p.drawing.Unlock()
	p.call()
}

// Close ends Run and stops for good. Run must have been called.
func (p *Painter) Close() {
	close(p.quit)
	<-p.done
	p.Stop()
}
