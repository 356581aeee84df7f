// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// slowPolicy is a Policy whose checks take as long as the test likes.
type slowPolicy struct {
	staging, stage chan struct{}
	ended          int
}

func (*slowPolicy) Begin(*kern.Pipeline, func(snap.Severity, string)) error { return nil }
func (*slowPolicy) Look([]acl.WayIn, bool, map[string]uint16) bool          { return false }
func (*slowPolicy) Rewrite() error                                          { return nil }
func (*slowPolicy) Count()                                                  {}
func (*slowPolicy) Health(snap.Health)                                      {}
func (*slowPolicy) Serve([]acl.Served)                                      {}
func (*slowPolicy) TunnelLines() []snap.TunnelLine                          { return nil }
func (*slowPolicy) TunnelLine(uint16, int) int                              { return 0 }
func (*slowPolicy) Verdict(_, _ uint16) (int, string)                       { return 0, "pass" }
func (*slowPolicy) Commit(snap.PolicyWish) snap.Answer                      { return snap.Answer{Text: "committed"} }
func (*slowPolicy) Save(path, _ string) snap.Answer                         { return snap.Answer{Text: "saved " + path} }
func (*slowPolicy) Keep(code string) snap.Answer                            { return snap.Answer{Text: "kept " + code} }
func (*slowPolicy) Restore() snap.Answer                                    { return snap.Answer{Text: "restored"} }
func (*slowPolicy) Chains(bool) snap.Chains                                 { return snap.Chains{} }
func (*slowPolicy) Lineage(acl.Packet) []string                             { return nil }
func (*slowPolicy) Repair() snap.Answer                                     { return snap.Answer{} }
func (*slowPolicy) Extend(d time.Duration) snap.Answer                      { return snap.Answer{Text: d.String()} }
func (*slowPolicy) Hear(func(snap.Event))                                   {}
func (*slowPolicy) Decider(uint32, uint16) (snap.Decider, bool)             { return snap.Decider{}, false }
func (*slowPolicy) DeciderAt(int) (snap.Decider, error)                     { return snap.Decider{}, nil }
func (*slowPolicy) View(bool) snap.Policy                                   { return snap.Policy{Kept: 7, Text: "what is kept"} }

func (p *slowPolicy) Stage(snap.PolicyWish, []snap.Flow) snap.Answer {
	close(p.staging)
	<-p.stage
	return snap.Answer{Text: "staged"}
}

func (p *slowPolicy) End() error {
	p.ended++
	return nil
}

// Neither frames nor a keep wait for a check that takes its time.
func TestNoCheckHoldsUpAKeep(t *testing.T) {
	svc := &slowPolicy{staging: make(chan struct{}), stage: make(chan struct{})}
	e := newEngine(Config{Policy: svc}, &quietHost{}, []func() Probe{
		func() Probe { return &fakeProbe{} }, func() Probe { return &policer{pl: newPipeline()} },
	})
	ended := make(chan error, 1)
	go func() { ended <- e.Run(t.Context()) }()
	if f, err := e.Started(t.Context()); err != nil || f.Policy.Kept != 7 {
		t.Fatalf("%+v, %v", f, err)
	}
	staged := make(chan snap.Answer, 1)
	go func() { staged <- e.Do(t.Context(), snap.Intent{Kind: snap.StagePolicy}) }()
	<-svc.staging
	for _, c := range []struct {
		in   snap.Intent
		want string
	}{
		{snap.Intent{Kind: snap.KeepPolicy, Arg: "abc"}, "kept abc"},
		{snap.Intent{Kind: snap.RestorePolicy}, "restored"},
		{snap.Intent{Kind: snap.ExtendPolicy, Policy: snap.PolicyWish{Lease: time.Second}}, "1s"},
	} {
		if a := e.Do(t.Context(), c.in); a.Text != c.want {
			t.Errorf("%s: %+v, want %q", c.in.Kind, a, c.want)
		}
	}
	close(svc.stage)
	if a := <-staged; a.Text != "staged" {
		t.Errorf("stage: %+v", a)
	}
	if a := e.Do(t.Context(), snap.Intent{Kind: snap.SavePolicy, Target: "/x"}); a.Text != "saved /x" {
		t.Errorf("save: %+v", a)
	}
	e.Close()
	if err := <-ended; err != nil || svc.ended != 1 {
		t.Errorf("%v, ended %d times", err, svc.ended)
	}
}

// A price takes seconds and holds up neither frames nor a keep; only one is measured at a time.
func TestAPriceHoldsUpNothing(t *testing.T) {
	svc := &slowPolicy{staging: make(chan struct{}), stage: make(chan struct{})}
	measuring, measured := make(chan [2]string, 1), make(chan error)
	prices := func(ctx context.Context, now, draft string) ([]snap.Price, error) {
		measuring <- [2]string{now, draft}
		select {
		case err := <-measured:
			return []snap.Price{{Hook: "tc", Stage: "parse"}}, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	e := newEngine(Config{Policy: svc, Prices: prices}, &quietHost{}, []func() Probe{
		func() Probe { return &fakeProbe{} }, func() Probe { return &policer{pl: newPipeline()} },
	})
	ended := make(chan error, 1)
	go func() { ended <- e.Run(t.Context()) }()
	if _, err := e.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask := snap.Intent{Kind: snap.PricePolicy, Policy: snap.PolicyWish{Text: "a draft"}}
	priced := make(chan snap.Answer, 1)
	begin := func() {
		t.Helper()
		go func() { priced <- e.Do(t.Context(), ask) }()
		if texts := <-measuring; texts != [2]string{"what is kept", "a draft"} {
			t.Errorf("measured %q", texts)
		}
	}
	begin()
	if a := e.Do(t.Context(), ask); !strings.Contains(a.Err, "under way") {
		t.Errorf("a second one at once: %+v", a)
	}
	if a := e.Do(t.Context(), snap.Intent{Kind: snap.KeepPolicy, Arg: "abc"}); a.Text != "kept abc" {
		t.Errorf("keep: %+v", a)
	}
	measured <- nil
	if a := <-priced; a.Err != "" || len(a.Prices) != 1 {
		t.Errorf("%+v", a)
	}
	begin()
	measured <- errors.New("no \x1bright")
	if a := <-priced; !strings.Contains(a.Err, "right") || strings.Contains(a.Err, "\x1b") {
		t.Errorf("%+v", a)
	}
	begin() // its context ends with the engine
	e.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
