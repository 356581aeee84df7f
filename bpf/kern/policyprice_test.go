// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The price is a measurement, and like every dry run it leaves no trace.
func TestAPriceIsMeasuredAndLeavesNothing(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	var rules strings.Builder
	r := rand.New(rand.NewPCG(3, 3))
	for range 1000 {
		fmt.Fprintf(&rules, "deny in udp from 10.%d.%d.0/24 to any port %d\n", r.IntN(256), r.IntN(256), 1+r.IntN(60000))
	}
	long, short := writePolicy(t, p, rules.String()), writePolicy(t, p, "allow in udp")
	var frames []Judge
	for n := range 16 {
		b := frameFor(udp(fmt.Sprintf("10.%d.1.2", n), uint16(n), "10.0.0.9", 53))
		frames = append(frames, Judge{Frame: b, Wire: len(b), Slot: 1})
	}
	before, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	var ns [3]float64
	for i, gen := range []uint32{0, short, long} {
		if ns[i], err = p.JudgePolicyNs(gen, frames, 32); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("no policy %.0f ns, 1 rule %.0f ns, 1,000 rules %.0f ns, all measured in %v", ns[0], ns[1], ns[2], time.Since(begin).Round(time.Millisecond))
	for _, n := range ns { // which of them is dearest is for the bench: an emulated CPU has other prices
		if n <= 0 {
			t.Errorf("a price of nothing: %v", ns)
		}
	}
	after, err := p.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("counters moved from %+v to %+v", before, after)
	}
	for _, gen := range []uint32{short, long} {
		c, err := p.PolicyCounts(gen)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range c.Rules {
			if r.Packets != 0 {
				t.Errorf("policy %d: rule %d counted %d packets", gen, i, r.Packets)
			}
		}
	}
	entries := 0
	p.Table().Scan(func(*Entry) bool { entries++; return true })
	if entries > 0 {
		t.Errorf("%d flows are in the table", entries)
	}
	if said, err := p.JudgePolicy(short, frames[:1]); err != nil || said[0].Deny {
		t.Errorf("it judges no more: %+v, %v", said, err)
	}
	if _, err := p.JudgePolicyNs(short+1, frames, 1); err == nil {
		t.Error("a generation that nobody wrote has a price")
	}
}

// Go preempts by signals, each child ends with one, and the kernel ends a run on them: a dry run and a price are what they are without.
func TestSignalsDisturbNoDryRun(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	gen := writePolicy(t, p, "deny in udp to any port 53\nallow in udp")
	b := frameFor(udp("10.1.1.2", 999, "10.0.0.9", 53))
	frames := []Judge{{Frame: b, Wire: len(b), Slot: 1}}
	if _, err := p.JudgePolicy(gen, frames); err != nil { // it is loaded now
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	self, quiet, ended := unix.Gettid(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		again := time.NewTicker(100 * time.Microsecond)
		defer again.Stop()
		for range 1000 { // not for ever: several runs are begun anew at each
			select {
			case <-again.C:
			case <-quiet:
				return
			}
			if err := unix.Tgkill(os.Getpid(), self, unix.SIGURG); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 500 {
		if said, err := p.JudgePolicy(gen, frames); err != nil || !said[0].Deny {
			t.Errorf("it is judged %+v, %v", said, err)
			break
		}
	}
	if ns, err := p.JudgePolicyNs(gen, frames, 32); err != nil || ns <= 0 {
		t.Errorf("it costs %v ns: %v", ns, err)
	}
	close(quiet)
	<-ended
}
