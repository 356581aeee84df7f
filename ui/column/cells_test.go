// SPDX-License-Identifier: Apache-2.0

package column

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

func TestOnlyPassesItsOwnRow(t *testing.T) {
	s := Flows()
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		r := FlowRow{Flow: randomFlow(rnd)}
		for i := range s.All() {
			c := &s.All()[i]
			text := c.Only(r)
			if text == "" {
				continue
			}
			f, err := s.Parse(text)
			if err != nil {
				t.Fatalf("%s of %+v: %q: %v", c.Key, *r.Flow, text, err)
			}
			if !f.Compile()(r) {
				t.Fatalf("%s of %+v: %q does not pass it", c.Key, *r.Flow, text)
			}
		}
	}
}

func TestCellsOfAFlow(t *testing.T) {
	s := Flows()
	r := FlowRow{Flow: &snap.Flow{
		Key:    snap.FlowKey{Src: addr("2001:db8::1"), Dst: addr("2001:db8::2"), SPort: 40000, DPort: 443, Proto: 6, VLAN: 10, Egress: true, Dev: 1},
		Device: "eth0", Packets: 4, Bytes: 1000, Age: 90 * time.Second, TCPFlags: 0x12, TCP: snap.TCPInfo{State: "ESTABLISHED", RTT: 1500 * time.Microsecond},
	}}
	r.Rates[0] = snap.Rate{PPS: 2.5, BPS: 5000}
	for _, c := range []struct {
		key, plain string
		value      any
		only       string
	}{
		{"source", "[2001:db8::1]:40000", "[2001:db8::1]:40000", "source:[2001:db8::1]:40000"},
		{"dst", "2001:db8::2", "2001:db8::2", "dst:2001:db8::2"},
		{"port", "443", int64(443), "port:443"},
		{"proto", "tcp", "tcp", "proto:tcp"},
		{"dev", "eth0", "eth0", "dev:=eth0"},
		{"dir", "out", "out", "dir:=out"},
		{"vlan", "10", int64(10), "vlan:10"},
		{"pps", "2.5", 2.5, ""},
		{"bps", "5000", int64(5000), ""},
		{"size", "250", int64(250), ""},
		{"age", "90", int64(90), ""},
		{"flags", "SA", "SA", "flags:=SA"},
		{"state", "ESTABLISHED", "ESTABLISHED", "state:=ESTABLISHED"},
		{"rtt", "0.0015", 0.0015, ""},
		{"pid", "", nil, ""},
		{"type", "", nil, ""},
		{"process", "", "", ""},
		{"host", "[2001:db8::1]:443", "[2001:db8::1]:443", ""},
	} {
		col := s.Find(c.key)
		if p, v, o := col.Plain(r), col.Value(r), col.Only(r); p != c.plain || v != c.value || o != c.only {
			t.Errorf("%s: %q %#v %q, want %q %#v %q", c.key, p, v, o, c.plain, c.value, c.only)
		}
	}
}

// Orders compare as the cells do.
func TestOrderOfCells(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	s := Flows()
	for range 3000 {
		a, b := FlowRow{Flow: randomFlow(rnd)}, FlowRow{Flow: randomFlow(rnd)}
		for i := range s.All() {
			c := &s.All()[i]
			var want int
			switch c.Kind {
			case Text, Word:
				want = strings.Compare(fold(a.Text(c.Field)), fold(b.Text(c.Field)))
			case Address, Endpoint:
				x, y := a.Address(c.Field), b.Address(c.Field)
				want = bytes.Compare(x[:], y[:])
			default:
				want = cmp.Compare(a.Number(c.Field), b.Number(c.Field))
			}
			x, y := c.OrderOf(a), c.OrderOf(b)
			if x.Less(y) != (want < 0) || y.Less(x) != (want > 0) {
				t.Fatalf("%s: %q and %q are in the wrong order", c.Key, c.Plain(a), c.Plain(b))
			}
		}
	}
}

func TestNamesOfColumnsAreDistinct(t *testing.T) {
	s := Flows()
	seen := map[string]string{}
	exports := map[string]bool{}
	for _, c := range s.All() {
		for _, name := range append([]string{c.Key}, c.Aliases...) {
			if seen[name] != "" {
				t.Errorf("%s is a name of %s and %s", name, seen[name], c.Key)
			}
			seen[name] = c.Key
			if name != strings.ToLower(name) || s.Find(strings.ToUpper(name)) == nil {
				t.Errorf("%s cannot be found in capitals", name)
			}
		}
		if c.Export != "" && exports[c.Export] {
			t.Errorf("%s is exported twice", c.Export)
		}
		exports[c.Export] = true
		if c.Help == "" || c.Title == "" {
			t.Errorf("%s has no help or title", c.Key)
		}
	}
}
