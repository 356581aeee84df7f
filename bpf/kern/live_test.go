// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"maps"
	"math/rand/v2"
	"testing"
)

// The shortcut sees what a whole scan sees, whatever came, went or was forgotten in between.
func TestLiveTwin(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 16})
	prog := loadFor(t, p, 1, XDPGeneric)
	live := p.Live()
	rng := rand.New(rand.NewPCG(1, 7))
	short, spared := 0, 0
	prints, before := map[int]uint64{}, map[int]Entry{}
	for range 400 {
		switch rng.IntN(8) {
		case 0:
			if err := p.Forget(1); err != nil {
				t.Fatal(err)
			}
		case 1, 2, 3:
		default:
			for range rng.IntN(20) {
				run(t, prog, udpFrame(uint32(rng.IntN(3000)), 60+rng.IntN(100)), false)
			}
		}
		if added, err := p.newFlows(); err == nil && live.whole && added == live.added {
			short++
		}
		seen, truth := map[int]Entry{}, map[int]Entry{}
		known := func(slot int, print uint64) bool {
			e, ok := before[slot]
			if !ok || prints[slot] != print {
				return false
			}
			seen[slot] = e
			spared++
			return true
		}
		if err := live.Scan(known, func(slot int, e *Entry) bool { seen[slot], prints[slot] = *e, p.Table().Print(e); return true }); err != nil {
			t.Fatal(err)
		}
		p.Table().ScanSlots(func(slot int, e *Entry) bool { truth[slot] = *e; return true })
		if !maps.Equal(seen, truth) {
			t.Fatalf("%d entries, a whole scan sees %d", len(seen), len(truth))
		}
		before = seen
	}
	if spared < 1000 {
		t.Errorf("only %d entries were known", spared)
	}
	if short < 50 {
		t.Errorf("only %d of 400 scans were short", short)
	}
}

// A scan that was cut short knows nothing.
func TestLiveCutShort(t *testing.T) {
	onOneCPU(t)
	p := openPipeline(t, Options{Flows: 64})
	prog := loadFor(t, p, 1, XDPGeneric)
	for i := range uint32(5) {
		run(t, prog, udpFrame(i, 100), false)
	}
	live := p.Live()
	for want := 1; want <= 5; want++ {
		n := 0
		if err := live.Scan(func(int, uint64) bool { return false }, func(int, *Entry) bool { n++; return n < want }); err != nil || n != want {
			t.Fatalf("%d entries, want %d: %v", n, want, err)
		}
	}
}
