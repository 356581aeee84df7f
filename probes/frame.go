// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"slices"
	"time"

	"hooktop/probes/snap"
)

// maxNotices is how many notices a frame carries.
const maxNotices = 200

// publish makes a frame for the newest query. It never waits for a reader.
func (e *Engine) publish(now time.Time) {
	e.mail.put(e.frame(now, e.query.Load()))
}

func (e *Engine) frame(now time.Time, q *snap.Query) *snap.Frame {
	e.seq++
	f := &snap.Frame{
		Seq: e.seq, At: now, Host: e.about.host, NetNS: e.about.netns,
		State: snap.State{
			Fallback: e.fallback, ReadOnly: e.cfg.ReadOnly, HeldBy: e.cfg.HeldBy,
			Kernel: e.about.kernel, Hz: float64(time.Second) / float64(e.period()),
		},
		Start: e.start, Started: e.started, Notices: e.notices,
	}
	for _, p := range e.probes {
		p.Fill(now, q, f)
	}
	if n := e.untold.Load(); n > 0 {
		f.Lost = append(slices.Clip(f.Lost), snap.Count{Name: "notices dropped", N: n})
	}
	return f
}

// line adds or replaces a status line. Frames share e.start, so that it is copied before it changes.
func (e *Engine) line(st snap.Status) {
	st = cleanStatus(st)
	next := slices.Clone(e.start)
	if i := slices.IndexFunc(next, func(s snap.Status) bool { return s.Name == st.Name }); i >= 0 {
		next[i] = st
	} else {
		next = append(next, st)
	}
	e.start = next
	if !e.started {
		e.publish(time.Now())
	}
}

// notify adds a notice; the oldest goes when there are too many. The slice is shared with frames and never changed.
func (e *Engine) notify(sev snap.Severity, from, text string) {
	e.noticed++
	keep := e.notices
	if len(keep) >= maxNotices {
		keep = keep[len(keep)-maxNotices+1:]
	}
	next := make([]snap.Notice, 0, len(keep)+1)
	next = append(next, keep...)
	e.notices = append(next, snap.Notice{Seq: e.noticed, At: time.Now(), Sev: sev, From: from, Text: clean(text)})
}
