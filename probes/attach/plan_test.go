// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"fmt"
	"strings"
	"testing"

	"hooktop/probes/snap"
)

func dev(index int, name, kind string, more ...func(*snap.Link)) snap.Link {
	l := snap.Link{Index: index, Name: name, Kind: kind, Up: true}
	for _, m := range more {
		m(&l)
	}
	return l
}

func master(i int) func(*snap.Link) { return func(l *snap.Link) { l.Master = i } }
func parent(i int) func(*snap.Link) { return func(l *snap.Link) { l.Parent = i } }
func loopback(l *snap.Link)         { l.Loopback = true }
func down(l *snap.Link)             { l.Up = false }

// planCase is a host and what is to be watched of it.
type planCase struct {
	links            []snap.Link
	routes, defaults []int
	wish             Wish
	want             string // "name: reason" of the chosen, then "-name: why" of the others
}

func planCases() map[string]planCase {
	lo := dev(1, "lo", "", loopback)
	eth0, eth1 := dev(2, "eth0", ""), dev(3, "eth1", "")
	return map[string]planCase{
		"routes": {
			[]snap.Link{lo, eth0, eth1}, []int{2, 1}, []int{2}, Wish{},
			"eth0: default route, -lo: loopback, -eth1: no route uses it",
		},
		"the bond, not its slaves": {
			[]snap.Link{lo, dev(2, "eth0", "", master(4)), dev(3, "eth1", "", master(4)), dev(4, "bond0", "bond")},
			[]int{4}, []int{4}, Wish{},
			"bond0: default route, -lo: loopback, -eth0: bond0 is watched and sees its packets, -eth1: bond0 is watched and sees its packets",
		},
		"the bond, even when slaves are named": {
			[]snap.Link{dev(2, "eth0", "", master(4)), dev(4, "bond0", "bond")}, nil, nil,
			Wish{Globs: []string{"eth0", "bond0"}},
			"bond0: named, -eth0: bond0 is watched and sees its packets",
		},
		"a slave alone when it alone is named": {
			[]snap.Link{dev(2, "eth0", "", master(4)), dev(4, "bond0", "bond")}, nil, nil,
			Wish{Globs: []string{"eth0"}},
			"eth0: named, -bond0: not named by -i",
		},
		"the parent of a VLAN on a bond": {
			[]snap.Link{dev(2, "eth0", "", master(3)), dev(3, "bond0", "bond"), dev(4, "bond0.7", "vlan", parent(3))},
			[]int{4}, []int{4}, Wish{},
			"bond0: default route of bond0.7, -eth0: bond0 is watched and sees its packets, -bond0.7: bond0 is watched and sees its packets",
		},
		"a route on the VLAN does not hide the parent's own": {
			[]snap.Link{eth0, dev(4, "eth0.7", "vlan", parent(2))}, []int{4, 2}, []int{2}, Wish{},
			"eth0: default route, -eth0.7: eth0 is watched and sees its packets",
		},
		"a VLAN whose parent is in another namespace": {
			[]snap.Link{dev(4, "eth0.7", "vlan", parent(99))}, []int{4}, nil, Wish{}, "eth0.7: route",
		},
		"the bridge, not its ports": {
			[]snap.Link{dev(2, "br0", "bridge"), dev(3, "veth1", "veth", master(2))}, []int{2}, nil, Wish{},
			"br0: route, -veth1: br0 is watched and sees its packets",
		},
		"a named port beside its bridge": {
			[]snap.Link{dev(2, "br0", "bridge"), dev(3, "veth1", "veth", master(2))}, nil, nil,
			Wish{Globs: []string{"br0", "veth1"}}, "br0: named, veth1: named",
		},
		"a glob prefers the bridge": {
			[]snap.Link{dev(2, "vbr", "bridge"), dev(3, "v1", "veth", master(2))}, nil, nil,
			Wish{Globs: []string{"v*"}}, "vbr: matches v*, -v1: vbr is watched and sees its packets",
		},
		"a glob takes ports when it does not match the bridge": {
			[]snap.Link{dev(2, "br0", "bridge"), dev(3, "v1", "veth", master(2))}, nil, nil,
			Wish{Globs: []string{"v*"}}, "v1: matches v*, -br0: not named by -i",
		},
		"members of a VRF": {
			[]snap.Link{dev(2, "red", "vrf"), dev(3, "eth1", "", master(2))}, []int{2, 3}, nil, Wish{},
			"eth1: route, -red: its packets are seen on the devices of the VRF",
		},
		"loopback by its name only": {
			[]snap.Link{lo, eth0}, nil, nil, Wish{Globs: []string{"*"}},
			"eth0: matches *, -lo: loopback: only by its full name",
		},
		"loopback by its name": {[]snap.Link{lo}, nil, nil, Wish{Globs: []string{"lo"}}, "lo: named"},
		"added and removed by key": {
			[]snap.Link{lo, eth0, eth1}, []int{2}, nil,
			Wish{Watch: map[string]bool{"eth1": true}, Unwatch: map[string]bool{"eth0": true}},
			"eth1: named, -lo: loopback, -eth0: taken off by hand",
		},
		"down": {[]snap.Link{dev(2, "eth0", "", down)}, nil, nil, Wish{}, "-eth0: down, and no route uses it"},
		"a loop of parents ends": {
			[]snap.Link{dev(2, "a", "vlan", parent(3)), dev(3, "b", "vlan", parent(2))}, []int{2}, nil, Wish{}, "a: route, -b: no route uses it",
		},
		"a route over a device that is gone": {[]snap.Link{eth0}, []int{77}, []int{77}, Wish{}, "-eth0: no route uses it"},
	}
}

