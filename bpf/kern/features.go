// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// Feature is something of the kernel that hooktop uses.
type Feature struct {
	Name      string
	Have      bool
	Why       string // what it is for, and why it is missing
	Fix       string // what to do when it is missing
	MinKernel string
}

// Features tries each feature on this kernel. Nothing of it stays.
func Features() []Feature {
	var out []Feature
	for _, k := range known() {
		f := Feature{Name: k.name, Why: k.why, MinKernel: k.min}
		if err := k.try(); err != nil {
			f.Why, f.Fix = k.why+": "+err.Error(), k.fix
		} else {
			f.Have = true
		}
		out = append(out, f)
	}
	return out
}

// Series are the kernels that every test runs on, those of Debian's cloud images, and the columns of Support.
func Series() []string { return []string{"5.10", "6.1", "6.12", "7.2"} }

// Support says what is claimed of a feature, and holds on the kernels of the matrix: a test compares.
type Support struct {
	Name, Why, MinKernel string
	On                   []bool // in the order of Series
	Without              string // what hooktop does where it is missing
}

// Supported are the features that depend on the kernel's version.
func Supported() []Support {
	var out []Support
	for _, k := range known() {
		if k.min == "" {
			continue
		}
		s := Support{Name: k.name, Why: k.why, MinKernel: k.min, Without: k.fix}
		for _, series := range Series() {
			s.On = append(s.On, !contains(k.lack, series))
		}
		out = append(out, s)
	}
	return out
}

func contains(list, word string) bool { return strings.Contains(" "+list+" ", " "+word+" ") }

// feature is what hooktop knows of one before it tries.
type feature struct {
	name string
	min  string // Linux that has it when it is built in, "" when it is not a matter of version
	lack string // Series whose Debian kernels have it not
	why  string // what it is for
	fix  string
	try  func() error
}

const upgrade = "upgrade the kernel"

// known are the features that hooktop uses, the ones without which it can't work first.
func known() []feature {
	return []feature{
		{"bpf", "5.10", "", "maps and programs", "run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON", haveBPF},
		{"mmapable maps", "5.5", "", "reading the flow table in place", upgrade, haveMmapable},
		{"xdp", "4.8", "", "counting packets as they arrive", "build the kernel with CONFIG_BPF_SYSCALL",
			func() error { return features.HaveProgramType(ebpf.XDP) }},
		{"tc programs", "4.1", "", "counting packets as they leave", "build the kernel with CONFIG_NET_CLS_ACT",
			func() error { return features.HaveProgramType(ebpf.SchedCLS) }},
		{"jiffies", "5.6", "", "when a flow was last seen", upgrade,
			func() error { return features.HaveProgramHelper(ebpf.XDP, asm.FnJiffies64) }},
		{"tcx", "6.6", "5.10 6.1", "tc programs that vanish with their process",
			"none needed: clsact filters are used instead, and a watcher removes them", tryTCX},
		{"ring buffer", "5.8", "", "events", upgrade, func() error { return features.HaveMapType(ebpf.RingBuf) }},
		{"kernel BTF", "5.4", "", "names of kernel types for the trace and programs tabs", "build the kernel with CONFIG_DEBUG_INFO_BTF", haveBTF},
		{"raw tracepoints", "4.17", "", "traces where functions can't be probed", "build the kernel with CONFIG_BPF_EVENTS", tryRawTracepoint},
		{"typed tracepoints", "5.5", "", "traces that read arguments by their type", upgrade, tryTypedTracepoint},
		{"drop reasons", "5.17", "5.10", "why the kernel dropped a packet", "none needed: the function that dropped it is shown", tryDropReason},
		{"kprobe", "4.17", "", "traces of any function", "none needed: tracepoints are used instead", tryKprobe},
		{"kprobe.multi", "5.18", "5.10 6.1", "traces of a thousand functions at once", "none needed: up to 100 single kprobes are used instead, or tracepoints", HaveKprobeMulti},
		{"attach cookies", "5.15", "5.10", "returns and latency of single functions", "none needed: calls are shown without their returns", HaveReturns},
		{"jit", "", "", "programs run as machine code", "sysctl net.core.bpf_jit_enable=1", haveJIT},
		{"exclusive softirq", "", "", "per-CPU counters are exact", "none needed for looking", haveExclusiveSoftirq},
	}
}

// haveBPF raises the memlock limit first, which kernels before 5.11 account maps by.
func haveBPF() error { return errors.Join(rlimit.RemoveMemlock(), features.HaveMapType(ebpf.Array)) }

func haveMmapable() error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ht_probe", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: mmapable})
	if err != nil {
		return err
	}
	return m.Close()
}

func tryTCX() error {
	if !haveTCX() {
		return ErrNoTCX
	}
	return nil
}

// haveTCX asks for the programs of a device that does not exist: a kernel with tcx says so, one without says EINVAL.
func haveTCX() bool {
	_, err := link.QueryPrograms(link.QueryOptions{Target: 0x7fffffff, Attach: ebpf.AttachTCXIngress})
	return err == nil || errors.Is(err, unix.ENODEV)
}

func haveBTF() error {
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	return err
}

func haveJIT() error {
	text, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	if err == nil && strings.TrimSpace(string(text)) == "0" {
		return errors.New("they are interpreted, several times slower")
	}
	return nil
}

// haveExclusiveSoftirq: on PREEMPT_RT a softirq can be preempted by another on the same CPU, so that two programs may
// write one CPU's buckets at a time and lose a count.
func haveExclusiveSoftirq() error {
	if PreemptRT() {
		return errors.New("this is a PREEMPT_RT kernel, where they may be a little low under load")
	}
	return nil
}

// PreemptRT tells whether the kernel is a PREEMPT_RT one.
func PreemptRT() bool {
	if text, err := os.ReadFile("/sys/kernel/realtime"); err == nil && strings.TrimSpace(string(text)) == "1" {
		return true
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false
	}
	return strings.Contains(fmt.Sprintf("%s", u.Version[:]), "PREEMPT_RT")
}
