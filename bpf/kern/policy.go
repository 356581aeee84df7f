// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// ErrLeaseOver says that a trial has ended, so that it cannot be kept any more.
var ErrLeaseOver = errors.New("the lease is over: the kept policy decides again")

// PolicyWord is what decides on a device now, as its programs read it.
type PolicyWord struct {
	Slot      uint16
	Gen, Kept uint32        // equal when nothing is on trial
	Lease     time.Duration // until Kept decides again, 0: nothing is on trial
}

// TryPolicy lets a generation decide until the lease ends; from then on the programs go back to the kept one by their own
// clock. devs are device slots, nil: all, and those that come. Another trial ends.
func (p *Pipeline) TryPolicy(gen uint32, devs []uint16, lease time.Duration) error {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.loaded[gen%aclSlots].gen != gen || gen == 0 {
		return fmt.Errorf("try policy %d: it is not in the kernel", gen)
	}
	if lease <= 0 {
		return fmt.Errorf("try policy %d: a lease of %v is none", gen, lease)
	}
	if q.loaded[gen%aclSlots].flows {
		if _, err := p.seedSeen(); err != nil {
			return fmt.Errorf("try policy %d: %w", gen, err)
		}
	}
	q.devs, q.asleep = devs, slept()
	q.end = p.Clock().Jiffies + p.ticks(lease)
	q.release(q.trial)
	q.trial = gen
	q.publish(p)
	return nil
}

// ExtendLease makes the trial's lease end that long from now.
func (p *Pipeline) ExtendLease(lease time.Duration) error {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lapse(p); q.trial == q.kept {
		return fmt.Errorf("extend lease: %w", ErrLeaseOver)
	}
	q.end = p.Clock().Jiffies + p.ticks(lease)
	q.publish(p)
	return nil
}

// KeepPolicy makes the generation on trial the kept one, on all devices. It fails with ErrLeaseOver when the lease has ended.
func (p *Pipeline) KeepPolicy(gen uint32) error {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lapse(p); q.trial == q.kept {
		return fmt.Errorf("keep policy %d: %w", gen, ErrLeaseOver)
	}
	if gen != q.trial {
		return fmt.Errorf("keep policy %d: policy %d is on trial", gen, q.trial)
	}
	old := q.kept
	q.kept, q.devs = gen, nil
	q.release(old)
	q.publish(p)
	return nil
}

// SwapPolicy puts a generation in the place of another, on trial or kept, which is the same policy written again: the lease
// stays as it is, and one that has ended stays over.
func (p *Pipeline) SwapPolicy(old, next uint32) error {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	if next == 0 || q.loaded[next%aclSlots].gen != next {
		return fmt.Errorf("swap policy %d for %d: it is not in the kernel", old, next)
	}
	q.lapse(p)
	if old == 0 || q.kept != old && q.trial != old {
		return fmt.Errorf("swap policy %d for %d: it decides nothing", old, next)
	}
	if q.loaded[next%aclSlots].flows {
		if _, err := p.seedSeen(); err != nil {
			return fmt.Errorf("swap policy %d for %d: %w", old, next, err)
		}
	}
	if q.trial == old {
		q.trial = next
	}
	if q.kept == old {
		q.kept = next
	}
	q.release(old)
	q.publish(p)
	return nil
}

// RestorePolicy ends the trial: the kept generation decides. It asks nothing of the kernel that could fail.
func (p *Pipeline) RestorePolicy() error {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	q.restore()
	q.publish(p)
	return nil
}

// PolicyState reads what decides on each device that a program was loaded for. It also sees to what no packet waits for: a lease
// that ended is over for good, one that slept through a suspend ends, and cached verdicts hold until the next rule ends.
func (p *Pipeline) PolicyState() []PolicyWord {
	q := &p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lapse(p)
	if q.ends(q.kept) || q.ends(q.trial) {
		q.publish(p)
	}
	now := uint32(0)
	if q.trial != q.kept {
		now = p.Clock().Jiffies
	}
	var out []PolicyWord
	for slot := 1; slot < p.slotsInUse(); slot++ {
		word := atomic.LoadUint64(&q.states[slot].Word)
		w := PolicyWord{Slot: uint16(slot), Gen: uint32(word >> 48), Kept: uint32(word >> 32 & 0xffff)}
		if left := int32(uint32(word) - now); w.Gen != w.Kept && left > 0 {
			w.Lease = time.Duration(left) * time.Second / time.Duration(p.hz)
		} else {
			w.Gen = w.Kept
		}
		out = append(out, w)
	}
	return out
}

