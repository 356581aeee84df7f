// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// run starts an engine and returns how to wait for its end.
func run(t *testing.T, e *Engine) (end func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- e.Run(t.Context()) }()
	t.Cleanup(func() { e.Close() })
	return func() error { return <-done }
}

func TestFramesCountUpAndAnswerTheNewestQuestion(t *testing.T) {
	e := fakeEngine(&fakeProbe{})
	run(t, e)
	var seq uint64
	for i := range 50 {
		filter := fmt.Sprint("question ", i)
		e.Ask(snap.Query{Focus: true, Flows: snap.FlowQuery{Filter: filter}})
		for {
			f, err := e.Next(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			if f.Seq <= seq {
				t.Fatalf("frame %d after %d", f.Seq, seq)
			}
			seq = f.Seq
			if f.Flows.Query.Filter == filter {
				break
			}
		}
	}
}

func TestAskIsAnsweredAtOnceWhateverTheTick(t *testing.T) {
	e := fakeEngine(&fakeProbe{})
	e.cfg.Hz = minHz // a tick is 5 s; the test would take minutes if questions waited for it
	run(t, e)
	if _, err := e.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	var seq uint64
	for i := range 100 {
		e.Ask(snap.Query{Focus: true, Flows: snap.FlowQuery{Offset: i + 1}})
		for {
			f, err := e.Next(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			if seq = f.Seq; f.Flows.Query.Offset == i+1 {
				break
			}
		}
	}
}

func TestStartIsShownLineByLine(t *testing.T) {
	step := make(chan bool)
	p := &fakeProbe{start: func(_ context.Context, b *Bench) error {
		b.Line(snap.Status{Name: "a"})
		b.Line(snap.Status{Name: "b\x1b[31m"})
		<-step
		b.Line(snap.Status{Name: "a", Outcome: snap.Attached, To: "tcx"})
		<-step
		return nil
	}}
	e := fakeEngine(p)
	run(t, e)
	first := until(t, e, func(f *snap.Frame) bool { return len(f.Start) == 2 })
	if first.Started || strings.ContainsRune(first.Start[1].Name, 0x1b) {
		t.Errorf("first lines: %+v, started %v", first.Start, first.Started)
	}
	step <- true
	until(t, e, func(f *snap.Frame) bool { return f.Start[0].Outcome == snap.Attached })
	if first.Start[0].Outcome != snap.Pending {
		t.Error("a published frame changed")
	}
	step <- true
	until(t, e, func(f *snap.Frame) bool { return f.Started })
}

func until(t *testing.T, e *Engine, ok func(*snap.Frame) bool) *snap.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ktest.Patience)
	defer cancel()
	var seq uint64
	for {
		f, err := e.Next(ctx, seq)
		if err != nil {
			t.Fatal(err)
		}
		if seq = f.Seq; ok(f) {
			return f
		}
	}
}

func TestCancelDuringStartDetaches(t *testing.T) {
	begun := make(chan bool)
	p := &fakeProbe{start: func(ctx context.Context, _ *Bench) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}}
	second := &fakeProbe{}
	e := fakeEngine(p, second)
	end := run(t, e)
	<-begun
	report := e.Close()
	if err := end(); err != nil {
		t.Errorf("run: %v", err)
	}
	if p.stopped != 1 || len(report) != 1 || second.stopped != 0 {
		t.Errorf("stopped %d and %d times, report %v", p.stopped, second.stopped, report)
	}
}

func TestCloseFromEverywhereDetachesOnce(t *testing.T) {
	p := &fakeProbe{}
	e := fakeEngine(p)
	run(t, e)
	if _, err := e.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if report := e.Close(); len(report) != 1 {
				t.Errorf("report: %v", report)
			}
		})
	}
	all.Wait()
	if p.stopped != 1 {
		t.Errorf("stopped %d times", p.stopped)
	}
	if err := e.Run(t.Context()); err == nil {
		t.Error("a second Run was allowed")
	}
}

