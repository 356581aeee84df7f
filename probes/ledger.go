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
	ledger *ledger.Ledger
	next   time.Time // not read again before
}

// Optional: the other tabs do without it.
func (v *ledgerView) Optional() {}

// Start reads the counters once: Since begins here. A source that can't be read is an entry of the ledger, no failure.
func (v *ledgerView) Start(_ context.Context, b *Bench, done func(error)) {
	v.ledger = ledger.New(ledger.Options{Host: b.Host})
	v.look(time.Now())
	done(nil)
}

func (v *ledgerView) look(now time.Time) {
	began := time.Now()
	v.ledger.Look(now)
	v.next = now.Add(max(ledgerEvery, ledgerShare*time.Since(began)))
}

// Collect does nothing: only Fill knows whether somebody looks.
func (v *ledgerView) Collect(time.Time) {}

// Fill reads the counters, on the engine's goroutine, whose thread is in its network namespace.
func (v *ledgerView) Fill(now time.Time, q *snap.Query, f *snap.Frame) {
	if v.ledger == nil || q.Tab != snap.TraceTab {
		return
	}
	if q.Flows.Rerank || !now.Before(v.next) {
		v.look(now)
	}
	f.Ledger = v.ledger.Read()
}

// Second does nothing.
func (v *ledgerView) Second(time.Time) {}

// Stop has nothing to detach.
func (v *ledgerView) Stop() []snap.Status { return nil }
