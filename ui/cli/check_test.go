// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

// check says who uses bits of the mark, before a chain is written.
func TestCheckTellsOfMarks(t *testing.T) {
	s := play(t, nil, "check")
	if !strings.Contains(s.out, "0x4000/0x4000  kube-proxy  netfilter table ip nat sets them\n") {
		t.Errorf("no owner of bits in\n%s", s.out)
	}
	var o checkObject
	s = play(t, nil, "check", "--json")
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || len(o.Marks) != 1 || !o.Marks[0].Sets || o.Marks[0].Mask != "0x4000" || o.Notes == nil {
		t.Errorf("%v: %+v", err, o)
	}
}
