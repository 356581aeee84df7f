// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"net/netip"
	"testing"

	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
)

func TestLookup(t *testing.T) {
	n, far := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, n, "a0", far, "b0")
	ktest.Veth(t, n, "a1", far, "b1")
	n.Sysctl(t, "ipv4/ip_forward", "1")
	n.Sysctl(t, "ipv6/conf/all/forwarding", "1")
	for _, args := range []string{
		"addr add 10.0.0.1/24 dev a0", "addr add 10.0.1.1/24 dev a1", "-6 addr add 2001:db8::1/64 dev a0 nodad", "-6 addr add 2001:db8:1::1/64 dev a1 nodad",
		"route add default via 10.0.1.254", "-6 route add default via 2001:db8:1::fe",
		"route add unreachable 203.0.113.0/24", "route add prohibit 198.51.100.0/24", "-6 route add unreachable 2001:db8:dead::/48",
		"rule add dport 4711 ipproto 6 lookup 100", "route add 192.0.2.0/24 via 10.0.0.254 table 100",
	} {
		ip(t, n, args)
	}
	a := netip.MustParseAddr
	h := at(t, n)
	for name, c := range map[string]struct {
		q    nl.Question
		want nl.Way
	}{
		"to the host":        {nl.Question{In: true, Dev: "a0", Src: a("10.0.0.9"), Dst: a("10.0.0.1")}, nl.Way{Kind: "local", Table: 255}},
		"to the host, IPv6":  {nl.Question{In: true, Dev: "a0", Src: a("2001:db8::9"), Dst: a("2001:db8::1")}, nl.Way{Kind: "local", Table: 255}},
		"through":            {nl.Question{In: true, Dev: "a0", Src: a("10.0.0.9"), Dst: a("192.0.2.7")}, nl.Way{Kind: "forward", Via: a("10.0.1.254"), Dev: "a1", Table: 254}},
		"through, on link":   {nl.Question{In: true, Dev: "a0", Src: a("10.0.0.9"), Dst: a("10.0.1.7")}, nl.Way{Kind: "forward", Dev: "a1", Table: 254}},
		"through, IPv6":      {nl.Question{In: true, Dev: "a0", Src: a("2001:db8::9"), Dst: a("2001:db8:7::7")}, nl.Way{Kind: "forward", Via: a("2001:db8:1::fe"), Dev: "a1", Table: 254}},
		"a rule of its port": {nl.Question{In: true, Dev: "a1", Src: a("10.0.1.9"), Dst: a("192.0.2.7"), Proto: 6, DPort: 4711}, nl.Way{Kind: "forward", Via: a("10.0.0.254"), Dev: "a0", Table: 100}},
		"out":                {nl.Question{Src: a("10.0.1.1"), Dst: a("192.0.2.7")}, nl.Way{Kind: "out", Via: a("10.0.1.254"), Dev: "a1", Table: 254}},
		"out, any source":    {nl.Question{Dst: a("10.0.0.7")}, nl.Way{Kind: "out", Dev: "a0", Src: a("10.0.0.1"), Table: 254}},
		"unreachable":        {nl.Question{In: true, Dev: "a0", Src: a("10.0.0.9"), Dst: a("203.0.113.9")}, nl.Way{Kind: "unreachable", Why: "no route to host"}},
		"prohibit":           {nl.Question{In: true, Dev: "a0", Src: a("10.0.0.9"), Dst: a("198.51.100.9")}, nl.Way{Kind: "prohibit", Why: "permission denied"}},
	} {
		got, err := h.Lookup(c.q)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !c.want.Src.IsValid() {
			got.Src = netip.Addr{} // the kernel says what it would choose
		}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if got, err := h.Lookup(nl.Question{In: true, Dev: "a0", Src: a("2001:db8::9"), Dst: a("2001:db8:dead::1")}); err != nil || got.Kind != "unreachable" {
		t.Errorf("IPv6 unreachable: %+v, %v", got, err)
	}
	if _, err := h.Lookup(nl.Question{In: true, Dev: "nosuch", Src: a("10.0.0.9"), Dst: a("10.0.0.1")}); err == nil {
		t.Error("a device that is not there: no error")
	}
}
