// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
)

// An address that is taken away and given again is another one: so is seen that routes went with it.
func TestAddressesHaveAnAge(t *testing.T) {
	here, there := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, here, "v0", there, "v1")
	h, link := at(t, here), here.Link(t, "v0")
	seen := func() nl.Addressed {
		t.Helper()
		all, err := h.Addressed()
		if err != nil {
			t.Fatal(err)
		}
		return all[link.Attrs().Index]
	}
	if a := seen(); a.V4 != 0 {
		t.Errorf("without an address: %+v", a)
	}
	here.Addr(t, "v0", "10.1.0.1/24")
	here.Addr(t, "v0", "2001:db8::1/64")
	first := seen()
	if first.V4 == 0 || first.V6 == 0 {
		t.Errorf("with addresses: %+v", first)
	}
	own, err := h.Addresses()
	if err != nil || !slices.Contains(own, netip.MustParseAddr("10.1.0.1")) || !slices.Contains(own, netip.MustParseAddr("2001:db8::1")) {
		t.Errorf("addresses: %v, %v", own, err)
	}
	for again := first.V4; again == first.V4; again = seen().V4 { // the kernel counts hundredths of a second
		if err := here.NL.AddrDel(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, 1, 0, 1), Mask: net.CIDRMask(24, 32)}}); err != nil {
			t.Fatal(err)
		}
		if a := seen(); a.V4 != 0 {
			t.Fatalf("its last IPv4 address is gone: %+v", a)
		}
		here.Addr(t, "v0", "10.1.0.1/24")
	}
	if a := seen(); a.V6 != first.V6 || a.V4 < first.V4 {
		t.Errorf("made again: %+v, before %+v", a, first)
	}
}
