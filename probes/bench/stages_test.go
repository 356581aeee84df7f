// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

func TestZZ(t *testing.T) {
	text := `deny in udp from 10.1.0.0/16 to any port 53
allow in tcp from any to any port 443
tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip
chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open
`
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := f.ACL()
	p.Guard = acl.Guard(nil)
	for _, p := range []acl.Policy{p, {}} {
		t0 := time.Now()
		s, err := Measure(t.Context(), Wish{Policy: p, For: 3 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(time.Since(t0), s.CPU, s.Rounds, s.Flows, s.Notes)
		for _, x := range s.List {
			fmt.Print(x.Hook, " ", x.Name, " ", x.Why)
			for _, c := range []*Cost{x.One, x.Many} {
				if c != nil {
					fmt.Printf(" | %.1f (%.1f-%.1f) +%.1f x%.1f", c.Ns, c.Min, c.Max, c.Adds, c.Ratio)
				} else {
					fmt.Print(" | -")
				}
			}
			fmt.Println()
		}
	}
}
