// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

const tcUnspec = -1 // TC_ACT_UNSPEC: the next filter decides

// tcText is what an operator sees of a device.
func tcText(t *testing.T, n *ktest.NS, args string) string {
	t.Helper()
	var out []byte
	n.Do(t, func() (err error) {
		out, err = exec.Command("tc", strings.Fields(args)...).Output()
		return err
	})
	return string(out)
}

func device(t *testing.T) (*ktest.NS, int) {
	t.Helper()
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "a0", b, "b0")
	return a, a.Index(t, "a0")
}

func TestFilterLeavesNothing(t *testing.T) {
	n, index := device(t)
	n.NetState(t)
	h, p := at(t, n), pass(t, ebpf.SchedCLS, tcUnspec)
	if list, err := h.ListFilters(index); list != nil || err != nil {
		t.Errorf("filters of a bare device: %v, %v", list, err)
	}
	if removed, err := h.RemoveClsact(index); removed || err != nil {
		t.Errorf("removing a clsact that is not there: %v, %v", removed, err)
	}
	if made, err := h.EnsureClsact(index); !made || err != nil {
		t.Fatalf("made %v, %v", made, err)
	}
	if made, err := h.EnsureClsact(index); made || err != nil {
		t.Fatalf("the second time: made %v, %v", made, err)
	}
	for _, egress := range []bool{false, true} {
		f := snap.Filter{Index: index, Egress: egress, Prio: 49152, Handle: 0x687f, Name: "hooktop_test", FD: p.FD()}
		if err := h.AttachFilter(f); err != nil {
			t.Fatal(err)
		}
		if err := h.AttachFilter(f); !errors.Is(err, unix.EEXIST) {
			t.Errorf("the second time: %v, want EEXIST", err)
		}
	}
	list, err := h.ListFilters(index)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, f := range list {
		want := snap.Filter{Index: index, Egress: i == 1, Prio: 49152, Handle: 0x687f, Name: "hooktop_test", ProgID: progID(t, p)}
		if f != want {
			t.Errorf("listed %+v, want %+v", f, want)
		}
		if removed, err := h.RemoveClsact(index); removed || err != nil {
			t.Errorf("a clsact with a filter: removed %v, %v", removed, err)
		}
		for range 2 { // the second time it is gone already
			if err := h.RemoveFilter(f); err != nil {
				t.Error(err)
			}
		}
	}
	if removed, err := h.RemoveClsact(index); !removed || err != nil {
		t.Errorf("removed %v, %v", removed, err)
	}
}

func TestFilterBesideForeignOnes(t *testing.T) {
	n, index := device(t)
	foreign := pass(t, ebpf.SchedCLS, tcUnspec)
	h := at(t, n)
	tcText(t, n, "qdisc add dev a0 clsact")
	tcText(t, n, "filter add dev a0 ingress prio 7 protocol ip u32 match ip src 192.0.2.9 classid 1:1")
	if err := h.AttachFilter(snap.Filter{Index: index, Prio: 9, Handle: 1, Name: "cilium-a0", FD: foreign.FD()}); err != nil {
		t.Fatal(err)
	}
	n.NetState(t)
	before := tcText(t, n, "filter show dev a0 ingress")
	if made, err := h.EnsureClsact(index); made || err != nil {
		t.Fatalf("made %v, %v", made, err)
	}
	ours := snap.Filter{Index: index, Prio: 49152, Handle: 1, Name: "hooktop_in", FD: foreign.FD()}
	if err := h.AttachFilter(ours); err != nil {
		t.Fatal(err)
	}
	// One that has our place and another name is not ours.
	theirs := snap.Filter{Index: index, Prio: 9, Handle: 1, Name: "hooktop_in"}
	if err := h.RemoveFilter(theirs); err == nil || !strings.Contains(err.Error(), "cilium-a0") {
		t.Errorf("removing a foreign filter: %v", err)
	}
	if err := h.RemoveFilter(ours); err != nil {
		t.Error(err)
	}
	if removed, err := h.RemoveClsact(index); removed || err != nil {
		t.Errorf("removing a foreign clsact: %v, %v", removed, err)
	}
	if after := tcText(t, n, "filter show dev a0 ingress"); after != before {
		t.Errorf("filters were\n%s\nand are\n%s", before, after)
	}
}

// An ingress qdisc takes the place of clsact: nothing can be attached at egress, and it is not ours to remove.
func TestFilterBesideAnIngressQdisc(t *testing.T) {
	n, index := device(t)
	tcText(t, n, "qdisc add dev a0 ingress")
	n.NetState(t)
	h := at(t, n)
	if made, err := h.EnsureClsact(index); made || !errors.Is(err, unix.EEXIST) {
		t.Errorf("made %v, %v; want EEXIST", made, err)
	}
	if removed, err := h.RemoveClsact(index); removed || err != nil {
		t.Errorf("removed %v, %v", removed, err)
	}
}

func TestFilterOfADeviceThatIsGone(t *testing.T) {
	n, index := device(t)
	h, p := at(t, n), pass(t, ebpf.SchedCLS, tcUnspec)
	if _, err := h.EnsureClsact(index); err != nil {
		t.Fatal(err)
	}
	f := snap.Filter{Index: index, Prio: 49152, Handle: 1, Name: "hooktop_test", FD: p.FD()}
	if err := h.AttachFilter(f); err != nil {
		t.Fatal(err)
	}
	n.Del(t, "a0")
	if list, err := h.ListFilters(index); list != nil || err != nil {
		t.Errorf("listed %v, %v", list, err)
	}
	if err := h.RemoveFilter(f); err != nil {
		t.Error(err)
	}
	if removed, err := h.RemoveClsact(index); removed || err != nil {
		t.Errorf("removed %v, %v", removed, err)
	}
	if _, err := h.EnsureClsact(index); !errors.Is(err, unix.ENODEV) {
		t.Errorf("clsact for it: %v, want ENODEV", err)
	}
}
