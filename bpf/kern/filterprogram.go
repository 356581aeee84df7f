// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"hooktop/probes/snap"
)

// FilterProgram is an instance for a clsact filter, which netlink attaches.
type FilterProgram struct {
	p    *Pipeline
	prog *ebpf.Program
	id   uint32
}

// LoadFilter is ProgramForFilter with what the filter's owner asks of it.
func (p *Pipeline) LoadFilter(d Device, h Hook) (*FilterProgram, error) {
	prog, err := p.ProgramForFilter(d, h)
	if err != nil {
		return nil, err
	}
	info, err := DescribeProgram(prog)
	if err != nil {
		return nil, errors.Join(err, p.Unload(prog))
	}
	return &FilterProgram{p, prog, info.ID}, nil
}

// FD is what the filter is made of.
func (f *FilterProgram) FD() int { return f.prog.FD() }

// ID is the kernel's number of the program.
func (f *FilterProgram) ID() uint32 { return f.id }

// Info reads what the kernel knows about the program.
func (f *FilterProgram) Info() (snap.Program, error) { return DescribeProgram(f.prog) }

// Close lets go of the program, whose filter must be gone. It returns when the kernel no longer knows it: a filter lets
// go after a grace period.
func (f *FilterProgram) Close() error {
	if err := f.p.Unload(f.prog); err != nil {
		return err
	}
	for deadline, looks := time.Now().Add(goneWithin), 1; ; looks++ {
		prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(f.id))
		if err != nil {
			return nil
		}
		prog.Close()
		if looks >= goneLooks && time.Now().After(deadline) {
			return fmt.Errorf("unload program %d: it still exists after %v: somebody else holds it", f.id, goneWithin)
		}
		time.Sleep(time.Millisecond)
	}
}

// Describe names a program by its id: `program 42 "xdp_dispatcher"`.
func Describe(id uint32) string {
	prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
	if err != nil {
		return fmt.Sprintf("program %d", id)
	}
	defer prog.Close()
	info, err := DescribeProgram(prog)
	if err != nil || info.Name == "" {
		return fmt.Sprintf("program %d", id)
	}
	return fmt.Sprintf("program %d %q", id, info.Name)
}
