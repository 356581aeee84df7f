// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
)

// traceFeatures are what a trace makes use of, best means first.
func traceFeatures() []Feature {
	_, kprobes := os.Stat("/sys/bus/event_source/devices/kprobe")
	return []Feature{
		tried("kprobe.multi", "5.18", "tracing thousands of functions at once", "none needed (or a kernel built with CONFIG_FPROBE): functions are hooked one by one, at most 100", HaveKprobeMulti()),
		tried("kprobes", "4.1", "tracing functions", "build the kernel with CONFIG_KPROBES and CONFIG_KPROBE_EVENTS; tracepoints are used without", kprobes),
		tried("attach cookies", "5.15", "returns and latency of single functions", "upgrade the kernel", HaveReturns()),
		tried("raw tracepoints", "4.17", "tracing packets by tracepoints", "upgrade the kernel", features.HaveProgramType(ebpf.RawTracepoint)),
	}
}

// HaveKprobeMulti says why functions cannot be hooked all at once; nil when they can.
func HaveKprobeMulti() error { return features.HaveBPFLinkKprobeMulti() }

// HaveReturns says why returns of single functions cannot be told apart; nil when they can.
func HaveReturns() error { return features.HaveProgramHelper(ebpf.Kprobe, asm.FnGetAttachCookie) }

func haveCookies() bool { return HaveReturns() == nil }
