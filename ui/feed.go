// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"errors"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/core"
	"hooktop/ui/widget/start"
)

const (
	minHz       = 0.2
	blurredHz   = 0.5
	pausedHz    = 0.2
	calm        = 10 * time.Second // without trouble before the rate is doubled again
	overwritten = 2                // snapshots lost to the mailbox that mean the screen is behind
	startStays  = 10 * time.Second // the start screen, when something is not fine
	wantFrames  = 5                // frames waited for to answer a query asked while paused
)

// feed is the state of frames in and queries out.
type feed struct {
	frame   *snap.Frame // shown
	waiting *snap.Frame // newest one that came while paused
	seq     uint64
	arrived time.Time
	ended   error // why no more frames come
	query   snap.Query
	asked   bool
	anew    bool    // the next question is to be answered with newly collected, newly ranked rows
	hz      float64 // chosen
	halved  int     // times the rate was halved because the terminal is behind
	halving time.Time
	focus   bool
	want    int       // > 0: a query was asked while paused, its answer is shown
	skipGap bool      // the next gap in sequence numbers is our own doing
	held    time.Time // since when the order is held
	notice  uint64    // newest notice shown
	unseen  bool      // a warning came that nobody has looked up yet
}

type frameMsg struct {
	frame *snap.Frame
	err   error
}

// next waits for one frame. Handling it arms the next one: there is never more than one under way.
func (m *model) next() tea.Cmd {
	ctx, b, seq := m.ctx, m.opt.Backend, m.feed.seq
	return func() tea.Msg {
		f, err := b.Next(ctx, seq)
		return frameMsg{f, err}
	}
}

func (m *model) onFrame(msg frameMsg) tea.Cmd {
	now := m.env.Now()
	if msg.err != nil || msg.frame == nil {
		m.views.dirty = true
		if m.ctx.Err() == nil {
			m.feed.ended = msg.err
			if msg.err == nil {
				m.feed.ended = errors.New("it gave no frame")
			}
		}
		return nil
	}
	f := msg.frame
	m.pace(f, now)
	m.feed.seq, m.feed.arrived, m.feed.ended = f.Seq, now, nil
	m.notices(f)
	m.started(f, now)
	if m.env.Paused && m.feed.frame != nil && m.feed.want == 0 {
		m.feed.waiting = f // nothing changes on the screen
		return m.next()
	}
	if m.feed.want > 0 {
		m.feed.want--
		if answers(f, &m.feed.query) {
			m.feed.want = 0
		}
	}
	cmd := m.show(f)
	return tea.Batch(cmd, m.next())
}

// pace slows down when the terminal is behind: a write took long, or frames were lost to the mailbox for as long as it takes
// to make them. Before the engine has started, and after a key, frames come in bursts that say nothing.
func (m *model) pace(f *snap.Frame, now time.Time) {
	away := time.Duration(overwritten * float64(time.Second) / m.rate())
	lost := f.Seq > m.feed.seq+overwritten && now.Sub(m.feed.arrived) >= away && !m.feed.skipGap
	slow := m.host.slow()
	steady := m.feed.frame != nil && m.feed.frame.Started
	m.feed.skipGap = false
	if steady && (slow || lost) {
		m.slower(now)
	}
}

// show puts a frame before the tab in view. Hidden tabs get it when they come into view, but for the one that holds the draft
// while another shows it.
func (m *model) show(f *snap.Frame) tea.Cmd {
	m.views.dirty = true
	m.feed.frame, m.feed.waiting = f, nil
	cmd := m.give(f)
	m.ask(false)
	return cmd
}

// give hands a frame to the tab in view. A tab that shows lines of the draft needs its holder to know what they are.
func (m *model) give(f *snap.Frame) tea.Cmd {
	msg := core.FrameMsg{Frame: f}
	if d := m.drafter(); d >= 0 && d != m.at && m.drafting() {
		return tea.Batch(m.toTab(d, msg), m.toTab(m.at, msg))
	}
	return m.toTab(m.at, msg)
}

// started follows the start screen: it leaves by itself when all is fine, later or at a key when not.
func (m *model) started(f *snap.Frame, now time.Time) {
	if m.start != nil {
		m.start.Frame = f
	}
	if f.Started && m.begun.IsZero() {
		m.begun = now
		m.leaveStart(now)
	}
}

func (m *model) leaveStart(now time.Time) {
	if m.start == nil || m.over != m.start || m.begun.IsZero() || m.start.Frame == nil {
		return
	}
	fine := start.Fine(m.start.Frame)
	if m.stays || !fine && now.Sub(m.begun) < startStays {
		return
	}
	m.closeOverlay()
	m.views.dirty = true
	if !fine {
		m.toasts.Add(now, core.ToastMsg{Sev: snap.Warn, Text: start.Summary(m.feed.frame0()) + ": ! shows which and why"})
	}
}

