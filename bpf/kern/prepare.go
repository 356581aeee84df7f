// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"

	"github.com/cilium/ebpf"
)

// prepared names an instance that was loaded ahead of its attach. Native and generic XDP take the same one.
type prepared struct {
	slot uint16
	l3   bool
	hook Hook
}

func preparedFor(d Device, h Hook) prepared {
	if h == XDPNative {
		h = XDPGeneric
	}
	return prepared{d.Slot, d.L3, h}
}

// Prepare loads the instance that the next attach to this hook takes: the verifier needs some 0.1 s, which a caller may
// want to spend on another goroutine. What is prepared twice is loaded once.
func (p *Pipeline) Prepare(d Device, h Hook) error {
	key := preparedFor(d, h)
	p.mu.Lock()
	_, have := p.ready[key]
	p.mu.Unlock()
	if have {
		return nil
	}
	prog, err := p.Load(d, h)
	if err != nil {
		return err
	}
	return p.putBack(d, h, prog)
}

// putBack keeps an instance for the next attach.
func (p *Pipeline) putBack(d Device, h Hook, prog *ebpf.Program) error {
	key := preparedFor(d, h)
	p.mu.Lock()
	_, have := p.ready[key]
	if !have {
		p.ready[key] = prog
	}
	p.mu.Unlock()
	if have {
		return p.Unload(prog)
	}
	return nil
}

// take returns the prepared instance, or loads one.
func (p *Pipeline) take(d Device, h Hook) (*ebpf.Program, error) {
	key := preparedFor(d, h)
	p.mu.Lock()
	prog := p.ready[key]
	delete(p.ready, key)
	p.mu.Unlock()
	if prog != nil {
		return prog, nil
	}
	return p.Load(d, h)
}

// Discard unloads what was prepared for a slot and not taken.
func (p *Pipeline) Discard(slot uint16) error {
	var unused []*ebpf.Program
	p.mu.Lock()
	for key, prog := range p.ready {
		if key.slot == slot {
			unused = append(unused, prog)
			delete(p.ready, key)
		}
	}
	p.mu.Unlock()
	var errs []error
	for _, prog := range unused {
		errs = append(errs, p.Unload(prog))
	}
	return errors.Join(errs...)
}
