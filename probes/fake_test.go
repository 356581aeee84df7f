// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"hooktop/probes/snap"
)

// quietHost is a host without devices.
type quietHost struct {
	mu    sync.Mutex
	links []snap.Link
	news  chan snap.LinkEvent
}

func (h *quietHost) Links() ([]snap.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]snap.Link(nil), h.links...), nil
}
func (h *quietHost) Addresses() ([]netip.Addr, error)               { return nil, nil }
func (h *quietHost) RouteDevices() (all, defaults []int, err error) { return nil, nil, nil }
func (h *quietHost) WatchLinks(context.Context) (<-chan snap.LinkEvent, error) {
	return h.news, nil
}
func (h *quietHost) Sockets() ([]snap.Socket, error)        { return nil, nil }
func (h *quietHost) Tracked() ([]snap.Tracked, error)       { return nil, nil }
func (h *quietHost) Qdiscs() ([]snap.Qdisc, error)          { return nil, nil }
func (h *quietHost) Refusals() ([]snap.Refusal, error)      { return nil, nil }
func (h *quietHost) HasClsact(int) (bool, error)            { return false, nil }
func (h *quietHost) EnsureClsact(int) (bool, error)         { return true, nil }
func (h *quietHost) AttachFilter(snap.Filter) error         { return nil }
func (h *quietHost) ListFilters(int) ([]snap.Filter, error) { return nil, nil }
func (h *quietHost) RemoveFilter(snap.Filter) error         { return nil }
func (h *quietHost) RemoveClsact(ifindex int) (bool, error) { return true, nil }

// fakeProbe does what its functions say. All calls must come from one goroutine: the race detector and busy see to it.
type fakeProbe struct {
	start   func(ctx context.Context, b *Bench) error
	aside   func(b *Bench, done func(error)) // in place of start: done comes later
	collect func()
	stop    func() []snap.Status
	do      func(snap.Intent) snap.Answer
	busy    int // unguarded on purpose
	stopped int
}

func (p *fakeProbe) Start(ctx context.Context, b *Bench, done func(error)) {
	p.busy++
	if p.aside != nil {
		p.aside(b, done)
		return
	}
	if p.start == nil {
		done(nil)
		return
	}
	done(p.start(ctx, b))
}

func (p *fakeProbe) Collect(time.Time) {
	p.busy++
	if p.collect != nil {
		p.collect()
	}
}

func (p *fakeProbe) Fill(_ time.Time, q *snap.Query, f *snap.Frame) {
	p.busy++
	f.Flows.Query = q.Flows
	f.Flows.Rows = make([]snap.Flow, max(q.Flows.Limit, 0)%8)
}

func (p *fakeProbe) Second(time.Time) { p.busy++ }

func (p *fakeProbe) Stop() []snap.Status {
	p.busy++
	p.stopped++
	if p.stop == nil {
		return []snap.Status{{Name: fmt.Sprintf("fake %d", p.stopped), Outcome: snap.Detached}}
	}
	return p.stop()
}

func (p *fakeProbe) Do(_ context.Context, in snap.Intent, answer func(snap.Answer)) bool {
	p.busy++
	if p.do == nil {
		return false
	}
	answer(p.do(in))
	return true
}

// optionalProbe is a fake that the rest can do without.
type optionalProbe struct{ fakeProbe }

func (*optionalProbe) Optional() {}

func fakeEngine(probes ...Probe) *Engine {
	var registry []func() Probe
	for _, p := range probes {
		registry = append(registry, func() Probe { return p })
	}
	return newEngine(Config{}, &quietHost{}, registry)
}
