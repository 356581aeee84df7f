// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
)

// Entries of the neighbour table, of both families, as somebody wrote them.
func TestNeighbour(t *testing.T) {
	ns, far := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, ns, "fw0", far, "far")
	h := at(t, ns)
	index := ns.Index(t, "fw0")
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	states := map[string]struct {
		state       int
		fixed, gone bool
		text        string
	}{
		"10.9.0.2":      {netlink.NUD_PERMANENT, true, false, "PERMANENT 02:00:00:00:00:09"},
		"10.9.0.3":      {netlink.NUD_REACHABLE, false, false, "REACHABLE 02:00:00:00:00:09"},
		"10.9.0.4":      {netlink.NUD_STALE, false, false, "STALE 02:00:00:00:00:09"},
		"10.9.0.5":      {netlink.NUD_NOARP, true, false, "NOARP 02:00:00:00:00:09"},
		"10.9.0.6":      {netlink.NUD_FAILED, false, true, "FAILED"},
		"2001:db8:9::2": {netlink.NUD_PERMANENT, true, false, "PERMANENT 02:00:00:00:00:09"},
		"10.9.0.7":      {0, false, false, "no entry"},
		"2001:db8:9::7": {0, false, false, "no entry"},
	}
	for addr, s := range states {
		if s.state == 0 {
			continue
		}
		n := &netlink.Neigh{LinkIndex: index, State: s.state, IP: net.ParseIP(addr), HardwareAddr: mac}
		if err := ns.NL.NeighSet(n); err != nil {
			t.Fatalf("%s: %v", addr, err)
		}
	}
	for addr, want := range states {
		got, err := h.Neighbour(index, netip.MustParseAddr(addr))
		if err != nil || got.String() != want.text || got.Fixed != want.fixed || got.Gone != want.gone {
			t.Errorf("%s: %+v (%v), want %+v", addr, got, err, want)
		}
	}
	if n, err := h.Neighbour(4711, netip.MustParseAddr("10.9.0.2")); err != nil || n != (nl.Neighbour{}) {
		t.Errorf("no device: %+v, %v", n, err)
	}
	if _, err := h.Neighbour(index, netip.Addr{}); err == nil || !strings.Contains(err.Error(), "read the neighbour table for invalid IP") {
		t.Errorf("no address: %v", err)
	}
}
