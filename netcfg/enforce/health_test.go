// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"testing"
	"time"

	"hooktop/probes/snap"
)

// After a stall, of this process or of the host, no flow has sent anything yet: that is no reason to go back. Flows that are still
// quiet when they have had their time are.
func TestAStallMakesNoFlowQuiet(t *testing.T) {
	talk := func(n int) func(*snap.Health) {
		return func(h *snap.Health) { h.Talking = map[string]int{"eth1": n} }
	}
	for _, stall := range []time.Duration{mostApart + time.Millisecond, 2 * time.Second, soakLease - time.Millisecond} {
		r := newRig(t, nil)
		r.health.Talking = map[string]int{"eth1": 40}
		r.canary(denyTelnet, time.Minute)
		r.seconds(5, nil)
		r.pass(stall)
		r.look(talk(0))
		r.pass(10 * time.Millisecond) // the tick that was due meanwhile, and the one of now
		r.look(talk(0))
		r.seconds(1, talk(19))
		if v := r.s.View(false).Canary; len(v.Checks) != 5 {
			t.Errorf("a second after %s: %+v", stall, v.Checks)
		}
		r.seconds(4, talk(40))
		r.on(0, 1)
		if v := r.s.View(false).Canary; len(v.Checks) != 6 || v.Checks[5].Now != 0 {
			t.Errorf("5 seconds after %s: %+v", stall, v.Checks)
		}

		r.pass(stall)
		r.look(talk(0))
		r.on(0, 1)
		r.seconds(2, nil)
		r.on(0, 0)
		r.said("taken back on eth1: quiet flows %")
	}
}
