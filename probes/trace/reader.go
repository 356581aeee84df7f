// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"context"
	"fmt"
	"math"
	"time"

	"hooktop/bpf/kern"
	"hooktop/probes/snap"
	"hooktop/ui/format"
)

const (
	readEvery  = 50 * time.Millisecond
	countEvery = 250 * time.Millisecond // some 20 system calls, for what is shown twice a second
	restEvery  = 500 * time.Millisecond // of a trace that nobody asked for, which must not keep an idle host awake: as often as frames are made
	restCount  = time.Second            // and its counters
	linger     = 200 * time.Millisecond // after the last packet asked for has begun, so that its journey is whole
)

// reader takes a session's events from the kernel.
type reader struct {
	s       *Session
	t       *kern.Trace
	d       *decoder
	failed  error // of emit
	full    time.Time
	counted time.Time
}

// read takes events until the session is over, and says why it is.
func (r *reader) read(ctx context.Context) (why string, err error) {
	r.s.mu.Lock()
	ends, spec := r.s.ends, r.s.state.Spec
	r.s.mu.Unlock()
	every, count := readEvery, countEvery
	if spec.Sample {
		every, count = restEvery, restCount
	}
	for {
		if err := r.t.Wait(every); err != nil {
			return "", err
		}
		r.take(false)
		now := time.Now()
		if now.Sub(r.counted) >= count {
			if err := r.count(math.MaxUint64); err != nil {
				return "", err
			}
			r.counted = now
		}
		if r.d.full() && r.full.IsZero() {
			r.full = now
		}
		switch {
		case r.failed != nil:
			return "", r.failed
		case ctx.Err() != nil:
			return "hooktop ends", nil
		case !r.full.IsZero() && now.Sub(r.full) >= linger:
			return format.Count(uint64(spec.Packets)) + " packets were traced", nil
		case !now.Before(ends):
			return fmt.Sprintf("%d s are over", spec.Seconds), nil
		}
		select {
		case why := <-r.s.stop:
			return why, nil
		default:
		}
	}
}

// take reads the rings and hands on what is settled.
func (r *reader) take(all bool) {
	r.t.Read(r.d.add)
	batch := r.d.flush(all)
	if r.s.emit != nil && r.failed == nil && len(batch) > 0 {
		r.failed = r.s.emit(batch)
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for i := range batch {
		r.s.store.add(&batch[i])
	}
	r.s.state.Packets, r.s.state.Events = r.d.begun, r.d.seq
}

// count brings what was refused and lost up to date. At most so many returns without a call are believed.
func (r *reader) count(unpaired uint64) error {
	c, err := r.t.Counts()
	if err != nil {
		return err
	}
	var lost []snap.Count
	sampled := uint64(0)
	if r.s.State().Spec.Sample {
		sampled, c.Rate = c.Rate, 0
	}
	for _, l := range []snap.Count{
		{Name: "over the rate", N: c.Rate},
		{Name: "ring buffer full", N: c.Ring},
		{Name: "passed over by the kernel", N: c.Missed},
		{Name: "past the last packet", N: r.d.past},
		{Name: "packets not followed", N: c.Untracked + c.Unkept},
		{Name: "returns without a call", N: min(c.Unpaired, unpaired)},
	} {
		if l.N > 0 {
			lost = append(lost, l)
		}
	}
	r.s.update(func(st *snap.TraceSession) { st.Filtered, st.Sampled, st.Lost = c.Filtered, sampled, lost })
	return nil
}

// end detaches, takes what still waits, and counts for the last time. Links go one by one: a return that is hooked a little
// longer than its call misses it, and nothing that was traced is lost by that.
func (r *reader) end() error {
	before, err := r.t.Counts()
	if e := r.t.Detach(); err == nil {
		err = e
	}
	r.take(true)
	if e := r.count(before.Unpaired); err == nil {
		err = e
	}
	if e := r.t.Close(); err == nil {
		err = e
	}
	return err
}
