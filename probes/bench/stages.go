// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
)

// Names of the stages, in the order of a packet's way.
const (
	StageFloor    = "floor"
	StageParse    = "parse"
	StageHit      = "flow hit"
	StageClassify = "classification"
	StageNew      = "new flow"
	StageStrip    = "tunnel strip"
	StageMark     = "chain mark"
)

// stageNames are their order.
func stageNames() []string {
	return []string{StageFloor, StageParse, StageHit, StageClassify, StageNew, StageStrip, StageMark}
}

// Wish is what is measured.
type Wish struct {
	Policy  acl.Policy    // with the guard's lines
	Dev     string        // device that packets are on, "": one that no rule names
	Packets []acl.Packet  // that stand for all; nil: drawn from the policy
	For     time.Duration // how long measuring takes, about; three rounds at least
}

// Cost of a packet's way through a stage and all before it, ns: the median over rounds.
type Cost struct {
	Ns, Min, Max float64
	Adds         float64 // to the stage before, median of paired rounds
	Ratio        float64 // to the floor, likewise
}

// Stage is a measured way of a packet.
type Stage struct {
	Hook, Name string
	One, Many  *Cost  // the same packet again and again; one of many different flows, each after another. nil: not measured
	Why        string // neither is measured
}

// Stages is the answer of Measure.
type Stages struct {
	CPU    int
	Rounds int
	Flows  int // that Many is over
	List   []Stage
	Notes  []string
}

// Limits of a measurement.
const (
	minRounds  = 3
	maxRounds  = 25
	maxFlows   = 8192
	minCalls   = 8 // single runs of a figure, where a call is slow (Linux 5.10 waits in each of XDP)
	pairCalls  = 200
	hotRuns    = 20_000
	hotPackets = 4
	sampled    = 256 // packets drawn from a policy
)

// meterHooks are where packets come in.
func meterHooks() []kern.Hook { return []kern.Hook{kern.XDPNative, kern.TCIngress} }

// hookName is how a hook is called in the answer.
func hookName(h kern.Hook) string {
	if h == kern.TCIngress {
		return "tc"
	}
	return "xdp"
}

// Measure runs the programs on packets by BPF_PROG_TEST_RUN, attached to nothing and over maps of their own. The calling goroutine stays
// on one CPU meanwhile: the flow table is per CPU.
func Measure(ctx context.Context, w Wish) (out Stages, err error) {
	cpu, unpin, err := pinned()
	if err != nil {
		return out, err
	}
	defer unpin()
	m, err := kern.OpenMeter(meterHooks(), maxFlows)
	if err != nil {
		return out, fmt.Errorf("measure: %w", err)
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	r := &course{m: m, cpu: cpu, wish: w, series: map[cell][]float64{}, whys: map[string]string{}}
	if err := r.prepare(); err != nil {
		return out, fmt.Errorf("measure: %w", err)
	}
	for begin := time.Now(); r.n < minRounds || r.n < maxRounds && time.Since(begin) < w.For; r.n++ {
		if err := r.round(ctx); err != nil {
			return out, fmt.Errorf("measure: %w", err)
		}
	}
	out = Stages{CPU: cpu, Rounds: r.n, Flows: len(r.cold)}
	if why := slowed(statsFile); why != "" {
		out.Notes = append(out.Notes, why)
	}
	for _, h := range meterHooks() {
		out.List = append(out.List, r.stages(hookName(h))...)
	}
	return out, nil
}

// pinned keeps this goroutine on the last CPU that it may use: the first has the interrupts of many hosts.
func pinned() (cpu int, undo func(), err error) {
	runtime.LockOSThread()
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		runtime.UnlockOSThread()
		return 0, nil, fmt.Errorf("read the CPUs that may be used: %w", err)
	}
	cpu = -1
	for i := range len(old) * 64 {
		if old.IsSet(i) {
			cpu = i
		}
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		runtime.UnlockOSThread()
		return 0, nil, fmt.Errorf("stay on CPU %d: %w", cpu, err)
	}
	return cpu, func() {
		if unix.SchedSetaffinity(0, &old) == nil {
			runtime.UnlockOSThread()
		} // else the thread ends with its goroutine
	}, nil
}

// cell is one figure of a round.
type cell struct {
	hook, stage string
	many        bool
}

// course is a measurement under way.
type course struct {
	m      *kern.Meter
	cpu    int
	wish   Wish
	gen    uint32            // that decides, 0: no policy
	base   []byte            // a packet whose verdict is cached; nil: there is none
	hot    [][]byte          // of the sample, few
	cold   [][]byte          // of the sample, each of another flow
	known  [][]byte          // as base, each of another flow
	pairs  []contrast        // what a run changes its packet by
	calls  map[kern.Hook]int // single runs of a figure
	series map[cell][]float64
	whys   map[string]string // by stage
	n      int
}

// contrast is a packet that a stage changes, and the same without that stage.
type contrast struct {
	stage          string
	with, without  []byte
	gen, otherwise uint32 // what decides for the one and the other
}

func (r *course) add(h kern.Hook, stage string, many bool, ns float64) {
	c := cell{hookName(h), stage, many}
	r.series[c] = append(r.series[c], max(ns, 0))
}

