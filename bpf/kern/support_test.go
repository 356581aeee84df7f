// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
)

// facts are features that no probe needs as yet, or that decide how something is done: what was found out about them is
// to stay true.
func facts() []feature {
	helper := func(kind ebpf.ProgramType, f asm.BuiltinFunc) func() error {
		return func() error { return features.HaveProgramHelper(kind, f) }
	}
	return []feature{
		{name: "memory beside the memlock limit", min: "5.11", lack: "5.10", try: tryUnlimited},
		{name: "BTF of modules", min: "5.11", lack: "5.10", try: func() error { _, err := os.Stat("/sys/kernel/btf/veth"); return err }},
		{name: "cookies of kprobes", min: "5.15", lack: "5.10", try: helper(ebpf.Kprobe, asm.FnGetAttachCookie)},
		{name: "address of the probed function", min: "5.15", lack: "5.10", try: helper(ebpf.Kprobe, asm.FnGetFuncIp)},
		{name: "fentry", min: "5.5", try: tryFentry},
		{name: "kprobe.session", min: "6.10", lack: "5.10 6.1", try: features.HaveBPFLinkKprobeSession},
		{name: "uprobe.multi", min: "6.6", lack: "5.10 6.1", try: features.HaveBPFLinkUprobeMulti},
		{name: "bpf_timer", min: "5.15", lack: "5.10", try: helper(ebpf.XDP, asm.FnTimerInit)},
		{name: "bpf_loop", min: "5.17", lack: "5.10", try: helper(ebpf.XDP, asm.FnLoop)},
		{name: "bpf_xdp_load_bytes", min: "5.18", lack: "5.10", try: helper(ebpf.XDP, asm.FnXdpLoadBytes)},
		{name: "dynptr of a ring buffer", min: "5.19", lack: "5.10", try: helper(ebpf.XDP, asm.FnRingbufReserveDynptr)},
		{name: "xdp.frags", min: "5.18", lack: "5.10", try: tryFrags},
		{name: "test runs with a context", min: "5.14", lack: "5.10", try: tryRunContext},
		{name: "batches of a per-CPU array", min: "5.13", lack: "5.10", try: func() error { return tryBatch(ebpf.PerCPUArray, 4, 0) }},
		{name: "batches of an LPM trie", min: "5.13", lack: "5.10", try: func() error { return tryBatch(ebpf.LPMTrie, 8, unix.BPF_F_NO_PREALLOC) }},
	}
}

// tryFentry attaches to a function that the kernel has for this purpose and calls only in a test run.
func tryFentry() error {
	return attached(ebpf.ProgramSpec{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "bpf_fentry_test1"}, attachTracing)
}

// onRequest are features that a kernel may be built without, whatever its version.
const onRequest = "kprobe,kprobe.multi,kprobe.session,fentry,BTF of modules"

// thisKernel finds this kernel's column in Series. A cloud kernel of Debian has what the column says, neither less nor more;
// of others only the version is known.
func thisKernel(t *testing.T) (release, series string, exact bool) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release = unix.ByteSliceToString(u.Release[:])
	for _, s := range Series() {
		if !older(release, s) {
			series = s
		}
	}
	return release, series, strings.Contains(release, "-cloud-")
}

// older compares major and minor versions.
func older(a, b string) bool { return slices.Compare(version(a), version(b)) < 0 }

func version(s string) []int {
	v := make([]int, 2)
	if _, err := fmt.Sscanf(s, "%d.%d", &v[0], &v[1]); err != nil {
		return nil
	}
	return v
}

// TestSupportedFeatures tries on this kernel what is claimed, and looks that trying leaves nothing. Guests of the matrix run it too.
func TestSupportedFeatures(t *testing.T) {
	ktest.HostState(t)
	release, series, exact := thisKernel(t)
	for _, f := range append(known(), facts()...) {
		err := f.try()
		have, missing := err == nil, contains(f.lack, series)
		t.Logf("feature %s: %v (%v)", f.name, have, err)
		switch {
		case f.min == "":
		case exact && have == missing:
			t.Errorf("%s: have %v on %s (%v), and the table of %s says %v", f.name, have, release, err, series, !missing)
		case have && exact && older(release, f.min):
			t.Errorf("%s: %s has it, and the claim is Linux %s", f.name, release, f.min)
		case !have && !exact && !older(release, f.min) && !slices.Contains(strings.Split(onRequest, ","), f.name):
			t.Errorf("%s: missing on %s (%v), and the claim is Linux %s", f.name, release, err, f.min)
		}
	}
}

func TestClaimsAgree(t *testing.T) {
	for _, f := range append(known(), facts()...) {
		if f.min != "" && version(f.min) == nil || f.name == "" || f.try == nil {
			t.Errorf("%+v is incomplete", f)
		}
		had := false
		for _, s := range Series() {
			lacks := contains(f.lack, s)
			if f.min != "" && !lacks && older(s, f.min) {
				t.Errorf("%s: claimed for Linux %s, and for %s as well", f.name, f.min, s)
			}
			if lacks && had {
				t.Errorf("%s: %s lacks what an older kernel has", f.name, s)
			}
			had = had || !lacks
		}
	}
}

// What is missing says why and what to do.
func TestFeatures(t *testing.T) {
	for _, f := range Features() {
		if f.Name == "" || f.Why == "" || !f.Have && f.Fix == "" {
			t.Errorf("%+v says too little", f)
		}
	}
}

// tryUnlimited makes a map larger than the memlock limit.
func tryUnlimited() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return err
	}
	small := unix.Rlimit{Cur: 64 << 10, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &small); err != nil {
		return err
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4096, MaxEntries: 1024})
	if err == nil {
		err = m.Close()
	}
	return errors.Join(err, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit))
}

// tryFrags loads with BPF_F_XDP_HAS_FRAGS (include/uapi/linux/bpf.h).
func tryFrags() error {
	const hasFrags = 1 << 5
	p, err := nothing(ebpf.ProgramSpec{Type: ebpf.XDP, Flags: hasFrags})
	if err != nil {
		return err
	}
	return p.Close()
}

func tryRunContext() error {
	p, err := nothing(ebpf.ProgramSpec{Type: ebpf.XDP})
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = p.Run(&ebpf.RunOptions{Data: make([]byte, 64), Context: struct{ Data, End, Meta, Ifindex, Queue, Egress uint32 }{End: 64}})
	return err
}

func tryBatch(kind ebpf.MapType, key, flags uint32) error {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: kind, KeySize: key, ValueSize: 8, MaxEntries: 4, Flags: flags})
	if err != nil {
		return err
	}
	defer m.Close()
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return err
	}
	var at ebpf.MapBatchCursor
	if key == 4 {
		_, err = m.BatchLookup(&at, make([]uint32, 4), make([]uint64, 4*cpus), nil)
	} else {
		_, err = m.BatchLookup(&at, make([]uint64, 4), make([]uint64, 4), nil)
	}
	if errors.Is(err, ebpf.ErrKeyNotExist) { // the end
		return nil
	}
	return err
}
