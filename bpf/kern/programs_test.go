// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// object is one file of programs.
type object struct {
	name string
	read func() (*ebpf.CollectionSpec, error)
	load func(t *testing.T, spec *ebpf.CollectionSpec, program string, o ebpf.ProgramOptions) (*ebpf.Program, error)
}

// programObjects are all that package bpf has: a test at the root of the tree compares.
func programObjects() []object {
	return []object{
		{"Xdp", bpf.LoadXdp, loadPipeline},
		{"Tc", bpf.LoadTc, loadPipeline},
		{"Trace", bpf.LoadTrace, loadTraced},
		{"Bench", bpf.LoadBench, loadAlone},
	}
}

// budgets are verified instructions, on any kernel of the matrix: what grows much past this makes attaching slow, and is to
// be looked at. The verifier's limit is 1,000,000; half of it is the most that a budget may be. A program that needs a
// feature is unavailable on a kernel without it.
func budgets() map[string]struct {
	insns int
	needs string
} {
	return map[string]struct {
		insns int
		needs string
	}{
		bpf.XdpProgHtXdp:           {130_000, ""},
		bpf.TcProgHtTcIn:           {130_000, ""},
		bpf.TcProgHtTcOut:          {130_000, ""},
		bpf.TcProgHtTcMark:         {1_000, ""},
		bpf.TraceProgHtTrCall:      {100_000, ""},
		bpf.TraceProgHtTrReturn:    {1_000, ""},
		bpf.TraceProgHtTrFree:      {1_000, ""},
		bpf.TraceProgHtTrCopy:      {1_000, ""},
		bpf.TraceProgHtTrPoint:     {70_000, ""},
		bpf.BenchProgPass:          {10, ""},
		bpf.BenchProgNext:          {10, ""},
		bpf.BenchProgPassRandom:    {1_000, ""},
		bpf.BenchProgOursRandom:    {110_000, ""},
		bpf.BenchProgOursEach:      {110_000, ""},
		bpf.BenchProgObviousRandom: {50_000, ""},
		bpf.BenchProgObviousEach:   {50_000, ""},
		bpf.BenchProgSamplePass:    {1_000, ""},
		bpf.BenchProgSampleParse:   {30_000, ""},
		bpf.BenchProgSampleOurs:    {110_000, ""},
		bpf.BenchProgSampleVectors: {50_000, ""},
		bpf.BenchProgNewOurs:       {100_000, ""},
		bpf.BenchProgNewVectors:    {50_000, ""},
		bpf.BenchProgDrop:          {10, ""},
		bpf.BenchProgSendSame:      {10, ""},
		bpf.BenchProgSendAgain:     {1_000, ""},
		bpf.BenchProgSendEach:      {1_000, ""},
		bpf.BenchProgSendRandom:    {1_000, ""},
		bpf.BenchProgSendSample:    {1_000, ""},
	}
}

// TestEveryProgramLoads loads each program on this kernel, or says why it is unavailable here. Guests of the matrix run it
// too, and the matrix collects the lines that it logs.
func TestEveryProgramLoads(t *testing.T) {
	lacking := map[string]string{}
	for _, f := range Features() {
		if !f.Have {
			lacking[f.Name] = f.Why
		}
	}
	left := budgets()
	for _, o := range programObjects() {
		spec, err := o.read()
		if err != nil {
			t.Fatalf("%s: %v", o.name, err)
		}
		for _, program := range slices.Sorted(maps.Keys(spec.Programs)) {
			budget, ok := left[program]
			delete(left, program)
			if !ok || budget.insns > 500_000 {
				t.Errorf("%s: no budget of at most 500,000 instructions: %+v", program, budget)
			}
			prog, err := o.load(t, spec.Copy(), program, ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats})
			if why, lacks := lacking[budget.needs]; lacks {
				if err == nil {
					prog.Close()
				}
				t.Logf("program %s: unavailable: needs %s: %s", program, budget.needs, why)
				continue
			}
			if err != nil {
				t.Errorf("program %s: %+v", program, err)
				continue
			}
			n := verified(t, prog)
			prog.Close()
			t.Logf("program %s: %d of %d instructions", program, n, budget.insns)
			if n > budget.insns {
				t.Errorf("program %s: %d verified instructions, budget %d", program, n, budget.insns)
			}
		}
	}
	for program := range left {
		t.Errorf("a budget for %s, which no object has", program)
	}
}

// verified reads from the verifier's statistics what program information has only since 5.16.
func verified(t *testing.T, prog *ebpf.Program) int {
	t.Helper()
	m := regexp.MustCompile(`processed (\d+) insns`).FindStringSubmatch(prog.VerifierLog)
	if m == nil {
		t.Fatalf("%v: no statistics in the verifier's log %q", prog, prog.VerifierLog)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// loadPipeline loads as for a device: its constants decide what the verifier walks.
func loadPipeline(t *testing.T, _ *ebpf.CollectionSpec, program string, o ebpf.ProgramOptions) (*ebpf.Program, error) {
	t.Helper()
	hook, ok := map[string]Hook{bpf.XdpProgHtXdp: XDPGeneric, bpf.TcProgHtTcIn: TCIngress, bpf.TcProgHtTcMark: TCMark, bpf.TcProgHtTcOut: TCEgress}[program]
	if !ok {
		return nil, fmt.Errorf("no hook for %s", program)
	}
	p := openPipeline(t, Options{Flows: 16})
	return p.load(Device{Name: "test", Slot: 1}, hook, o)
}

// loadTraced loads a program of a trace with everything that options switch on.
func loadTraced(t *testing.T, _ *ebpf.CollectionSpec, program string, o ebpf.ProgramOptions) (*ebpf.Program, error) {
	t.Helper()
	trace, err := OpenTrace(TraceOptions{Rate: 1000, Stack: true, Returns: true, ByHead: true, Terms: fullFilter()})
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	trace.log = o
	if program != bpf.TraceProgHtTrPoint {
		return trace.load(program, func(*ebpf.ProgramSpec) {}, nil)
	}
	return trace.loadPoint(TraceTarget{SKB: 0, Sock: 1, Reason: -1, Args: 5}, false)
}

// loadAlone loads one program of an object with small maps.
func loadAlone(_ *testing.T, spec *ebpf.CollectionSpec, program string, o ebpf.ProgramOptions) (*ebpf.Program, error) {
	for name := range spec.Programs {
		if name != program {
			delete(spec.Programs, name)
		}
	}
	for _, m := range spec.Maps {
		m.MaxEntries = min(m.MaxEntries, 16)
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Programs: o})
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	return coll.DetachProgram(program), nil
}
