// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/link"

	"hooktop/bpf"
)

// AttachTracepoint hooks a tracepoint by an instance of its own: before 6.10 the kernel keeps no cookies with raw tracepoints.
func (t *Trace) AttachTracepoint(target TraceTarget) error {
	prog, err := t.load(bpf.TraceProgHtTrPoint, 0, map[string]any{
		bpf.TraceVarTpCookie: target.cookie(), bpf.TraceVarTpArgs: uint8(min(target.Args, 5)), bpf.TraceVarTpReason: uint8(arg(target.Reason)),
		bpf.TraceVarTpStates: target.States,
	})
	if err != nil {
		return err
	}
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: target.Name, Program: prog})
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("the kernel has no such tracepoint: %w", err)
		}
		return errors.Join(fmt.Errorf("attach to tracepoint %s: %w", target.Name, err), prog.Close())
	}
	if err := t.keep(traceLink{link: l, own: prog, quiet: target.Flags&TraceQuiet != 0}, prog, "tracepoint "+target.Name); err != nil {
		return errors.Join(err, prog.Close())
	}
	return nil
}
