// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"strings"
	"testing"
)

func tunnels(t *testing.T, lines ...string) *Policy {
	t.Helper()
	p := &Policy{}
	for i, text := range lines {
		e, errs := ParseEntry(text)
		if errs != nil || e.Tunnel == nil {
			t.Fatalf("%q: %v", text, errs)
		}
		e.Tunnel.Line = i + 1
		p.Tunnels = append(p.Tunnels, *e.Tunnel)
	}
	return p
}

func TestLintOfTunnelLines(t *testing.T) {
	const strip = "tunnel vxlan vni 7 to 192.0.2.1 peers 192.0.2.0/25 inner 10.0.0.0/8 strip"
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{"tunnel vxlan count", "tunnel geneve count"}, ""},
		{[]string{"tunnel vxlan count", "tunnel vxlan port 4789 vni any count # again"}, "2 duplicate 1"},
		{[]string{"tunnel vxlan count", strip}, "2 shadowed 1, 2 note 0"},
		{[]string{"off tunnel vxlan count", strip}, "2 note 0"},
		{[]string{"tunnel vxlan peers 192.0.2.0/24 count", strip}, "2 shadowed 1, 2 note 0"},
		{[]string{"tunnel vxlan peers 192.0.2.0/26 count", strip}, "2 note 0"},
		{[]string{"tunnel vxlan vni 8 count", strip}, "2 note 0"},
		{[]string{"tunnel vxlan to 192.0.2.2 count", strip}, "2 note 0"},
	} {
		var got []string
		for _, f := range Lint(tunnels(t, c.lines...), Circumstances{}) {
			got = append(got, fmt.Sprintf("%d %s %d", f.Line, f.Kind, f.By))
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%q: %s, want %s", c.lines, text, c.want)
		}
	}
}
