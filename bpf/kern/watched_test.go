// SPDX-License-Identifier: Apache-2.0

package kern

import "testing"

// What arrived where nobody counts is counted where it leaves.
func TestForwardedFromUnwatched(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, TCEgress)
	if !canForward(t, prog) {
		t.Log("test runs have no ingress device here (before Linux 5.14): TestForwarded stands alone")
		return
	}
	run(t, prog, udpFrame(1, 100), true)
	if err := p.unwatch(uint16(p.sizes.Slots)); err != nil {
		t.Fatal(err)
	}
	run(t, prog, udpFrame(2, 100), true)
	seen := map[bool]int{}
	p.Table().Scan(func(e *Entry) bool { seen[e.Forwarded()]++; return true })
	if seen[true] != 1 || seen[false] != 1 {
		t.Errorf("%d flows forwarded, %d not, want one of each", seen[true], seen[false])
	}
}
