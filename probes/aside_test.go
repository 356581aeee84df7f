// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"errors"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

// While programs are loaded, frames come, questions and wishes are answered, and the start is not over.
func TestNothingWaitsForWorkAside(t *testing.T) {
	load := make(chan struct{})
	p := &fakeProbe{
		aside: func(b *Bench, done func(error)) {
			b.Line(snap.Status{Name: "a"})
			b.Aside(func() { <-load }, func() {
				b.Line(snap.Status{Name: "a", Outcome: snap.Attached})
				done(nil)
			})
		},
		do: func(snap.Intent) snap.Answer { return snap.Answer{Text: "done"} },
	}
	e := fakeEngine(p)
	run(t, e)
	e.Ask(snap.Query{Focus: true, Flows: snap.FlowQuery{Filter: "now"}})
	f := until(t, e, func(f *snap.Frame) bool { return f.Flows.Query.Filter == "now" })
	if a := e.Do(t.Context(), snap.Intent{Kind: snap.SetMode}); a.Text != "done" {
		t.Errorf("answer %+v", a)
	}
	if f.Started || len(f.Start) != 1 || f.Start[0].Outcome != snap.Pending {
		t.Errorf("started %v, lines %+v", f.Started, f.Start)
	}
	close(load)
	f = until(t, e, func(f *snap.Frame) bool { return f.Started })
	if f.Start[0].Outcome != snap.Attached {
		t.Errorf("lines %+v", f.Start)
	}
}

// Close detaches and returns while the verifier still works; what the work was for is dropped.
func TestCloseDoesNotWaitForWorkAside(t *testing.T) {
	load, begun, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	p := &fakeProbe{aside: func(b *Bench, done func(error)) {
		b.Aside(func() {
			close(begun)
			<-load
			close(ended)
		}, func() { t.Error("then was called after the end") })
	}}
	e := fakeEngine(p)
	end := run(t, e)
	<-begun
	if report := e.Close(); len(report) != 1 || p.stopped != 1 {
		t.Errorf("report %+v, stopped %d times", report, p.stopped)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
	close(load)
	<-ended
}

func TestAPanicInWorkAsideEndsTheEngine(t *testing.T) {
	e := fakeEngine(&fakeProbe{aside: func(b *Bench, done func(error)) { b.Aside(func() { panic("verifier") }, func() {}) }})
	var panicked *PanicError
	if err := run(t, e)(); !errors.As(err, &panicked) {
		t.Errorf("error %v", err)
	}
}

// A start that fails later, too, ends in the fallback.
func TestALateFailureFallsBack(t *testing.T) {
	e := fakeEngine(&fakeProbe{aside: func(b *Bench, done func(error)) {
		b.Aside(func() {}, func() { done(errors.New("no eBPF")) })
	}})
	run(t, e)
	f := until(t, e, func(f *snap.Frame) bool { return f.Started })
	if !strings.Contains(f.State.Fallback, "no eBPF") {
		t.Errorf("fallback %q", f.State.Fallback)
	}
}

// Each wish to rank again is good for one answer, and a second one counts.
func TestAWishToRankIsAnsweredOnce(t *testing.T) {
	collected := 0
	e := fakeEngine(&fakeProbe{collect: func() { collected++ }})
	e.cfg.Hz = minHz
	run(t, e)
	var seq uint64
	for range 3 {
		e.Ask(snap.Query{Focus: true, Flows: snap.FlowQuery{Rerank: true}})
		// The frame with the answer may be replaced before it is read: then the wish is used up.
		seq = until(t, e, func(f *snap.Frame) bool {
			return f.Seq > seq && (f.Flows.Query.Rerank || !e.query.Load().Flows.Rerank)
		}).Seq
		for e.query.Load().Flows.Rerank { // each turn lets the engine's goroutine go on
			if _, err := e.Snapshot(t.Context(), snap.Query{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	e.Close()
	if collected < 4 { // at the start, and for each wish
		t.Errorf("collected %d times", collected)
	}
}
