// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// maxRemarks is how many remarks of the linter a draft carries.
const maxRemarks = 200

// Stage keeps a text as the draft, checks it and says what it would do to flows. The empty text drops the draft.
func (s *Service) Stage(w snap.PolicyWish, flows []snap.Flow) snap.Answer {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := writeDraft(s.opt.Draft, w.Text); err != nil {
		return snap.Answer{Err: err.Error()}
	}
	s.mu.Lock()
	base := s.inForce().id
	s.draft, s.drops, s.parsed = snap.Draft{Seq: w.Seq, Text: w.Text, Base: w.Base}, nil, policy.File{}
	s.mu.Unlock()
	if w.Text == "" {
		return snap.Answer{Text: "the draft is gone"}
	}
	d, file, drops := s.check(w.Text, flows)
	d.Seq, d.Base = w.Seq, w.Base
	if w.Base != base && len(d.Errors) == 0 {
		d.Remarks = append([]string{fmt.Sprintf("made from v%d, and v%d decides now", w.Base, base)}, d.Remarks...)
	}
	s.mu.Lock()
	s.draft, s.drops, s.parsed = d, drops, file
	s.mu.Unlock()
	return snap.Answer{} // what the check found is the draft's line: a word here would stand before it at each key
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// inForce is the edition that decides now, on most devices where there is a canary that was kept. mu is held.
func (s *Service) inForce() *edition {
	if s.trial != nil && !s.trial.soaking() {
		return &s.trial.edition
	}
	return &s.kept
}

// check says what a text would do, also by device: packets a second that it denies. turn is held.
func (s *Service) check(text string, flows []snap.Flow) (d snap.Draft, file policy.File, drops map[string]float64) {
	d = snap.Draft{Text: text, Checked: true}
	file, err := policy.Parse(text)
	if err != nil {
		var list *policy.Errors
		if !errors.As(err, &list) {
			d.Errors = []string{err.Error()}
			return d, file, nil
		}
		for _, e := range list.List {
			d.Errors = append(d.Errors, e.Error())
		}
		if list.More > 0 {
			d.Errors = append(d.Errors, fmt.Sprintf("and %d more", list.More))
		}
		return d, file, nil
	}
	now := s.opt.Now()
	world, before, kept := s.look()
	next := edition{file: file.Succeed(kept.file).Resolve(now)}
	next.acl = s.guarded(next.file, world)
	p, ways := next.acl, world.onDevices()
	for _, f := range acl.Lint(&p, acl.Circumstances{Now: now, Ways: ways, Devices: slices.Collect(maps.Keys(world.Devices))}) {
		if len(d.Remarks) == maxRemarks {
			d.Remarks = append(d.Remarks, "and more")
			break
		}
		if text := remark(f.Line, f.Text); !slices.Contains(d.Remarks, text) { // a way in may be cut on several devices
			d.Remarks = append(d.Remarks, text)
		}
	}
	d.Remarks = append(d.Remarks, s.arrivals(&p)...)
	if err := s.steerCheck(kept.acl.Chains, p.Chains); err != nil {
		d.Errors = append(d.Errors, err.Error())
		return d, file, nil
	}
	d.Cuts = cuts(&p, ways, now)
	if err := refuseServed(&p); err != nil {
		d.Errors = append(d.Errors, err.Error())
		return d, file, nil
	}
	if s.idle() || s.opt.ReadOnly != "" {
		return d, file, nil
	}
	gen, err := s.write(&p, world.Devices, now)
	if err != nil {
		d.Errors = append(d.Errors, err.Error())
		return d, file, nil
	}
	if next.text = next.file.String(); next.text == file.String() { // else the commit counts expiries from its own time
		next.gen = gen
		s.ready = prepared{edition: next, raw: text, base: kept.id, world: world}
	}
	if err := s.seed(&p, &before.acl); err != nil {
		d.Remarks = append(d.Remarks, "established may miss connections that stand: "+err.Error())
	}
	judge := func(list []acl.Packet) ([]acl.Decision, error) { return s.judge(gen, &p, list) }
	if more, err := cutsBy(&p, ways, judge); err == nil {
		for _, c := range more {
			if !slices.Contains(d.Cuts, c) {
				d.Cuts = append(d.Cuts, c)
			}
		}
	}
	d.Impact, drops, err = impact(flows, &before.acl, &p, s.judgeNow(before), judge)
	if err != nil {
		d.Remarks = append(d.Remarks, "what it does to live flows is not known: "+err.Error())
	}
	if d.PriceNs, err = s.price(before.gen, gen, flows, world); err != nil {
		d.Remarks = append(d.Remarks, "what it costs is not known: "+err.Error())
	}
	return d, file, drops
}

func remark(line int, text string) string {
	if line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s", line, text)
}

// idle reports whether nothing can be tried on the plane.
func (s *Service) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plane == nil || s.ended
}

// look copies what a check or a commit compares with.
func (s *Service) look() (world World, inForce, kept edition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world, *s.inForce(), s.kept
}

// guarded makes what a file says about dropping, with rule 0.
func (s *Service) guarded(f policy.File, world World) acl.Policy {
	p := f.ACL()
	p.Served = s.servedNow()
	if !s.opt.NoGuard {
		p.Guard = acl.Guard(world.guarded())
	}
	return p
}

// judging is a way to decide packets: the program or the oracle.
type judging func([]acl.Packet) ([]acl.Decision, error)

func oracle(p *acl.Policy, now time.Time) judging {
	return func(list []acl.Packet) ([]acl.Decision, error) {
		out := make([]acl.Decision, len(list))
		for i, k := range list {
			out[i] = acl.Evaluate(p, k, acl.NewState(now))
		}
		return out, nil
	}
}

// judgeNow decides as the edition in force does: everything passes before the first commit.
func (s *Service) judgeNow(e edition) judging {
	if e.gen == 0 {
		return oracle(&acl.Policy{}, s.opt.Now())
	}
	return func(list []acl.Packet) ([]acl.Decision, error) { return s.judge(e.gen, &e.acl, list) }
}
