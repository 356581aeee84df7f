// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
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

// tickRate is the kernel's HZ, out of the resolution of a clock that moves with its ticks (posix_get_coarse_res in
// kernel/time/posix-timers.c). To count ticks for a moment is no way: on a busy host the counting is interrupted, and a lease
// would last two and a half times too long, or less than half.
func tickRate() (int, error) {
	var tick unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &tick); err != nil {
		return 0, fmt.Errorf("read the length of a tick: %w", err)
	}
	ns := tick.Nano()
	if ns < int64(time.Second/10_000) || ns > int64(time.Second/10) {
		return 0, fmt.Errorf("read the length of a tick: %d ns is none", ns)
	}
	return int((int64(time.Second) + ns/2) / ns), nil
}

// tick is what the clock showed at a time.
type tick struct {
	jiffies uint32
	at      time.Time
}
