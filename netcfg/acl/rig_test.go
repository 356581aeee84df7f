// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

func file(t testing.TB, text string) policy.File {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return f
}

func parsed(t testing.TB, text string) acl.Policy { return file(t, text).ACL() }

// crowded makes a policy from so few values that rules cover, repeat and contradict each other.
func crowded(r *rand.Rand, rules int) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	rare := func(s ...string) string {
		if r.IntN(8) > 0 {
			return ""
		}
		return pick(s...)
	}
	address := func() string {
		return pick("any", "any", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "not 10.1.0.0/16", "@four", "@both", "not @both",
			"2001:db8::/32", "2001:db8::1", "::/0", "0.0.0.0/0", "not 0.0.0.0/0", pick("@none", "not @none"))
	}
	port := func() string {
		return pick("", "", " port 22", " port 20-30", " port 0-65535", " port not 0-65535", " port not 22", " port 22,25")
	}
	lines := []string{"set four { 10.0.0.0/9, 10.128.0.0/9 }", "set both { 10.1.0.0/16, 2001:db8::/48 }", "set none { }"}
	for _, dir := range []string{"in", "out"} {
		lines = append(lines, "default "+dir+" "+pick("allow", "deny"))
	}
	for n := range rules {
		if n > 3 && r.IntN(12) == 0 {
			lines = append(lines, lines[len(lines)-1-r.IntN(3)])
			continue
		}
		w := []string{pick("", "", "", "", "off ") + pick("allow", "deny", "deny", "count", "limit"), pick("in", "out", "")}
		limit := strings.HasSuffix(w[0], "limit")
		switch r.IntN(4) {
		case 0:
			w = append(w, pick("icmp", "icmpv4", "icmpv6"), "from "+address(), "to "+address(), pick("", "type redirect", "type not redirect", "type redirect,echo-request"))
		case 1:
			w = append(w, pick("", "not tcp", "tcp", "47,tcp"), "from "+address(), "to "+address())
		default:
			w = append(w, pick("tcp", "udp", "tcp,udp"), "from "+address()+port(), "to "+address()+port())
		}
		w = append(w, rare("established"), rare("dev eth0", "dev not eth0", "dev eth1"), rare("vlan 5", "vlan not 5", "vlan 6"))
		w = append(w, rare("vni 9"))
		if limit {
			w = append(w, "rate 1/h per source burst 2")
		}
		w = append(w, rare("log"), rare("expires 2030-01-01T00:00:00Z", "expires 2031-01-01T00:00:00Z"))
		lines = append(lines, strings.Join(w, " "))
	}
	return strings.Join(lines, "\n")
}
