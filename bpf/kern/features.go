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
	Why       string // what it is for, or why it is missing
	Fix       string // what to do when it is missing
	MinKernel string
}

// Features tries each feature on this kernel.
func Features() []Feature {
	lockErr := rlimit.RemoveMemlock()
	out := []Feature{
		tried("bpf", "5.10", "maps and programs", "run as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
			errors.Join(lockErr, features.HaveMapType(ebpf.Array))),
		tried("mmapable maps", "5.5", "reading the flow table in place", "upgrade the kernel", haveMmapable()),
		tried("xdp", "4.8", "counting packets as they arrive", "build the kernel with CONFIG_XDP_SOCKETS and CONFIG_BPF_SYSCALL", features.HaveProgramType(ebpf.XDP)),
		tried("tc programs", "4.1", "counting packets as they leave", "build the kernel with CONFIG_NET_CLS_ACT", features.HaveProgramType(ebpf.SchedCLS)),
		tried("jiffies", "5.6", "when a flow was last seen", "upgrade the kernel", features.HaveProgramHelper(ebpf.XDP, asm.FnJiffies64)),
		tcxFeature(),
		fileFeature("kernel BTF", "5.4", "/sys/kernel/btf/vmlinux", "names of kernel types for the trace and programs tabs", "build the kernel with CONFIG_DEBUG_INFO_BTF"),
		tried("ring buffer", "5.8", "events", "upgrade the kernel", features.HaveMapType(ebpf.RingBuf)),
		jitFeature(),
		preemptFeature(),
	}
	return append(out, traceFeatures()...)
}

func tried(name, min, why, fix string, err error) Feature {
	f := Feature{Name: name, Have: err == nil, Why: why, MinKernel: min}
	if err != nil {
		f.Why, f.Fix = why+": "+err.Error(), fix
	}
	return f
}

func haveMmapable() error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ht_probe", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: mmapable})
	if err != nil {
		return err
	}
	return m.Close()
}

func tcxFeature() Feature {
	f := Feature{Name: "tcx", Have: haveTCX(), MinKernel: "6.6", Why: "tc programs that vanish with their process"}
	if !f.Have {
		f.Why, f.Fix = "the kernel has no tcx: clsact filters are used instead, and a watcher removes them", "none needed"
	}
	return f
}

// haveTCX asks for the programs of a device that does not exist: a kernel with tcx says so, one without says EINVAL.
func haveTCX() bool {
	_, err := link.QueryPrograms(link.QueryOptions{Target: 0x7fffffff, Attach: ebpf.AttachTCXIngress})
	return err == nil || errors.Is(err, unix.ENODEV)
}

func fileFeature(name, min, path, why, fix string) Feature {
	_, err := os.Stat(path)
	return tried(name, min, why, fix, err)
}

func jitFeature() Feature {
	f := Feature{Name: "jit", Have: true, MinKernel: "4.1", Why: "programs run as machine code"}
	text, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	if err == nil && strings.TrimSpace(string(text)) == "0" {
		f.Have, f.Why, f.Fix = false, "programs are interpreted: several times slower", "sysctl net.core.bpf_jit_enable=1"
	}
	return f
}

// preemptFeature: on PREEMPT_RT a softirq can be preempted by another on the same CPU, so that two programs may write one
// CPU's buckets at a time and lose a count.
func preemptFeature() Feature {
	f := Feature{Name: "exclusive softirq", Have: true, Why: "per-CPU counters are exact"}
	if PreemptRT() {
		f.Have, f.Why = false, "this is a PREEMPT_RT kernel: counts may be a little low under load"
		f.Fix = "none needed for looking"
	}
	return f
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
