// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/policy"
)

// Ways in are looked at under each VLAN that could close them, with mu held: that must stay a matter of moments with rules for all of them.
func TestWaysInUnderEachVLAN(t *testing.T) {
	many := &strings.Builder{}
	many.WriteString("allow in tcp to any port 22\nallow out tcp from any port 22\n")
	for tag := 1; tag <= 4094; tag++ {
		fmt.Fprintf(many, "deny in vlan %d\nallow in vlan not %d\n", tag, tag)
	}
	file, err := policy.Parse(many.String())
	if err != nil {
		t.Fatal(err)
	}
	world, p := World{Devices: map[string]uint16{"eth0": 1, "eth1": 2, "eth2": 3, "eth3": 4}}, file.ACL()
	for i := range 64 {
		world.Ways = append(world.Ways, ssh(fmt.Sprintf("10.0.1.%d", i), 50122))
	}
	began := time.Now()
	if list := cuts(&p, world.onDevices(), time.Now()); len(list) > 0 {
		t.Errorf("ways in that stand open: %q", list)
	}
	t.Logf("%d ways in, %d rules: %s", len(world.onDevices()), len(p.Rules), time.Since(began))
	if file, err = policy.Parse("allow in tcp to any port 22 vlan not 4000\ndefault in deny\n"); err != nil {
		t.Fatal(err)
	}
	p = file.ACL()
	if list := cuts(&p, world.onDevices(), time.Now()); len(list) != len(world.Ways) || !strings.Contains(list[0], "vlan 4000") {
		t.Errorf("%d ways in are closed on VLAN 4000, want %d: %q", len(list), len(world.Ways), list[:min(1, len(list))])
	}
}
