// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	stdflag "flag"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

var commits = stdflag.Int("commits", 0, "how often generations are switched while packets flow, 0: few")

// turns are policies that follow one another, and what no packet of theirs may meet.
type turns struct {
	name   string
	mode   Hook
	policy func(n int) string
	torn   func(t *testing.T, prog *ebpf.Program, frame []byte) bool
}

// rulesTurn: one of eight rules lets the packets pass, and nothing else does. A mixture of two policies denies.
func rulesTurn() turns {
	return turns{"rules", XDPGeneric, func(n int) string {
		text := "default in deny"
		for i := range 8 {
			to := "203.0.113.1"
			if i == n%8 {
				to = "192.0.2.9"
			}
			text += fmt.Sprintf("\nallow in udp to %s vlan not %d", to, i+1)
		}
		return text
	}, func(t *testing.T, prog *ebpf.Program, frame []byte) bool { return !passes(t, prog, frame) }}
}

// marksTurn: verdict, default and mark differ. Who lets the packets pass marks them, with a mark that no other policy has all bits
// of: what passes without a mark, or with half of one, met a mixture.
func marksTurn() turns {
	const chain = "\nchain fw in eth0 match udp to 192.0.2.9 service via 10.9.0.2 dev x0 return x1 mark %#x/0xff upstream via 10.0.0.1 dev eth1 fail open oneway"
	return turns{"marks", TCIngress, func(n int) string {
		return [...]string{
			"default in deny\nallow in udp to 192.0.2.9" + fmt.Sprintf(chain, 0x0f),
			"default in deny",
			fmt.Sprintf("default in allow"+chain, 0xf0),
			"default in allow\ndeny in udp to 192.0.2.9",
		}[n%4]
	}, func(t *testing.T, prog *ebpf.Program, frame []byte) bool {
		mark, code := skbMark(t, prog, frame, 0)
		return mark != 0 && mark != 0x0f && mark != 0xf0 || (mark != 0) == (code == tcShot)
	}}
}

const tcShot = 2 // TC_ACT_SHOT

// switching counts the packets that meet what is neither the old nor the new generation as a whole, while generations change. With
// tear set, policies are written in place.
func (u turns) switching(t *testing.T, rounds int, tear bool) (torn uint64) {
	p := openPipeline(t, Options{Flows: 16})
	prog := loadFor(t, p, slotsByName["eth0"], u.mode)
	keep(t, p, writePolicy(t, p, u.policy(0)))
	var stop atomic.Bool
	var runs, mixed atomic.Uint64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := uint32(0); !stop.Load() && !t.Failed(); n++ {
			if u.torn(t, prog, frameFor(udp("10.1.2.3", uint16(n), "192.0.2.9", 53))) {
				mixed.Add(1)
			}
			runs.Add(1)
		}
	}()
	for n := 1; n <= rounds; n++ {
		if tear {
			img := compiled(t, u.policy(n))
			if _, err := write(&p.policy.images[p.policy.kept%aclSlots], img); err != nil {
				t.Error(err)
			}
			continue
		}
		gen := writePolicy(t, p, u.policy(n))
		if n%3 == 0 { // tried, and taken back
			if err := errors.Join(p.TryPolicy(gen, nil, time.Minute), p.RestorePolicy()); err != nil {
				t.Error(err)
			}
			continue
		}
		keep(t, p, gen)
	}
	stop.Store(true)
	<-done
	t.Logf("%s: %d switches, %d packets, %d judged by neither generation", u.name, rounds, runs.Load(), mixed.Load())
	return mixed.Load()
}

func TestNoPacketSeesHalfAPolicy(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 30
	}
	if *commits > 0 {
		rounds = *commits
	}
	for _, u := range []turns{rulesTurn(), marksTurn()} {
		if torn := u.switching(t, rounds, false); torn > 0 {
			t.Errorf("%s: %d packets", u.name, torn)
		}
	}
}

func TestATornPolicyIsSeen(t *testing.T) {
	for _, u := range []turns{rulesTurn(), marksTurn()} {
		seen := false
		for range 20 {
			if seen = u.switching(t, 300, true) > 0; seen {
				break
			}
		}
		if !seen {
			t.Errorf("%s: policies were written in place while packets flowed, and no packet was judged by a mixture", u.name)
		}
	}
}