// frame0 is the newest frame that is known, shown or not.
func (f *feed) frame0() *snap.Frame {
	switch {
	case f.waiting != nil:
		return f.waiting
	case f.frame != nil:
		return f.frame
	}
	return &snap.Frame{}
}

// notices puts new ones on the message line. Those that stood before the first frame are history.
func (m *model) notices(f *snap.Frame) {
	for _, n := range f.Notices {
		if n.Seq <= m.feed.notice {
			continue
		}
		m.feed.notice = n.Seq
		if n.Sev >= snap.Warn && m.at != m.alertTab() && m.start == nil {
			m.feed.unseen = true
		}
		if n.Sev == snap.Info && m.start != nil {
			continue // the start screen says it
		}
		text := n.Text
		if n.From != "" {
			text = n.From + ": " + text
		}
		m.toasts.Add(m.env.Now(), core.ToastMsg{Sev: n.Sev, Text: text, From: n.From})
		m.views.dirty = true // also while paused
	}
}

// alertTab is the tab that is marked while warnings were not looked at: the one where the engine's doings are shown.
func (m *model) alertTab() int {
	return slices.IndexFunc(m.tabs, func(t core.Tab) bool { return t.Name() == "Programs" })
}

// rate is the number of frames a second that the engine is asked for.
func (m *model) rate() float64 {
	switch {
	case m.env.Paused:
		return pausedHz
	case !m.feed.focus:
		return min(blurredHz, m.feed.hz)
	}
	return m.now()
}

// now is the chosen rate, halved as often as the terminal fell behind.
func (m *model) now() float64 { return max(m.feed.hz/float64(int(1)<<m.feed.halved), minHz) }

func (m *model) slower(now time.Time) {
	m.feed.halving = now
	if m.now() <= minHz {
		return
	}
	m.feed.halved++
	m.ask(true)
	if m.feed.halved == 1 {
		m.toasts.Add(now, core.ToastMsg{Sev: snap.Warn, Text: "refresh slowed from " + hz(m.feed.hz) + " to " + hz(m.now()) + ": the terminal is behind"})
	}
}

// recover doubles the rate again after a calm while.
func (m *model) recover(now time.Time) {
	if m.feed.halved > 0 && now.Sub(m.feed.halving) >= calm {
		m.feed.halved--
		m.feed.halving = now
		m.views.dirty = true
		m.ask(true)
	}
}

// ask collects the query from the tab in view and hands it to the engine when it differs from the last one, or when forced.
func (m *model) ask(force bool) {
	if len(m.tabs) == 0 {
		return
	}
	q := snap.Query{Tab: m.tab().Name(), Hz: m.rate(), Focus: m.feed.focus}
	m.tab().Query(&q)
	hold := q.Flows.Hold
	switch {
	case !hold:
		m.feed.held = time.Time{}
	case m.feed.held.IsZero():
		m.feed.held = m.env.Now()
	}
	if m.confirm != nil || m.tab().Capturing() || m.over != nil && m.over != overlay(m.start) {
		q.Flows.Hold = true // rows must not move under a menu or while a field is edited; a new filter is still answered in its own order
	}
	q.Flows.Rerank = q.Flows.Rerank || m.feed.anew
	m.feed.anew = false
	q.ID = m.feed.query.ID
	if !force && m.feed.asked && same(q, m.feed.query) && !(q.Flows.Rerank && !m.feed.query.Flows.Rerank) {
		m.feed.query.Flows.Rerank = q.Flows.Rerank
		return
	}
	if m.env.Paused && m.feed.asked && (q.Flows != m.feed.query.Flows || q.Trace != m.feed.query.Trace) {
		m.feed.want = wantFrames
	}
	q.ID++
	m.feed.query, m.feed.asked = q, true
	m.opt.Backend.Ask(q)
}

// answers reports whether a frame answers what the tab in view asked. A question that a tab does not ask is empty in both.
func answers(f *snap.Frame, q *snap.Query) bool {
	if q.Trace != (snap.TraceQuery{}) {
		return f.Trace.Query == q.Trace
	}
	return f.Flows.Query == q.Flows
}

// same compares queries without the one-shot wish to rank again.
func same(a, b snap.Query) bool {
	a.Flows.Rerank, b.Flows.Rerank = false, false
	return a == b
}

// refresh asks for new data now, whatever the rate.
func (m *model) refresh() tea.Cmd {
	var cmd tea.Cmd
	if m.feed.ended != nil && m.ctx.Err() == nil && !errors.Is(m.feed.ended, context.Canceled) {
		m.feed.ended = nil
		cmd = m.next()
	}
	if m.env.Paused {
		m.feed.want = wantFrames
	}
	m.feed.anew = true
	m.ask(true)
	return cmd
}
