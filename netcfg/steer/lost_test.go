// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"slices"
	"strings"
	"testing"
)

// What goes with a device is told, with what becomes of the packets; and that it is there again.
func TestWhatGoesWithADeviceIsTold(t *testing.T) {
	open := strings.Replace(fw, "fail closed", "fail open", 1)
	down := func(f *fakeHost, dev string, gone bool) {
		f.carry(slices.Index([]string{"lan0", "fw0", "fw1", "wan0"}, dev), !gone)
	}
	bare := func(f *fakeHost, dev string, gone bool) { f.address(dev, !gone) }
	for _, c := range []struct {
		name, chains, dev      string
		lose                   func(f *fakeHost, dev string, gone bool)
		state, why, told, back string
	}{
		{"the upstream's address", fw, "wan0", bare, "closed", "upstream: its route went with wan0's last address",
			"chain fw, upstream: its route went with wan0's last address: packets go nowhere (fail closed)",
			"chain fw, upstream: its route is there again"},
		{"the upstream's link", fw, "wan0", down, "closed", "upstream: its route went with wan0, which is down",
			"chain fw, upstream: its route went with wan0, which is down: packets go nowhere (fail closed)",
			"chain fw, upstream: its route is there again"},
		{"the upstream's address, open", open, "wan0", bare, "ok", "upstream: its route went with wan0's last address",
			"chain fw, upstream: its route went with wan0's last address: packets go as without the chain (fail open)",
			"chain fw, upstream: its route is there again"},
		{"the service's address, open", open, "fw0", bare, "bypassed", "to service: its route went with fw0's last address",
			"chain fw, to service: its route went with fw0's last address: packets go as without the chain (fail open)",
			"chain fw, to service: its route is there again"},
		{"the service's link", fw, "fw0", down, "closed", "fw0 is down",
			"chain fw: fw0 is down: packets go nowhere (fail closed)",
			"chain fw: the service answers again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, "lan0", "fw0", "fw1", "wan0")
			s := f.steer()
			if err := s.Want(chainsOf(t, c.chains), nil); err != nil {
				t.Fatal(err)
			}
			s.looked()
			c.lose(f, c.dev, true)
			s.looked()
			s.looked() // told once
			row := s.View(chainsOf(t, c.chains), true).Rows[0]
			if row.State != c.state || row.Why != c.why {
				t.Errorf("it is %q: %q", row.State, row.Why)
			}
			c.lose(f, c.dev, false)
			s.looked()
			if row := s.View(chainsOf(t, c.chains), true).Rows[0]; row.State != "ok" || row.Why != "" {
				t.Errorf("then it is %q: %q", row.State, row.Why)
			}
			s.ask()
			s.ask()
			s.looked()
			if want := []string{c.told, c.back}; !slices.Equal(f.notices, want) {
				t.Errorf("told %q, want %q", f.notices, want)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
