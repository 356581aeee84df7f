// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/netcfg/acl"
)

const drop = 1 // XDP_DROP

// passes runs a frame through an XDP program.
func passes(t testing.TB, prog *ebpf.Program, frame []byte) bool {
	t.Helper()
	code, err := prog.Run(&ebpf.RunOptions{Data: frame})
	if err != nil {
		t.Fatal(err)
	}
	return code != drop
}

func keep(t testing.TB, p *Pipeline, gen uint32) {
	t.Helper()
	if err := errors.Join(p.TryPolicy(gen, nil, time.Minute), p.KeepPolicy(gen)); err != nil {
		t.Fatal(err)
	}
}

// The programs go back by themselves: nobody calls anything while the lease runs out.
func TestALeaseEndsByTheKernelsClock(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	frame := udpFrame(1, 100)
	const lease = 300 * time.Millisecond
	for _, kept := range []string{"", "allow in udp"} {
		if kept != "" {
			keep(t, p, writePolicy(t, p, kept))
		}
		var begin Clock
		for decides := false; !decides; { // again when a stall was longer than the lease
			begin = p.Clock()
			if err := p.TryPolicy(writePolicy(t, p, "deny in udp"), nil, lease); err != nil {
				t.Fatal(err)
			}
			if decides = !passes(t, prog, frame); !decides && p.Clock().Ago(begin.Jiffies) < lease {
				t.Fatal("the trial does not decide")
			}
		}
		for late := time.After(30 * time.Second); !passes(t, prog, frame); {
			select {
			case <-late:
				t.Fatal("the lease does not end")
			default:
			}
		}
		if took := p.Clock().Ago(begin.Jiffies); took < lease {
			t.Errorf("kept %q: the lease ended after %v", kept, took)
		}
		if err := p.KeepPolicy(p.policy.trial); !errors.Is(err, ErrLeaseOver) {
			t.Errorf("a late keep: %v", err)
		}
	}
}

