// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hooktop/netcfg/chain"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// watchedHost is a namespace whose changes the test tells, and whose looks it counts.
type watchedHost struct {
	*fakeHost
	subscribe chan (<-chan struct{}) // what each subscription gets; empty: it is refused
	looks     atomic.Int64
	looked    chan struct{} // capacity 1: there was a look
	panics    atomic.Bool   // the next look does
}

func newWatched(t *testing.T) *watchedHost {
	return &watchedHost{fakeHost: newFake(t, "lan0", "fw0", "fw1", "wan0"), subscribe: make(chan (<-chan struct{}), 4), looked: make(chan struct{}, 1)}
}

func (h *watchedHost) WatchSteering(context.Context, func(int)) (<-chan struct{}, error) {
	select {
	case changes := <-h.subscribe:
		return changes, nil
	default:
		return nil, errors.New("nobody watches")
	}
}

func (h *watchedHost) Links() ([]snap.Link, error) {
	h.looks.Add(1)
	select {
	case h.looked <- struct{}{}:
	default:
	}
	if h.panics.CompareAndSwap(true, false) {
		panic("a look")
	}
	return h.fakeHost.Links()
}

// Neither a panic nor the end of the kernel's news is the end of watching: both are told, and what changed meanwhile is seen.
func TestWatchingIsBegunAgain(t *testing.T) {
	h := newWatched(t)
	first, second := make(chan struct{}), make(chan struct{})
	h.subscribe <- first
	told := make(chan string, 64)
	s := on(h, h, func(_ snap.Severity, text string) { told <- text })
	if err := s.Want(chainsOf(t, fw), nil); err != nil {
		t.Fatal(err)
	}
	until := func(words string) {
		t.Helper()
		late := time.NewTimer(ktest.Patience)
		defer late.Stop()
		for {
			select {
			case text := <-told:
				if strings.Contains(text, words) {
					return
				}
			case <-late.C:
				t.Fatalf("nobody says %q", words)
			}
		}
	}
	somebodyDeletes := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		h.rules = h.rules[1:]
	}
	h.panics.Store(true)
	first <- struct{}{}
	until("watching chains failed, and begins again: panic: a look")
	somebodyDeletes()
	first <- struct{}{} // the news go on
	until("the ip rule is missing")
	if _, err := s.Repair(); err != nil {
		t.Fatal(err)
	}

	close(first)
	until(silent)
	if why := s.View(nil, false).Why; why != "" && why != silent {
		t.Errorf("the tab says %q", why)
	}
	somebodyDeletes() // nobody tells of it
	h.subscribe <- second
	until("the ip rule is missing")
	if why := s.View(nil, false).Why; why != "" {
		t.Errorf("it watches again, and the tab says %q", why)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A routing daemon that changes routes all the time has few looks made.
func TestLooksAreFew(t *testing.T) {
	h := newWatched(t)
	changes := make(chan struct{})
	h.subscribe <- changes
	s := on(h, h, func(snap.Severity, string) {})
	if err := s.Want(chainsOf(t, fw), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	fed := make(chan int64)
	go func() {
		n := int64(0)
		defer func() { fed <- n }()
		for {
			select {
			case changes <- struct{}{}:
				n++
			case <-ctx.Done():
				return
			}
		}
	}()
	<-h.looked
	began, before := time.Now(), h.looks.Load()
	for h.looks.Load() < before+12 {
		<-h.looked
	}
	took, looks := time.Since(began), h.looks.Load()-before
	cancel()
	told := <-fed
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if most := int64(took/restBetween) + 4; looks > most { // the first ones are Want's and the start's
		t.Errorf("%d looks in %s, at most %d", looks, took, most)
	}
	if all := h.looks.Load(); told > all {
		t.Errorf("%d changes were told of, and %d looks made: one is for all that came before it", told, all)
	}
	for _, c := range []struct{ took, rest time.Duration }{
		{0, restBetween}, {time.Millisecond, restBetween}, {10 * time.Millisecond, 200 * time.Millisecond},
		{time.Second / 2, restMost}, {3 * time.Second, 3 * time.Second}, // a million routes, or a kernel that answers late
	} {
		if rest := restAfter(c.took); rest != c.rest {
			t.Errorf("after a look of %s a rest of %s, want %s", c.took, rest, c.rest)
		}
	}
	if len(h.rules) > 0 && h.rules[0].Table >= chain.FirstTable {
		t.Errorf("left: %v", h.rules)
	}
}
