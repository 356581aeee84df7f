// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"slices"
	"strings"
	"testing"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
	"hooktop/probes/trace"
)

// ask waits for a frame that answers a question of the Trace tab.
func (r *rig) ask(what string, q snap.TraceQuery, ok func(*snap.Frame) bool) *snap.Frame {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), ktest.Patience)
	defer cancel()
	var seq uint64
	for {
		r.engine.Ask(snap.Query{Focus: true, Hz: maxHz, Tab: snap.TraceTab, Trace: q})
		f, err := r.engine.Next(ctx, seq)
		if err != nil {
			r.t.Fatalf("waiting for %s: %v", what, err)
		}
		r.note(f)
		if seq = f.Seq; f.Trace.Query == q && ok(f) {
			return f
		}
	}
}

func TestDropsShowFromTheFirstSecond(t *testing.T) {
	r := newGround(t)
	f := r.start(Config{})
	line := f.Start[slices.IndexFunc(f.Start, func(st snap.Status) bool { return st.Name == traceLine })]
	if line.Outcome != snap.Attached && line.Outcome != snap.Degraded || line.To == "" || line.Outcome == snap.Degraded && line.Why == "" {
		t.Errorf("start: %+v", line)
	}
	if f.Trace.Session.State != snap.Tracing || f.Trace.Rows != nil || f.Trace.Presets != nil {
		t.Errorf("outside the tab the frame has %+v", f.Trace)
	}
	r.peer.SendUDP(t, there+":0", here+":4343", []byte("nobody listens"), 1)
	q := snap.TraceQuery{Filter: "drop:yes dport:4343", Limit: 10, Follow: true}
	f = r.ask("the drop", q, func(f *snap.Frame) bool { return len(f.Trace.Rows) > 0 })
	if row := f.Trace.Rows[0]; row.Reason != "NO_SOCKET" && row.Reason != "" || row.Dev != "v0" || !strings.HasPrefix(row.Args, "in ") {
		t.Errorf("row %+v", row)
	}
	if len(f.Trace.Presets) < 7 {
		t.Errorf("presets: %+v", f.Trace.Presets)
	}
	f = r.ask("the picker", snap.TraceQuery{Picks: true, Pick: "kfree"}, func(*snap.Frame) bool { return true })
	if !slices.ContainsFunc(f.Trace.Functions, func(x snap.TraceFunction) bool { return x.Name == "skb:kfree_skb" && x.Event && x.SKB }) {
		t.Errorf("the picker finds %+v", f.Trace.Functions)
	}
}

func TestTracesAreStartedAndStopped(t *testing.T) {
	r := newGround(t)
	r.start(Config{})
	if a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.StartTrace, Trace: snap.TraceSpec{Pattern: "net:no_such_thing"}}); !strings.Contains(a.Err, "no_such_thing") {
		t.Errorf("answer to an unknown tracepoint: %+v", a)
	}
	if f := r.ask("the trace that ran before", snap.TraceQuery{}, func(*snap.Frame) bool { return true }); f.Trace.Session.State != snap.Tracing ||
		f.Trace.Session.Spec.Pattern != trace.Default {
		t.Errorf("a wish that can't be ended what ran: %+v", f.Trace.Session)
	}
	a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.StartTrace, Trace: snap.TraceSpec{Pattern: "@drops", Filter: "udp port 4344", Seconds: 300}})
	if a.Err != "" || a.Command != "hooktop trace @drops --filter 'udp port 4344' --for 300s" {
		t.Errorf("answer: %+v", a)
	}
	r.peer.SendUDP(t, there+":0", here+":4344", []byte("nobody listens"), 2)
	f := r.ask("both drops", snap.TraceQuery{Limit: 10}, func(f *snap.Frame) bool { return f.Trace.Matched >= 2 })
	if f.Trace.Matched != 2 || f.Trace.Rows[1].Packet != 2 || f.Trace.Session.Spec.Pattern != "@drops" {
		t.Errorf("%+v", f.Trace)
	}
	if a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.StopTrace}); a.Err != "" {
		t.Errorf("stop: %+v", a)
	}
	f = r.ask("the end", snap.TraceQuery{Limit: 10}, func(f *snap.Frame) bool { return f.Trace.Session.State == snap.TraceStopped })
	if len(f.Trace.Rows) != 2 || f.Trace.Session.Why == "" {
		t.Errorf("after the end: %+v", f.Trace)
	}
	if a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.StopTrace}); a.Err == "" {
		t.Error("a trace was stopped twice")
	}
}

func TestRunTraceEmitsInOrder(t *testing.T) {
	r := newGround(t)
	var last uint64
	enough := make(chan struct{})
	session, err := RunTrace(t.Context(), snap.TraceSpec{Pattern: "@drops", Filter: "udp port 4345", Packets: 3, Seconds: 300}, func(events []snap.TraceEvent) error {
		for _, e := range events {
			if e.Seq != last+1 {
				t.Errorf("event %d after %d", e.Seq, last)
			}
			last = e.Seq
		}
		return nil
	}, func() {
		go func() {
			defer close(enough)
			r.peer.SendUDP(t, there+":0", here+":4345", []byte("nobody listens"), 3)
		}()
	})
	if err == nil {
		<-enough
	}
	if err != nil || session.Packets != 3 || last != 3 || session.Why == "" {
		t.Errorf("%+v, %v, %d events", session, err, last)
	}
	if _, err := RunTrace(t.Context(), snap.TraceSpec{Pattern: "@nothing"}, nil, nil); err == nil || !strings.Contains(err.Error(), trace.Default) {
		t.Errorf("an unknown preset: %v", err)
	}
}
