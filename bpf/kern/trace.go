// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"hooktop/bpf"
	"hooktop/probes/snap"
)

// TraceOptions of OpenTrace.
type TraceOptions struct {
	Terms   []TraceTerm // all must hold
	Rate    int         // events per second and CPU
	Stack   bool        // the kernel stack of each event
	Returns bool        // AttachMulti and AttachKprobes hook returns too
	ByHead  bool        // no function will be hooked: see by_head in bpf/include/trace_config.h
	Packets int         // packets on their way at a time that can be told apart, 0: 16,384
}

// Flags of a TraceTarget (FUNC_* of bpf/include/wire.h).
const (
	TraceLate     uint8 = 0x01 // runs on an sk_buff that is being freed: no journey begins there
	TraceFollows  uint8 = 0x02 // shown only where it belongs to a journey
	TraceQuiet    uint8 = 0x04 // never shown
	TraceFrees    uint8 = 0x08 // the sk_buff ends here
	TraceReceives uint8 = 0x10 // an arriving packet, first seen on a device
	TraceSends    uint8 = 0x20 // a packet given to a device
)

const noArg = 15

// TraceTarget is a function or a tracepoint to attach to. Arguments are counted from 0; -1: there is none.
type TraceTarget struct {
	Name   string // of the function, or of the tracepoint without its group
	Func   uint32 // number in the events
	SKB    int    // the argument that is an sk_buff
	Sock   int    // one that is a struct sock, looked at where there is no sk_buff
	Reason int    // tracepoints: the drop reason
	Args   int    // tracepoints: how many arguments
	States uint32 // sock:inet_sock_set_state: the states, as bits, whose end is shown; 0: any
	Flags  uint8
}

// cookie packs a target for the programs (COOKIE_* of bpf/include/wire.h).
func (t *TraceTarget) cookie() uint64 {
	return uint64(t.Func) | arg(t.SKB)<<32 | arg(t.Sock)<<36 | uint64(t.Flags)<<40
}

func arg(i int) uint64 {
	if i < 0 || i > 4 {
		return noArg
	}
	return uint64(i)
}

// Trace is one trace: its maps, its programs, and where they are attached. What the attach methods made is gone after Close.
// One goroutine at a time; Close may be called from another.
type Trace struct {
	opt     TraceOptions
	spec    *ebpf.CollectionSpec
	maps    map[string]*ebpf.Map
	rings   rings
	cookies bool
	log     ebpf.ProgramOptions // what the verifier is to say: for tests

	mu       sync.Mutex
	programs map[string]*ebpf.Program // of functions, by name and attach type
	links    []traceLink
	closed   bool
}

// traceLink is an attached program; one that serves this link only is closed with it.
type traceLink struct {
	link  link.Link
	own   *ebpf.Program
	quiet bool // it never shows anything
	info  snap.Program
}

// OpenTrace makes the maps of a trace.
func OpenTrace(o TraceOptions) (*Trace, error) {
	if len(o.Terms) > MaxTraceTerms {
		return nil, fmt.Errorf("open trace: the filter has %d terms, at most %d", len(o.Terms), MaxTraceTerms)
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("raise memlock limit: %w", err)
	}
	spec, err := bpf.LoadTrace()
	if err != nil {
		return nil, fmt.Errorf("read program object: %w", err)
	}
	t := &Trace{opt: o, spec: spec, maps: map[string]*ebpf.Map{}, programs: map[string]*ebpf.Program{}, cookies: haveCookies()}
	if err := t.makeMaps(); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

func (t *Trace) makeMaps() error {
	packets := uint32(t.opt.Packets)
	if packets == 0 {
		packets = 16384
	}
	small := uint32(1)
	sizes := map[string]uint32{
		bpf.TraceMapHtTrTracked: packets, bpf.TraceMapHtTrHeads: small, bpf.TraceMapHtTrCalls: small, bpf.TraceMapHtTrFuncs: small,
	}
	if t.opt.ByHead {
		sizes[bpf.TraceMapHtTrHeads] = packets
	}
	if t.opt.Returns {
		sizes[bpf.TraceMapHtTrCalls] = 8192
	}
	if !t.cookies {
		sizes[bpf.TraceMapHtTrFuncs] = 4096
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count possible cpus: %w", err)
	}
	outer := t.spec.Maps[bpf.TraceMapHtTrRings]
	outer.MaxEntries = uint32(cpus)
	outer.InnerMap.MaxEntries = ringBytes(cpus)
	for name, m := range t.spec.Maps {
		if name == constSection {
			continue
		}
		if n, ok := sizes[name]; ok {
			m.MaxEntries = n
		}
		if t.maps[name], err = ebpf.NewMap(m); err != nil {
			return fmt.Errorf("create map %s of %d entries: %w", m.Name, m.MaxEntries, err)
		}
	}
	return t.rings.open(t.maps[bpf.TraceMapHtTrRings], "ht_tr_ring", cpus, ringBytes(cpus))
}

// load makes an instance of a program with its own constants over the shared maps. as says how it is attached.
func (t *Trace) load(name string, as func(*ebpf.ProgramSpec), point map[string]any) (*ebpf.Program, error) {
	spec := t.spec.Copy()
	var filter [MaxTraceTerms]TraceTerm
	copy(filter[:], t.opt.Terms)
	values := map[string]any{
		bpf.TraceVarFilter: filter, bpf.TraceVarRate: uint32(min(max(t.opt.Rate, 0), 1<<31)), bpf.TraceVarWakeAt: t.rings.size / 4,
		bpf.TraceVarCookies: flag(t.cookies), bpf.TraceVarWantStack: flag(t.opt.Stack), bpf.TraceVarWantRet: flag(t.opt.Returns),
		bpf.TraceVarByHead: flag(t.opt.ByHead),
	}
	for k, v := range point {
		values[k] = v
	}
	consts, err := newConstMap(spec, values)
	if err != nil {
		return nil, fmt.Errorf("load trace program: %w", err)
	}
	defer consts.Close() // the program holds it
	replace := map[string]*ebpf.Map{constSection: consts}
	for name, m := range t.maps {
		replace[name] = m
	}
	for other := range spec.Programs {
		if other != name {
			delete(spec.Programs, other)
		}
	}
	as(spec.Programs[name])
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: replace, Programs: t.log})
	if err != nil {
		return nil, fmt.Errorf("load trace program %s: %w", name, err)
	}
	defer coll.Close()
	return coll.DetachProgram(name), nil
}

