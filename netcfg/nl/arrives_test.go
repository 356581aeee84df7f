// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"net/netip"
	"strings"
	"testing"

	"hooktop/probes/ktest"
)

// The kernel's word on what comes out of a tunnel, with and without rp_filter.
func TestArrives(t *testing.T) {
	n, far := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, n, "a0", far, "b0")
	ktest.Veth(t, n, "a1", far, "b1")
	for _, args := range []string{"addr add 192.0.2.1/24 dev a0", "addr add 10.0.1.1/24 dev a1", "route add 10.50.0.0/16 via 10.0.1.254", "route add 10.60.0.0/16 via 192.0.2.254"} {
		ip(t, n, args)
	}
	a := netip.MustParseAddr
	h := at(t, n)
	for _, filter := range []string{"0", "1", "2"} {
		n.Sysctl(t, "ipv4/conf/a0/rp_filter", filter)
		for src, why := range map[string]string{"10.50.0.9": "rp_filter", "10.60.0.9": "", "192.0.2.1": "this host's", "127.0.0.1": "this host's"} {
			if src == "10.50.0.9" && filter != "1" {
				why = ""
			}
			dev, got, err := h.Arrives(a("192.0.2.7"), a(src), a("192.0.2.1"))
			if dev != "a0" || err != nil || (got == "") != (why == "") || !strings.Contains(got, why) {
				t.Errorf("rp_filter %s: from %s by %s: %q (%v), want %q", filter, src, dev, got, err, why)
			}
		}
	}
	if dev, why, err := h.Arrives(a("203.0.113.1"), a("10.50.0.9"), a("192.0.2.1")); dev != "" || why != "" || err != nil {
		t.Errorf("a peer that nobody leads to: %q %q %v", dev, why, err)
	}
}
