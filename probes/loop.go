// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hooktop/probes/snap"
)

// startAll begins to start the probes. The loop runs meanwhile: frames and answers don't wait for a start.
func (e *Engine) startAll() {
	e.about = readAbout()
	e.watchLinks()
	e.publish(time.Now())
	e.starting = len(e.registry)
	for _, make := range e.registry {
		if e.ctx.Err() != nil {
			return
		}
		p := make()
		e.probes = append(e.probes, p)
		p.Start(e.ctx, e.bench(), func(err error) { e.startedOne(p, err) })
	}
	if len(e.registry) == 0 {
		e.begun()
	}
}

func (e *Engine) startedOne(p Probe, err error) {
	switch {
	case err == nil:
	case needed(p):
		e.why = append(e.why, err)
	default:
		e.notify(snap.Warn, "start", err.Error())
	}
	if e.starting--; e.starting == 0 {
		e.begun()
	}
}

// begun is the end of the start. When no probe works of those that are needed, the fallback takes over.
func (e *Engine) begun() {
	if e.ctx.Err() != nil {
		return
	}
	wanted := 0
	for _, p := range e.probes {
		if needed(p) {
			wanted++
		}
	}
	if len(e.why) == wanted && wanted > 0 {
		e.fallBack(errors.Join(e.why...))
		return
	}
	e.ready()
}

// ready says that the start is over.
func (e *Engine) ready() {
	e.started = true
	e.collect(time.Now())
}

// fallBack replaces the needed probes, which could not start, by the read-only view from conntrack and /proc (DESIGN 2).
func (e *Engine) fallBack(why error) {
	p := newFallback()
	left := []Probe{p}
	for _, p := range e.probes {
		if needed(p) {
			e.stopProbe(p)
		} else {
			left = append(left, p)
		}
	}
	e.report = nil // nothing was attached by those
	e.probes = left
	e.fallback = clean(why.Error())
	p.Start(e.ctx, e.bench(), func(err error) {
		if err != nil {
			e.notify(snap.Crit, "fallback", fmt.Sprintf("conntrack and /proc can't be read either: %v", err))
		}
		e.ready()
	})
}

func (e *Engine) bench() *Bench { return &Bench{Host: e.host, Config: e.cfg, engine: e} }

// watchLinks asks for device news before the first look at the devices, so that none is missed in between.
func (e *Engine) watchLinks() {
	links, err := e.host.WatchLinks(e.ctx)
	if err != nil {
		e.notify(snap.Warn, "links", fmt.Sprintf("devices that come and go are not followed: %v", err))
		return
	}
	e.links = links
}

// loop runs until the context ends. It returns the first failure of a worker, or nil.
func (e *Engine) loop() error {
	if e.ctx.Err() != nil {
		return nil
	}
	tick := time.NewTimer(0)
	defer tick.Stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	last := time.Now()
	for {
		select {
		case <-e.ctx.Done():
			return nil
		case err := <-e.failures:
			return err
		case <-tick.C:
			last = time.Now()
			e.collect(last)
			tick.Reset(e.period())
		case <-e.asked:
			e.reply(time.Now())
			// A faster or focused screen should not wait for the end of a slow period.
			tick.Reset(max(e.period()-time.Since(last), 0))
		case n := <-e.tells:
			e.notify(n.Sev, n.From, n.Text)
		case w := <-e.wishes:
			e.carryOut(w)
		case then := <-e.results:
			then()
		case s := <-e.snapshots:
			e.prepare(&s.query, func() {
				now := time.Now()
				e.gather(now)
				s.frame <- e.frame(now, &s.query)
			})
		case ev, ok := <-e.links:
			e.onLink(ev, ok)
		case now := <-second.C:
			for _, p := range e.probes {
				p.Second(now)
			}
		}
	}
}

func (e *Engine) collect(now time.Time) {
	e.gather(now)
	e.publish(now)
}

// reply answers the newest question at once. A wish to rank again is a wish for new data too, and good for one answer.
func (e *Engine) reply(now time.Time) {
	q := e.query.Load()
	if !q.Flows.Rerank {
		e.publish(now)
		return
	}
	e.collect(now)
	done := *q
	done.Flows.Rerank = false
	e.query.CompareAndSwap(q, &done) // a newer question keeps its own wish
}

