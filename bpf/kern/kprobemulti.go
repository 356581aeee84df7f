// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"context"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hooktop/bpf"
)

// AttachMulti hooks all functions by one link (kprobe.multi, Linux 5.18), and their returns by another if the options ask
// for them. It takes all or none.
func (t *Trace) AttachMulti(targets []TraceTarget) error {
	if err := t.multi(bpf.TraceProgHtTrCall, targets, false); err != nil {
		return err
	}
	if t.opt.Returns {
		return t.multi(bpf.TraceProgHtTrReturn, targets, true)
	}
	return nil
}

// AttachMultiKeepers hooks what keeps journeys true: functions that free their first argument, and functions that make
// their first argument from their second.
func (t *Trace) AttachMultiKeepers(free, copies []string) error {
	var errs []error
	for _, k := range keepers(free, copies) {
		if len(k.names) > 0 {
			errs = append(errs, t.multi(k.program, named(k.names), false))
		}
	}
	return errors.Join(errs...)
}

type keeper struct {
	program string
	names   []string
}

func keepers(free, copies []string) []keeper {
	return []keeper{{bpf.TraceProgHtTrFree, free}, {bpf.TraceProgHtTrCopy, copies}}
}

func named(names []string) []TraceTarget {
	out := make([]TraceTarget, len(names))
	for i, name := range names {
		out[i] = TraceTarget{Name: name, SKB: -1, Sock: -1, Reason: -1}
	}
	return out
}

func (t *Trace) multi(program string, targets []TraceTarget, returns bool) error {
	prog, err := t.shared(program, ebpf.AttachTraceKprobeMulti)
	if err != nil {
		return err
	}
	opt := link.KprobeMultiOptions{Symbols: make([]string, len(targets)), Cookies: make([]uint64, len(targets))}
	for i := range targets {
		opt.Symbols[i], opt.Cookies[i] = targets[i].Name, targets[i].cookie()
	}
	attach, hook := link.KprobeMulti, "kprobe.multi"
	if returns {
		attach, hook = link.KretprobeMulti, "kretprobe.multi"
	}
	l, err := attach(prog, opt)
	if err != nil {
		return fmt.Errorf("attach %s to %d functions: %w", hook, len(targets), err)
	}
	return t.keep(traceLink{link: l}, prog, fmt.Sprintf("%s %d functions", hook, len(targets)))
}

// WithoutRefused attaches by AttachMulti, and leaves out what the kernel refuses: functions that it lists, and can't hook all
// the same. They are found by halving.
func (t *Trace) WithoutRefused(ctx context.Context, targets []TraceTarget) (refused []TraceTarget, err error) {
	err = t.AttachMulti(targets)
	if err == nil || !badName(err) {
		return nil, err
	}
	if len(targets) == 1 {
		return targets, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for _, half := range [][]TraceTarget{targets[:len(targets)/2], targets[len(targets)/2:]} {
		bad, err := t.WithoutRefused(ctx, half)
		if err != nil {
			return nil, err
		}
		refused = append(refused, bad...)
	}
	return refused, nil
}

// badName says whether one of many names was refused.
func badName(err error) bool {
	for _, errno := range []error{unix.ESRCH, unix.ENOENT, unix.EINVAL, unix.EADDRNOTAVAIL} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
