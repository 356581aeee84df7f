// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"testing"
	"time"

	"hooktop/bpf/kern"
)

// Goal S19: all functions that take an sk_buff at once, against a kprobe for each, attached and detached again. Of the latter
// so many are measured, and taken for as slow as the rest: all would be minutes. They share grace periods as far as they ever do.
const (
	timesFaster = 20
	oneByOne    = 60
)

func TestAllPacketFunctionsAtOnce(t *testing.T) {
	cat := catalog(t)
	if why := kern.HaveKprobeMulti(); why != nil {
		t.Logf("this kernel has no kprobe.multi (%v): other kernels of the matrix show it", why)
		return
	}
	all, err := cat.Match("*", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var targets []kern.TraceTarget
	for i, f := range all {
		if f.SKB >= 0 && !f.Event {
			targets = append(targets, kern.TraceTarget{Name: f.Name, Func: uint32(i), SKB: f.SKB, Sock: -1, Reason: -1})
		}
	}
	filter, err := ParseFilter("host 203.0.113.77") // nobody's: the programs run, and show nothing
	if err != nil {
		t.Fatal(err)
	}
	options := kern.TraceOptions{Rate: 1000, Terms: filter.compile()}
	for left := 2; ; left-- { // a stall in the shorter of two times hides how short it is
		multi, single := attachTimes(t, options, targets)
		faster := float64(single) / float64(multi)
		if faster >= timesFaster {
			return
		}
		if left == 0 {
			t.Fatalf("kprobe.multi is %.1f times faster, want %d", faster, timesFaster)
		}
	}
}

// attachTimes measures how long it takes to attach and detach all targets at once, and so many of them by a kprobe each, taken for all.
func attachTimes(t *testing.T, options kern.TraceOptions, targets []kern.TraceTarget) (multi, single time.Duration) {
	t.Helper()
	open := func() *kern.Trace {
		trace, err := kern.OpenTrace(options)
		if err != nil {
			t.Fatal(err)
		}
		return trace
	}
	once := open()
	if err := once.AttachMulti(targets[:1]); err != nil { // the verifier's work is not what is compared
		t.Fatal(err)
	}
	begun := time.Now()
	refused, err := once.WithoutRefused(t.Context(), targets)
	if err != nil {
		t.Fatal(err)
	}
	if err := once.Detach(); err != nil {
		t.Fatal(err)
	}
	multi = time.Since(begun)
	if err := once.Close(); err != nil {
		t.Error(err)
	}
	if len(refused)*100 > len(targets) {
		t.Errorf("%d of %d functions refused: %v", len(refused), len(targets), refused)
	}
	each := open()
	if _, err := each.AttachKprobes(t.Context(), targets[:1], func() {}); err != nil {
		t.Fatal(err)
	}
	begun = time.Now()
	if _, err := each.AttachKprobes(t.Context(), targets[1:1+oneByOne], func() {}); err != nil {
		t.Fatal(err)
	}
	if err := each.Detach(); err != nil {
		t.Error(err)
	}
	took := time.Since(begun)
	single = took * time.Duration(len(targets)) / oneByOne
	if err := each.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d functions by kprobe.multi: attached and detached in %v; %d of them by a kprobe each: %v, which is %v for all, %.0f times as long", len(targets), multi,
		oneByOne, took, single, float64(single)/float64(multi))
	return multi, single
}