// A worker in a system call that never returns hears of no context.
func TestAWorkerThatHangsDoesNotKeepTheEnd(t *testing.T) {
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	p := &fakeProbe{start: func(_ context.Context, b *Bench) error {
		b.Go("hung", func(context.Context) error { <-never; return nil })
		return nil
	}}
	e := fakeEngine(p)
	end := run(t, e)
	if _, err := e.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report := e.Close(); len(report) != 1 {
		t.Errorf("report: %v", report)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestCloseWithoutRun(t *testing.T) {
	e := fakeEngine(&fakeProbe{})
	if report := e.Close(); report != nil {
		t.Errorf("report %v of an engine that never ran", report)
	}
	if _, err := e.Next(t.Context(), 0); !errors.Is(err, ErrEnded) {
		t.Errorf("next: %v", err)
	}
	if a := e.Do(t.Context(), snap.Intent{Kind: snap.SetMode}); a.Err == "" {
		t.Error("an ended engine did something")
	}
}

func TestPanicsEndInTheOneTeardown(t *testing.T) {
	boom := func() { panic("boom") }
	for name, p := range map[string]*fakeProbe{
		"start":   {start: func(context.Context, *Bench) error { boom(); return nil }},
		"collect": {collect: boom},
		"worker": {start: func(_ context.Context, b *Bench) error {
			b.Go("worker", func(context.Context) error { boom(); return nil })
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			e := fakeEngine(p)
			err := run(t, e)()
			var panicked *PanicError
			if !errors.As(err, &panicked) || !strings.Contains(fmt.Sprintf("%+v", panicked), "engine_test.go") {
				t.Errorf("run: %v, want a panic with its stack", err)
			}
			if p.stopped != 1 || len(e.Close()) != 1 {
				t.Errorf("stopped %d times", p.stopped)
			}
		})
	}
	p := &fakeProbe{stop: func() []snap.Status { boom(); return nil }}
	other := &fakeProbe{}
	e := fakeEngine(other, p)
	run(t, e)
	if _, err := e.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report := e.Close(); len(report) != 2 || other.stopped != 1 {
		t.Errorf("a panic while detaching kept the others: %v", report)
	}
}

func TestNothingAttachedFallsBackAndSaysWhy(t *testing.T) {
	p := &fakeProbe{start: func(context.Context, *Bench) error { return errors.New("no bpf for you") }}
	e := fakeEngine(p)
	run(t, e)
	f, err := e.Started(t.Context())
	if err != nil || !strings.Contains(f.State.Fallback, "no bpf for you") {
		t.Errorf("fallback %q, %v", f.State.Fallback, err)
	}
	if a := e.Do(t.Context(), snap.Intent{Kind: snap.WatchInterface, Target: "eth0"}); !strings.Contains(a.Err, "no bpf for you") {
		t.Errorf("answer in the fallback: %+v", a)
	}
}

// An optional probe neither brings the fallback by its failure nor keeps it away by its success.
func TestOnlyNeededProbesFallBack(t *testing.T) {
	for _, c := range []struct{ main, beside bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		main, beside := &fakeProbe{}, &optionalProbe{}
		if !c.main {
			main.start = failing("no bpf for you")
		}
		if !c.beside {
			beside.start = failing("no kprobes")
		}
		e := fakeEngine(main, beside)
		run(t, e)
		f, err := e.Started(t.Context())
		if err != nil || (f.State.Fallback == "") != c.main {
			t.Errorf("main works %v, beside %v: fallback %q, %v", c.main, c.beside, f.State.Fallback, err)
		}
		if beside.stopped != 0 {
			t.Errorf("main works %v, beside %v: the probe beside was stopped", c.main, c.beside)
		}
		e.Close()
		if beside.stopped != 1 {
			t.Errorf("main works %v, beside %v: the probe beside was stopped %d times", c.main, c.beside, beside.stopped)
		}
	}
}

// TestManyAtOnce: readers that never read, questions, wishes, notices and snapshots in any order, then Close. Run it
// with -race.
func TestManyAtOnce(t *testing.T) {
	p := &fakeProbe{do: func(in snap.Intent) snap.Answer { return snap.Answer{Text: in.Target} }}
	e := fakeEngine(p)
	run(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 300 {
				switch rand.IntN(5) {
				case 0:
					e.Ask(snap.Query{Hz: rand.Float64() * 20, Focus: i%3 > 0, Flows: snap.FlowQuery{Limit: rand.IntN(1000) - 300}})
				case 1:
					if a := e.Do(ctx, snap.Intent{Kind: snap.SetMode, Target: "x"}); a.Text != "x" {
						t.Errorf("answer %+v", a)
					}
				case 2:
					e.Tell(snap.Info, "test", "news")
				case 3:
					if f, err := e.Snapshot(ctx, snap.Query{}); err != nil || f.Flows.Query.Limit != allRows {
						t.Errorf("snapshot: %+v, %v", f, err)
					}
				case 4:
					f, err := e.Next(ctx, 0)
					if err != nil || len(f.Notices) > maxNotices {
						t.Errorf("next: %d notices, %v", len(f.Notices), err)
					}
				}
			}
		})
	}
	all.Wait()
	e.Close()
	if _, err := e.Next(ctx, 1<<60); !errors.Is(err, ErrEnded) {
		t.Errorf("next after the end: %v", err)
	}
}

func TestPeriodFollowsTheQuestionWithinLimits(t *testing.T) {
	e := fakeEngine()
	for _, c := range []struct {
		q  snap.Query
		hz float64
	}{
		{snap.Query{Focus: true}, 2}, {snap.Query{Focus: true, Hz: 5}, 5}, {snap.Query{Focus: true, Hz: 100}, 10},
		{snap.Query{Focus: true, Hz: 0.01}, 0.2}, {snap.Query{Hz: 5}, 0.5}, {snap.Query{Hz: 0.2}, 0.2},
	} {
		e.Ask(c.q)
		if got := 1 / e.period().Seconds(); got < c.hz*0.999 || got > c.hz*1.001 {
			t.Errorf("%+v: %v Hz, want %v", c.q, got, c.hz)
		}
	}
}
