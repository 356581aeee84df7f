// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"hooktop/bpf"
)

// Load makes an instance for a device and hook, over the shared maps. The Pipeline closes it at the latest in Close.
// When the verifier refuses it, its log stands behind %+v of the error.
func (p *Pipeline) Load(d Device, h Hook) (*ebpf.Program, error) {
	return p.load(d, h, ebpf.ProgramOptions{})
}

func (p *Pipeline) load(d Device, h Hook, o ebpf.ProgramOptions) (*ebpf.Program, error) {
	prog, err := p.instance(d, h, p.purpose(), o)
	if err != nil {
		return nil, err
	}
	if err := p.watch(d, h); err != nil {
		return nil, errors.Join(fmt.Errorf("load program for %s: %w", d.Name, err), prog.Close())
	}
	p.mu.Lock()
	p.programs[prog] = struct{}{}
	p.highest = max(p.highest, d.Slot)
	p.mu.Unlock()
	return prog, nil
}

// purpose is what an instance is loaded for.
type purpose int

const (
	forDevice purpose = iota
	forDryRun
	forParserTime
)

func (p *Pipeline) purpose() purpose {
	if p.shadow {
		return forDryRun
	}
	return forDevice
}

// instance loads a program over the shared maps.
func (p *Pipeline) instance(d Device, h Hook, why purpose, o ebpf.ProgramOptions) (*ebpf.Program, error) {
	if d.Slot == 0 || d.Slot > p.MaxSlot() {
		return nil, fmt.Errorf("load program for %s: slot %d is not in 1-%d", d.Name, d.Slot, p.MaxSlot())
	}
	spec, name, err := objectFor(h)
	if err != nil {
		return nil, fmt.Errorf("load program for %s: %w", d.Name, err)
	}
	consts, err := p.consts.constMap(spec, d, why)
	if err != nil {
		return nil, fmt.Errorf("load program for %s: %w", d.Name, err)
	}
	defer consts.Close() // the program holds it
	replace := map[string]*ebpf.Map{constSection: consts}
	for name := range spec.Maps {
		if m, ok := p.maps[name]; ok {
			replace[name] = m
			spec.Maps[name].MaxEntries = m.MaxEntries()
		}
	}
	for other := range spec.Programs {
		if other != name {
			delete(spec.Programs, other)
		}
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: replace, Programs: o})
	if err != nil {
		return nil, explainLoad(d, h, err)
	}
	defer coll.Close()
	return coll.DetachProgram(name), nil
}

// slotsInUse is the number of slots, from 0, that an instance was ever loaded for.
func (p *Pipeline) slotsInUse() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.highest) + 1
}

// ProgramForFilter is the instance for a clsact filter, on kernels without tcx.
func (p *Pipeline) ProgramForFilter(d Device, h Hook) (*ebpf.Program, error) { return p.take(d, h) }

// Unload closes an instance that Load or ProgramForFilter made, before Close would.
func (p *Pipeline) Unload(prog *ebpf.Program) error {
	p.mu.Lock()
	delete(p.programs, prog)
	p.mu.Unlock()
	return prog.Close()
}

func objectFor(h Hook) (*ebpf.CollectionSpec, string, error) {
	switch h {
	case XDPNative, XDPGeneric:
		spec, err := bpf.LoadXdp()
		return spec, bpf.XdpProgHtXdp, err
	case TCIngress:
		spec, err := bpf.LoadTc()
		return spec, bpf.TcProgHtTcIn, err
	case TCMark:
		spec, err := bpf.LoadTc()
		return spec, bpf.TcProgHtTcMark, err
	case TCEgress:
		spec, err := bpf.LoadTc()
		return spec, bpf.TcProgHtTcOut, err
	}
	return nil, "", fmt.Errorf("unknown hook %q", h)
}

func explainLoad(d Device, h Hook, err error) error {
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		return fmt.Errorf("load %s program for %s: refused by the kernel's verifier: %w", h, d.Name, err)
	}
	return fmt.Errorf("load %s program for %s: %w", h, d.Name, err)
}
