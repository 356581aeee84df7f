// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hooktop/probes"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// A canary that changes a chain's mark on all of its devices: no packet passes the service by, whether the rest follows, the
// operator takes it back, or the engine stalls and the kernel goes back by itself; and rules and routes follow.
func TestACanaryOfAChainInTheKernel(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newTown(t)
	ktest.Veth(t, n.here, "v-rest", n.client, "c1")
	var stalled atomic.Bool
	// What ends a canary here is the test: connections, retransmits and interrupts differ as a stall of the machine has them.
	wide := snap.CanaryLimits{Errors: 1e9, Drops: 1e9, Denied: 1e9, Retransmits: 1e9, CPU: 100, Quiet: 100}
	n.openWith(Options{Limits: wide}, func(s *Service) probes.Policy {
		s.renewal = longSoakLease
		return stalling{OnKern{s}, &stalled}
	})
	n.trial(townChain + "closed\n")
	n.keepTrial()
	n.calm()
	whole := []string{"v-fw0", "v-fw1", "v-lan", "v-wan"}
	marks := []string{"0x10/", "0x20/", "0x30/", "0x40/"}
	ends := []func(){
		func() { n.do(snap.Intent{Kind: snap.RestorePolicy}) },
		func() { n.do(snap.Intent{Kind: snap.KeepPolicy}) },
		func() { n.stall(&stalled) },
	}
	_, failed := n.underTraffic("canaries", func() {
		for i, end := range ends {
			n.canary(strings.Replace(townChain, marks[0], marks[i+1], 1)+"closed\n", whole)
			n.wait("rules of both", func(f *snap.Frame) bool { return states(f)["staged"] == 9 && states(f)["old"] == 9 })
			began := time.Now()
			end()
			f := n.wait("rules of one", func(f *snap.Frame) bool {
				return f.Policy.Canary.Gen == 0 && f.Policy.Trial.Gen == 0 && states(f)["in place"] == 9 && len(f.Chains.Steer) == 9
			})
			want := marks[0]
			if i == 1 {
				want, marks[0] = marks[i+1], marks[i+1]
			}
			if got := f.Chains.Steer[0].Text; !strings.Contains(got, " fwmark "+want) {
				t.Errorf("end %d: %q, want mark %s", i, got, want)
			}
			t.Logf("end %d: one policy after %s", i, time.Since(began).Round(10*time.Millisecond))
		}
	})
	if failed > 0 {
		t.Errorf("%d connections failed", failed)
	}
	base := n.wait("a frame", func(*snap.Frame) bool { return true }).Policy.Kept
	part := snap.PolicyWish{Base: base, Host: n.s.opt.Host, On: whole[:1]}
	if a := n.e.Do(n.ctx, snap.Intent{Kind: snap.CommitPolicy, Policy: part}); !strings.Contains(a.Err, "chain fw goes by v-fw1, v-lan, v-wan too") {
		t.Errorf("a part of the chain: %+v", a)
	}
}

// stall lets no more looks at the host through, when the lease that is left is the product's.
func (n *town) stall(stalled *atomic.Bool) {
	n.t.Helper()
	n.s.mu.Lock()
	n.s.renewal = soakLease
	n.s.mu.Unlock()
	n.wait("a short lease", func(f *snap.Frame) bool { return f.Policy.Canary.Lease <= soakLease })
	stalled.Store(true)
}

// canary keeps a policy on some devices.
func (n *town) canary(text string, on []string) {
	n.t.Helper()
	<-n.s.Watched()
	base := n.wait("a frame", func(*snap.Frame) bool { return true }).Policy.Kept
	n.do(snap.Intent{Kind: snap.StagePolicy, Policy: snap.PolicyWish{Seq: 3, Text: text, Base: base}})
	n.do(snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 3, Base: base, Host: n.s.opt.Host, On: on, Soak: time.Minute}})
	n.do(snap.Intent{Kind: snap.KeepPolicy})
	n.wait("the canary", func(f *snap.Frame) bool { return f.Policy.Canary.Gen != 0 })
}
