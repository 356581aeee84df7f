// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Clock turns the kernel's jiffies into durations. Jiffies stop while the host is suspended.
type Clock struct {
	Jiffies uint32 // low 32 bits, when the clock was read
	HZ      int
}

// Ago is how long before the clock was read `last` was. A value of the future (read after the clock) is 0 ago.
func (c Clock) Ago(last uint32) time.Duration {
	d := c.Jiffies - last
	if d > 1<<32-1<<28 {
		return 0
	}
	return time.Duration(d) * time.Second / time.Duration(c.HZ)
}

// Clock reads the kernel's clock.
func (p *Pipeline) Clock() Clock {
	now, err := jiffies(p.probe)
	if err != nil { // cannot be read: reckon from when it could
		now = p.opened.jiffies + uint32(time.Since(p.opened.at).Seconds()*float64(p.hz))
	}
	return Clock{Jiffies: now, HZ: p.hz}
}

// loadClockProbe loads a program that returns 32 bits of jiffies64, from bit `from` on, when it is run by BPF_PROG_TEST_RUN.
func loadClockProbe(from int32) (*ebpf.Program, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "ht_clock", Type: ebpf.SocketFilter, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.FnJiffies64.Call(), asm.RSh.Imm(asm.R0, from), asm.Return()},
	})
	if err != nil {
		return nil, fmt.Errorf("load clock program: %w", err)
	}
	return prog, nil
}

func jiffies(probe *ebpf.Program) (uint32, error) {
	var frame [64]byte
	now, err := probe.Run(&ebpf.RunOptions{Data: frame[:]})
	if err != nil {
		return 0, fmt.Errorf("read jiffies: %w", err)
	}
	return now, nil
}

// jiffies64 reads all 64 bits.
func (p *Pipeline) jiffies64() (uint64, error) {
	for {
		before, err := jiffies(p.probeHigh)
		if err != nil {
			return 0, err
		}
		low, err := jiffies(p.probe)
		if err != nil {
			return 0, err
		}
		if high, err := jiffies(p.probeHigh); err != nil || high == before {
			return uint64(high)<<32 | uint64(low), err
		}
	}
}

// Values of CONFIG_HZ on amd64 and arm64 (kernel/Kconfig.hz).
var knownHZ = [...]int{100, 250, 300, 1000}

// measureHZ counts ticks against the monotonic clock until one CONFIG_HZ fits: some 50 ms.
func measureHZ(probe *ebpf.Program) (int, tick, error) {
	first, err := edge(probe)
	if err != nil {
		return 0, first, err
	}
	for want := 40 * time.Millisecond; ; want *= 2 {
		var ticks uint32
		var took time.Duration
		for took < want {
			e, err := edge(probe)
			if err != nil {
				return 0, first, err
			}
			ticks, took = e.jiffies-first.jiffies, e.at.Sub(first.at)
		}
		if hz, ok := nearestHZ(float64(ticks) / took.Seconds()); ok || want > time.Second {
			return hz, first, nil
		}
	}
}

type tick struct {
	jiffies uint32
	at      time.Time
}

// edge waits for the next tick.
func edge(probe *ebpf.Program) (tick, error) {
	before, err := jiffies(probe)
	if err != nil {
		return tick{}, err
	}
	for {
		now, err := jiffies(probe)
		if err != nil {
			return tick{}, err
		}
		if now != before {
			return tick{now, time.Now()}, nil
		}
	}
}

// nearestHZ is the known value next to f, and whether f is near enough to mean it: a host that took the CPU away in the
// middle delays a tick.
func nearestHZ(f float64) (int, bool) {
	best := knownHZ[0]
	for _, hz := range knownHZ {
		if abs(f-float64(hz)) < abs(f-float64(best)) {
			best = hz
		}
	}
	return best, abs(f-float64(best)) < float64(best)*8/100
}

func abs(f float64) float64 {
	if f < 0 {
		return -f
	}
	return f
}
