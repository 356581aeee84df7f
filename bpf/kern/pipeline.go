// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"hooktop/bpf"
)

// Options of Open. The zero value is right for a host.
type Options struct {
	Flows    int       // flows expected at a time, 0: 65,536 or what MapBytes holds
	MapBytes int       // memory for all maps, 0: 64 MiB, or what an explicit Flows needs
	HashSeed [6]uint64 // of the flow hash, zero: random. Fixed seeds are for tests
	LogRate  int       // events that a rule with log tells of in a second, 0: 10
	Samples  int       // headers that a deny rule tells of in a second, 0: 64
	Shadow   bool      // the instances serve a dry run (see Shadow) and are never attached
}

// Device is what a program instance is loaded for.
type Device struct {
	Index   int
	Name    string
	Slot    uint16 // 1 … Pipeline.MaxSlot
	L3      bool   // frames begin with the IP header
	Foreign uint32 // id of the program that netlink shows on the XDP hook, 0: none or unknown
}

// Hook is a place where a program can be attached.
type Hook string

// The hooks.
const (
	XDPNative  Hook = "xdp native"
	XDPGeneric Hook = "xdp generic"
	TCIngress  Hook = "tc ingress"
	TCMark     Hook = "tc mark" // ingress beside XDP: gives packets of chains their mark
	TCEgress   Hook = "tc egress"
)

// Pipeline holds the shared maps and every handle that was made over them, for the life of the process: a handle that the
// garbage collector closes would detach its program.
type Pipeline struct {
	sizes     Sizes
	shadow    bool
	consts    constants
	maps      map[string]*ebpf.Map // by name in the object
	table     *FlowTable
	policy    policies
	events    policyEvents
	hz        int
	opened    tick
	probe     *ebpf.Program // returns jiffies, the low half
	probeHigh *ebpf.Program

	mu       sync.Mutex
	programs map[*ebpf.Program]struct{}
	attached map[*Attachment]struct{}
	ready    map[prepared]*ebpf.Program // of programs: loaded ahead of their attach
	highest  uint16                     // slot that an instance was loaded for
}

const (
	stateSection = ".data.ht_state"
	constSection = ".rodata"
)

// sections are the maps of global variables, by the names that they get.
var sections = map[string]string{stateSection: "ht_state", portsSection: "ht_ports"}

// Open creates the shared maps and maps the flow table into memory. It needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and
// raises RLIMIT_MEMLOCK on kernels that account BPF memory by it (before 5.11).
func Open(o Options) (*Pipeline, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("raise memlock limit: %w", err)
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("count possible cpus: %w", err)
	}
	sizes, err := SizesFor(cpus, o.Flows, o.MapBytes)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{
		sizes: sizes, shadow: o.Shadow, maps: map[string]*ebpf.Map{},
		programs: map[*ebpf.Program]struct{}{}, attached: map[*Attachment]struct{}{},
		ready: map[prepared]*ebpf.Program{},
	}
	if p.consts, err = newConstants(o.HashSeed, sizes); err != nil {
		return nil, err
	}
	p.consts.rates = [2]int{cmp.Or(o.LogRate, logRate), cmp.Or(o.Samples, sampleRate)}
	if err := p.open(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pipeline) open() error {
	spec, err := bpf.LoadXdp()
	if err != nil {
		return fmt.Errorf("read program object: %w", err)
	}
	for name, m := range spec.Maps {
		if name == constSection {
			continue
		}
		m = m.Copy()
		if n, ok := p.sizes.entries()[name]; ok {
			m.MaxEntries = n
		}
		if own, ok := sections[name]; ok {
			m.Name = own
			m.Flags |= mmapable
		}
		if p.maps[name], err = ebpf.NewMap(m); err != nil {
			return fmt.Errorf("create map %s of %d entries: %w", m.Name, m.MaxEntries, err)
		}
	}
	if p.table, err = mapTable(p.maps[bpf.XdpMapHtFlows], p.sizes); err != nil {
		return err
	}
	if err := p.policy.open(p.maps, p.sizes); err != nil {
		return err
	}
	if p.shadow {
		return nil
	}
	if p.probe, err = loadClockProbe(0); err != nil {
		return err
	}
	if p.probeHigh, err = loadClockProbe(32); err != nil {
		return err
	}
	if p.hz, err = tickRate(); err != nil {
		return err
	}
	p.consts.hz = p.hz
	p.opened.at = time.Now()
	if p.opened.jiffies, err = jiffies(p.probe); err != nil {
		return err
	}
	return p.events.open(p.maps[bpf.XdpMapHtEvents], p.sizes)
}

// Table is the flow table.
func (p *Pipeline) Table() *FlowTable { return p.table }

// Sizes says how large the maps are.
func (p *Pipeline) Sizes() Sizes { return p.sizes }

// MaxSlot is the highest device slot that can be given out.
func (p *Pipeline) MaxSlot() uint16 { return uint16(p.sizes.Slots - 1) }

// Close detaches what is attached, closes every handle and unmaps the table, which must not be read any more.
func (p *Pipeline) Close() error {
	p.mu.Lock()
	attached, programs := p.attached, p.programs
	p.attached, p.programs = map[*Attachment]struct{}{}, map[*ebpf.Program]struct{}{}
	clear(p.ready)
	p.mu.Unlock()
	var errs []error
	for a := range attached {
		errs = append(errs, a.Close())
	}
	for prog := range programs {
		errs = append(errs, prog.Close())
	}
	if p.table != nil {
		errs = append(errs, p.table.unmap())
	}
	for _, probe := range []*ebpf.Program{p.probe, p.probeHigh} {
		if probe != nil {
			errs = append(errs, probe.Close())
		}
	}
	errs = append(errs, p.policy.close(), p.events.rings.close())
	for _, m := range p.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
