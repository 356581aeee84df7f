// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// noJournal is for what lives no longer than its namespace.
type noJournal struct{}

func (noJournal) IntendSteering(int) error { return nil }
func (noJournal) DoneSteering(int)         {}

// vxlan connects two namespaces by a tunnel over their devices "under".
func vxlan(t *testing.T, name string, ends [2]*ktest.NS, addrs [2]string) {
	t.Helper()
	for i, ns := range ends {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		if err := ns.NL.LinkAdd(&netlink.Vxlan{
			LinkAttrs: attrs, VxlanId: 9, Port: 4789, SrcAddr: net.ParseIP(addrs[i]), Group: net.ParseIP(addrs[1-i]),
			VtepDevIndex: ns.Link(t, "under").Attrs().Index,
		}); err != nil {
			t.Fatal(err)
		}
		ns.Up(t, name)
	}
}

// A tunnel is set down and up again while nobody looks: the kernel has taken the routes over it, and nothing about the device says so
// afterwards. The chain has its route again all the same.
func TestARouteComesBackOverADeviceThatLooksAsBefore(t *testing.T) {
	ns, far := ktest.NewNS(t), ktest.NewNS(t)
	both := [2]*ktest.NS{ns, far}
	ktest.Veth(t, ns, "under", far, "under")
	ns.Addr(t, "under", "10.50.0.1/24")
	far.Addr(t, "under", "10.50.0.2/24")
	for dev, net := range map[string]string{"lan0": "10.1.0.", "fw1": "10.9.1.", "wan0": "10.0.0."} {
		ktest.Veth(t, ns, dev, far, dev)
		ns.Addr(t, dev, net+"9/24")
		far.Addr(t, dev, net+map[string]string{"lan0": "1", "fw1": "2", "wan0": "1"}[dev]+"/24")
	}
	vxlan(t, "fw0", both, [2]string{"10.50.0.1", "10.50.0.2"})
	ns.Addr(t, "fw0", "10.9.0.1/30")
	far.Addr(t, "fw0", "10.9.0.2/30")
	host, err := nl.At(ns.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	s := New(host, noJournal{}, func(_ snap.Severity, text string) { t.Log(text) })
	if err := s.Want(chainsOf(t, fw), nil); err != nil {
		t.Fatal(err)
	}
	changes, err := host.WatchSteering(t.Context(), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	routed := func() bool {
		t.Helper()
		for table := range uint32(3) {
			routes, err := host.ChainRoutes(chain.FirstTable+table, false)
			if err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(routes, func(r chain.Route) bool { return r.Dev == "fw0" }) {
				return true
			}
		}
		return false
	}
	for range ktest.Rounds(t, 8) {
		link := ns.Link(t, "fw0")
		if err := ns.NL.LinkSetDown(link); err != nil {
			t.Fatal(err)
		}
		if err := ns.NL.LinkSetUp(link); err != nil {
			t.Fatal(err)
		}
		for late := time.After(ktest.Patience); !routed(); {
			select {
			case _, ok := <-changes:
				if !ok {
					t.Fatal("nothing tells of changes any more")
				}
			case <-late:
				t.Fatal("the route does not come back")
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
