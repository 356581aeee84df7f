// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"slices"
	"testing"
)

func TestNamedPutsTheRuleInItsPlace(t *testing.T) {
	drops := map[Drop]int64{
		{"udp", "NoPorts", ""}: 3, {"netfilter", refusedRow, ""}: 4, {"socket", "RcvbufErrors", ""}: 0, {"routing", "InNoRoutes", ""}: 5,
	}
	want := []DropCount{{Drop{"netfilter", "inet lab pre drop #2", ""}, 4}, {Drop{"routing", "InNoRoutes", ""}, 5}, {Drop{"udp", "NoPorts", ""}, 3}}
	if got := named(drops, "inet lab pre drop #2"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	want = []DropCount{{Drop{"routing", "InNoRoutes", ""}, 5}, {Drop{"udp", "NoPorts", ""}, 7}}
	if got := named(drops, ""); !slices.Equal(got, want) {
		t.Errorf("without nf_tables: %v", got)
	}
}

func TestDeathsHaveAPaceAndACounterEach(t *testing.T) {
	for _, d := range deaths() {
		if d.every < 1 || len(d.rows) == 0 || addr(d.src).Is4() != addr(d.dst).Is4() {
			t.Errorf("%+v", d)
		}
	}
}