func TestPlan(t *testing.T) {
	for name, c := range planCases() {
		t.Run(name, func(t *testing.T) {
			in, out := Plan(c.links, c.routes, c.defaults, c.wish)
			var got []string
			for _, d := range in {
				got = append(got, d.Link.Name+": "+d.Reason)
			}
			for _, o := range out {
				got = append(got, "-"+o.Name+": "+o.Why)
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
			if len(in)+len(out) != len(c.links) {
				t.Errorf("%d devices, %d told of", len(c.links), len(in)+len(out))
			}
		})
	}
}

// FuzzPlan: whatever the tree of devices, each is told of once, and no device is watched together with its bond.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, "v*")
	f.Fuzz(func(t *testing.T, b []byte, glob string) {
		kinds := []string{"", "bond", "bridge", "vlan", "vrf", "veth", "team", "macvlan"}
		var links []snap.Link
		var routes []int
		for i := 0; i+2 < len(b) && i < 60; i += 3 {
			l := dev(i/3+1, fmt.Sprintf("v%d", i), kinds[int(b[i])%len(kinds)], master(int(b[i+1])%24), parent(int(b[i+2])%24))
			links = append(links, l)
			if b[i]&8 != 0 {
				routes = append(routes, l.Index)
			}
		}
		wish := Wish{}
		if len(b)%2 == 0 {
			wish.Globs = []string{glob}
		}
		in, out := Plan(links, routes, nil, wish)
		if len(in)+len(out) != len(links) {
			t.Fatalf("%d devices, %d told of", len(links), len(in)+len(out))
		}
		for _, c := range in {
			for _, m := range in {
				if c.Link.Master == m.Link.Index && aggregates(m.Link) && m.Link.Index != c.Link.Index {
					if m.Link.Master == c.Link.Index { // two devices that claim to be each other's bond
						continue
					}
					t.Fatalf("%s and its bond %s are both watched", c.Link.Name, m.Link.Name)
				}
			}
		}
	})
}

func TestChoose(t *testing.T) {
	l3 := snap.Link{L3: true}
	for _, c := range []struct {
		link    snap.Link
		want    Mode
		foreign string
		mode    Mode
	}{
		{snap.Link{}, Auto, "", TC},
		{snap.Link{}, Native, "", Native},
		{snap.Link{}, Generic, "", Generic},
		{snap.Link{}, TC, "", TC},
		{l3, Auto, "", TC},
		{l3, Native, "", TC},
		{snap.Link{}, Auto, "program 7", TC},
		{snap.Link{}, Native, "program 7", TC},
	} {
		step := Choose(c.link, c.want, c.foreign)
		if step.Mode != c.mode || step.Why == "" {
			t.Errorf("Choose(l3=%v, %s, %q) = %+v, want %s and a reason", c.link.L3, c.want, c.foreign, step, c.mode)
		}
		if c.foreign != "" && !strings.Contains(step.Why, c.foreign) {
			t.Errorf("%q does not say who sits there", step.Why)
		}
	}
}

func TestWhatIsRefusedGivesWayStepByStepAndSaysWhy(t *testing.T) {
	for _, c := range []struct {
		want    Mode
		foreign string
		went    string
	}{
		{Auto, "", "[tc generic]"},
		{Native, "", "[native generic tc]"},
		{Generic, "", "[generic tc]"},
		{TC, "", "[tc]"},
		{Auto, "program 7", "[tc]"},
	} {
		step := Choose(snap.Link{}, c.want, c.foreign)
		var modes []Mode
		for ok := true; ok; step, ok = Next(step, fmt.Errorf("no room")) {
			modes = append(modes, step.Mode)
			if len(modes) > 1 && !strings.Contains(step.Why, "no room") {
				t.Errorf("%s: %q does not say why", step.Mode, step.Why)
			}
		}
		if fmt.Sprint(modes) != c.went {
			t.Errorf("%s beside %q went %v, want %s", c.want, c.foreign, modes, c.went)
		}
	}
}

func TestSlotsAreUsedAgainOnlyAfterForget(t *testing.T) {
	var forgotten []uint16
	s := slots{max: 3, forget: func(n uint16) error { forgotten = append(forgotten, n); return nil }}
	var got []uint16
	for range 3 {
		n, err := s.take()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n)
	}
	if _, err := s.take(); err != ErrNoSlot {
		t.Fatalf("a fourth slot of three: %v", err)
	}
	s.give(2)
	s.give(1)
	if len(forgotten) != 0 {
		t.Fatalf("forgotten too early: %v", forgotten)
	}
	n, err := s.take()
	if err != nil || n != 2 || fmt.Sprint(forgotten) != "[2]" {
		t.Errorf("took %d (%v) after forgetting %v; want the oldest, 2", n, err, forgotten)
	}
	if fmt.Sprint(got) != "[1 2 3]" {
		t.Errorf("first slots %v", got)
	}
}
