// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"testing"

	"github.com/cilium/ebpf"
)

// The default budget holds at any number of CPUs, and the flow table gets most of it.
func TestSizesDefault(t *testing.T) {
	for cpus := 1; cpus <= 1024; cpus++ {
		s, err := SizesFor(cpus, 0, 0)
		if err != nil {
			t.Fatalf("%d cpus: %v", cpus, err)
		}
		if s.Bytes() > defaultBytes {
			t.Errorf("%d cpus: %d bytes", cpus, s.Bytes())
		}
		if s.BucketsPerCPU&(s.BucketsPerCPU-1) != 0 || s.BucketsPerCPU*ways*s.CPUs != s.FlowSlots() || 1<<s.bucketShift() != s.BucketsPerCPU {
			t.Errorf("%d cpus: %+v", cpus, s)
		}
		if s.FlowSlots() < 100_000 || s.Slots < 32 || s.Slots > stateSlots {
			t.Errorf("%d cpus: %+v is too little", cpus, s)
		}
		if cpus > 4 && s.FlowSlots()*entryBytes < defaultBytes/8 {
			t.Errorf("%d cpus: the flow table gets %d of %d bytes", cpus, s.FlowSlots()*entryBytes, s.Bytes())
		}
	}
}

func TestSizesAsked(t *testing.T) {
	for _, c := range []struct {
		cpus, flows, budget int
		slots               int // of the flow table, over all CPUs; -1: an error
	}{
		{2, 1_000_000, 0, 2 * 4_194_304},
		{2, 1_000_000, 64 << 20, 2 * 262_144},
		{2, 100, 0, 2 * 512},
		{1, 1, 0, 8},
		{64, 65536, 1 << 30, 64 * 131_072}, // four times 65,536 entries a CPU would be a byte over
		{64, 0, 1 << 20, -1},
		{0, 0, 0, -1},
		{2, -1, 0, -1},
	} {
		s, err := SizesFor(c.cpus, c.flows, c.budget)
		if c.slots < 0 {
			if err == nil {
				t.Errorf("%+v: %+v, want an error", c, s)
			}
			continue
		}
		if err != nil || s.FlowSlots() != c.slots {
			t.Errorf("%+v: %d slots, %v", c, s.FlowSlots(), err)
		}
		if c.budget > 0 && s.Bytes() > c.budget {
			t.Errorf("%+v: %d bytes", c, s.Bytes())
		}
	}
}

// The kernel's own account of the maps is no more than what was reckoned.
func TestSizesAgainstKernel(t *testing.T) {
	p := openPipeline(t, Options{})
	var total uint64
	for name, m := range p.maps {
		info, err := m.Info()
		if err != nil {
			t.Fatal(err)
		}
		bytes, ok := info.Memlock()
		if !ok {
			t.Fatalf("the kernel tells no memory for %s", name)
		}
		total += bytes
	}
	if reckoned := uint64(p.Sizes().Bytes()); total > reckoned || total < reckoned*8/10 {
		t.Errorf("the kernel takes %d bytes, %d were reckoned", total, reckoned)
	}
	if total > defaultBytes {
		t.Errorf("%d bytes by default", total)
	}
	if want := ebpf.MustPossibleCPU(); p.Sizes().CPUs != want {
		t.Errorf("%d cpus, the host has %d", p.Sizes().CPUs, want)
	}
}
