// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"hooktop/bpf"
)

// AttachTracepoint hooks a tracepoint by an instance of its own: before 6.10 the kernel keeps no cookies with raw tracepoints.
func (t *Trace) AttachTracepoint(target TraceTarget) error {
	l, prog, err := t.attachTyped(target)
	if err != nil {
		l, prog, err = t.attachRaw(target)
	}
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("the kernel has no such tracepoint: %w", err)
		}
		return fmt.Errorf("attach to tracepoint %s: %w", target.Name, err)
	}
	if err := t.keep(traceLink{link: l, own: prog, quiet: target.Flags&TraceQuiet != 0}, prog, "tracepoint "+target.Name); err != nil {
		return errors.Join(err, prog.Close())
	}
	return nil
}

// attachTyped has the kernel tell the types of the arguments, which makes each event several times cheaper. It is refused
// where an argument is of a type that programs may not have: then attachRaw does.
func (t *Trace) attachTyped(target TraceTarget) (link.Link, *ebpf.Program, error) {
	prog, err := t.loadPoint(target, true)
	if err != nil {
		return nil, nil, err
	}
	l, err := link.AttachTracing(link.TracingOptions{Program: prog, AttachType: ebpf.AttachTraceRawTp})
	if err != nil {
		return nil, nil, errors.Join(err, prog.Close())
	}
	return l, prog, nil
}

func (t *Trace) attachRaw(target TraceTarget) (link.Link, *ebpf.Program, error) {
	prog, err := t.loadPoint(target, false)
	if err != nil {
		return nil, nil, err
	}
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: target.Name, Program: prog})
	if err != nil {
		return nil, nil, errors.Join(err, prog.Close())
	}
	return l, prog, nil
}

// loadPoint makes the instance of a tracepoint.
func (t *Trace) loadPoint(target TraceTarget, typed bool) (*ebpf.Program, error) {
	retype := func(*ebpf.ProgramSpec) {}
	if typed {
		retype = func(spec *ebpf.ProgramSpec) {
			spec.Type, spec.AttachType, spec.AttachTo = ebpf.Tracing, ebpf.AttachTraceRawTp, target.Name
		}
	}
	return t.load(bpf.TraceProgHtTrPoint, retype, map[string]any{
		bpf.TraceVarTpCookie: target.cookie(), bpf.TraceVarTpArgs: uint8(min(target.Args, 5)), bpf.TraceVarTpReason: uint8(arg(target.Reason)),
		bpf.TraceVarTpStates: target.States,
		bpf.TraceVarDirect:   flag(typed),
	})
}
