// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"bytes"
	stdflag "flag"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// Frames with some bytes changed: no wrong strip, and the counters are the reference's.
func TestTunnelMutations(t *testing.T) {
	r := newTunnelRig(t, tunnelPolicy)
	frames := tunnelFrames()
	names := slices.Sorted(maps.Keys(frames))
	rounds := 20_000
	if testing.Short() {
		rounds = 1000
	}
	if *tunnelRounds > 0 {
		rounds = *tunnelRounds
		t.Logf("seed %d", *oracleSeed)
	}
	rnd := rand.New(rand.NewPCG(*oracleSeed, 9))
	stripped, tunnels, whys := 0, 0, map[string]int{}
	for n := range rounds {
		if n%500 == 0 { // else the table of rows fills up
			if err := r.p.ForgetTunnels(1, 0); err != nil {
				t.Fatal(err)
			}
		}
		name := names[rnd.IntN(len(names))]
		frame := mutated(rnd, frames[name])
		want, differs := r.compare(t, r.xdp, frame, n%50 == 0)
		if differs != "" {
			t.Fatalf("round %d, %s: %s (reference: %q, line %d) of\n%x", n, name, differs, want.Why, want.Line, frame)
		}
		if want.Kind != 0 {
			tunnels++
		}
		if want.Strip {
			stripped++
		}
		whys[want.Why]++
	}
	if tunnels < rounds/2 || stripped < rounds/20 {
		t.Errorf("%d of %d frames are in tunnels, %d unwrapped: the generator misses one side", tunnels, rounds, stripped)
	}
	t.Logf("%d frames, %d in tunnels, %d unwrapped, no difference; %v", rounds, tunnels, stripped, whys)
}

var tunnelRounds = stdflag.Int("tunnels", 0, "mutated tunnel frames to compare with the reference, 0: few")

func mutated(rnd *rand.Rand, frame []byte) []byte {
	out := bytes.Clone(frame)
	deep := min(len(out), 140)
	for range 1 + rnd.IntN(3) {
		at := 12 + rnd.IntN(deep-12)
		switch rnd.IntN(3) {
		case 0:
			out[at] ^= 1 << rnd.IntN(8)
		case 1:
			out[at] = byte(rnd.Uint32())
		default:
			odd := [...]byte{0, 4, 6, 8, 17, 41, 47, 0x45, 0x60, 0x86, 0xdd, 0x81, 0xff}
			out[at] = odd[rnd.IntN(len(odd))]
		}
	}
	switch rnd.IntN(8) {
	case 0:
		out = shortened(out[:max(ShadowMin, rnd.IntN(len(out)))])
	case 1:
		out = append(out, make([]byte, rnd.IntN(40))...)
	}
	return out
}