// ends reports whether a generation has rules that expire.
func (q *policies) ends(gen uint32) bool {
	l := &q.loaded[gen%aclSlots]
	return gen != 0 && l.gen == gen && len(l.expiry) > 0
}

// ticks rounds a lease up.
func (p *Pipeline) ticks(d time.Duration) uint32 {
	return uint32((d*time.Duration(p.hz) + time.Second - 1) / time.Second)
}

// lapse notes that the programs have gone back by themselves.
func (q *policies) lapse(p *Pipeline) {
	if q.trial == q.kept {
		return
	}
	if int32(p.Clock().Jiffies-q.end) >= 0 || slept()-q.asleep > time.Second {
		q.restore()
		q.word()
	}
}

func (q *policies) restore() {
	q.release(q.trial)
	q.trial, q.devs = q.kept, nil
}

// release lets a generation's slot be written again.
func (q *policies) release(gen uint32) {
	if l := &q.loaded[gen%aclSlots]; gen != 0 && l.gen == gen && gen != q.kept {
		l.busy = true
		l.ends++
	}
}

// rest waits out the grace period of slots that decided.
func (q *policies) rest(p *Pipeline) error {
	q.mu.Lock()
	before := q.loaded
	q.mu.Unlock()
	if !slices.ContainsFunc(before[:], func(l loaded) bool { return l.busy }) {
		return nil
	}
	if err := p.Settle(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for slot := range q.loaded {
		if l := &q.loaded[slot]; l.gen == before[slot].gen && l.ends == before[slot].ends {
			l.busy = false
		}
	}
	return nil
}

// publish writes what decides to all devices, those that come among them. Cached verdicts are told first how long they hold:
// where a rule is to end and the clock can't be read, not at all until PolicyState tries again.
func (q *policies) publish(p *Pipeline) {
	track := uint32(0)
	var expiry, since [2]uint64
	for i, gen := range [2]uint32{q.trial, q.kept} {
		expiry[i] = ^uint64(0)
		l := &q.loaded[gen%aclSlots]
		if gen == 0 || l.gen != gen {
			continue
		}
		if l.flows {
			track = 1
		}
		expiry[i], since[i] = l.holds(p)
	}
	for i := range q.states {
		s := &q.states[i]
		atomic.StoreUint32(&s.Track, track)
		for i := range expiry {
			atomic.StoreUint64(&s.Since[i], since[i]) // before the end is moved: what ended is not to come back
			atomic.StoreUint64(&s.Expiry[i], expiry[i])
		}
	}
	q.word()
}

// holds says in jiffies64 from when to when verdicts of a generation hold: from its last rule that has ended to the next one that ends.
// Where the clock can't be read, none does until PolicyState tries again.
func (l *loaded) holds(p *Pipeline) (expiry, since uint64) {
	if len(l.expiry) == 0 {
		return ^uint64(0), 0
	}
	boot := uint64(bootTime())
	ended := len(l.expiry)
	if next := slices.IndexFunc(l.expiry, func(at uint64) bool { return at > boot }); next >= 0 {
		ended = next
	}
	now, err := p.jiffies64()
	if err != nil {
		return 0, l.since
	}
	if ended != l.ended {
		l.ended, l.since = ended, now+1
	}
	if ended == len(l.expiry) {
		return ^uint64(0), l.since
	}
	return now + uint64(p.ticks(time.Duration(l.expiry[ended]-boot))), l.since
}

// word is the switch: one store for each device.
func (q *policies) word() {
	kept := uint64(q.kept)<<48 | uint64(q.kept)<<32
	on := uint64(q.trial)<<48 | uint64(q.kept)<<32 | uint64(q.end)
	if q.trial == q.kept {
		on = kept
	}
	if q.devs == nil {
		for i := range q.states {
			atomic.StoreUint64(&q.states[i].Word, on)
		}
		return
	}
	for i := range q.states {
		atomic.StoreUint64(&q.states[i].Word, kept)
	}
	for _, slot := range q.devs {
		if int(slot) < len(q.states) {
			atomic.StoreUint64(&q.states[slot].Word, on)
		}
	}
}
