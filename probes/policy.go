// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"fmt"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// Policy carries out what is wished about the policy. netcfg/enforce implements it; package main joins the two. Stage,
// Commit, Save, Rewrite, Repair, Chains and Lineage may take long and are called aside; nothing else may block, and every method
// may be called from any goroutine.
type Policy interface {
	// Begin gives it the kernel's side. tell adds a notice and never blocks.
	Begin(p *kern.Pipeline, tell func(snap.Severity, string)) error
	// Look tells how operators get in and which devices, by the kernel's names, have which slots. It reports whether what
	// decides must be written again for them: Rewrite does that.
	Look(ways []acl.WayIn, noRemote bool, devices map[string]uint16) (rewrite bool)
	Rewrite() error
	Count()                                                 // once a second: read the counters
	Health(h snap.Health)                                   // once a second: a canary decides no longer when it stays away
	View(counters bool) snap.Policy                         // for a frame
	Verdict(path, gen uint16) (line int, verdict string)    // what let a flow pass
	Decider(gen uint32, hit uint16) (snap.Decider, bool)    // what a counter stands for; false: its generation is gone
	DeciderAt(line int) (snap.Decider, error)               // of the policy in force
	Hear(hear func(snap.Event))                             // hear is told of each transition and never blocks
	Stage(w snap.PolicyWish, flows []snap.Flow) snap.Answer // flows: the fastest first
	Commit(w snap.PolicyWish) snap.Answer
	Save(path, arg string) snap.Answer
	Keep(code string) snap.Answer
	Restore() snap.Answer
	Extend(lease time.Duration) snap.Answer
	Chains(whole bool) snap.Chains // for a frame; whole: what must be read for it too
	Lineage(k acl.Packet) []string // of a packet that a chain may be for
	Repair() snap.Answer           // rules and routes of chains
	TunnelPolicy
	// End takes a trial back. After it nothing of the kernel's side is used any more.
	End() error
}

const (
	judgedFlows   = 4096            // that a draft is tried on
	quietAfter    = 2 * time.Second // without a packet
	steadyPackets = 10              // of a flow that may go quiet: a query, or a scanner's SYN, is over by itself
	rewriteWait   = 5 * time.Second // between two tries to write what decides again
	chainEach     = 100 * time.Millisecond
)

// policer is the Probe of the policy: it gives the Policy its plane and the engine's view of the host.
type policer struct {
	b    *Bench
	pl   *pipeline
	svc  Policy
	on   bool // it has the plane
	busy struct{ rewrite, count, chains, price bool }
	next time.Time // no rewrite before

	chains   snap.Chains
	shot     snap.Chains // with all that must be read for it: a snapshot's
	chained  time.Time   // when they were asked for
	whole    bool        // the Chain tab is in view
	follow   snap.FlowKey
	unmarked map[uint16]bool // device slots that were taken to tc for the sake of marks

	talked map[snap.FlowKey]bool // flows that sent packets when the trial was committed
	quiet  int                   // of these: send none now
}

var (
	_ Doer     = (*policer)(nil)
	_ Optional = (*policer)(nil)
	_ Preparer = (*policer)(nil)
)

// Optional: the tabs do without it.
func (*policer) Optional() {}

// Start gives the plane to the policy. The pipeline has opened it by then, or there is none.
func (p *policer) Start(_ context.Context, b *Bench, done func(error)) {
	p.b, p.svc = b, b.Config.Policy
	if p.svc == nil || p.pl.dp == nil || p.pl.dp.kern == nil {
		done(nil)
		return
	}
	err := p.svc.Begin(p.pl.dp.kern, func(sev snap.Severity, text string) { b.engine.Tell(sev, "policy", text) })
	if err != nil {
		done(fmt.Errorf("policy: %w", err))
		return
	}
	p.on = true
	p.pl.before = append(p.pl.before, p.end)
	done(nil)
}

// Collect tells the policy about the host and writes the guard again when operators came or went.
func (p *policer) Collect(now time.Time) {
	if !p.on || p.pl.dp == nil || p.pl.join == nil {
		return
	}
	devices := map[string]uint16{}
	for _, d := range p.pl.set.Devs() {
		devices[d.Link.Name] = d.Slot
	}
	p.askChains(now)
	ways := p.pl.join.ways.Now()
	if ways.At.IsZero() {
		return // nobody has looked yet: that is not the same as that nobody is there
	}
	rewrite := p.svc.Look(ways.Guarded(), ways.NoRemote, devices)
	if !rewrite || p.busy.rewrite || now.Before(p.next) {
		return
	}
	p.busy.rewrite = true
	var err error
	p.b.Aside(func() { err = p.svc.Rewrite() }, func() {
		p.busy.rewrite = false
		if err != nil {
			p.next = time.Now().Add(rewriteWait)
			p.b.Notify(snap.Crit, "policy", err.Error())
		}
	})
}

// quietAfter is how long a flow that sends packets may be without one. The table is not read more often than frames are made.
func (p *policer) quietAfter() time.Duration { return quietAfter + p.b.engine.period() }

