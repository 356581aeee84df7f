// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"testing"
)

const chain = "chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0"

func TestDiffNamesKeptLinesToo(t *testing.T) {
	a := parsed(t, "tunnel vxlan count\n"+chain+" fail open\ntunnel gre count\ntunnel gre count\n")
	b := parsed(t, "# x\ntunnel gre count\n"+chain+" fail closed # said\ntunnel vxlan port 4789 count # y\n")
	d := Diff(a, b)
	if got := fmt.Sprint(d.Kept); got != "[line 3 added: "+chain+" fail closed line 4 removed: tunnel gre vni any count line 2 removed: "+chain+" fail open]" || d.Same() {
		t.Error(got)
	}
	if d := Diff(a, a); !d.Same() {
		t.Errorf("a file differs from itself: %+v", d)
	}
}
