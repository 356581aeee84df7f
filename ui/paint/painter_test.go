// SPDX-License-Identifier: Apache-2.0

package paint

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// slow is a terminal that takes a write when the test reads it.
type slow struct {
	writes chan string
	gone   chan struct{}
}

func (s *slow) Write(b []byte) (int, error) {
	select {
	case s.writes <- string(b):
		return len(b), nil
	case <-s.gone:
		return 0, errors.New("gone")
	}
}

func started(t *testing.T) (*Painter, *slow, chan struct{}) {
	t.Helper()
	out := &slow{writes: make(chan string), gone: make(chan struct{})}
	p, ran := New(out, options()), make(chan struct{})
	go func() { defer close(ran); p.Run() }()
	return p, out, ran
}

func frame(text string) Frame { return Frame{View: tea.View{Content: text}, W: 20, H: 5} }

func TestTheNewestFrameIsDrawnAndNobodyWaits(t *testing.T) {
	p, out, ran := started(t)
	p.Show(frame("first")) // its write waits for the test
	p.Say("\x1b[c")
	for range 1000 {
		p.Show(frame("stale"))
	}
	p.Show(frame("newest"))
	all := <-out.writes
	for !strings.Contains(all, "newest") {
		all += <-out.writes
	}
	if strings.Count(all, "stale") > 1 || strings.Index(all, "\x1b[c") > strings.Index(all, "newest") {
		t.Errorf("%q", all)
	}
	p.Show(frame("newest")) // no change: the next write is the question
	p.Say("\x1b[5n")
	if b := <-out.writes; b != "\x1b[5n" {
		t.Errorf("%q", b)
	}
	go p.Close()
	if b := <-out.writes; !strings.Contains(b, "\x1b[?1049l") {
		t.Errorf("left with %q", b)
	}
	<-ran
}

func TestDrawingsKeepTheirDistance(t *testing.T) {
	p, out, _ := started(t)
	p.Show(frame("a"))
	<-out.writes
	begun := time.Now()
	p.Show(frame("b"))
	<-out.writes
	p.Show(frame("c"))
	<-out.writes
	if two := time.Since(begun); two < frameTime {
		t.Errorf("two drawings in %v", two)
	}
	close(out.gone)
	p.Close()
}

func TestStoppedNothingIsWrittenAndStartedAllIs(t *testing.T) {
	p, out, _ := started(t)
	p.Show(frame("before"))
	<-out.writes
	stopped := make(chan struct{})
	go func() { p.Stop(); close(stopped) }()
	if b := <-out.writes; !strings.Contains(b, "\x1b[?1049l") {
		t.Errorf("stopped with %q", b)
	}
	<-stopped
	p.Show(frame("meanwhile")) // a write would fail the next lines
	p.Say("\x1b[c")
	p.Start()
	if b := <-out.writes; !strings.HasPrefix(b, "\x1b[c\x1b[>4m\x1b[?1049h") || !strings.Contains(b, "meanwhile") {
		t.Errorf("started with %q", b)
	}
	f := frame("meanwhile")
	f.Anew = true
	p.Show(f)
	if b := <-out.writes; !strings.Contains(b, "\x1b[2J") || !strings.Contains(b, "meanwhile") {
		t.Errorf("drawn anew: %q", b)
	}
	close(out.gone)
	p.Close()
}

func TestAfterAFailedWriteNothingIsWritten(t *testing.T) {
	p, out, ran := started(t)
	p.Show(frame("a"))
	close(out.gone)
	p.Close()
	<-ran
	out.gone = make(chan struct{}) // a write would now wait for ever
	p.Stop()
}

// TestAPanicInADrawingIsNotRepeated: whoever calls Run reports it and restores the terminal by other means.
func TestAPanicInADrawingIsNotRepeated(t *testing.T) {
	p, caught := New(nil, options()), make(chan any, 1) // no terminal: the first write panics
	go func() { defer func() { caught <- recover() }(); p.Run() }()
	p.Show(frame("a"))
	if <-caught == nil {
		t.Fatal("no panic")
	}
	p.Close()
}