// talking lists the flows that have sent some packets and go on, also those whose packets are denied.
func (p *policer) talking(flows []snap.Flow) map[snap.FlowKey]bool {
	out := map[snap.FlowKey]bool{}
	for i := range flows {
		if f := &flows[i]; f.Packets >= steadyPackets && !saidEnd(f) && f.Rates[0].PPS > 0 && f.Idle < p.quietAfter() {
			out[f.Key] = true
		}
	}
	return out
}

// saidEnd reports whether a connection has said that it ends.
func saidEnd(f *snap.Flow) bool {
	const fin, rst = 0x01, 0x04 // RFC 9293
	return f.TCPFlags&(fin|rst) != 0
}

// hush counts the flows that sent packets when the trial was committed, and do not now. Connections that were closed meanwhile have
// not gone quiet, also once the table has forgotten them.
func (p *policer) hush(flows []snap.Flow) {
	for i := range flows {
		if saidEnd(&flows[i]) {
			delete(p.talked, flows[i].Key)
		}
	}
	p.quiet = len(p.talked)
	for i := range flows {
		f := &flows[i]
		if p.talked[f.Key] && (f.Rates[0].PPS > 0 && f.Idle < p.quietAfter()) {
			p.quiet--
		}
	}
}

// Second tells the policy how the host is, has the counters read, which takes a walk over the flow table, and looks which flows
// have gone quiet.
func (p *policer) Second(now time.Time) {
	if !p.on || p.pl.dp == nil || p.pl.store == nil {
		return
	}
	v := p.svc.View(false)
	if v.Trial.Gen == 0 {
		p.talked, p.quiet = nil, 0
	} else if len(p.talked) > 0 {
		p.hush(p.flows())
	}
	p.tellHealth(now, v.Trial.Gen != 0 || v.Canary.Gen != 0)
	p.keepMarks()
	if p.busy.count {
		return
	}
	p.busy.count = true
	p.b.Aside(p.svc.Count, func() { p.busy.count = false })
}

// Fill writes the policy's part of a frame.
func (p *policer) Fill(_ time.Time, q *snap.Query, f *snap.Frame) {
	if p.svc != nil {
		f.Policy = p.svc.View(q.Tab == snap.ACLTab || q.Flows.Limit == allRows)
		f.Policy.Trial.Quiet = p.quiet
		p.whole, p.follow = q.Tab == snap.ChainTab, q.Flows.Follow
		if f.Chains = p.chains; q.Flows.Limit == allRows {
			f.Chains = p.shot
		}
	} else {
		f.Policy.Why = "this engine only looks"
	}
	if f.State.Fallback != "" {
		f.Policy.Why = f.State.Fallback
	}
	if f.Policy.Why != "" && f.Chains.Why == "" {
		f.Chains.Why = f.Policy.Why
	}
}

// Do carries out intents about the policy. What ends a trial or keeps it is done at once: no check may make it late.
func (p *policer) Do(_ context.Context, in snap.Intent, answer func(snap.Answer)) bool {
	if p.svc == nil {
		return false
	}
	var slow func() snap.Answer
	switch in.Kind {
	case snap.KeepPolicy:
		answer(p.svc.Keep(in.Arg))
	case snap.RestorePolicy:
		answer(p.svc.Restore())
	case snap.ExtendPolicy:
		answer(p.svc.Extend(in.Policy.Lease))
	case snap.StagePolicy:
		flows := p.flows()
		slow = func() snap.Answer { return p.svc.Stage(in.Policy, flows) }
	case snap.CommitPolicy:
		p.talked, p.quiet = p.talking(p.flows()), 0
		if len(in.Policy.On) > 0 {
			p.tellHealth(time.Now(), true) // what sends now is what a canary is held against
		}
		slow = func() snap.Answer { return p.svc.Commit(in.Policy) }
	case snap.PricePolicy:
		p.price(in.Policy.Text, answer)
	case snap.RepairChains:
		slow = p.svc.Repair
	case snap.SavePolicy:
		slow = func() snap.Answer { return p.svc.Save(in.Target, in.Arg) }
	default:
		return false
	}
	if slow != nil {
		var a snap.Answer
		p.b.Aside(func() { a = slow() }, func() { answer(a) })
	}
	return true
}

func (p *policer) flows() []snap.Flow {
	if !p.on || p.pl.dp == nil || p.pl.store == nil {
		return nil
	}
	return p.pl.store.Fastest(time.Now(), judgedFlows, p.pl.join)
}

// end takes a trial back and lets go of the plane.
func (p *policer) end() []snap.Status {
	p.on = false
	if err := p.svc.End(); err != nil {
		return []snap.Status{{Name: "policy", Outcome: snap.Unavailable, Why: err.Error()}}
	}
	return nil
}

// Stop ends what Start began, before the pipeline detaches.
func (p *policer) Stop() []snap.Status {
	if p.svc == nil {
		return nil
	}
	return p.end()
}