// round measures everything once, in turn.
func (r *course) round(ctx context.Context) error {
	for _, h := range meterHooks() {
		for _, step := range []func(kern.Hook) error{r.same, r.different, r.paired} {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := step(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// same measures with one packet again and again.
func (r *course) same(h kern.Hook) error {
	again := func(part kern.Part, frames ...[]byte) (float64, error) {
		sum := 0.0
		for _, b := range frames {
			took, _, err := r.m.Run(h, part, b, hotRuns)
			if err != nil {
				return 0, err
			}
			sum += float64(took.Nanoseconds()) + 0.5 // the kernel cuts the mean down
		}
		return sum / float64(len(frames)), nil
	}
	first := r.hot[:1]
	if r.base != nil {
		first = [][]byte{r.base}
	}
	for _, s := range []struct {
		name   string
		part   kern.Part
		frames [][]byte
	}{{StageFloor, kern.PartFloor, first}, {StageParse, kern.PartParse, first}, {StageHit, kern.PartWhole, first}, {StageClassify, kern.PartWhole, r.hot}} {
		if r.whys[s.name] != "" {
			continue
		}
		r.m.Anew(s.name == StageClassify)
		ns, err := again(s.part, s.frames...)
		r.m.Anew(false)
		if err != nil {
			return err
		}
		r.add(h, s.name, false, ns)
	}
	return nil
}

// different measures with packets of many flows, each in a call of its own.
func (r *course) different(h kern.Hook) error {
	if err := r.m.Forget(r.cpu); err != nil {
		return err
	}
	defer r.m.Anew(false)
	for _, s := range []struct {
		name   string
		part   kern.Part
		frames [][]byte
	}{{StageFloor, kern.PartFloor, r.cold}, {StageParse, kern.PartParse, r.cold}, {StageNew, kern.PartWhole, r.cold}, {StageClassify, kern.PartWhole, r.cold},
		{StageHit, kern.PartWhole, r.known}} {
		if r.whys[s.name] != "" {
			continue
		}
		r.m.Anew(s.name == StageClassify)
		frames := s.frames[:min(len(s.frames), r.calls[h])]
		if s.name == StageHit { // so that they are known
			if _, err := r.singles(h, s.part, frames); err != nil {
				return err
			}
		}
		ns, err := r.singles(h, s.part, frames)
		if err != nil {
			return err
		}
		r.add(h, s.name, true, ns)
	}
	return nil
}

// paired measures what changes its packet, against the same without.
func (r *course) paired(h kern.Hook) error {
	for _, p := range r.pairs {
		var took [2][]time.Duration
		for range min(pairCalls, r.calls[h]) / pairTurns {
			for i, side := range []struct {
				frame []byte
				gen   uint32
			}{{p.without, p.otherwise}, {p.with, p.gen}} {
				if err := r.m.Decide(side.gen); err != nil {
					return err
				}
				for n := range pairTurns + 1 { // the first makes the flow known
					one, _, err := r.m.Run(h, kern.PartWhole, side.frame, 1)
					if err != nil {
						return err
					}
					if n > 0 {
						took[i] = append(took[i], one)
					}
				}
			}
		}
		watch, err := r.m.Watch(h, p.with)
		if err != nil {
			return err
		}
		r.add(h, without(p.stage), false, middle(took[0])-float64(watch.Nanoseconds()))
		r.add(h, p.stage, false, middle(took[1])-float64(watch.Nanoseconds()))
	}
	return r.m.Decide(r.gen)
}

// pairTurns is how many runs of one side follow each other.
const pairTurns = 4

// without names the figure that a stage's is held against.
func without(stage string) string { return "without " + stage }

// singles runs each frame once.
func (r *course) singles(h kern.Hook, part kern.Part, frames [][]byte) (float64, error) {
	took := make([]time.Duration, 0, len(frames))
	for _, b := range frames {
		one, _, err := r.m.Run(h, part, b, 1)
		if err != nil {
			return 0, err
		}
		took = append(took, one)
	}
	watch, err := r.m.Watch(h, frames[0])
	if err != nil {
		return 0, err
	}
	return middle(took) - float64(watch.Nanoseconds()), nil
}

// middle is the mean of the middle half: clocks of virtual machines move in steps, and what holds a run up is another's doing.
func middle(list []time.Duration) float64 {
	slices.Sort(list)
	list = list[len(list)/4 : len(list)-len(list)/4]
	sum := time.Duration(0)
	for _, d := range list {
		sum += d
	}
	return float64(sum.Nanoseconds()) / float64(max(len(list), 1))
}

// stages makes the answer for one hook.
func (r *course) stages(hook string) []Stage {
	var out []Stage
	before := map[bool]string{}
	for _, name := range stageNames() {
		s := Stage{Hook: hook, Name: name, Why: r.whys[name]}
		for _, many := range []bool{false, true} {
			x := r.series[cell{hook, name, many}]
			if len(x) == 0 {
				continue
			}
			base := before[many]
			switch name {
			case StageNew:
				if len(r.series[cell{hook, StageHit, many}]) > 0 {
					base = StageHit
				}
			case StageStrip, StageMark:
				base = without(name)
			}
			c := &Cost{Ns: Median(x), Min: slices.Min(x), Max: slices.Max(x), Ratio: Median(Ratios(x, r.series[cell{hook, StageFloor, many}]))}
			if y := r.series[cell{hook, base, many}]; len(y) > 0 {
				c.Adds = Median(differences(x, y))
			}
			if before[many] = name; many {
				s.Many = c
			} else {
				s.One = c
			}
		}
		out = append(out, s)
	}
	return out
}

func differences(a, b []float64) []float64 {
	d := make([]float64, min(len(a), len(b)))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return d
}
