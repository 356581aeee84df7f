// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

func at(t *testing.T, n *ktest.NS) *nl.Host {
	t.Helper()
	h, err := nl.At(n.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func link(t *testing.T, h *nl.Host, name string) snap.Link {
	t.Helper()
	links, err := h.Links()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(links, func(l snap.Link) bool { return l.Name == name })
	if i < 0 {
		t.Fatalf("no %s among %+v", name, links)
	}
	return links[i]
}

func TestLinksOfAStack(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "port0", b, "far0")
	a.Bridge(t, "br0", "port0")
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = "mac0", a.Index(t, "br0")
	if err := a.NL.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}); err != nil {
		t.Fatal(err)
	}
	h := at(t, a)
	port, bridge, mac, lo := link(t, h, "port0"), link(t, h, "br0"), link(t, h, "mac0"), link(t, h, "lo")
	if port.Kind != "veth" || port.Master != bridge.Index || port.Parent != 0 || !port.Up || !port.Carrier || port.MTU != 1500 || port.L3 {
		t.Errorf("port0 is %+v", port)
	}
	if port.MAC != a.MAC(t, "port0") || port.Index != a.Index(t, "port0") {
		t.Errorf("port0 is %+v", port)
	}
	if bridge.Kind != "bridge" || bridge.Master != 0 || bridge.Loopback {
		t.Errorf("br0 is %+v", bridge)
	}
	if mac.Kind != "macvlan" || mac.Parent != bridge.Index || mac.Up {
		t.Errorf("mac0 is %+v", mac)
	}
	if !lo.Loopback || lo.Kind != "" {
		t.Errorf("lo is %+v", lo)
	}
}

func TestLinkOfLayer3(t *testing.T) {
	n := ktest.NewNS(t)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "tun0"
	n.Do(t, func() error { // TUNSETIFF takes the thread's namespace
		return netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TUN})
	})
	if l := link(t, at(t, n), "tun0"); !l.L3 || l.Kind != "tun" {
		t.Errorf("tun0 is %+v", l)
	}
}

func TestLinkCounters(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "a0", b, "b0")
	a.Addr(t, "a0", "192.0.2.1/24")
	b.Addr(t, "b0", "192.0.2.2/24")
	h := at(t, a)
	before := link(t, h, "a0")
	b.SendUDP(t, "192.0.2.2:0", "192.0.2.1:9", []byte("x"), 50)
	after := reading(t, func() (snap.Link, error) { return link(t, h, "a0"), nil }, func(l snap.Link) bool { return l.RxPackets >= before.RxPackets+50 })
	if got := after.RxPackets - before.RxPackets; got < 50 || got > 60 { // and a few of ARP
		t.Errorf("50 datagrams are %d packets", got)
	}
	if after.TxPackets == before.TxPackets {
		t.Error("an answer to ARP was sent, and no packet counted")
	}
}

// pass is a program of two instructions: return the number.
func pass(t *testing.T, kind ebpf.ProgramType, verdict int64) *ebpf.Program {
	t.Helper()
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: kind, License: "GPL", Instructions: asm.Instructions{asm.LoadImm(asm.R0, verdict, asm.DWord), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func progID(t *testing.T, p *ebpf.Program) uint32 {
	t.Helper()
	info, err := p.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	return uint32(id)
}

const xdpPass = 2

func TestXDPOfALink(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "a0", b, "b0")
	h := at(t, a)
	generic, native := pass(t, ebpf.XDP, xdpPass), pass(t, ebpf.XDP, xdpPass)
	if x := link(t, h, "a0").XDP; x != (snap.XDPInfo{}) {
		t.Errorf("XDP of a bare device: %+v", x)
	}
	for _, step := range []struct {
		program *ebpf.Program
		flags   int
		want    func(*snap.XDPInfo) *uint32
	}{
		{generic, 1 << 1, func(x *snap.XDPInfo) *uint32 { return &x.Generic }}, // XDP_FLAGS_SKB_MODE
		{native, 1 << 2, func(x *snap.XDPInfo) *uint32 { return &x.Native }},   // XDP_FLAGS_DRV_MODE
	} {
		setXDP(t, a, "a0", step.program.FD(), step.flags)
		var want snap.XDPInfo
		*step.want(&want) = progID(t, step.program)
		if x := link(t, h, "a0").XDP; x != want {
			t.Errorf("XDP is %+v, want %+v", x, want)
		}
		setXDP(t, a, "a0", -1, step.flags)
	}
}

func setXDP(t *testing.T, n *ktest.NS, dev string, fd, flags int) {
	t.Helper()
	l := n.Link(t, dev)
	n.Do(t, func() error { return netlink.LinkSetXdpFdWithFlags(l, fd, flags) })
}
