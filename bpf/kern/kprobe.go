// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"hooktop/bpf"
)

// MaxKprobes is how many functions are hooked one by one: each costs some 10 to 80 ms to attach and as much to detach.
const MaxKprobes = 100

// kprobers is how many single kprobes are attached at a time.
const kprobers = 4

// FailedTarget is a function that could not be hooked.
type FailedTarget struct {
	Name string
	Err  error
}

// AttachKprobes hooks functions by a kprobe each, a few at a time, and their returns if the options ask for them. progress hears
// after each how many are done, from several goroutines. When ctx ends, no further one is begun and its error comes back.
func (t *Trace) AttachKprobes(ctx context.Context, targets []TraceTarget, progress func()) ([]FailedTarget, error) {
	if len(targets) > MaxKprobes {
		return nil, fmt.Errorf("attach kprobes: %d functions, at most %d without kprobe.multi", len(targets), MaxKprobes)
	}
	if t.opt.Returns && !t.cookies {
		return nil, errors.New("attach kprobes: returns need attach cookies (Linux 5.15)")
	}
	if err := t.addresses(targets); err != nil {
		return nil, err
	}
	if _, err := t.shared(bpf.TraceProgHtTrCall, 0); err != nil { // the verifier's work once, not on each worker
		return nil, err
	}
	var mu sync.Mutex
	var failed []FailedTarget
	inParallel(kprobers, targets, func(target TraceTarget) error {
		if ctx.Err() != nil {
			return nil
		}
		err := t.kprobe(bpf.TraceProgHtTrCall, &target, false)
		if err == nil && t.opt.Returns {
			err = t.kprobe(bpf.TraceProgHtTrReturn, &target, true)
		}
		if err != nil {
			mu.Lock()
			failed = append(failed, FailedTarget{target.Name, err})
			mu.Unlock()
		}
		progress()
		return nil
	})
	return failed, ctx.Err()
}

// AttachKprobeKeepers is AttachMultiKeepers by a kprobe each.
func (t *Trace) AttachKprobeKeepers(free, copies []string) error {
	var errs []error
	for _, k := range keepers(free, copies) {
		for _, target := range named(k.names) {
			errs = append(errs, t.kprobe(k.program, &target, false))
		}
	}
	return errors.Join(errs...)
}

func (t *Trace) kprobe(program string, target *TraceTarget, returns bool) error {
	prog, err := t.shared(program, 0)
	if err != nil {
		return err
	}
	var opt *link.KprobeOptions
	if t.cookies {
		opt = &link.KprobeOptions{Cookie: target.cookie()}
	}
	attach, hook := link.Kprobe, "kprobe"
	if returns {
		attach, hook = link.Kretprobe, "kretprobe"
	}
	l, err := attach(target.Name, prog, opt)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("attach %s: the kernel has no function of that name: %w", hook, err)
	case err != nil:
		return fmt.Errorf("attach %s: %w", hook, err)
	}
	return t.keep(traceLink{link: l}, prog, hook+" "+target.Name)
}

// addresses enters the functions' cookies by address, where the kernel keeps none with a kprobe.
func (t *Trace) addresses(targets []TraceTarget) error {
	if t.cookies {
		return nil
	}
	want := make(map[string]uint64, len(targets))
	for i := range targets {
		want[targets[i].Name] = targets[i].cookie()
	}
	found, err := symbolAddresses(want)
	if err != nil {
		return err
	}
	for name, addr := range found {
		if err := t.maps[bpf.TraceMapHtTrFuncs].Update(addr, want[name], ebpf.UpdateAny); err != nil {
			return fmt.Errorf("enter the address of %s: %w", name, err)
		}
	}
	return nil
}
