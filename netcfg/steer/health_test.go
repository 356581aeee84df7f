// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
)

// A service that goes silent is asked in haste, and is away after as many questions as patience says; sooner where the kernel has
// asked in vain too; never while it has an entry that somebody wrote and has not answered yet.
func TestHealthOfANextHop(t *testing.T) {
	service := acl.Hop{Via: netip.MustParseAddr("10.9.0.2"), Dev: "fw0"}
	for name, c := range map[string]struct {
		table     nl.Neighbour
		met       bool // it answers first
		questions int  // that it takes to give it up, 0: it is never
		words     string
	}{
		"silent":            {nl.Neighbour{State: "REACHABLE", MAC: "02:00:00:00:00:09"}, true, patience, "10.9.0.2 does not answer on fw0 (neighbour table: REACHABLE 02:00:00:00:00:09)"},
		"never there":       {nl.Neighbour{}, false, patience, "(neighbour table: no entry)"},
		"given up":          {nl.Neighbour{State: "FAILED", Gone: true}, true, believe, "(neighbour table: FAILED)"},
		"fixed":             {nl.Neighbour{State: "PERMANENT", Fixed: true}, false, 0, "the neighbour table says that it is there (PERMANENT)"},
		"fixed, and silent": {nl.Neighbour{State: "PERMANENT", Fixed: true}, true, patience, "does not answer"},
	} {
		f := newFake(t, "lan0", "fw0", "fw1", "wan0")
		s := f.steer()
		if err := s.Want(chainsOf(t, fw), nil); err != nil {
			t.Fatal(err)
		}
		f.silent[service] = !c.met
		if c.met {
			s.ask()
			s.ask()
			if h := s.hops[service]; h.state != "ok" {
				t.Errorf("%s: %q at first", name, h.state)
			}
			f.silent[service] = true
		}
		f.table[service.Via] = c.table
		n := 0
		if !c.met { // the first question is asked here
			s.ask()
		}
		hurried := false
		for n < 3*patience && s.hops[service].state != "down" {
			hurried = s.ask() || hurried
			n++
		}
		if s.hops[service].state != "down" {
			n = 0
		}
		if h := s.hops[service]; n != c.questions || !strings.Contains(h.why, c.words) || !hurried {
			t.Errorf("%s: %q after %d questions (%q), want %d; in haste %v", name, h.state, n, h.why, c.questions, hurried)
		}
		row := s.View(chainsOf(t, fw), false).Rows[0]
		if want := map[bool]string{true: "closed", false: "ok"}[n > 0]; row.State != want || row.Legs[0].Neighbour != "" && row.Legs[0].Neighbour != c.table.String() {
			t.Errorf("%s: the row says %q %q", name, row.State, row.Legs[0].Neighbour)
		}
		f.silent[service] = false
		s.ask()
		s.ask()
		if row := s.View(chainsOf(t, fw), false).Rows[0]; row.State != "ok" || row.Legs[0].State != "ok" {
			t.Errorf("%s: it is back, and the row says %+v", name, row)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A chain that comes while its service is known to be away has no route to it from the beginning.
func TestANewWayToAServiceThatIsAway(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	s := f.steer()
	if err := s.Want(chainsOf(t, fw), nil); err != nil {
		t.Fatal(err)
	}
	f.fallsSilent(s, "10.9.0.2")
	if err := s.Want(chainsOf(t, fw), chainsOf(t, strings.Replace(fw, "0x10/", "0x40/", 1))); err != nil {
		t.Fatal(err)
	}
	for _, r := range f.routes {
		if !r.Guard && r.Dev != "wan0" {
			t.Errorf("there is %s", r)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What was taken away because a service is away is no drift.
func TestRoutesThatAreAwayAreNoDrift(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	s := f.steer()
	if err := s.Want(chainsOf(t, fw), nil); err != nil {
		t.Fatal(err)
	}
	f.fallsSilent(s, "10.9.0.2")
	states := map[string]int{}
	for _, st := range s.View(chainsOf(t, fw), true).Steer {
		states[st.State]++
	}
	if states["away"] != 2 || states["in place"] != 7 || len(states) != 2 {
		t.Errorf("%v", states)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A route that could not be made again when its link came back is made with the next question: no other change need come.
func TestARouteThatDoesNotComeBackAtOnce(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	s := f.steer()
	if err := s.Want(chainsOf(t, fw), nil); err != nil {
		t.Fatal(err)
	}
	has := func() bool {
		return slices.ContainsFunc(f.routes, func(r chain.Route) bool { return r.Dev == "wan0" })
	}
	f.carry(3, false)
	s.looked()
	f.carry(3, true)
	f.refuse = true
	s.looked()
	if has() {
		t.Fatal("it was made all the same")
	}
	f.refuse = false
	s.ask()
	if !has() {
		t.Error("it is not there")
	}
	if d := s.drift(); d != "" {
		t.Error(d)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
