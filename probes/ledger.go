// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"time"

	"hooktop/probes/ledger"
	"hooktop/probes/snap"
)

const (
	// ledgerEvery is how often the ledger is read at most.
	ledgerEvery = time.Second
	// ledgerShare bounds its cost where there are thousands of devices or netfilter rules: it is read for at most one part
	// in so many of the time.
	ledgerShare = 50
)

// ledgerView puts the ledger of drops on the Trace tab. It needs no eBPF.
type ledgerView struct {
	b       *Bench
	ledger  *ledger.Ledger
	asking  bool
	waiting []func()  // for the end of the next look
	next    time.Time // not read again before
}

var (
	_ Optional = (*ledgerView)(nil)
	_ Preparer = (*ledgerView)(nil)
)

// Optional: the other tabs do without it.
func (v *ledgerView) Optional() {}

// Start reads the counters once: Since begins here. A source that can't be read is an entry of the ledger, no failure.
func (v *ledgerView) Start(_ context.Context, b *Bench, done func(error)) {
	v.b, v.ledger = b, ledger.New(ledger.Options{Host: b.Host})
	v.look(func() { done(nil) })
}

// look asks netlink apart, and reads the rest on the engine's goroutine, whose thread is in its network namespace.
func (v *ledgerView) look(then func()) {
	if v.asking {
		v.waiting = append(v.waiting, then) // what is under way may have read before the wish
		return
	}
	v.asking = true
	began := time.Now()
	var told ledger.Told
	v.b.Apart(func(context.Context) { told = v.ledger.Ask() }, func() {
		v.asking = false
		now := time.Now()
		v.ledger.Look(now, told)
		v.next = now.Add(max(ledgerEvery, ledgerShare*now.Sub(began)))
		waiting := v.waiting
		v.waiting = nil
		then()
		if len(waiting) > 0 {
			v.look(func() {
				for _, w := range waiting {
					w()
				}
			})
		}
	})
}

// Collect does nothing: only Fill knows whether somebody looks.
func (v *ledgerView) Collect(time.Time) {}

// Prepare reads the counters.
func (v *ledgerView) Prepare(q *snap.Query, ready func()) {
	if v.ledger == nil || q.Tab != snap.TraceTab {
		ready()
		return
	}
	v.look(ready)
}

// Fill shows what was read last, and has the counters read for the next frame when it is time to.
func (v *ledgerView) Fill(now time.Time, q *snap.Query, f *snap.Frame) {
	if v.ledger == nil || q.Tab != snap.TraceTab {
		return
	}
	if !v.asking && q.Flows.Limit != allRows && (q.Flows.Rerank || !now.Before(v.next)) {
		v.look(func() {})
	}
	f.Ledger = v.ledger.Read()
}

// Second does nothing.
func (v *ledgerView) Second(time.Time) {}

// Stop has nothing to detach.
func (v *ledgerView) Stop() []snap.Status { return nil }
