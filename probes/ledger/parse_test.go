// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

func TestParseSoftnetOfAllLayouts(t *testing.T) {
	want := []softnet{{0, 0x10, 0x20, 0x30}, {2, 0x11, 0x21, 0x31}} // CPU 1 is offline
	for _, kernel := range []string{"5.10", "7.2"} {
		b, err := os.ReadFile(filepath.Join("testdata", kernel, "net", "softnet_stat"))
		if err != nil {
			t.Fatal(err)
		}
		if got := parseSoftnet(b); !slices.Equal(got, want) {
			t.Errorf("%s: %+v", kernel, got)
		}
	}
	// Before 5.10: 11 columns, CPUs are told apart by their lines only.
	old := "00000001 00000010 00000020 0 0 0 0 0 0 0 00000030\n00000001 00000011 00000021 0 0 0 0 0 0 0 00000031\n"
	if got := parseSoftnet([]byte(old)); !slices.Equal(got, []softnet{{0, 0x10, 0x20, 0x30}, {1, 0x11, 0x21, 0x31}}) {
		t.Errorf("11 columns: %+v", got)
	}
	for _, bad := range []string{"", "\n", "00000001\n", "x y z\n", "1 2 3 4 5 6 7 8 9 a fffffffff\n", "1 -2 3 4 5 6 7 8 9 a b\n"} {
		if got := parseSoftnet([]byte(bad)); got != nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestParsePerCPUFindsColumnsByName(t *testing.T) {
	b := []byte("entries  searched drop icmp_error  expect_new\n00000001  00000002 0000000a ffffffff  00000005\n00000001 2 b 4 5\ntorn 1\n")
	if got := parsePerCPU(b, "icmp_error", "drop"); !reflect.DeepEqual(got, [][]uint64{{0xffffffff, 0xa}, {4, 0xb}}) {
		t.Errorf("%v", got)
	}
	if got := parsePerCPU(b, "drop", "insert_failed"); got != nil {
		t.Errorf("a column that is not there: %v", got)
	}
}

func TestParseMIB(t *testing.T) {
	for text, want := range map[string]map[string]uint64{
		"Ip: A B C\nIp: 1 -1 3\nTcp: A\nTcp: 18446744073709551615\n": {"Ip A": 1, "Ip C": 3, "Tcp A": 1<<64 - 1},
		"Ip: A B\nIp: 1\nUdp: A\nUdp: 2\n":                           {"Ip A": 1, "Udp A": 2}, // torn
		"Ip: A\nTcp: B\nTcp: 2\n":                                    {"Tcp B": 2},
		"Ip: A\nIp: 1 2 3\n":                                         {"Ip A": 1},
		"no colon\n\n:\n:\n":                                         {},
	} {
		got := map[string]uint64{}
		if parseMIB(got, []byte(text)); !maps.Equal(got, want) {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestParseList(t *testing.T) {
	got := map[string]uint64{}
	parseList(got, []byte("Ip6InReceives                   \t12\nIp6Bad -3\nXfrmInError             \t7\nalone\n"))
	if !maps.Equal(got, map[string]uint64{"Ip6InReceives": 12, "XfrmInError": 7}) {
		t.Errorf("%v", got)
	}
}

// FuzzParse: whatever a file holds, no parser panics, and what it gives is of the shape that was asked for.
func FuzzParse(f *testing.F) {
	for _, kernel := range []string{"5.10", "7.2"} {
		for _, name := range []string{"snmp", "netstat", "snmp6", "xfrm_stat", "softnet_stat", "stat/nf_conntrack", "stat/arp_cache"} {
			b, err := os.ReadFile(filepath.Join("testdata", kernel, "net", name))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		values := map[string]uint64{}
		parseMIB(values, b)
		parseList(values, b)
		for _, s := range parseSoftnet(b) {
			if s.cpu < 0 || max(s.dropped, s.squeezed, s.flowLimit) >= 1<<32 {
				t.Errorf("%+v", s)
			}
		}
		for _, row := range parsePerCPU(b, "drop", "early_drop") {
			if len(row) != 2 || max(row[0], row[1]) >= 1<<32 {
				t.Errorf("%v", row)
			}
		}
		parseNumber(b)
	})
}
