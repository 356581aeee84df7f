// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"math/rand/v2"
	"sync"
	"testing"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// TestAnyWishesAndQuestionsLeaveNothing throws random intents and queries, sensible and not, at an engine with two real
// devices, one of which comes and goes. What is left at the end is what newGround and close compare.
func TestAnyWishesAndQuestionsLeaveNothing(t *testing.T) {
	r := newGround(t)
	r.start(Config{Interfaces: []string{"v*"}})
	pick := func(words ...string) string { return words[rand.IntN(len(words))] }
	quit := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
			}
			r.engine.Ask(snap.Query{
				Hz: rand.Float64() * 12, Focus: rand.IntN(4) > 0,
				Flows: snap.FlowQuery{
					Filter: pick("", "udp", "src:10.5.0.2", "((", "bytes:>10k", "re:[", "!", "port:1-9", "\x00"),
					Sort:   pick("", "pps", "bytes", "nonsense"), Group: pick("", "source", "port", "process", "nonsense"),
					Window: rand.IntN(5) - 1, Offset: rand.IntN(10) - 2, Limit: rand.IntN(400) - 20,
					Hold: rand.IntN(2) > 0, Rerank: rand.IntN(2) > 0, Names: rand.IntN(2) > 0,
				},
			})
			if _, err := r.engine.Next(t.Context(), 0); err != nil {
				t.Errorf("next: %v", err)
				return
			}
		}
	})
	for i := range ktest.Rounds(t, 20) {
		if i%10 == 3 {
			r.veth("v1", "10.5.1.1/24", "10.5.1.2/24")
		}
		r.engine.Do(t.Context(), snap.Intent{
			Kind:   []snap.IntentKind{snap.WatchInterface, snap.UnwatchInterface, snap.SetMode, snap.SetMode}[rand.IntN(4)],
			Target: pick("v0", "v1", "v1", "lo", "", "nope\x1b[2J"), Arg: pick("auto", "native", "generic", "tc", "", "warp"),
		})
		r.peer.SendUDP(t, there+":0", here+":5001", make([]byte, 64), 20)
		if i%10 == 8 {
			r.ns.Del(t, "v1")
		}
	}
	close(quit)
	all.Wait()
	if a := r.engine.Do(t.Context(), snap.Intent{Kind: snap.WatchInterface, Target: "v0"}); a.Err != "" {
		t.Errorf("v0 can't be watched any more: %s", a.Err)
	}
}
