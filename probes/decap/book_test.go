// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl"
)

func tunnel(vni uint32, peer string, packets, stripped, errors uint64) kern.Tunnel {
	t := kern.Tunnel{Kind: acl.VXLAN, VNI: vni, HasVNI: true, Peer: netip.MustParseAddr(peer), Slot: 1, Inner: "eth", Line: 0, Gen: 7,
		Packets: packets, Bytes: packets * 100, Stripped: stripped}
	t.Errors[1] = errors
	return t
}

var names = Names{
	Device: func(slot uint16) string { return fmt.Sprintf("eth%d", slot) },
	Line:   func(gen uint16, index int) int { return int(gen) + index },
}

func TestRatesAndOrder(t *testing.T) {
	b := NewBook()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ago := func(uint32) time.Duration { return time.Second }
	b.Take([]kern.Tunnel{tunnel(1, "192.0.2.1", 1000, 0, 0), tunnel(2, "192.0.2.2", 10, 0, 0)}, [6]uint64{1}, ago, at)
	if v := b.View(at, 300, names); v.PPS != 0 || len(v.Rows) != 2 || v.Rows[0].VNI != 1 || v.Rows[0].PPS != 0 {
		t.Errorf("what came before the first look has a rate: %+v", v)
	}
	at = at.Add(2 * time.Second)
	b.Take([]kern.Tunnel{tunnel(1, "192.0.2.1", 1002, 0, 2), tunnel(2, "192.0.2.2", 50, 40, 0), tunnel(3, "2001:db8::1", 4, 0, 0)}, [6]uint64{1, 5}, ago, at)
	v := b.View(at, 2, names)
	if v.Total != 3 || len(v.Rows) != 2 || v.Rows[0].VNI != 2 || v.Rows[0].PPS != 20 || v.Rows[0].BPS != 16000 || v.Rows[0].Dev != "eth1" || v.Rows[0].Line != 7 {
		t.Errorf("rows: %+v", v.Rows)
	}
	if v.PPS != 23 || v.StripPS != 20 || v.ErrPS != 1 || v.Sizes[1] != 5 || len(v.Trend) != 2 || v.Trend[1] != 23 {
		t.Errorf("sums: %+v", v)
	}
	if len(v.Errors) != 1 || v.Errors[0].Name != "short" || v.Errors[0].N != 2 || v.Errors[0].PerSecond != 1 || v.Errors[0].Worst != "vxlan 1 192.0.2.1" {
		t.Errorf("errors: %+v", v.Errors)
	}
	if v.Rows[0].Last != time.Second {
		t.Errorf("the last packet came %v ago", v.Rows[0].Last)
	}
}

// Rows that the kernel forgot go; one that comes again begins at nothing.
func TestRowsGoAndComeAgain(t *testing.T) {
	b := NewBook()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ago := func(uint32) time.Duration { return 0 }
	for i, list := range [][]kern.Tunnel{{tunnel(1, "192.0.2.1", 100, 0, 5)}, {tunnel(1, "192.0.2.1", 3, 0, 0)}, {}, {tunnel(1, "192.0.2.1", 8, 0, 0)}} {
		b.Take(list, [6]uint64{}, ago, at.Add(time.Duration(i)*time.Second))
		v := b.View(at, 9, names)
		want := []float64{0, 3, 0, 8}[i]
		if v.PPS != want || v.Total != len(list) {
			t.Errorf("look %d: %v packets/s, %d rows", i, v.PPS, v.Total)
		}
	}
	for i := range 100 {
		b.Take(nil, [6]uint64{}, ago, at.Add(time.Duration(10+i)*time.Second))
	}
	if n := len(b.View(at, 9, names).Trend); n != trendLen {
		t.Errorf("a trend of %d values", n)
	}
}