func TestKeepExtendRestore(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	frame := udpFrame(1, 100)
	state := func(gen, kept uint32, lease bool) {
		t.Helper()
		words := p.PolicyState()
		if len(words) != 1 || words[0].Gen != gen || words[0].Kept != kept || (words[0].Lease > 0) != lease {
			t.Fatalf("state %+v, want %d, kept %d, lease %v", words, gen, kept, lease)
		}
	}
	state(0, 0, false)
	deny := writePolicy(t, p, "deny in udp")
	if !passes(t, prog, frame) {
		t.Error("a policy that was only written decides")
	}
	if err := errors.Join(p.TryPolicy(deny, nil, time.Minute), p.ExtendLease(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	state(deny, 0, true)
	if left := p.PolicyState()[0].Lease; left < time.Minute {
		t.Errorf("extended to %v", left)
	}
	if err := p.RestorePolicy(); err != nil || !passes(t, prog, frame) {
		t.Errorf("restored: %v", err)
	}
	state(0, 0, false)
	keep(t, p, deny)
	state(deny, deny, false)
	for range 5 { // slots come round, the kept one is never taken
		allow := writePolicy(t, p, "allow in udp")
		if err := p.TryPolicy(allow, nil, time.Minute); err != nil || !passes(t, prog, frame) {
			t.Fatalf("trial: %v", err)
		}
		if err := p.RestorePolicy(); err != nil || passes(t, prog, frame) {
			t.Fatalf("restored: %v", err)
		}
	}
	if err := p.KeepPolicy(deny); !errors.Is(err, ErrLeaseOver) {
		t.Errorf("keep without a trial: %v", err)
	}
	if err := p.TryPolicy(deny+100, nil, time.Minute); err == nil {
		t.Error("a generation that nobody wrote was tried")
	}
}

// One device tries, the other does not; both keep.
func TestATrialOnOneDevice(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	one, two := loadFor(t, p, 1, XDPGeneric), loadFor(t, p, 2, XDPGeneric)
	frame := udpFrame(1, 100)
	deny := writePolicy(t, p, "deny in udp")
	if err := p.TryPolicy(deny, []uint16{2}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if !passes(t, one, frame) || passes(t, two, frame) {
		t.Error("the trial is not on the second device alone")
	}
	if err := p.KeepPolicy(deny); err != nil || passes(t, one, frame) || passes(t, two, frame) {
		t.Errorf("kept: %v", err)
	}
}

// frameFor builds the frame of "in udp 10.0.0.1:5 > 10.0.0.2:6".
func frameFor(k acl.Packet) []byte { return frameOf(k, rand.New(rand.NewPCG(1, 1))) }

func udp(from string, sport uint16, to string, dport uint16) acl.Packet {
	return acl.Packet{Dir: acl.In, Dev: "eth0", Src: netip.MustParseAddr(from), Dst: netip.MustParseAddr(to), Proto: acl.UDP, SPort: sport, DPort: dport}
}

func TestEstablishedKnowsWhatWasLetThrough(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	in, out := loadFor(t, p, 1, XDPGeneric), loadFor(t, p, 1, TCEgress)
	sent := func(k acl.Packet) {
		t.Helper()
		k.Dir = acl.Out
		if _, err := out.Run(&ebpf.RunOptions{Data: frameFor(k)}); err != nil {
			t.Fatal(err)
		}
	}
	answer := func(k acl.Packet) []byte {
		k.Src, k.Dst, k.SPort, k.DPort = k.Dst, k.Src, k.DPort, k.SPort
		if k.Proto == acl.ICMP {
			k.Type = 0
		}
		return frameFor(k)
	}
	before, after := udp("10.0.0.1", 1000, "10.0.0.9", 53), udp("10.0.0.1", 1001, "10.0.0.9", 53)
	ping := acl.Packet{Dev: "eth0", Src: before.Src, Dst: before.Dst, Proto: acl.ICMP, Type: 8}
	sent(before) // no policy yet
	keep(t, p, writePolicy(t, p, "default in deny\nallow in udp,icmp established"))
	if !passes(t, in, answer(before)) {
		t.Error("a connection that stood before the policy is cut")
	}
	for _, k := range []acl.Packet{after, ping} {
		if passes(t, in, answer(k)) {
			t.Errorf("%v: an answer to nothing passes", k)
		}
		sent(k)
		if !passes(t, in, answer(k)) {
			t.Errorf("%v: its answer is denied", k)
		}
	}
}

// A limit is a token bucket for each source, on every packet of a flow.
func TestLimitDecidesAsTheOracle(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	a := parsePolicy(t, "default in deny\nlimit in udp rate 1/h per source burst 5")
	gen := writeACL(t, p, &a)
	keep(t, p, gen)
	s := acl.NewState(time.Now())
	for n := range 40 {
		k := udp(fmt.Sprintf("10.0.0.%d", n%4), uint16(n%3), "10.0.0.9", 53)
		want := acl.Evaluate(&a, k, s).Verdict == acl.Allow
		if got := passes(t, prog, frameFor(k)); got != want {
			t.Errorf("packet %d of its source: passes %v, want %v", n/4, got, want)
		}
	}
	c, err := p.PolicyCounts(gen)
	if err != nil || c.Rules[0].Packets != 40 || c.Rules[0].Limited != 20 {
		t.Errorf("%+v, %v: want 40 packets, 20 of them limited", c.Rules, err)
	}
}

// More count rules than one packet is told of: the others are not counted, and that is.
func TestCountRulesThatAreLostAreCounted(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	gen := writePolicy(t, p, strings.Repeat("count in udp\n", 17)+"allow in udp")
	keep(t, p, gen)
	if !passes(t, prog, udpFrame(1, 100)) {
		t.Error("it is denied")
	}
	c, err := p.Counters()
	if err != nil || c.Stats.CountLost != 1 {
		t.Errorf("%+v, %v", c.Stats, err)
	}
	counts, err := p.PolicyCounts(gen)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range counts.Rules {
		if want := i != 16; (r.Packets == 1) != want {
			t.Errorf("rule %d counted %d packets", i, r.Packets)
		}
	}
}

// endsEarly is how much sooner than it says a rule may end: the kernel's clock has ticks.
const endsEarly = 20 * time.Millisecond

// keepForASecond keeps a policy whose first rule ends in a second, once more whenever that second was over before decides had seen
// what the rule does.
func keepForASecond(t testing.TB, p *Pipeline, a *acl.Policy, decides func() bool) {
	t.Helper()
	for {
		a.Rules[0].Expires.At = time.Now().Add(time.Second)
		keep(t, p, writeACL(t, p, a))
		if decides() {
			return
		}
		if time.Now().Before(a.Rules[0].Expires.At.Add(-endsEarly)) {
			t.Fatal("the rule does not decide")
		}
	}
}

// A rule ends by the kernel's clock, also for flows whose verdict was cached.
func TestARuleExpires(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	a := parsePolicy(t, "default in deny\nallow in udp")
	frame := udpFrame(1, 100)
	keepForASecond(t, p, &a, func() bool { return passes(t, prog, frame) && passes(t, prog, frame) })
	for late := time.After(30 * time.Second); passes(t, prog, frame); {
		select {
		case <-late:
			t.Fatal("the rule does not end")
		default:
		}
	}
	if now := time.Now(); now.Before(a.Rules[0].Expires.At.Add(-endsEarly)) {
		t.Errorf("it ended %v too early", a.Rules[0].Expires.At.Sub(now))
	}
	p.PolicyState()
	if passes(t, prog, frame) {
		t.Error("it came back")
	}
}

// An allowed flow that said nothing while its rule ended is judged anew.
func TestARuleExpiresForASilentFlow(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	a := parsePolicy(t, "default in deny\nallow in udp")
	talks, silent := udpFrame(1, 100), udpFrame(2, 100)
	keepForASecond(t, p, &a, func() bool {
		for range 3 {
			if !passes(t, prog, talks) || !passes(t, prog, silent) {
				return false
			}
		}
		return true
	})
	for late := time.After(30 * time.Second); passes(t, prog, talks); {
		select {
		case <-late:
			t.Fatal("the rule does not end")
		default:
		}
	}
	p.PolicyState()
	if passes(t, prog, silent) {
		t.Error("a verdict of before the rule ended holds")
	}
}
