// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"context"
	"fmt"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// A routing daemon may change thousands of routes a second: a look comes no sooner than restBetween after the last one, and looks take a
// share of the time at most. Link flaps and drift wait for that, but not for longer than restMost.
const (
	restBetween = 50 * time.Millisecond
	lookShare   = 20
	restMost    = time.Second
)

// restAfter is the pause after a look that took so long.
func restAfter(took time.Duration) time.Duration {
	return min(max(restBetween, lookShare*took), max(restMost, took))
}

// What failed is tried again after a pause, which doubles while it fails.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = 5 * time.Second
	retryCalm  = time.Minute // without a failure: the next one begins anew, and is told of
)

// watch begins to look for changes, once. mu is held.
func (s *Steer) watch() error {
	if s.cancel != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	changes, err := s.host.WatchSteering(ctx, s.fell.note)
	if err != nil {
		cancel()
		return err
	}
	s.cancel, s.done = cancel, make(chan struct{})
	go func() {
		defer close(s.done)
		s.keepWatching(ctx, changes)
	}()
	return nil
}

// stir lets the goroutine look whether there are next hops to ask.
func (s *Steer) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// silent: nothing tells of changes any more.
const silent = "the kernel tells no more about changes of rules and routes"

// keepWatching watches until ctx ends. What fails, by a panic too, is begun again: who would see that a service goes silent otherwise?
func (s *Steer) keepWatching(ctx context.Context, changes <-chan struct{}) {
	pause, failed, told := retryFirst, time.Now(), ""
	for {
		why := s.watched(ctx, changes, nil)
		if ctx.Err() != nil {
			return
		}
		if time.Since(failed) > retryCalm {
			pause, told = retryFirst, ""
		}
		s.lose(why, why != told)
		told, failed = why, time.Now()
		again := time.NewTimer(pause)
		pause = min(2*pause, retryMost)
		if why == silent {
			s.watched(ctx, nil, again.C) // next hops are asked all the same
			s.fell.note(0)               // nobody watched
			changes, _ = s.host.WatchSteering(ctx, s.fell.note)
		} else {
			select {
			case <-ctx.Done():
			case <-again.C:
			}
		}
		again.Stop()
	}
}

// watched is run, and says how it ended.
func (s *Steer) watched(ctx context.Context, changes <-chan struct{}, until <-chan time.Time) (why string) {
	defer func() {
		if r := recover(); r != nil {
			why = format.Clean(fmt.Sprintf("watching chains failed, and begins again: panic: %v", r))
		}
	}()
	s.run(ctx, changes, until)
	return silent
}

// run looks after each change and asks next hops, until changes end or it is time to end.
func (s *Steer) run(ctx context.Context, changes <-chan struct{}, until <-chan time.Time) {
	if changes == nil && until == nil {
		return
	}
	s.stir()
	var tick *time.Ticker
	var ticks <-chan time.Time
	each, pending := askEach, changes
	again := false
	rest := time.NewTimer(0)
	<-rest.C
	defer rest.Stop()
	look := func() {
		began := time.Now()
		again = s.looked()
		pending = nil
		rest.Reset(restAfter(time.Since(began)))
	}
	if changes != nil {
		look() // what changed while nobody watched
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-until:
			return
		case _, ok := <-pending:
			if !ok {
				return
			}
			look()
		case <-rest.C:
			if pending = changes; again {
				look()
			}
		case <-s.wake:
			asks := s.asks()
			switch {
			case asks && tick == nil:
				each = askEach
				tick = time.NewTicker(each)
				ticks = tick.C
				defer tick.Stop()
			case !asks && tick != nil:
				tick.Stop()
				tick, ticks = nil, nil
			}
		case <-ticks:
			pace := askEach
			if s.ask() {
				pace = askHurry
			}
			if pace != each {
				each = pace
				tick.Reset(each)
			}
		}
	}
}

// lose says that for now nobody watches.
func (s *Steer) lose(why string, loudly bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why = why
	if loudly {
		s.tell(snap.Crit, why)
	}
}
