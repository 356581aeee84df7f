// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/probes/trace"
	"hooktop/probes/trace/functions"
)

// tracer is the Probe of the Trace tab: one session at a time, the default preset first.
type tracer struct {
	b       *Bench
	ctx     context.Context
	cat     *functions.Catalog
	lacking string // why nothing can be traced
	session *trace.Session
	presets []snap.TracePreset

	picked    string // the picker's text that functions answers
	asked     bool
	functions []snap.TraceFunction
	pickable  int
}

var (
	_ Doer     = (*tracer)(nil)
	_ Optional = (*tracer)(nil)
)

func newTracer() Probe { return &tracer{} }

// Optional: the other tabs do without it.
func (*tracer) Optional() {}

const traceLine = "trace " + trace.Default

// Start reads what this kernel can trace, and starts the default preset, so that the tab is never empty.
func (t *tracer) Start(ctx context.Context, b *Bench, done func(error)) {
	t.b, t.ctx = b, ctx
	if b.Config.NoTrace {
		done(nil)
		return
	}
	b.Line(snap.Status{Name: traceLine})
	t.load(func() {
		if t.lacking != "" {
			b.Line(snap.Status{Name: traceLine, Outcome: snap.Unavailable, Why: t.lacking, Fix: "hooktop check"})
			done(errors.New(t.lacking))
			return
		}
		t.begin(trace.AtLaunch(), func(st snap.TraceSession) {
			b.Line(tracedLine(st))
			done(nil)
		})
	})
}

// load reads what this kernel can trace, unless that is known.
func (t *tracer) load(then func()) {
	if t.cat != nil {
		then()
		return
	}
	var cat *functions.Catalog
	var err error
	t.b.Aside(func() { cat, err = functions.Load(functions.Options{}) }, func() {
		if err != nil {
			t.lacking = clean(err.Error())
			then()
			return
		}
		t.cat, t.lacking, t.presets = cat, "", trace.Presets(cat.Lacks())
		for _, note := range cat.Notes() {
			t.b.Notify(snap.Info, "trace", note)
		}
		then()
	})
}

// tracedLine is the start screen's line of the default preset.
func tracedLine(st snap.TraceSession) snap.Status {
	line := snap.Status{Name: traceLine, Outcome: snap.Attached, To: fmt.Sprintf("%s, %d of %d", st.Means, st.Attached, st.Wanted)}
	switch {
	case st.State == snap.TraceFailed:
		return snap.Status{Name: traceLine, Outcome: snap.Unavailable, Why: st.Why, Fix: "hooktop check"}
	case st.MeansWhy != "":
		line.Outcome, line.Why = snap.Degraded, st.MeansWhy
	case st.Attached < st.Wanted && len(st.Failed) > 0:
		line.Outcome, line.Why = snap.Degraded, st.Failed[0].Name
	}
	return line
}

// begin ends the session that runs and starts another. then hears its state once it is attached, or failed.
func (t *tracer) begin(spec snap.TraceSpec, then func(snap.TraceSession)) {
	before, s := t.session, trace.New(t.cat, spec, nil)
	t.session = s
	t.b.Aside(func() {
		if before != nil {
			before.Stop("another trace began")
			<-before.Done()
		}
		s.Attach(t.ctx) // State has the error
	}, func() {
		t.b.Go("trace", func(ctx context.Context) error {
			s.Read(ctx) // State has the error; the engine goes on
			return nil
		})
		then(s.State())
	})
}

// Do starts and stops traces.
func (t *tracer) Do(_ context.Context, in snap.Intent, answer func(snap.Answer)) bool {
	switch in.Kind {
	case snap.StartTrace:
		t.load(func() {
			if t.cat == nil {
				answer(snap.Answer{Err: "trace: " + t.lacking})
				return
			}
			var bad error
			t.b.Aside(func() { bad = trace.Check(t.cat, in.Trace) }, func() {
				if bad != nil { // what runs goes on
					answer(snap.Answer{Err: clean(bad.Error())})
					return
				}
				t.begin(in.Trace, func(st snap.TraceSession) { answer(traceAnswer(st)) })
			})
		})
	case snap.StopTrace:
		answer(t.stop())
	default:
		return false
	}
	return true
}

func (t *tracer) stop() snap.Answer {
	if t.session == nil || t.session.State().State > snap.Tracing {
		return snap.Answer{Err: "no trace runs"}
	}
	t.session.Stop("stopped by hand")
	return snap.Answer{Text: "the trace is stopped"}
}

