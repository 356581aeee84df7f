// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// onFirstCPU keeps a test where its flows are known.
func onFirstCPU(t *testing.T) {
	runtime.LockOSThread()
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.SchedSetaffinity(0, &old)
		runtime.UnlockOSThread()
	})
	one.Set(0)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
}

// Each part does what it is for, and no more: the parser counts nothing, a known flow is judged again when asked, a forgotten one is new.
func TestAMeterRunsParts(t *testing.T) {
	onFirstCPU(t)
	hooks := []Hook{XDPNative, TCIngress}
	m, err := OpenMeter(hooks, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	gen := writePolicy(t, m.p, "deny in udp from any to any port 23\nallow in udp")
	if err := m.Decide(gen); err != nil {
		t.Fatal(err)
	}
	denied, allowed := frameFor(udp("10.0.0.1", 1, "10.0.0.2", 23)), frameFor(udp("10.0.0.1", 1, "10.0.0.2", 53))
	entries := func() (n int) { m.p.Table().Scan(func(*Entry) bool { n++; return true }); return n }
	added := func() uint64 {
		t.Helper()
		n, err := m.p.newFlows()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	counted := func() (n uint64) {
		c, err := m.p.PolicyCounts(gen)
		if err != nil {
			t.Fatal(err)
		}
		return c.Rules[0].Packets
	}
	for i, h := range hooks {
		run := func(part Part, frame []byte, want bool) {
			t.Helper()
			if took, pass, err := m.Run(h, part, frame, 1); err != nil || pass != want || took < 0 {
				t.Fatalf("%s, part %d: %v, passes %v, %v", h, part, took, pass, err)
			}
		}
		if err := m.Forget(0); err != nil {
			t.Fatal(err)
		}
		for _, part := range []Part{PartFloor, PartParse} {
			run(part, denied, true)
			run(part, allowed, true)
		}
		if n := entries(); n != 0 {
			t.Errorf("%s: %d flows before the whole program ran", h, n)
		}
		run(PartWhole, denied, false)
		run(PartWhole, allowed, true)
		run(PartWhole, allowed, true)
		if n := added(); n != uint64(2*i+1) {
			t.Errorf("%s: %d new flows", h, n)
		}
		before := counted()
		m.Anew(true)
		run(PartWhole, denied, false)
		run(PartWhole, allowed, true)
		m.Anew(false)
		if n := counted() - before; n != 1 {
			t.Errorf("%s: the rule that denies counted %d packets", h, n)
		}
		if err := m.Forget(0); err != nil {
			t.Fatal(err)
		}
		if n := counted(); n != 0 {
			t.Errorf("%s: a denied flow that was forgotten has %d packets", h, n)
		}
		run(PartWhole, allowed, true)
		if n := added(); n != uint64(2*i+2) {
			t.Errorf("%s: a forgotten flow is not new: %d", h, n)
		}
		if took, err := m.Watch(h, allowed); err != nil || took <= 0 {
			t.Errorf("%s: a call adds %v, %v", h, took, err)
		}
	}
}

// What a generation that was written says, deciding or not, and what is not there.
func TestAMeterJudges(t *testing.T) {
	m, err := OpenMeter([]Hook{TCIngress}, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	gen := writePolicy(t, m.p, "deny in udp from any to any port 23")
	denied, allowed := frameFor(udp("10.0.0.1", 1, "10.0.0.2", 23)), frameFor(udp("10.0.0.1", 1, "10.0.0.2", 53))
	if said, err := m.Judge(gen, [][]byte{denied, allowed}); err != nil || !said[0].Deny || said[1].Deny {
		t.Errorf("judged %+v, %v", said, err)
	}
	if err := m.Decide(0); err != nil {
		t.Fatal(err)
	}
	if _, pass, err := m.Run(TCIngress, PartWhole, denied, 1); err != nil || !pass {
		t.Errorf("no policy: passes %v, %v", pass, err)
	}
	if err := m.Forget(m.p.sizes.CPUs); err == nil {
		t.Error("a CPU that is not there forgot its flows")
	}
	if _, _, err := m.Run(TCEgress, PartWhole, denied, 1); err == nil {
		t.Error("a hook that was not loaded ran")
	}
}
