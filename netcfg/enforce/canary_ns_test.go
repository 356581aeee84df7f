// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hooktop/probes"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// stalling is a policy whose engine no longer gets to look at the host when stalled is set.
type stalling struct {
	OnKern
	stalled *atomic.Bool
}

func (s stalling) Health(h snap.Health) {
	if !s.stalled.Load() {
		s.OnKern.Health(h)
	}
}

// longSoakLease is for canaries that nothing but a stall of the machine could end.
const longSoakLease = 30 * time.Second

// gens are what decides on v0 and on v1, as the kernel's words say.
func gens(f *snap.Frame) (v0, v1 uint32) {
	for _, d := range f.Policy.Devices {
		switch d.Name {
		case "v0":
			v0 = d.Gen
		case "v1":
			v1 = d.Gen
		}
	}
	return v0, v1
}

// soak puts a policy on v1 and keeps it there.
func (b *bench) soak(text string, soak time.Duration) *snap.Frame {
	b.t.Helper()
	f := b.trySoak(text, soak)
	if f.Policy.Canary.Gen == 0 {
		b.t.Fatalf("the canary has ended: %+v", f.Notices)
	}
	return f
}

// trySoak is soak on a machine that may stand still for all of a lease: there is no canary in the frame then.
func (b *bench) trySoak(text string, soak time.Duration) *snap.Frame {
	b.t.Helper()
	before := b.wait("both devices", func(f *snap.Frame) bool { return len(f.Policy.Devices) == 2 }).Policy.Kept
	<-b.s.Watched()
	b.do(snap.Intent{Kind: snap.StagePolicy, Policy: snap.PolicyWish{Seq: 1, Text: text, Base: before}})
	b.do(snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 1, Base: before, Host: b.s.opt.Host, On: []string{"v1"}, Soak: soak}})
	b.wait("the trial on v1 alone", func(f *snap.Frame) bool {
		v0, v1 := gens(f)
		return f.Policy.Trial.Gen != 0 && v0 == before && v1 == f.Policy.Trial.Gen
	})
	b.do(snap.Intent{Kind: snap.KeepPolicy})
	return b.wait("the canary", func(f *snap.Frame) bool { return f.Policy.Canary.Gen != 0 || f.Policy.Trial.Gen == 0 })
}

func canaryBench(t *testing.T, o Options, stalled *atomic.Bool, lease time.Duration) *bench {
	o.Limits = snap.DefaultCanaryLimits()
	o.Limits.CPU = 100 // the machine's processors serve others too
	b := newBenchWith(t, o, func(s *Service) probes.Policy {
		s.renewal = lease
		return stalling{OnKern{s}, stalled}
	})
	b.join("v1", "10.9.1")
	return b
}

func TestCanaryInTheKernel(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	var ahead atomic.Int64 // the service's clock is: the soak ends when everything else was seen, and not before
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	b := canaryBench(t, Options{Now: now}, new(atomic.Bool), longSoakLease)
	b.listen("0.0.0.0:4000")
	f := b.soak("deny in udp to any port 4000\n", DefaultSoak)
	gen := f.Policy.Canary.Gen
	b.talk("10.9.0.1:4000", 9)
	b.talk("10.9.1.1:4000", 7)
	b.wait("denied on v1, and only there", func(f *snap.Frame) bool {
		passed, denied := uint64(0), uint64(0)
		for _, row := range f.Flows.Rows {
			switch {
			case row.Key.DPort == 4000 && row.Device == "v0" && row.Verdict == "pass":
				passed += row.Packets
			case row.Key.DPort == 4000 && row.Device == "v1" && row.Verdict == "drop":
				denied += row.Packets
			}
		}
		return passed == 9 && denied == 7
	})
	checked := b.wait("checks", func(f *snap.Frame) bool { return len(f.Policy.Canary.Checks) > 0 }).Policy.Canary
	if checked.Lease <= 0 || checked.Lease > longSoakLease || checked.Rest[0] != "v0" || checked.Devices[0] != "v1" {
		t.Errorf("%+v", checked)
	}
	ahead.Store(int64(DefaultSoak))
	b.wait("the rest", func(f *snap.Frame) bool {
		v0, v1 := gens(f)
		return f.Policy.Kept == gen && v0 == gen && v1 == gen && f.Policy.Canary.Gen == 0
	})
	b.talk("10.9.0.1:4000", 5)
	b.wait("denied on v0 too", func(f *snap.Frame) bool {
		return len(f.Policy.Rules) == 1 && f.Policy.Rules[0].Packets == 12
	})
}

func TestACanaryThatDropsTooMuchInTheKernel(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	b := canaryBench(t, Options{}, new(atomic.Bool), longSoakLease)
	b.listen("0.0.0.0:4000")
	b.soak("deny in udp to any port 4000\n", time.Minute)
	f := b.wait("what was before", func(f *snap.Frame) bool {
		b.talk("10.9.1.1:4000", 100) // again and again: what is over before a stall is no figure of now
		return f.Policy.Canary.Gen == 0
	})
	if v0, v1 := gens(f); v0 != 0 || v1 != 0 || f.Policy.Kept != 0 {
		t.Errorf("v0 %d, v1 %d, kept %d", v0, v1, f.Policy.Kept)
	}
	b.wait("words that tell why", func(f *snap.Frame) bool {
		return slices.ContainsFunc(f.Notices, func(n snap.Notice) bool {
			return n.Sev == snap.Crit && strings.Contains(n.Text, "taken back on v1: denied/s is")
		})
	})
}

// outlive has a canary whose lease was renewed: it is still there when the first one is over. A machine that stood still for
// all of a lease has ended it, and it is tried again; a canary that is never renewed ends each time.
func (b *bench) outlive(text string) {
	b.t.Helper()
	for range 5 {
		f := b.trySoak(text, time.Minute)
		f = b.wait("renewed leases", func(g *snap.Frame) bool { return g.Policy.Canary.Gen == 0 || g.At.Sub(f.At) > soakLease })
		if f.Policy.Canary.Gen != 0 {
			return
		}
	}
	b.t.Fatal("a canary's lease is not renewed: five of them ended with their first")
}

// The kernel goes back by itself when the lease is not renewed.
func TestACanaryOfAStalledEngineInTheKernel(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	var stalled atomic.Bool
	b := canaryBench(t, Options{}, &stalled, soakLease)
	b.outlive("deny in udp to any port 4000\n")
	stalled.Store(true)
	began := time.Now()
	f := b.wait("what was before", func(f *snap.Frame) bool {
		_, v1 := gens(f)
		return v1 == 0 && f.Policy.Canary.Gen == 0 // the kernel is first, and a frame may be made before it is noticed
	})
	t.Logf("%v after the last look at the host", time.Since(began).Round(10*time.Millisecond))
	if f.Policy.Kept != 0 {
		t.Errorf("v%d is kept", f.Policy.Kept)
	}
}