// shared loads a program for functions once; all its links have it in common.
func (t *Trace) shared(name string, kind ebpf.AttachType) (*ebpf.Program, error) {
	key := name + kind.String()
	t.mu.Lock()
	prog := t.programs[key]
	t.mu.Unlock()
	if prog != nil {
		return prog, nil
	}
	prog, err := t.load(name, func(spec *ebpf.ProgramSpec) { spec.AttachType = kind }, nil)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		prog.Close()
		return nil, errTraceClosed
	}
	t.programs[key] = prog
	return prog, nil
}

var errTraceClosed = errors.New("attach: the trace is closed")

// keep holds a link until Close, or ends it when that was already.
func (t *Trace) keep(kept traceLink, prog *ebpf.Program, hook string) error {
	info, err := DescribeProgram(prog)
	if err != nil {
		info = snap.Program{Type: "tracing"} // it works all the same
	}
	info.Hook, info.State = hook, "attached"
	kept.info = info
	t.mu.Lock()
	closed := t.closed
	if !closed {
		t.links = append(t.links, kept)
	}
	t.mu.Unlock()
	if closed {
		return errors.Join(errTraceClosed, kept.link.Close())
	}
	return nil
}

// Programs lists what is attached.
func (t *Trace) Programs() []snap.Program {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]snap.Program, len(t.links))
	for i, l := range t.links {
		out[i] = l.info
	}
	return out
}

// detachers is how many links are closed at a time: each waits for the kernel's grace periods, which they share.
const detachers = 16

// Detach takes everything off its hooks, a few links at a time. What was traced before can still be read and counted.
func (t *Trace) Detach() error {
	t.mu.Lock()
	links, again := t.links, t.closed
	t.closed = true
	t.mu.Unlock()
	if again {
		return nil
	}
	return errors.Join(inParallel(detachers, links, func(l traceLink) error { return l.link.Close() })...)
}

// Close detaches what is still attached, and returns when the kernel has forgotten the programs.
func (t *Trace) Close() error {
	errs := []error{t.Detach()}
	t.mu.Lock()
	links, programs := t.links, t.programs
	t.links, t.programs = nil, nil
	t.mu.Unlock()
	ids := map[uint32]bool{}
	for _, l := range links {
		ids[l.info.ID] = true
		if l.own != nil {
			errs = append(errs, l.own.Close())
		}
	}
	for _, p := range programs {
		errs = append(errs, p.Close())
	}
	errs = append(errs, t.rings.close())
	for _, m := range t.maps {
		errs = append(errs, m.Close())
	}
	t.maps = nil
	return errors.Join(append(errs, waitGone(ids))...)
}

// traceGoneWithin bounds how long Close waits for the kernel. It frees kprobes one after another, each after grace periods of its
// own: on a slow machine that takes seconds.
const traceGoneWithin = 20 * time.Second

// waitGone waits until the kernel knows none of the programs any more, as far as it tells.
func waitGone(ids map[uint32]bool) error {
	for deadline := time.Now().Add(traceGoneWithin); ; time.Sleep(time.Millisecond) {
		left := uint32(0)
		for id := range ids {
			prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
			if id == 0 || err != nil {
				delete(ids, id)
				continue
			}
			prog.Close()
			left = id
		}
		if len(ids) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("detach trace: program %d still exists after %v: somebody else holds it", left, traceGoneWithin)
		}
	}
}

// inParallel calls f for all of list, n at a time, and returns the errors.
func inParallel[T any](n int, list []T, f func(T) error) []error {
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	next := make(chan T)
	for range min(n, len(list)) {
		all.Go(func() {
			for item := range next {
				if err := f(item); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, item := range list {
		next <- item
	}
	close(next)
	all.Wait()
	return errs
}
