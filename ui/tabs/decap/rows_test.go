// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/uitest"
)

// TestRowsHaveNames: what the same peer sends on two devices are two rows, and no order swaps them at random.
func TestRowsHaveNames(t *testing.T) {
	v := uitest.Tunnels()
	twin := v.Rows[2]
	twin.Dev = "eth1"
	v.Rows = append(v.Rows, twin)
	cols := column.Tunnels()
	for _, c := range cols.All() {
		var first []rowID
		for range 5 {
			rand.Shuffle(len(v.Rows), func(i, j int) { v.Rows[i], v.Rows[j] = v.Rows[j], v.Rows[i] })
			rows := rowsOf(&v, cols, view{sort: c.Key})
			rank(rows, cols, view{sort: c.Key})
			var ids []rowID
			for i := range rows {
				ids = append(ids, rows[i].id)
			}
			if first == nil {
				first = ids
			}
			if !slices.Equal(ids, first) {
				t.Fatalf("by %s: %v, then %v", c.Key, first, ids)
			}
		}
		if slices.SortFunc(first, func(a, b rowID) int { return cmpID(a, b) }); len(slices.Compact(first)) != len(v.Rows) {
			t.Errorf("two rows have one name: %v", first)
		}
	}
}

func cmpID(a, b rowID) int {
	if a == b {
		return 0
	}
	if a.kind+a.peer.String()+a.dev < b.kind+b.peer.String()+b.dev {
		return -1
	}
	return 1
}

// TestGroupsAddUp: no packet is lost by grouping, and the frame's own rows stay as they are.
func TestGroupsAddUp(t *testing.T) {
	v := uitest.Tunnels()
	before := v.Rows[1].Trend[59]
	for _, group := range []string{"", "vni", "peer", "kind"} {
		var packets, errs, tunnels uint64
		for _, r := range rowsOf(&v, column.Tunnels(), view{group: group}) {
			packets += r.Packets
			errs += r.errors
			tunnels += uint64(max(r.tunnels, 1))
		}
		var want, wantErrs uint64
		for i := range v.Rows {
			want += v.Rows[i].Packets
			for _, e := range v.Rows[i].Errors {
				wantErrs += e.N
			}
		}
		if packets != want || errs != wantErrs || tunnels != uint64(len(v.Rows)) {
			t.Errorf("by %q: %d packets, want %d; %d errors, want %d; %d tunnels", group, packets, want, errs, wantErrs, tunnels)
		}
	}
	if v.Rows[1].Trend[59] != before || len(v.Rows[2].Errors) != 2 {
		t.Error("grouping changed the frame")
	}
}

func TestInnerPrefixes(t *testing.T) {
	flow := func(src string) snap.Flow { return snap.Flow{Key: snap.FlowKey{Src: uitest.Addr(src)}} }
	got := innerPrefixes([]snap.Flow{flow("10.50.1.2"), flow("10.50.1.9"), flow("fe80::1"), flow("2001:db8::7"), flow("127.0.0.1"), flow("10.50.0.1")})
	want := []netip.Prefix{netip.MustParsePrefix("10.50.0.0/24"), netip.MustParsePrefix("10.50.1.0/24"), netip.MustParsePrefix("2001:db8::/64")}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := innerPrefixes([]snap.Flow{flow("10.1.0.1"), flow("10.2.0.1"), flow("10.3.0.1"), flow("10.4.0.1"), flow("10.5.0.1")}); got != nil {
		t.Errorf("too many to name: %v", got)
	}
}
