// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"hooktop/probes/snap"
)

const (
	defaultHz   = 2.0
	minHz       = 0.2
	maxHz       = 10.0
	unfocusedHz = 0.5 // a terminal that nobody looks at
)

// errClosed is the cause of an end by Close.
var errClosed = errors.New("closed")

// Engine owns the probes and publishes frames. Run's goroutine owns all fields below the line.
type Engine struct {
	cfg  Config
	host Host

	mail      *mailbox
	query     atomic.Pointer[snap.Query]
	asked     chan struct{}    // capacity 1: the newest question is in query
	wishes    chan wish        // unbuffered: Do waits for its turn
	snapshots chan snapshot    // the same
	tells     chan snap.Notice // notices from other goroutines
	results   chan func()      // what comes after work that was done aside
	turns     chan struct{}    // a token each for work that is done aside
	failures  chan error       // the first error of a goroutine ends the engine; later ones find it full
	untold    atomic.Uint64
	ran       atomic.Bool
	stop      chan struct{} // closed by Close
	stopOnce  sync.Once
	done      chan struct{} // closed when everything is detached
	report    []snap.Status // valid once done is closed

	// Run's goroutine only:
	ctx      context.Context
	probes   []Probe
	workers  sync.WaitGroup
	start    []snap.Status
	starting int     // probes whose start is under way
	main     int     // probes that are not Beside
	why      []error // why probes can't work at all
	started  bool
	fallback string
	notices  []snap.Notice
	seq      uint64
	noticed  uint64
	about    about
	links    <-chan snap.LinkEvent
	registry []func() Probe
}

type wish struct {
	intent snap.Intent
	answer chan snap.Answer // capacity 1
}

type snapshot struct {
	query snap.Query
	frame chan *snap.Frame // capacity 1
}

// New makes an engine that does nothing before Run.
func New(cfg Config, host Host) *Engine {
	return newEngine(cfg, host, registry())
}

func newEngine(cfg Config, host Host, registry []func() Probe) *Engine {
	if cfg.Journal == nil {
		cfg.Journal = noJournal{}
	}
	if cfg.Hz == 0 {
		cfg.Hz = defaultHz
	}
	e := &Engine{
		cfg: cfg, host: host, registry: registry,
		mail:      newMailbox(),
		asked:     make(chan struct{}, 1),
		wishes:    make(chan wish),
		snapshots: make(chan snapshot),
		tells:     make(chan snap.Notice, 64),
		results:   make(chan func()),
		turns:     make(chan struct{}, runtime.GOMAXPROCS(0)),
		failures:  make(chan error, 1),
		stop:      make(chan struct{}),
		done:      make(chan struct{}),
	}
	e.query.Store(&snap.Query{Focus: true, Flows: snap.FlowQuery{Limit: maxRows}})
	return e
}

// maxRows is what one frame carries of a table (snap.FlowQuery.Limit).
const maxRows = 300

// allRows is the limit of a snapshot: more than any table holds.
const allRows = math.MaxInt32

// Next blocks until a frame newer than seq exists and returns the newest. After the end of the engine it returns the last
// frame once more to who has not seen it, then ErrEnded.
func (e *Engine) Next(ctx context.Context, seq uint64) (*snap.Frame, error) {
	return e.mail.next(ctx, seq)
}

// Ask replaces the query. It never blocks; a frame that answers it is made at once.
func (e *Engine) Ask(q snap.Query) {
	if q.Flows.Limit <= 0 || q.Flows.Limit > maxRows {
		q.Flows.Limit = maxRows
	}
	e.query.Store(&q)
	select {
	case e.asked <- struct{}{}:
	default: // the wake-up that is already there will find the newest question
	}
}

// Do carries out an intent and says what came of it. It waits for the engine's goroutine.
func (e *Engine) Do(ctx context.Context, in snap.Intent) snap.Answer {
	w := wish{in, make(chan snap.Answer, 1)}
	ended := snap.Answer{Err: ErrEnded.Error()}
	select {
	case e.wishes <- w:
	case <-ctx.Done():
		return snap.Answer{Err: ctx.Err().Error()}
	case <-e.done:
		return ended
	}
	select {
	case a := <-w.answer:
		return a
	case <-ctx.Done():
		return snap.Answer{Err: ctx.Err().Error()}
	case <-e.done:
		return ended
	}
}

// Snapshot returns a frame collected now, with every row that q asks for: q.Flows.Limit does not bound it.
func (e *Engine) Snapshot(ctx context.Context, q snap.Query) (*snap.Frame, error) {
	q.Flows.Offset, q.Flows.Limit, q.Flows.Rerank = 0, allRows, true
	s := snapshot{q, make(chan *snap.Frame, 1)}
	select {
	case e.snapshots <- s:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.done:
		return nil, ErrEnded
	}
	select {
	case f := <-s.frame:
		return f, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.done:
		return nil, ErrEnded
	}
}

// Tell adds a notice from outside. It never blocks; more than 64 in a burst are dropped, and counted in Frame.Lost.
func (e *Engine) Tell(sev snap.Severity, from, text string) {
	select {
	case e.tells <- snap.Notice{Sev: sev, From: from, Text: text}:
	default:
		e.untold.Add(1)
	}
}

// Started returns the first frame whose start is over.
func (e *Engine) Started(ctx context.Context) (*snap.Frame, error) {
	var seq uint64
	for {
		f, err := e.Next(ctx, seq)
		if err != nil || f.Started {
			return f, err
		}
		seq = f.Seq
	}
}

// Close ends Run and returns what was detached, once everything is. It may be called any number of times, from any
// goroutine, also when Run was never called.
func (e *Engine) Close() []snap.Status {
	e.stopOnce.Do(func() { close(e.stop) })
	if e.ran.CompareAndSwap(false, true) {
		e.mail.end()
		close(e.done)
	}
	<-e.done
	return e.report
}

// Run starts the probes, publishes frames until ctx ends, Close is called or something fails for good, and detaches. It
// returns nil when it was told to end. A second Run is refused.
func (e *Engine) Run(ctx context.Context) error {
	if !e.ran.CompareAndSwap(false, true) {
		return errors.New("run the engine: it has run before")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	e.ctx = ctx
	stopped := make(chan struct{})
	go func() { // ends with Run; can't panic
		defer close(stopped)
		select {
		case <-e.stop:
			cancel(errClosed)
		case <-ctx.Done():
		}
	}()
	err := Guarded("engine", func() error {
		e.startAll()
		return e.loop()
	})
	cancel(errClosed)
	<-stopped
	e.stopAll()
	e.mail.end()
	close(e.done)
	return err
}

// period until the next tick.
func (e *Engine) period() time.Duration {
	q := e.query.Load()
	hz := q.Hz
	if hz == 0 {
		hz = e.cfg.Hz
	}
	hz = min(max(hz, minHz), maxHz)
	if !q.Focus {
		hz = min(hz, unfocusedHz)
	}
	return time.Duration(float64(time.Second) / hz)
}
