// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"testing"
)

func TestDiffNamesKeptLinesToo(t *testing.T) {
	a := parsed(t, "tunnel vxlan strip\nchain fw\ntunnel gre\ntunnel gre\n")
	b := parsed(t, "# x\ntunnel gre\nchain fw fail open\ntunnel vxlan strip\n")
	d := Diff(a, b)
	if got := fmt.Sprint(d.Kept); got != "[line 3 added: chain fw fail open line 4 removed: tunnel gre line 2 removed: chain fw]" || d.Same() {
		t.Error(got)
	}
	if d := Diff(a, a); !d.Same() {
		t.Errorf("a file differs from itself: %+v", d)
	}
}
