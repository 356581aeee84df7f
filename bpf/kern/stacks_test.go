// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// The stacks of functions that call one another are added up, each in steps of 32 bytes, and 512 is all there is
// (check_max_stack_depth in kernel/bpf/verifier.c). Newer kernels are more generous with some programs: this holds all to what Linux
// 5.10 allows.
func TestStacksFitOnAnyKernel(t *testing.T) {
	p := openPipeline(t, Options{Flows: 16})
	depths := regexp.MustCompile(`stack depth ([0-9+]+)`)
	for _, h := range []Hook{XDPGeneric, TCIngress, TCEgress, TCMark} {
		prog, err := p.load(Device{Name: "test", Slot: 1}, h, ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats})
		if err != nil {
			t.Fatal(err)
		}
		m := depths.FindStringSubmatch(prog.VerifierLog)
		if m == nil {
			t.Fatalf("no stack depths in the verifier's log %q", prog.VerifierLog)
		}
		spec, name, err := objectFor(h)
		if err != nil {
			t.Fatal(err)
		}
		var order []string // functions as they lie in the program, which is how the verifier numbers them
		calls := map[string][]string{}
		for _, ins := range spec.Programs[name].Instructions {
			if s := ins.Symbol(); s != "" {
				order = append(order, s)
			}
			if at := order[len(order)-1]; ins.IsFunctionCall() {
				calls[at] = append(calls[at], ins.Reference())
			}
		}
		own := map[string]int{}
		for i, text := range strings.Split(m[1], "+") {
			n, err := strconv.Atoi(text)
			if err != nil || i >= len(order) {
				t.Fatalf("%s has %d functions, and stack depths %s", name, len(order), m[1])
			}
			own[order[i]] = (max(n, 1) + 31) / 32 * 32
		}
		var deepest func(f string) (int, string)
		deepest = func(f string) (sum int, way string) {
			for _, callee := range calls[f] {
				if n, w := deepest(callee); n > sum {
					sum, way = n, w
				}
			}
			return own[f] + sum, f + " " + way
		}
		sum, way := deepest(name)
		t.Logf("%s: %d bytes: %s", name, sum, way)
		if sum > 512 {
			t.Errorf("%s: %d bytes of stack, 512 are allowed: %s", name, sum, way)
		}
	}
}
