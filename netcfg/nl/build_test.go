// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
)

func TestBuildANetwork(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	a.NetState(t)
	here, there := at(t, a), at(t, b)
	macA, macB := [6]byte{2, 0, 0, 0, 0, 1}, [6]byte{2, 0, 0, 0, 0, 2}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(here.AddVeth(nl.End{Name: "a0", MAC: macA}, there, nl.End{Name: "b0", MAC: macB}, 9000))
	for _, x := range []struct {
		h         *nl.Host
		dev       string
		addr, via string
		other     [6]byte
	}{{here, "a0", "192.0.2.1/24", "192.0.2.2", macB}, {there, "b0", "192.0.2.2/24", "192.0.2.1", macA}} {
		must(x.h.SetOffloads(x.dev, false))
		must(x.h.SetOffloads(x.dev, true))
		must(x.h.SetUp(x.dev, true))
		must(x.h.AddAddr(x.dev, netip.MustParsePrefix(x.addr)))
		must(x.h.AddNeighbour(x.dev, netip.MustParseAddr(x.via), x.other))
		must(x.h.AddRoute(nl.Route{Dst: netip.MustParsePrefix("0.0.0.0/0"), Via: netip.MustParseAddr(x.via), Dev: x.dev}))
		must(x.h.AddRoute(nl.Route{Dst: netip.MustParsePrefix("2001:db8::/64"), Dev: x.dev}))
		must(x.h.Sysctl("ipv4/ip_forward", "0"))
	}
	if ready, err := there.Ready("b0"); !ready || err != nil { // the second end to come up has carrier at once
		t.Errorf("b0 is ready: %v, %v", ready, err)
	}
	a.WaitUp(t, "a0")
	l := link(t, here, "a0")
	if l.MAC != macA || l.MTU != 9000 || !l.Carrier || b.MAC(t, "b0") != macB {
		t.Errorf("a0 is %+v", l)
	}
	if _, got, err := here.RouteDevices(); err != nil || len(got) != 1 || got[0] != l.Index {
		t.Errorf("default route: %v, %v", got, err)
	}
	if ready, err := here.Ready("a0"); !ready || err != nil {
		t.Errorf("a0 is ready: %v, %v", ready, err)
	}
	in := b.Capture(t, "b0")
	a.SendUDP(t, "192.0.2.1:0", "203.0.113.1:9", []byte("through the gateway"), 3)
	var packets uint64
	for k, n := range in.Stop(t) {
		if k.DPort == 9 && !k.Egress {
			packets += n.Packets
		}
	}
	if packets != 3 {
		t.Errorf("%d packets came through, 3 were sent", packets)
	}
	for range 2 { // the second time it is gone
		must(here.Remove("a0"))
	}
}

func TestBuildSaysWhatFailed(t *testing.T) {
	h := at(t, ktest.NewNS(t))
	for name, err := range map[string]error{
		"up":        h.SetUp("no-such", true),
		"address":   h.AddAddr("no-such", netip.MustParsePrefix("192.0.2.1/24")),
		"route":     h.AddRoute(nl.Route{Dst: netip.MustParsePrefix("0.0.0.0/0"), Dev: "no-such"}),
		"offloads":  h.SetOffloads("no-such", false),
		"neighbour": h.AddNeighbour("no-such", netip.MustParseAddr("192.0.2.1"), [6]byte{}),
	} {
		if !errors.As(err, &netlink.LinkNotFoundError{}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := nl.At("/proc/self/ns/nothing"); err == nil {
		t.Error("a namespace that does not exist was opened")
	}
}
