// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"reflect"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/uitest"
)

// traced is a frame of a trace that answers the last question.
func (s *stage) traced() {
	s.frame(func(f *snap.Frame) {
		t := uitest.TraceFrame()
		f.Trace, f.Ledger = uitest.AnswerTrace(&t.Trace, uitest.Events(60), s.b.last().Trace), t.Ledger
	})
}

func TestAFlowIsTracedFromItsRow(t *testing.T) {
	s := newStage(t, 80, 24, realTabs)
	s.frame()
	s.press("i")
	want := snap.Intent{Kind: snap.StartTrace, Trace: snap.TraceSpec{Pattern: "@journey", Filter: "tcp flow 10.4.1.17:51544 > 10.9.0.10:443"}}
	if len(s.b.did) != 1 || !reflect.DeepEqual(s.b.did[0], want) {
		t.Errorf("the engine was asked for %+v", s.b.did)
	}
	s.want("[5 Trace]")
	s.traced()
	s.want("[5 Trace]", "TRACING 212 packets", "@receive", "tcp_v4_rcv", "60 of 60", "? help")
	s.b.answer = snap.Answer{Err: "trace @journey: nothing could be attached: lockdown"}
	s.press("1", "j", "i")
	s.want("✗ trace @journey: nothing could be attached: lockdown")
}

// TestTheFormShowsItsErrorsItself: one error, one place; a toast would stand until esc when the error is long mended.
func TestTheFormShowsItsErrorsItself(t *testing.T) {
	s := newStage(t, 80, 24, realTabs)
	s.frame()
	s.press("5")
	s.traced()
	s.b.answer = snap.Answer{Err: "no such function"}
	s.press("n", "enter")
	s.want("functions [", "✗ no such function")
	s.b.answer = snap.Answer{Text: "tracing", Command: "hooktop trace @default"}
	s.press("enter")
	s.wantNot("functions [", "no such function")
	s.want("✓ tracing")
	s.press("@")
	s.want("hooktop trace @default")
}

func TestATraceAnswersWhilePaused(t *testing.T) {
	s := newStage(t, 80, 24, realTabs)
	s.frame()
	s.press("5")
	s.traced()
	s.press("space")
	s.want("PAUSED", "60 of 60")
	s.press("k", "enter") // the journey is another question: its answer is shown
	s.traced()
	s.want("PACKET 7 ")
	if s.m.feed.want != 0 {
		t.Errorf("%d more frames would be shown while paused", s.m.feed.want)
	}
	s.press("esc", "g")
	s.traced()
	s.want("1 of 60")
}
