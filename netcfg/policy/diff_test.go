// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"testing"
)

func TestDiffNamesKeptLinesToo(t *testing.T) {
	a := parsed(t, "tunnel vxlan count\nchain fw\ntunnel gre count\ntunnel gre count\n")
	b := parsed(t, "# x\ntunnel gre count\nchain fw fail open\ntunnel vxlan port 4789 count # y\n")
	d := Diff(a, b)
	if got := fmt.Sprint(d.Kept); got != "[line 3 added: chain fw fail open line 4 removed: tunnel gre vni any count line 2 removed: chain fw]" || d.Same() {
		t.Error(got)
	}
	if d := Diff(a, a); !d.Same() {
		t.Errorf("a file differs from itself: %+v", d)
	}
}
