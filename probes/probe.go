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
	// Start attaches and reports each program by Bench.Line as it goes. One failing program stops no other. The error
	// says why nothing at all works; ctx ends a start that is under way.
	Start(ctx context.Context, b *Bench) error
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

// Doer is a Probe that carries out intents; ok is false for one that is not its own.
type Doer interface {
	Do(ctx context.Context, in snap.Intent) (a snap.Answer, ok bool)
}

// registry lists the probes in start order. Adding a probe is one line here.
func registry() []func() Probe {
	return []func() Probe{
		func() Probe { return newPipeline() },
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

// Go runs f until the engine ends. A panic or error in it ends the engine: nothing looks on half-blind.
func (b *Bench) Go(name string, f func(context.Context) error) { b.engine.spawn(name, f) }
