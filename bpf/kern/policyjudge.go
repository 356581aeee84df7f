// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"slices"

	"hooktop/bpf"
	"hooktop/netcfg/acl"
)

// Judge is a frame to be judged.
type Judge struct {
	Frame  []byte // ShadowMin to ShadowMax bytes
	Wire   int    // its length on the wire when it was cut
	Egress bool
	Slot   uint16 // of the device that it is on
}

// Judgement is what the program made of a frame.
type Judgement struct {
	Found   // what the parser made of it
	Deny    bool
	Limited bool // because no token was left
	By      acl.By
	Index   int   // of the rule or guard line, -1: the default
	Counted []int // indexes of the count rules that were passed, ascending, at most MaxCounted
}

// MaxCounted is how many count rules a packet is told of: JUDGED in bpf/include/wire.h.
const MaxCounted = len(bpf.XdpShadowIo{}.Passed)

// JudgePolicy runs the program on frames as if a generation that WritePolicy wrote decided. Nothing is counted and no token taken;
// of the connections that stand, and of token buckets, it knows what the kernel does.
func (p *Pipeline) JudgePolicy(gen uint32, frames []Judge) ([]Judgement, error) {
	q := &p.policy
	q.judging.Lock()
	defer q.judging.Unlock()
	if err := q.openJudge(p); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if gen == 0 || q.loaded[gen%aclSlots].gen != gen {
		return nil, fmt.Errorf("judge by policy %d: it is not in the kernel", gen)
	}
	out := make([]Judgement, len(frames))
	for i := range frames {
		if err := q.judge.judge(gen, &frames[i], &out[i]); err != nil {
			return nil, fmt.Errorf("judge by policy %d: %w", gen, err)
		}
	}
	return out, nil
}

// openJudge loads the program that judges. The verifier takes its time, and nobody who keeps or restores may wait for it: judging is
// held, mu is not.
func (q *policies) openJudge(p *Pipeline) error {
	if q.judge != nil {
		return nil
	}
	s := &Shadow{p: p, shared: true}
	if err := s.load(false); err != nil {
		return errors.Join(err, s.Close())
	}
	q.judge = s
	return nil
}

// Bits of acl_judge's answer (JUDGED_* in bpf/include/wire.h).
const (
	judgedHit     = 0xffff
	judgedDeny    = 0x10000
	judgedLimited = 0x40000
)

func (s *Shadow) judge(gen uint32, f *Judge, out *Judgement) error {
	s.io.Gen, s.io.Dev, s.io.Egress = gen, uint32(f.Slot), uint32(flag(f.Egress))
	defer func() { s.io.Gen = 0 }()
	found, err := s.Run(f.Frame, f.Wire)
	if err != nil {
		return err
	}
	*out = Judgement{Found: found, Deny: s.io.Judged&judgedDeny != 0, Limited: s.io.Judged&judgedLimited != 0}
	q := &s.p.policy
	by, index, ok := q.what(gen, uint16(s.io.Judged&judgedHit))
	if !ok {
		return errors.New("the program named a rule that the policy does not have")
	}
	if out.By, out.Index = by, index; by == acl.ByDefault {
		out.Index = -1
	}
	for _, hit := range s.io.Passed[:min(int(s.io.PassedN), len(s.io.Passed))] {
		if _, index, ok := q.what(gen, hit); ok {
			out.Counted = append(out.Counted, index)
		}
	}
	slices.Sort(out.Counted) // the program walks one list after the other
	return nil
}
