// SPDX-License-Identifier: Apache-2.0

package acltest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Crowded makes a policy from so few values that rules cover, repeat and contradict each other.
func Crowded(r *rand.Rand, rules int) string {
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
		w = append(w, rare("vni 9", "vni not 9"))
		if limit {
			w = append(w, "rate 1/h per source burst 2")
		}
		w = append(w, rare("log"), rare("expires 2030-01-01T00:00:00Z", "expires 2031-01-01T00:00:00Z"))
		lines = append(lines, strings.Join(w, " "))
	}
	return strings.Join(append(lines, chains(r)...), "\n")
}

// chains makes lines of chains between few devices, of which tests know eth0 and eth1.
func chains(r *rand.Rand) []string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	var lines []string
	for n := range r.IntN(4) {
		devs := []string{"eth0", "eth1", "x0", "x1"}
		r.Shuffle(len(devs), func(i, j int) { devs[i], devs[j] = devs[j], devs[i] })
		side, via := pick("10.0.0.0/8", "any", "10.1.0.0/16"), [2]string{"10.9.0.2", "10.0.0.1"}
		if r.IntN(3) == 0 {
			side, via = pick("2001:db8::/32", "any"), [2]string{"2001:db8:9::2", "2001:db8::1"}
		}
		match := "tcp from " + pick("any", side) + pick("", " port 20-30") + " to " + side + pick("", " port 22", " port 22,25")
		if r.IntN(2) == 0 {
			match = pick("", "icmp ", "not tcp ") + "from " + side + " to " + pick("any", "not 10.1.0.0/16", "@both", "@four")
		}
		lines = append(lines, fmt.Sprintf("%schain c%d in %s match %s service via %s dev %s return %s mark %#x/0xf0 upstream via %s dev %s fail open%s",
			pick("", "", "", "off "), n, devs[0], match, via[0], devs[1], devs[2], (n+1)<<4, via[1], devs[3], pick("", " oneway")))
	}
	return lines
}

// Spread makes a policy of many rules that look like those of a filter in use: nested prefixes of both families, well-known
// ports and ranges, a few rules without addresses.
func Spread(r *rand.Rand, rules int) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	address := func(six bool) string {
		switch {
		case r.IntN(10) == 0:
			return "any"
		case six:
			return pick(fmt.Sprintf("2001:db8:%x::/48", r.IntN(64)), fmt.Sprintf("2001:db8:%x:%x::/64", r.IntN(64), r.IntN(1<<16)))
		case r.IntN(3) == 0:
			return fmt.Sprintf("%d.%d.0.0/16", 1+r.IntN(200), r.IntN(256))
		}
		return fmt.Sprintf("%d.%d.%d.%d/%d", 1+r.IntN(200), r.IntN(256), r.IntN(256), r.IntN(256)&^7, 29)
	}
	port := func() string {
		return pick("", " port 22", " port 80,443", " port 1024-65535", " port 53", fmt.Sprintf(" port %d", 1+r.IntN(65535)))
	}
	lines := []string{"default in " + pick("allow", "deny")}
	for range rules {
		six := r.IntN(3) == 0
		from, to := address(six), address(six)
		for from == "any" && to == "any" { // it would hide what stands below
			to = address(six)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s from %s to %s%s", pick("allow", "deny", "deny"), pick("in", "out", ""), pick("tcp", "udp"), from, to, port()))
	}
	return strings.Join(lines, "\n")
}
