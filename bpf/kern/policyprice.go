// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"time"
)

// JudgePolicyNs measures what deciding about a frame of an unknown flow takes by a generation that WritePolicy wrote, or by no
// policy for 0: ns from the frame's first byte to the verdict, the mean over the frames. They take turns, so that each finds its
// place in the caches as a packet among others does. Of a frame's runs one counts that a quarter were faster than: what slows a
// run down is another's doing. A run leaves nothing behind and takes some µs.
func (p *Pipeline) JudgePolicyNs(gen uint32, frames []Judge, runs int) (float64, error) {
	q := &p.policy
	q.judging.Lock()
	defer q.judging.Unlock()
	if err := q.openJudge(p); err != nil {
		return 0, err
	}
	if len(frames) == 0 || runs < 1 {
		return 0, errors.New("measure a policy: there is nothing to measure with")
	}
	took := make([][]time.Duration, len(frames))
	for range runs {
		for i := range frames {
			one, err := q.timed(gen, &frames[i], 1)
			if err != nil {
				return 0, fmt.Errorf("measure policy %d: %w", gen, err)
			}
			took[i] = append(took[i], one)
		}
	}
	watch, err := q.stopwatch(&frames[0])
	if err != nil {
		return 0, fmt.Errorf("measure what measuring takes: %w", err)
	}
	sum := 0.0
	for i := range took {
		sum += max(1, float64((quartile(took[i]) - watch).Nanoseconds()))
	}
	return sum / float64(len(frames)), nil
}

// stopwatch is what a single run of the program that judges is told too much, measured once. judging is held.
func (q *policies) stopwatch(f *Judge) (took time.Duration, err error) {
	if q.watch == 0 {
		q.watch, err = stopwatch(func(repeat int) (time.Duration, error) { return q.timed(0, f, repeat) })
	}
	return q.watch, err
}

// timed gives the mean time of one of so many runs. Keep and restore wait for one frame at most.
func (q *policies) timed(gen uint32, f *Judge, repeat int) (time.Duration, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if gen != 0 && q.loaded[gen%aclSlots].gen != gen {
		return 0, errors.New("it is not in the kernel")
	}
	io := q.judge.io
	if io.Gen = gen; gen == 0 {
		io.Gen = genEach
	}
	io.Dev, io.Egress, io.Len = uint32(f.Slot), uint32(flag(f.Egress)), uint32(max(f.Wire, len(f.Frame)))
	defer func() { io.Gen = 0 }()
	return q.judge.run(f.Frame, repeat)
}
