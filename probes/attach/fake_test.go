// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"hooktop/probes/snap"
)

// fakePlane is a kernel that takes every program. What it does is written down.
type fakePlane struct {
	mu       sync.Mutex
	log      []string
	refuse   map[Hook]error
	nextID   uint32
	notThere map[uint32]bool // programs that somebody took off
	open     map[uint32]Hook // what was attached and not closed
}

func (p *fakePlane) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

func (p *fakePlane) said() string { return strings.Join(p.log, ", ") }

func (p *fakePlane) Attach(d Device, h Hook) (Hold, error) {
	if err := p.refuse[h]; err != nil {
		p.note("refuse %s", h)
		return nil, err
	}
	if h != TCMark { // it comes and goes with XDP
		p.note("attach %s", h)
	}
	p.nextID++
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[p.nextID] = h
	return &fakeHold{p: p, hook: h, id: p.nextID}, nil
}

func (p *fakePlane) Program(Device, Hook) (Program, error) { return nil, fmt.Errorf("no filters here") }
func (p *fakePlane) Forget(uint16) error                   { return nil }
func (p *fakePlane) MaxSlots() int                         { return 8 }
func (p *fakePlane) Describe(id uint32) string             { return fmt.Sprintf("program %d", id) }

func (p *fakePlane) Prepare(_ Device, h Hook) error {
	p.note("prepare %s", h)
	return nil
}

func (p *fakePlane) Discard(slot uint16) error {
	p.note("discard %d", slot)
	return nil
}

type fakeHold struct {
	p    *fakePlane
	hook Hook
	id   uint32
}

func (h *fakeHold) Close() error {
	if h.hook != TCMark {
		h.p.note("detach %s", h.hook)
	}
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	delete(h.p.open, h.id)
	return nil
}
func (h *fakeHold) IDs() (link, prog uint32)    { return h.id, h.id }
func (h *fakeHold) Info() (snap.Program, error) { return snap.Program{ID: h.id}, nil }
func (h *fakeHold) Sits() (bool, error)         { return !h.p.notThere[h.id], nil }

// noJournal: nothing here outlives the process.
type noJournal struct{}

func (noJournal) Tag() string                      { return "test" }
func (noJournal) Intend(snap.Filter, string) error { return nil }
func (noJournal) Done(snap.Filter)                 {}
func (noJournal) IntendQdisc(int, string) error    { return nil }
func (noJournal) DoneQdisc(int)                    {}

// ground is a set over a fake plane, with its notices and the work that waits to be done aside.
type ground struct {
	*Set
	plane   *fakePlane
	notices []string
	later   []func()
}

func newGround(t *testing.T) *ground {
	t.Helper()
	g := &ground{plane: &fakePlane{refuse: map[Hook]error{}, notThere: map[uint32]bool{}, open: map[uint32]Hook{}}}
	g.Set = NewSet(g.plane, nil, noJournal{}, false)
	g.Set.Notify = func(_ snap.Severity, text string) { g.notices = append(g.notices, text) }
	g.Set.Aside = func(work, then func()) {
		g.later = append(g.later, func() { work(); then() })
	}
	return g
}

// settleAll does what waits, newest first: nothing may depend on the order.
func (g *ground) settleAll() {
	for len(g.later) > 0 {
		f := g.later[len(g.later)-1]
		g.later = g.later[:len(g.later)-1]
		f()
	}
}

// watch watches a device by mode auto and waits for its programs.
func (g *ground) watch(t *testing.T, l snap.Link) *Dev {
	t.Helper()
	return g.watchBy(t, l, Auto)
}

func (g *ground) watchBy(t *testing.T, l snap.Link, want Mode) *Dev {
	t.Helper()
	var dev *Dev
	g.Watch(Choice{Link: l, Reason: "test"}, want, func(snap.Status) {}, func(d *Dev, err error) {
		if err != nil {
			t.Fatal(err)
		}
		dev = d
	})
	g.settleAll()
	return dev
}
