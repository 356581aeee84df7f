// SPDX-License-Identifier: Apache-2.0

package kern

import "testing"

// When all numbers were given, they are given again, but to no policy whose verdict an idle flow could take for its own.
func TestGenerationsAreGivenAgain(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	idle, busy := udpFrame(1, 100), udpFrame(2, 100)
	first := writePolicy(t, p, "allow in udp")
	keep(t, p, first)
	if !passes(t, prog, idle) {
		t.Fatal("the first policy denies")
	}
	var kept uint32
	for range 4 { // the first one's slot is written again
		kept = writePolicy(t, p, "allow in udp")
		keep(t, p, kept)
	}
	if !passes(t, prog, busy) {
		t.Fatal("the kept policy denies")
	}
	q := &p.policy
	if q.loaded[first%aclSlots].gen == first {
		t.Fatal("the first policy is still in the kernel")
	}
	for gen := uint32(1); gen <= lastGen; gen++ { // as after as many commits
		q.used.add(gen)
	}
	q.last = first - 1
	if first == 1 {
		q.last = lastGen
	}
	gens := map[uint32]bool{}
	for !gens[first] {
		gen := writePolicy(t, p, "deny in udp")
		if gen == kept || gens[gen] || gen > lastGen || gen == 0 {
			t.Fatalf("number %d is given, %d is kept, given before: %v", gen, kept, gens)
		}
		if gens[gen] = true; len(gens) > aclSlots {
			t.Fatalf("number %d is not given again: %v", first, gens)
		}
	}
	keep(t, p, first)
	if passes(t, prog, idle) {
		t.Error("an idle flow passes by the verdict of the policy that had the number before")
	}
	held := map[uint16]int{}
	p.Table().Scan(func(e *Entry) bool { held[e.Gen()]++; return true })
	if held[uint16(kept)] != 1 {
		t.Errorf("entries hold %v: the flow of the kept policy %d has lost it", held, kept)
	}
}

// All numbers in turn, each at once free again: none is given twice before all were, and none that decides.
func TestEveryGenerationIsGiven(t *testing.T) {
	p := openPipeline(t, Options{Flows: 64})
	keep(t, p, writePolicy(t, p, "allow in udp"))
	q := &p.policy
	given := map[uint32]int{}
	for range 3 * lastGen {
		gen := q.next(p)
		q.last = gen
		q.used.add(gen)
		given[gen]++
		if gen%aclSlots == q.kept%aclSlots || gen == 0 || gen > lastGen {
			t.Fatalf("number %d is given while %d is kept", gen, q.kept)
		}
	}
	if want := lastGen * 2 / 3; len(given) < want-2 || len(given) > want+2 {
		t.Errorf("%d numbers were given, want %d", len(given), want)
	}
	for gen, n := range given {
		if n < 4 || n > 5 {
			t.Fatalf("number %d was given %d times", gen, n)
		}
	}
}
