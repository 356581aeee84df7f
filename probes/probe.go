// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"time"

	"hooktop/probes/snap"
)

// Probe is anything that looks. All methods are called on the engine's goroutine, one after another; a probe that needs
// more takes Bench.Go.
type Probe interface {
	// Start begins to attach and reports each program by Bench.Line as it goes; slow work is for Bench.Aside. One failing
	// program stops no other. done is called once, on the engine's goroutine, when everything was tried: in Start or
	// later. Its error says why nothing at all of this probe works; what that means for the rest see Optional.
	Start(ctx context.Context, b *Bench, done func(error))
	// Collect reads the kernel. It is called once a tick.
	Collect(now time.Time)
	// Fill writes the probe's part of a frame that answers q. Nothing written may change later.
	Fill(now time.Time, q *snap.Query, f *snap.Frame)
	// Second is called once a second: self-check, slow counters.
	Second(now time.Time)
	// Stop detaches, also after a failed or half-done Start, and says what was detached.
	Stop() []snap.Status
}

// LinkWatcher is a Probe that follows devices.
type LinkWatcher interface {
	OnLink(ctx context.Context, ev snap.LinkEvent)
}

// Doer is a Probe that carries out intents. It answers once, in Do or later, on the engine's goroutine; Do reports false
// for an intent that is not its own.
type Doer interface {
	Do(ctx context.Context, in snap.Intent, answer func(snap.Answer)) bool
}

// Preparer is a Probe that reads more for a snapshot than for a frame, or reads it no sooner than it must, and may have to wait for
// the kernel: it does so aside.
type Preparer interface {
	// Prepare reads what a snapshot that answers q shows, and calls ready, once, on the engine's goroutine, when it is there.
	Prepare(q *snap.Query, ready func())
}

// Optional is a Probe that the rest can do without. Its failure is a notice and no reason for the fallback, and it stays
// when the fallback replaces the others. A Probe without this method is needed.
type Optional interface {
	Optional()
}

// needed says whether there is nothing to see when p and those like it fail.
func needed(p Probe) bool {
	_, optional := p.(Optional)
	return !optional
}

// registry lists the probes in start order. Adding a probe is one line here.
func registry() []func() Probe {
	pl := newPipeline()
	return []func() Probe{
		func() Probe { return pl },
		func() Probe { return &policer{pl: pl} },
		func() Probe { return &eventer{pl: pl} },
		func() Probe { return &tunneler{pl: pl} },
		func() Probe { return &ledgerView{} },
		func() Probe { return newTracer() },
	}
}

// Bench is what a probe works with.
type Bench struct {
	Host   Host
	Config Config
	engine *Engine
}

// Line adds a status line to the start screen, or replaces the one with the same name, and publishes it.
func (b *Bench) Line(st snap.Status) { b.engine.line(st) }

// Notify tells the operator something.
func (b *Bench) Notify(sev snap.Severity, from, text string) { b.engine.notify(sev, from, text) }

// Aside runs work on another goroutine, a few at a time, and then calls then on the engine's. At the end of the engine
// neither is waited for: then is dropped.
func (b *Bench) Aside(work, then func()) { b.engine.aside(work, then) }

// Apart is Aside for what takes seconds by its nature: it holds up nothing that is done aside, and is told of the engine's end.
func (b *Bench) Apart(work func(context.Context), then func()) { b.engine.apart(work, then) }

// Go runs f until the engine ends. A panic or error in it ends the engine: nothing looks on half-blind.
func (b *Bench) Go(name string, f func(context.Context) error) { b.engine.spawn(name, f) }
