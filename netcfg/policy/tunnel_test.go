// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"strings"
	"testing"
)

// What a tunnel line may leave out, and its canonical form.
func TestTunnelLines(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"tunnel vxlan count", "tunnel vxlan port 4789 vni any count"},
		{"off  tunnel geneve count port 7000 # later", "off tunnel geneve port 7000 vni any count  # later"},
		{"tunnel ipip count to ::ffff:192.0.2.1", "tunnel ipip to 192.0.2.1 count"},
		{"tunnel gre vni 4294967295 count peers 192.0.2.0/24,192.0.2.7,2001:db8::/32", "tunnel gre vni 4294967295 peers 192.0.2.0/24,2001:db8::/32 count"},
		{"tunnel gtpu vni 0 count", "tunnel gtpu port 2152 vni 0 count"},
		{"tunnel vxlan-gpe peers any to any count", "tunnel vxlan-gpe port 4790 vni any count"},
		{"tunnel gue to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 strip force", "tunnel gue port 6080 to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 strip force"},
		{"tunnel gre to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 strip", "tunnel gre vni any to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 strip"},
	} {
		f := parsed(t, c.text+"\n")
		if got := strings.TrimSuffix(f.String(), "\n"); got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
		if again := parsed(t, c.want+"\n"); again.String() != f.String() {
			t.Errorf("%q is read back as %q", c.want, again)
		}
		toggled, back, err := f.Apply(Edit{Verb: Toggle, At: 1})
		if err != nil || toggled.Line(1).Off() == f.Line(1).Off() {
			t.Errorf("%q switched: %q (%v)", c.text, toggled, err)
		}
		if same, _, err := toggled.Apply(back); err != nil || same.String() != f.String() {
			t.Errorf("%q switched back: %q (%v)", c.text, same, err)
		}
	}
}

// The same network behind the same tunnel, other peers: those may share prefixes; lines that are off never clash.
func TestTunnelLinesThatGoTogether(t *testing.T) {
	line := "tunnel vxlan vni %d to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 strip\n"
	for _, text := range []string{
		fmt.Sprintf(line, 1) + strings.Replace(fmt.Sprintf(line, 1), "192.0.2.0/24", "198.51.100.0/24", 1),
		fmt.Sprintf(line, 1) + "off " + fmt.Sprintf(line, 2),
		fmt.Sprintf(line, 1) + "tunnel vxlan vni 2 count\n",
	} {
		if p := parsed(t, text).ACL(); len(p.Tunnels) != 2 || p.Tunnels[1].Line != 2 {
			t.Errorf("tunnels of\n%s%+v", text, p.Tunnels)
		}
	}
	many := strings.Repeat("tunnel gre count\n", MaxTunnels+1)
	if _, err := Parse(many); err == nil || !strings.Contains(err.Error(), "more than 64 lines") {
		t.Errorf("%d lines: %v", MaxTunnels+1, err)
	}
}

func TestDiffOfTunnelLines(t *testing.T) {
	a, b := parsed(t, "tunnel gre count # a\n"), parsed(t, "tunnel gre vni any count\ntunnel gue count\n")
	d := Diff(a, b)
	if got := fmt.Sprint(d.Kept); got != "[line 2 added: tunnel gue port 6080 count]" || d.Same() {
		t.Errorf("difference: %s", got)
	}
}
