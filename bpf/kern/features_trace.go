// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// What traces attach by is tried by attaching: some kernels load a program and then refuse its place. A probe returns at
// once and sits there for a moment.

// dropTracepoint fires for each dropped packet.
const dropTracepoint = "kfree_skb"

// nothing is a program that returns 0.
func nothing(spec ebpf.ProgramSpec) (*ebpf.Program, error) {
	spec.Name, spec.License = "ht_probe", "GPL"
	spec.Instructions = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	return ebpf.NewProgram(&spec)
}

// attached tries to load and attach.
func attached(spec ebpf.ProgramSpec, attach func(*ebpf.Program) (link.Link, error)) error {
	prog, err := nothing(spec)
	if errors.Is(err, unix.EPERM) { // the library would add a guess about memory limits
		return errors.New("the kernel does not permit it")
	}
	if err != nil {
		return err
	}
	defer prog.Close()
	l, err := attach(prog)
	if err != nil {
		return err
	}
	return l.Close()
}

func tryRawTracepoint() error {
	return attached(ebpf.ProgramSpec{Type: ebpf.RawTracepoint}, func(p *ebpf.Program) (link.Link, error) {
		return link.AttachRawTracepoint(link.RawTracepointOptions{Name: dropTracepoint, Program: p})
	})
}

func attachTracing(p *ebpf.Program) (link.Link, error) {
	return link.AttachTracing(link.TracingOptions{Program: p})
}

func tryTypedTracepoint() error {
	return attached(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: dropTracepoint}, attachTracing)
}

// tryDropReason looks whether the tracepoint of drops hands out the reason (5.17).
func tryDropReason() error {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("read types of the kernel: %w", err)
	}
	var tp *btf.Typedef
	if err := spec.TypeByName("btf_trace_"+dropTracepoint, &tp); err != nil {
		return fmt.Errorf("find tracepoint %s: %w", dropTracepoint, err)
	}
	if ptr, ok := tp.Type.(*btf.Pointer); ok {
		if f, ok := ptr.Target.(*btf.FuncProto); ok {
			for _, arg := range f.Params {
				if e, ok := btf.UnderlyingType(arg.Type).(*btf.Enum); ok && e.Name == "skb_drop_reason" {
					return nil
				}
			}
		}
	}
	return errors.New("the kernel does not say it (needs Linux 5.17)")
}

// kprobeFunction is one that every kernel with a network has, and that may be probed.
const kprobeFunction = "ip_rcv"

// tryKprobe opens a probe of a function without a program on it: by perf_event_open, as tracefs would keep it if this
// process died just now.
func tryKprobe() error {
	const source = "/sys/bus/event_source/devices/kprobe/type"
	text, err := os.ReadFile(source)
	if err != nil {
		return fmt.Errorf("the kernel has no kprobes: %w", err)
	}
	kind, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return fmt.Errorf("read %s: %w", source, err)
	}
	name, err := unix.BytePtrFromString(kprobeFunction)
	if err != nil {
		return err
	}
	attr := unix.PerfEventAttr{Type: uint32(kind), Ext1: uint64(uintptr(unsafe.Pointer(name))), Bits: unix.PerfBitDisabled}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open a kprobe of %s: %w", kprobeFunction, err)
	}
	return unix.Close(fd)
}

// HaveKprobeMulti says why functions cannot be hooked all at once; nil when they can.
func HaveKprobeMulti() error {
	err := features.HaveBPFLinkKprobeMulti()
	if errors.Is(err, ebpf.ErrNotSupported) {
		return errors.New("the kernel has no such link (needs Linux 5.18, built with CONFIG_FPROBE)")
	}
	return err
}

// HaveReturns says why returns of single functions cannot be told apart; nil when they can.
func HaveReturns() error { return features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie) }

func haveCookies() bool { return HaveReturns() == nil }