func (e *Engine) gather(now time.Time) {
	for _, p := range e.probes {
		p.Collect(now)
	}
}

// prepare has the probes read what a snapshot needs, then calls then. Frames and answers don't wait for it.
func (e *Engine) prepare(q *snap.Query, then func()) {
	left := 1
	ready := func() {
		if left--; left == 0 {
			then()
		}
	}
	for _, p := range e.probes {
		if r, ok := p.(Preparer); ok {
			left++
			r.Prepare(q, ready)
		}
	}
	ready()
}

func (e *Engine) onLink(ev snap.LinkEvent, ok bool) {
	if !ok {
		e.links = nil
		if e.ctx.Err() == nil {
			e.notify(snap.Warn, "links", "the kernel's device news ended: devices that come and go are not followed")
		}
		return
	}
	for _, p := range e.probes {
		if w, ok := p.(LinkWatcher); ok {
			w.OnLink(e.ctx, ev)
		}
	}
}

func (e *Engine) carryOut(w wish) {
	answer := func(a snap.Answer) {
		w.answer <- a
		e.publish(time.Now())
	}
	for _, p := range e.probes {
		if d, ok := p.(Doer); ok && d.Do(e.ctx, w.intent, answer) {
			return
		}
	}
	if e.fallback != "" {
		answer(snap.Answer{Err: "nothing can be attached here: " + e.fallback})
		return
	}
	answer(snap.Answer{Err: fmt.Sprintf("%q is nothing that the engine does", w.intent.Kind)})
}

// stopAll stops the probes, newest first, and waits for the workers. It must not fail half-way: each step is guarded.
func (e *Engine) stopAll() {
	for _, p := range slices.Backward(e.probes) {
		e.stopProbe(p)
	}
	e.probes = nil
	e.awaitWorkers()
}

// workersGrace is how long the end waits for workers when everything is detached.
const workersGrace = 2 * time.Second

// awaitWorkers waits for the workers. One that hangs in the kernel, say in a file of /proc of a process that hangs, must
// keep neither the terminal nor the operator: it ends with this process.
func (e *Engine) awaitWorkers() {
	ended := make(chan struct{})
	go func() { // ends with the workers; can't panic
		e.workers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(workersGrace):
	}
}

func (e *Engine) stopProbe(p Probe) {
	err := Guarded("detach", func() error {
		e.report = append(e.report, p.Stop()...)
		return nil
	})
	if err != nil {
		e.report = append(e.report, snap.Status{
			Name: "detach", Outcome: snap.Unavailable, Why: err.Error(), Fix: "hooktop cleanup",
		})
	}
}

// spawn runs f until the engine ends; see Bench.Go.
func (e *Engine) spawn(name string, f func(context.Context) error) {
	e.workers.Add(1)
	Go(e.ctx, name, f, func(err error) {
		defer e.workers.Done()
		e.fail(err)
	})
}

// aside runs work and brings then back; see Bench.Aside.
func (e *Engine) aside(work, then func()) {
	Go(e.ctx, "work aside", func(ctx context.Context) error {
		select {
		case e.turns <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		func() {
			defer func() { <-e.turns }()
			work()
		}()
		e.bring(ctx, then)
		return nil
	}, e.fail)
}

// apart runs work and brings then back; see Bench.Apart.
func (e *Engine) apart(work func(context.Context), then func()) {
	Go(e.ctx, "work apart", func(ctx context.Context) error {
		work(ctx)
		e.bring(ctx, then)
		return nil
	}, e.fail)
}

// bring has the engine's goroutine call then.
func (e *Engine) bring(ctx context.Context, then func()) {
	select {
	case e.results <- then:
	case <-ctx.Done():
	}
}

// fail ends the engine with the error of a goroutine, unless it ends already.
func (e *Engine) fail(err error) {
	if err == nil || e.ctx.Err() != nil && !isPanic(err) {
		return
	}
	select {
	case e.failures <- err:
	default: // an earlier failure already ends the engine
	}
}

func isPanic(err error) bool {
	var p *PanicError
	return errors.As(err, &p)
}
