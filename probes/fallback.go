// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"fmt"
	"time"

	"hooktop/probes/fallback"
	"hooktop/probes/flows"
	"hooktop/probes/snap"
)

// fallbackView shows flows from conntrack and /proc where eBPF can't run (DESIGN 2). It changes nothing.
type fallbackView struct {
	b       *Bench
	source  *fallback.Source
	store   *flows.Store
	join    *joiner
	read    time.Time
	reading bool
	said    map[string]bool // limits that were told
	failing bool
}

// fallbackEvery is how often connections are dumped: a dump of a busy conntrack costs more than a look at the flow table.
const fallbackEvery = time.Second

func newFallback() Probe { return &fallbackView{said: map[string]bool{}} }

// Start reads connections once. The error says that not even that works.
func (v *fallbackView) Start(_ context.Context, b *Bench, done func(error)) {
	v.b = b
	v.source = fallback.New(fallback.Options{Host: b.Host})
	v.store = flows.New(v.source, flows.Options{})
	v.join = newJoiner(b, nil)
	b.Line(snap.Status{Name: "conntrack and /proc"})
	v.refresh(func(err error) {
		if err != nil {
			b.Line(snap.Status{Name: "conntrack and /proc", Outcome: snap.Unavailable, Why: err.Error()})
			done(err)
			return
		}
		b.Line(snap.Status{Name: "conntrack and /proc", Outcome: snap.Degraded, To: "read-only view", Why: "without eBPF"})
		v.join.start()
		done(nil)
	})
}

// refresh reads connections aside: a dump of a busy conntrack takes a while.
func (v *fallbackView) refresh(then func(error)) {
	v.reading = true
	var err error
	v.b.Aside(func() { err = v.source.Refresh() }, func() {
		now := time.Now()
		v.reading, v.read = false, now
		if err == nil {
			err = v.store.Collect(now)
		}
		v.limits()
		then(err)
	})
}

// limits tells what this view can't know, each limit once.
func (v *fallbackView) limits() {
	for _, text := range v.source.Limits() {
		if !v.said[text] {
			v.said[text] = true
			v.b.Notify(snap.Warn, "fallback", text)
		}
	}
}

// Collect begins to read connections, at most once a second.
func (v *fallbackView) Collect(now time.Time) {
	if v.store == nil || v.reading || now.Sub(v.read) < fallbackEvery {
		return
	}
	v.refresh(func(err error) {
		if err != nil && !v.failing {
			v.b.Notify(snap.Warn, "fallback", fmt.Sprintf("connections could not be read: %v", err))
		}
		v.failing = err != nil
	})
}

// Fill answers the query as the flow table would.
func (v *fallbackView) Fill(now time.Time, q *snap.Query, f *snap.Frame) {
	if v.store == nil {
		return
	}
	v.join.fill(f)
	v.join.names = q.Flows.Names
	f.Totals = v.store.Totals()
	f.Lost = v.join.lost()
	f.Flows = v.store.Answer(now, q.Flows, v.join)
}

// Second does nothing: there is nothing that somebody could take off.
func (v *fallbackView) Second(time.Time) {}

// Stop has nothing to detach.
func (v *fallbackView) Stop() []snap.Status { return nil }