func traceAnswer(st snap.TraceSession) snap.Answer {
	switch st.State {
	case snap.TraceFailed:
		return snap.Answer{Err: st.Why}
	case snap.TraceStopped:
		return snap.Answer{Text: "trace: " + st.Why}
	}
	text := fmt.Sprintf("tracing %s by %s: %d of %d attached", clean(st.Spec.Pattern), st.Means, st.Attached, st.Wanted)
	return snap.Answer{Text: text, Command: traceCommand(st.Spec)}
}

// traceCommand is the command line that does the same.
func traceCommand(spec snap.TraceSpec) string {
	command := "hooktop trace " + shellQuoted(spec.Pattern)
	if spec.Filter != "" {
		command += " --filter " + shellQuoted(spec.Filter)
	}
	return command + fmt.Sprintf(" --for %ds", spec.Seconds)
}

// shellQuoted makes one word of a text for a shell.
func shellQuoted(text string) string {
	text = clean(text)
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@:,./-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Collect does nothing: the session reads by itself.
func (t *tracer) Collect(time.Time) {}

// Second does nothing: a session stops by itself.
func (t *tracer) Second(time.Time) {}

// Fill answers the Trace tab; the session's state is for all.
func (t *tracer) Fill(_ time.Time, q *snap.Query, f *snap.Frame) {
	if t.session != nil {
		f.Programs = append(slices.Clip(f.Programs), t.session.Programs()...)
	}
	if q.Tab == snap.TraceTab {
		if t.session != nil {
			f.Trace = t.session.View(q.Trace)
		}
		f.Trace.Query, f.Trace.Presets = q.Trace, t.presets
		t.pick(q.Trace, &f.Trace)
	}
	switch {
	case t.session != nil:
		f.Trace.Session = t.session.State()
	case t.lacking != "":
		f.Trace.Session = snap.TraceSession{State: snap.TraceFailed, Why: t.lacking}
	}
}

// pick answers the picker; the answer to an unchanged text is kept.
func (t *tracer) pick(q snap.TraceQuery, view *snap.TraceView) {
	if !q.Picks || t.cat == nil {
		t.functions, t.asked = nil, false
		return
	}
	if !t.asked || q.Pick != t.picked {
		t.functions, t.pickable = trace.Functions(t.cat, q.Pick)
		t.picked, t.asked = q.Pick, true
	}
	view.Functions, view.Pickable = t.functions, t.pickable
}

// detachWithin bounds how long the end waits for a session to detach: single kprobes take up to 80 ms each, and on a slow
// machine the kernel needs seconds more to free their programs.
const detachWithin = 25 * time.Second

// Stop detaches.
func (t *tracer) Stop() []snap.Status {
	if t.session == nil {
		return nil
	}
	st := snap.Status{Name: "trace " + clean(t.session.State().Spec.Pattern), Outcome: snap.Detached}
	t.session.Stop("hooktop ends")
	select {
	case <-t.session.Done():
	case <-time.After(detachWithin):
		st.Outcome, st.Why, st.Fix = snap.Unavailable, fmt.Sprintf("it is not detached after %v", detachWithin), "it ends with this process"
	}
	return []snap.Status{st}
}

// TracePresets lists what a trace can be started by name with on this kernel.
func TracePresets() ([]snap.TracePreset, error) {
	cat, err := functions.Load(functions.Options{})
	if err != nil {
		return nil, err
	}
	return trace.Presets(cat.Lacks()), nil
}

// RunTrace traces without an engine, until a limit is reached or ctx ends. attached, which may be nil, hears that everything is
// attached; emit hears the events in their order, see trace.New, and its error ends the trace. What comes back says why it stopped, and what
// was lost.
func RunTrace(ctx context.Context, spec snap.TraceSpec, emit func([]snap.TraceEvent) error, attached func()) (snap.TraceSession, error) {
	cat, err := functions.Load(functions.Options{})
	if err != nil {
		return snap.TraceSession{Spec: spec, State: snap.TraceFailed, Why: clean(err.Error())}, err
	}
	s := trace.New(cat, spec, emit)
	if err := s.Attach(ctx); err != nil {
		return s.State(), err
	}
	if attached != nil {
		attached()
	}
	err = s.Read(ctx)
	return s.State(), err
}
