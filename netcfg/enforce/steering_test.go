// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// fakeSteering writes down what is wanted of it.
type fakeSteering struct {
	mu    sync.Mutex
	log   []string
	said  chan struct{}
	check error
	fail  error
	stuck error // what is not wanted any more can't be removed
}

func names(list []acl.Chain) string {
	var out []string
	for i := range list {
		out = append(out, list[i].Name+list[i].Marking())
	}
	return strings.Join(out, "+")
}

func (f *fakeSteering) note(text string) {
	f.mu.Lock()
	f.log = append(f.log, text)
	f.mu.Unlock()
	select {
	case f.said <- struct{}{}:
	default:
	}
}

func (f *fakeSteering) Check(_, _ []acl.Chain) error { return f.check }

func (f *fakeSteering) Want(kept, trial []acl.Chain) error {
	f.note(fmt.Sprintf("kept %s trial %s", names(kept), names(trial)))
	if len(trial) > 0 {
		return f.fail
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stuck
}

func (f *fakeSteering) Repair() (string, error) {
	return "", errors.New("repair chains: there is none")
}
func (f *fakeSteering) View([]acl.Chain, bool) snap.Chains       { return snap.Chains{} }
func (f *fakeSteering) Lineage(*acl.Chain, acl.LegKind) []string { return nil }

func (f *fakeSteering) Close() error {
	f.note("close")
	return nil
}

// last waits until something was asked for last.
func (f *fakeSteering) last(t *testing.T, want string) {
	t.Helper()
	late := time.After(ktest.Patience)
	for {
		f.mu.Lock()
		ok := len(f.log) > 0 && f.log[len(f.log)-1] == want
		log := slices.Clone(f.log)
		f.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-f.said:
		case <-late:
			t.Fatalf("%q is not the last of %q", want, log)
		}
	}
}

const steered = "chain fw in lan0 match any service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open\n"

// Rules and routes are made before a trial decides, and removed after it was kept or ended; what can't be made begins no trial.
func TestSteeringFollowsTheTrial(t *testing.T) {
	f := &fakeSteering{said: make(chan struct{}, 1)}
	r := newRig(t, nil)
	r.s.SteerBy(f)
	r.commit(steered)
	f.last(t, "kept  trial fw0x10/0xf0")
	r.good(r.s.Keep(""))
	f.last(t, "kept fw0x10/0xf0 trial ")
	other := strings.Replace(steered, "0x10/", "0x20/", 1)
	r.commit(other)
	f.last(t, "kept fw0x10/0xf0 trial fw0x20/0xf0")
	r.good(r.s.Restore())
	f.last(t, "kept fw0x10/0xf0 trial ")
	r.commit(other)
	r.pass(MaxLease)
	r.s.Look(World{})
	f.last(t, "kept fw0x10/0xf0 trial ")

	f.fail = errors.New("no such device")
	r.stage(other)
	r.bad(r.s.Commit(snap.PolicyWish{Base: r.s.kept.id}), "no such device")
	if r.s.trial != nil {
		t.Error("a trial runs")
	}
	f.fail = nil
	r.plane.fail["try"] = errors.New("the kernel says no")
	r.bad(r.s.Commit(snap.PolicyWish{Base: r.s.kept.id}), "the kernel says no")
	f.last(t, "kept fw0x10/0xf0 trial ")
	delete(r.plane.fail, "try")

	f.check = errors.New("bits 0xf0 of its mark are used by somebody")
	r.stage(other)
	if d := r.s.View(false).Draft; len(d.Errors) != 1 || !strings.Contains(d.Errors[0], "used by somebody") {
		t.Errorf("the draft: %+v", d.Errors)
	}
	if err := r.s.End(); err != nil {
		t.Error(err)
	}
	f.last(t, "close")
}

// What can't be removed after the end of a trial is tried again with each look, and told of once.
func TestRoutesThatStayAreRemovedLater(t *testing.T) {
	f := &fakeSteering{said: make(chan struct{}, 1), stuck: errors.New("the kernel is busy")}
	r := newRig(t, nil)
	r.s.SteerBy(f)
	r.commit(steered)
	r.good(r.s.Restore())
	tried := func(n int) {
		t.Helper()
		late, again := time.After(time.Minute), time.NewTicker(time.Millisecond)
		defer again.Stop()
		for {
			r.s.Look(World{})
			f.mu.Lock()
			have := 0
			for _, text := range f.log {
				if text == "kept  trial " {
					have++
				}
			}
			f.mu.Unlock()
			if have >= n {
				return
			}
			select {
			case <-again.C:
			case <-late:
				t.Fatalf("tried %d times, want %d", have, n)
			}
		}
	}
	tried(4)
	f.mu.Lock()
	f.stuck = nil
	f.mu.Unlock()
	tried(5)
	if err := r.s.End(); err != nil {
		t.Error(err)
	}
	told := 0
	for _, text := range r.notices {
		if text == "the kernel is busy" {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told of %d times: %q", told, r.notices)
	}
}

// Without somebody who steers no chain can be.
func TestNoChainWithoutSteering(t *testing.T) {
	r := newRig(t, nil)
	r.stage(steered)
	if d := r.s.View(false).Draft; len(d.Errors) != 1 || !strings.Contains(d.Errors[0], "nobody makes its rules and routes here") {
		t.Errorf("the draft: %+v", d.Errors)
	}
	r.bad(r.s.Commit(snap.PolicyWish{}), "no chain can be")
	r.bad(r.s.Repair(), "there is no chain")
}
