// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

func TestStateTellsOfWhatIsLeft(t *testing.T) {
	n := NewNS(t)
	before := TakeState(t, n)
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.LoadImm(asm.R0, 2, asm.DWord), asm.Return()}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	name := object{bpfProgram, fmt.Sprint(uint32(id))}
	Veth(t, n, "a0", n, "b0")
	n.Addr(t, "a0", "192.0.2.1/24")
	after := TakeState(t, n)
	diff := before.Diff(after)
	for _, want := range []string{"new in bpf programs: " + name.id + " XDP", `"ifname":"a0"`, `"ifname":"b0"`, "192.0.2.0/24"} {
		if !strings.Contains(diff, want) {
			t.Errorf("no %q in\n%s", want, diff)
		}
	}
	gone := after.Diff(before) // to the kernel as if it had freed them meanwhile
	for _, what := range []string{bpfProgram, bpfMap, bpfLink} {
		if strings.Contains(gone, "gone from "+what) {
			t.Errorf("what was let go of before counts:\n%s", gone)
		}
	}
	if !strings.Contains(gone, "gone from ") || !strings.Contains(gone, "192.0.2.0/24") {
		t.Errorf("a device and a route that are gone are not told:\n%s", gone)
	}
	if heldByOthers(os.Getpid())[name] {
		t.Error("this process's own program counts as another's")
	}
	if !heldByOthers(0)[name] {
		t.Error("a program that this process holds is not found among the held")
	}
}
