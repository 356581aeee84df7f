// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"hooktop/bpf"
	"hooktop/netcfg/acl/compile"
)

// Part is how much of a hook's program runs for a measurement.
type Part int

// The parts.
const (
	PartFloor Part = iota // a program that lets everything pass
	PartParse             // the program up to its parser
	PartWhole
)

// Meter says how long the programs of devices take, by BPF_PROG_TEST_RUN: the same programs, attached to nothing, over maps of their
// own. Not for concurrent use. The flow table is per CPU: the caller's thread must stay on one.
type Meter struct {
	p     *Pipeline
	hooks map[Hook]*[PartWhole + 1]*ebpf.Program
	watch map[Hook]time.Duration
}

// meterSlot is the device's; there is one.
const meterSlot = 1

// OpenMeter loads the programs of these hooks, with a table for so many flows.
func OpenMeter(hooks []Hook, flows int) (*Meter, error) {
	p, err := Open(Options{Flows: flows})
	if err != nil {
		return nil, err
	}
	m := &Meter{p: p, hooks: map[Hook]*[PartWhole + 1]*ebpf.Program{}, watch: map[Hook]time.Duration{}}
	for _, h := range hooks {
		if err := m.load(h); err != nil {
			return nil, errors.Join(err, m.Close())
		}
	}
	return m, nil
}

func (m *Meter) load(h Hook) (err error) {
	progs := new([PartWhole + 1]*ebpf.Program)
	m.hooks[h] = progs
	if progs[PartFloor], err = loadFloor(h); err != nil {
		return err
	}
	d := Device{Name: "a measurement", Slot: meterSlot}
	if progs[PartParse], err = m.p.instance(d, h, forParserTime, ebpf.ProgramOptions{}); err != nil {
		return err
	}
	progs[PartWhole], err = m.p.instance(d, h, forDevice, ebpf.ProgramOptions{})
	return err
}

// loadFloor loads what everything is compared with: a program that does nothing at a hook.
func loadFloor(h Hook) (*ebpf.Program, error) {
	s := &ebpf.ProgramSpec{Name: "ht_floor", Type: ebpf.SchedCLS, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, tcNext), asm.Return()}}
	if isXDP(h) {
		s.Type, s.Instructions[0] = ebpf.XDP, asm.Mov.Imm(asm.R0, xdpPass)
	}
	prog, err := ebpf.NewProgram(s)
	if err != nil {
		return nil, fmt.Errorf("load a program that does nothing: %w", err)
	}
	return prog, nil
}

// TC_NEXT in bpf/include/compat.h.
const tcNext = -1

func isXDP(h Hook) bool { return h == XDPNative || h == XDPGeneric }

// passed tells from what a hook's program returned whether the packet goes on.
func passed(h Hook, action uint32) bool {
	if isXDP(h) {
		return action == xdpPass
	}
	return int32(action) == tcNext
}

// Write puts a compiled policy into the kernel, at most two beside the one that decides. Device slot 1 is where packets are.
func (m *Meter) Write(img *compile.Image) (gen uint32, err error) { return m.p.WritePolicy(img) }

// Decide lets a generation decide from now on, 0: none.
func (m *Meter) Decide(gen uint32) error {
	if gen == 0 {
		return m.p.RestorePolicy()
	}
	return m.p.TryPolicy(gen, nil, meterLease)
}

// meterLease is longer than any measurement.
const meterLease = time.Hour

// Judge says what a generation makes of frames (Pipeline.JudgePolicy).
func (m *Meter) Judge(gen uint32, frames [][]byte) ([]Judgement, error) {
	list := make([]Judge, len(frames))
	for i, b := range frames {
		list[i] = Judge{Frame: b, Wire: len(b), Slot: meterSlot}
	}
	return m.p.JudgePolicy(gen, list)
}

// Anew says whether each packet of a flow that is known is judged again, as after a commit.
func (m *Meter) Anew(on bool) {
	until := ^uint64(0)
	if on {
		until = 0
	}
	q := &m.p.policy
	q.mu.Lock()
	defer q.mu.Unlock()
	q.states[meterSlot].Expiry = [2]uint64{until, until}
}

// Forget empties the flow table of a CPU, and its verdicts on denied flows.
func (m *Meter) Forget(cpu int) error {
	s := m.p.sizes
	if cpu < 0 || cpu >= s.CPUs {
		return fmt.Errorf("forget flows of CPU %d: there are %d", cpu, s.CPUs)
	}
	clear(m.p.table.slots[cpu*s.BucketsPerCPU*ways:][:s.BucketsPerCPU*ways])
	clear(m.p.policy.denied[cpu*s.DeniedPerCPU*deniedWays:][:s.DeniedPerCPU*deniedWays])
	for i := range s.BucketsPerCPU {
		if err := m.p.maps[bpf.XdpMapHtTags].Put(uint32(cpu*s.BucketsPerCPU+i), [tagBytes]byte{}); err != nil {
			return fmt.Errorf("forget flows of CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// Run runs a part on a frame so many times, and gives the mean time of a run and whether the packet may go on. What one run left in the
// frame is there for the next. One run is also told of what the kernel adds to it (Watch); many in one call may wait for grace periods.
func (m *Meter) Run(h Hook, part Part, frame []byte, repeat int) (took time.Duration, pass bool, err error) {
	progs := m.hooks[h]
	if progs == nil || part < PartFloor || part > PartWhole {
		return 0, false, fmt.Errorf("run part %d of %s: it is not loaded", part, h)
	}
	action, took, err := progs[part].Benchmark(frame, repeat, nil)
	if err != nil {
		return 0, false, fmt.Errorf("run a frame of %d bytes through the %s program: %w", len(frame), h, err)
	}
	return took, passed(h, action), nil
}

// Watch is what the kernel adds to a single run at a hook.
func (m *Meter) Watch(h Hook, frame []byte) (time.Duration, error) {
	if took, ok := m.watch[h]; ok {
		return took, nil
	}
	took, err := stopwatch(func(repeat int) (time.Duration, error) {
		took, _, err := m.Run(h, PartFloor, frame, repeat)
		return took, err
	})
	if err == nil {
		m.watch[h] = took
	}
	return took, err
}

// Close gives everything back.
func (m *Meter) Close() error {
	var errs []error
	for _, progs := range m.hooks {
		for _, prog := range progs {
			if prog != nil {
				errs = append(errs, prog.Close())
			}
		}
	}
	m.hooks = nil
	return errors.Join(append(errs, m.p.Close())...)
}

const (
	watchRuns   = 100
	watchCalls  = 3
	watchRepeat = 1000
)

// stopwatch is what BPF_PROG_TEST_RUN adds to a single run: clock, locks and a call through a pointer. More runs in one call share
// that, but a call with more than one waits for grace periods, tens of ms: so this is measured once.
func stopwatch(run func(repeat int) (time.Duration, error)) (time.Duration, error) {
	var single, many [watchRuns]time.Duration
	for i := range single {
		var err error
		if single[i], err = run(1); err != nil {
			return 0, err
		}
	}
	for i := range watchCalls {
		var err error
		if many[i], err = run(watchRepeat); err != nil {
			return 0, err
		}
	}
	return max(1, quartile(single[:])-quartile(many[:watchCalls])), nil
}

func quartile(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/4]
}
