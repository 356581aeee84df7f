// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// stuckHost is one whose kernel answers no question of netlink from a moment on: somebody holds its lock, or there is very much to
// tell.
type stuckHost struct {
	Host
	mu     sync.Mutex
	gate   chan struct{} // nil: answers come
	asked  map[string]bool
	waited chan string // what is asked for the first time while nothing is answered
}

func newStuck(h Host) *stuckHost {
	return &stuckHost{Host: h, asked: map[string]bool{}, waited: make(chan string, 16)}
}

func (h *stuckHost) stick() (release func()) {
	gate := make(chan struct{})
	h.mu.Lock()
	h.gate = gate
	h.mu.Unlock()
	return sync.OnceFunc(func() { close(gate) })
}

func (h *stuckHost) wait(what string) {
	h.mu.Lock()
	gate := h.gate
	if first := gate != nil && !h.asked[what]; first {
		h.asked[what] = true
		h.waited <- what
	}
	h.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

func (h *stuckHost) Links() ([]snap.Link, error) {
	h.wait("links")
	return h.Host.Links()
}

func (h *stuckHost) Addresses() ([]netip.Addr, error) {
	h.wait("addresses")
	return h.Host.Addresses()
}

func (h *stuckHost) Qdiscs() ([]snap.Qdisc, error) {
	h.wait("qdiscs")
	return h.Host.Qdiscs()
}

func (h *stuckHost) Refusals() ([]snap.Refusal, error) {
	h.wait("refusals")
	return h.Host.Refusals()
}

// manyRules is a policy beside a hundred thousand rules of netfilter: who uses bits of the mark takes as long as the test likes.
type manyRules struct {
	slowPolicy
	reading, read chan struct{}
}

func (p *manyRules) Chains(whole bool) snap.Chains {
	if !whole {
		return snap.Chains{}
	}
	p.reading <- struct{}{}
	<-p.read
	return snap.Chains{Owners: []snap.BitOwner{{Who: "kube-proxy"}}}
}

// What is read once a second, and what the Trace tab asks for, holds up neither frames nor a keep while the kernel answers nothing.
func TestAKernelThatDoesNotAnswerHoldsUpNothing(t *testing.T) {
	r := newGround(t)
	host := newStuck(r.host)
	r.engine = New(Config{Policy: &slowPolicy{}}, host)
	go func() { r.ended <- r.ns.Run(func() error { return r.engine.Run(t.Context()) }) }()
	t.Cleanup(func() { r.close() })
	if _, err := r.engine.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	release := host.stick()
	t.Cleanup(release)
	r.engine.Ask(snap.Query{Focus: true, Hz: maxHz, Tab: snap.TraceTab})
	waits := map[string]bool{}
	for !waits["addresses"] || !waits["links"] { // the ledger begins with the devices
		waits[<-host.waited] = true
		if a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.KeepPolicy, Arg: "abc"}); a.Text != "kept abc" {
			t.Errorf("keep: %+v", a)
		}
	}
	// What must know the devices waits too, and is answered in the end.
	watching := make(chan snap.Answer, 2)
	for _, in := range []snap.Intent{{Kind: snap.WatchInterface, Target: "v0"}, {Kind: snap.SetMode, Target: "v0", Arg: "tc"}} {
		go func() { watching <- r.engine.Do(t.Context(), in) }()
	}
	begin, err := r.engine.Next(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for seq := begin.Seq; seq < begin.Seq+15; { // longer than a second: what is read each second is not asked again
		f, err := r.engine.Next(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		seq = f.Seq
	}
	select {
	case a := <-watching:
		t.Errorf("the kernel tells nothing, and the answer is %+v", a)
	default:
	}
	release()
	for range 2 {
		if a := <-watching; a.Err != "" {
			t.Errorf("once it answers: %+v", a)
		}
	}
	if f := r.ledgerFrame(); len(f.Ledger.Rows) == 0 || len(f.Ledger.Errs) > 0 {
		t.Errorf("once it answers: %d rows, %q", len(f.Ledger.Rows), f.Ledger.Errs)
	}
}

// A snapshot waits for what it must read; frames and keeps don't wait for the snapshot.
func TestASnapshotHoldsUpNothing(t *testing.T) {
	svc := &manyRules{reading: make(chan struct{}), read: make(chan struct{})}
	e := newEngine(Config{Policy: svc}, &quietHost{}, []func() Probe{
		func() Probe { return &fakeProbe{} }, func() Probe { return &policer{pl: newPipeline()} },
	})
	ended := make(chan error, 1)
	go func() { ended <- e.Run(t.Context()) }()
	f, err := e.Started(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shot := make(chan *snap.Frame, 1)
	go func() {
		f, err := e.Snapshot(t.Context(), snap.Query{})
		if err != nil {
			t.Error(err)
		}
		shot <- f
	}()
	<-svc.reading
	if a := e.Do(t.Context(), snap.Intent{Kind: snap.KeepPolicy, Arg: "abc"}); a.Text != "kept abc" {
		t.Errorf("keep: %+v", a)
	}
	if _, err := e.Next(t.Context(), f.Seq); err != nil {
		t.Error(err)
	}
	svc.read <- struct{}{}
	if f := <-shot; f == nil || len(f.Chains.Owners) != 1 {
		t.Errorf("the snapshot has %+v", f.Chains)
	}
	go func() { // one that is under way ends with the engine
		_, err := e.Snapshot(t.Context(), snap.Query{})
		ended <- err
	}()
	<-svc.reading
	e.Close()
	if first, second := <-ended, <-ended; first != nil && second != nil {
		t.Errorf("%v, %v", first, second)
	}
	close(svc.read)
}

// A canary is not held against devices as they were long ago.
func TestOldNewsOfDevicesRenewNoCanary(t *testing.T) {
	r := newGround(t)
	told := make(chan snap.Health, 64)
	began := time.Now()
	p := &policer{svc: &healthPolicy{told: told}, on: true}
	r.start(Config{Mode: "tc", NoTrace: true})
	r.engine.results <- func() {
		p.pl = r.engine.probes[0].(*pipeline)
		p.b = r.engine.bench()
		seen := &p.pl.devices
		seen.links, seen.at = []snap.Link{}, time.Now()
		p.tellHealth(seen.at.Add(staleDevices), false)
		p.tellHealth(seen.at.Add(staleDevices+time.Millisecond), false)
		p.tellHealth(began.Add(-time.Minute), false) // a tick that had to wait
		seen.links = nil
		p.tellHealth(seen.at, false)
		close(told)
	}
	n := 0
	for h := range told {
		n++
		if h.At.Before(began) {
			t.Errorf("a look is dated %s before it was made", began.Sub(h.At))
		}
	}
	if n != 2 {
		t.Errorf("the policy was told %d times, want twice", n)
	}
}

// healthPolicy hears of the host's health.
type healthPolicy struct {
	slowPolicy
	told chan snap.Health
}

func (p *healthPolicy) Health(h snap.Health) { p.told <- h }
