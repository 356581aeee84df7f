// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"testing"

	"github.com/vishvananda/netlink"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// What is written is what nft reads and what Refusals counts.
func TestRefusedPacketsAreCounted(t *testing.T) {
	n := ktest.NewNS(t)
	h := at(t, n)
	made, err := h.RefuseUDP("away", "pre", 4444)
	if err != nil {
		t.Fatal(err)
	}
	n.SendUDP(t, "127.0.0.1:0", "127.0.0.1:4444", []byte("x"), 3)
	n.SendUDP(t, "[::1]:0", "[::1]:4444", []byte("x"), 2)
	n.SendUDP(t, "127.0.0.1:0", "127.0.0.1:4445", []byte("x"), 5)
	got := reading(t, h.Refusals, func(l []snap.Refusal) bool { return len(l) > 0 && l[0].Packets >= 5 })
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	want := snap.Refusal{Family: "inet", Table: "away", Chain: "pre", Handle: made.Handle, Verdict: "drop", Packets: 5}
	if got[0] != want || made.Name() != want.Name() {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	if _, err := h.RefuseUDP("away", "pre", 4444); err == nil || nl.NoNetfilter(err) {
		t.Errorf("a table that is there was made again: %v", err)
	}
	if err := h.Forgive("away"); err != nil {
		t.Error(err)
	}
	if got, err := h.Refusals(); len(got) > 0 || err != nil {
		t.Errorf("after it is gone: %+v, %v", got, err)
	}
}

func TestQdiscsOfANamespace(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "a0", b, "b0")
	a.Up(t, "a0")
	index := a.Index(t, "a0")
	h := at(t, a)
	root := &netlink.GenericQdisc{QdiscType: "pfifo", QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}}
	if err := a.NL.QdiscAdd(root); err != nil {
		t.Fatal(err)
	}
	if _, err := h.EnsureClsact(index); err != nil {
		t.Fatal(err)
	}
	all, err := h.Qdiscs()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, q := range all {
		if q.Device == index {
			kinds[q.Kind] = q.Ingress
		}
	}
	if ingress, ok := kinds["clsact"]; !ok || !ingress || len(kinds) != 2 {
		t.Errorf("qdiscs of a0: %v", kinds)
	}
	if ingress, ok := kinds["pfifo"]; !ok || ingress {
		t.Errorf("qdiscs of a0: %v", kinds)
	}
}
