// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// fw3 has the name of fw, another mark and another service.
var fw3 = strings.NewReplacer("10.9.0.2", "10.9.0.3", "0x10/", "0x40/").Replace(fw)

// services counts the routes to each service's next hop.
func (f *fakeHost) services() map[string]int {
	out := map[string]int{}
	for _, r := range f.routes {
		if !r.Guard && r.Dev == "fw0" {
			out[r.Via.String()]++
		}
	}
	return out
}

// What is kept and what is on trial have one name: a service that is away for the one takes no route from the other. Who lets a
// lease end needs what was kept, and nobody may be there to put it back.
func TestAServiceIsAwayForItsOwnPolicyOnly(t *testing.T) {
	for _, c := range []struct{ away, stays string }{{"10.9.0.2", "10.9.0.3"}, {"10.9.0.3", "10.9.0.2"}} {
		f := newFake(t, "lan0", "fw0", "fw1", "wan0")
		s := f.steer()
		if err := errors.Join(s.Want(chainsOf(t, fw), nil), s.Want(chainsOf(t, fw), chainsOf(t, fw3))); err != nil {
			t.Fatal(err)
		}
		whole := f.services()
		f.fallsSilent(s, c.away)
		if got := f.services(); got[c.away] != 0 || got[c.stays] != whole[c.stays] || got[c.stays] == 0 {
			t.Errorf("%s is away: routes %v, before %v", c.away, got, whole)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A route that the kernel refuses when its service is back is made with a later look.
func TestARouteOfAServiceThatIsBackIsTriedAgain(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	s := f.steer()
	if err := s.Want(chainsOf(t, fw), nil); err != nil {
		t.Fatal(err)
	}
	f.fallsSilent(s, "10.9.0.2")
	clear(f.silent)
	f.refuse = true
	s.ask()
	s.ask()
	if n := f.services()["10.9.0.2"]; n != 0 {
		t.Fatalf("%d routes were made although the kernel refuses", n)
	}
	f.refuse = false
	s.ask()
	if n := f.services()["10.9.0.2"]; n == 0 {
		t.Error("it is not tried again")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// A device that no longer tells the service's address is no reason to refuse what takes the chain away.
func TestAKeptChainKeepsItsAddress(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	f.networks = map[string][]netip.Prefix{"fw1": {netip.MustParsePrefix("10.9.1.1/30")}}
	s := f.steer()
	told := strings.Replace(fw, " via 10.9.1.2", "", 1)
	if err := s.Want(chainsOf(t, told), nil); err != nil {
		t.Fatal(err)
	}
	f.networks = nil
	other := chainsOf(t, ids)
	if err := errors.Join(s.Check(chainsOf(t, told), other), s.Want(chainsOf(t, told), other), s.Want(other, nil), s.Close()); err != nil {
		t.Error(err)
	}
	if len(f.rules)+len(f.routes) != 0 {
		t.Errorf("left: %v %v", f.rules, f.routes)
	}
}

// A change that was under way makes nothing once hooktop has left.
func TestNothingIsMadeAfterTheEnd(t *testing.T) {
	f := newFake(t, "lan0", "fw0", "fw1", "wan0")
	s := f.steer()
	if err := errors.Join(s.Want(chainsOf(t, fw), nil), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := s.Want(chainsOf(t, fw), chainsOf(t, fw3)); !errors.Is(err, errClosed) || len(f.rules)+len(f.routes) != 0 {
		t.Errorf("%v, %d rules", err, len(f.rules))
	}
	if _, err := s.Repair(); !errors.Is(err, errClosed) {
		t.Errorf("repair: %v", err)
	}
}
