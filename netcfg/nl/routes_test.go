// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"hooktop/probes/ktest"
)

// ip runs ip(8) in the namespace: its syntax is how an operator would build what is tested.
func ip(t *testing.T, n *ktest.NS, args string) {
	t.Helper()
	n.Do(t, func() error {
		out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
		if err != nil {
			t.Errorf("ip %s: %s", args, out)
		}
		return err
	})
}

func TestRouteDevices(t *testing.T) {
	n, far := ktest.NewNS(t), ktest.NewNS(t)
	names := []string{"def4", "def6", "table", "multi0", "multi1", "nexthop", "group0", "group1", "none"}
	index := map[string]int{}
	for _, name := range names {
		n.Sysctl(t, "ipv6/conf/default/addr_gen_mode", "1") // no link-local addresses: their routes are routes too
		ktest.Veth(t, n, name, far, "far-"+name)
		index[name] = n.Index(t, name)
	}
	h := at(t, n)
	if all, defaults, err := h.RouteDevices(); len(all)+len(defaults) > 0 || err != nil {
		t.Errorf("without routes: %v, %v, %v", all, defaults, err)
	}
	ip(t, n, "route add default dev def4")
	ip(t, n, "-6 route add default dev def6")
	ip(t, n, "route add 198.51.100.0/24 dev table table 4711")
	ip(t, n, "route add 203.0.113.0/24 nexthop dev multi0 nexthop dev multi1")
	ip(t, n, "nexthop add id 1 dev nexthop")
	ip(t, n, "nexthop add id 2 dev group0")
	ip(t, n, "nexthop add id 3 dev group1")
	ip(t, n, "nexthop add id 10 group 2/3")
	ip(t, n, "route add 192.0.2.0/25 nhid 1")
	ip(t, n, "route add 192.0.2.128/25 nhid 10")
	ip(t, n, "route add blackhole 10.0.0.0/8")
	n.Addr(t, "none", "10.1.2.3/32") // a host's own address: local table only
	var want []int
	for _, name := range names[:len(names)-1] {
		want = append(want, index[name])
	}
	slices.Sort(want)
	all, defaults, err := h.RouteDevices()
	if !slices.Equal(all, want) || err != nil {
		t.Errorf("routes lead to %v, want %v (%v): %v", all, want, index, err)
	}
	want = []int{index["def4"], index["def6"]}
	slices.Sort(want)
	if !slices.Equal(defaults, want) {
		t.Errorf("default routes lead to %v, want %v", defaults, want)
	}
}

func TestManyRoutes(t *testing.T) {
	n, far := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, n, "a0", far, "b0")
	l := n.Link(t, "a0")
	for i := range 3000 { // more than one part of a dump
		dst := &net.IPNet{IP: net.IPv4(10, byte(i>>8), byte(i), 0).To4(), Mask: net.CIDRMask(24, 32)}
		if err := n.NL.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Dst: dst, Scope: netlink.SCOPE_LINK}); err != nil {
			t.Fatal(err)
		}
	}
	got, defaults, err := at(t, n).RouteDevices()
	if err != nil || !slices.Equal(got, []int{l.Attrs().Index}) || len(defaults) > 0 {
		t.Errorf("%v, %v, %v", got, defaults, err)
	}
}
