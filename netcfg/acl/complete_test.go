// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestCompleteOffersWhatMayFollow(t *testing.T) {
	known := Known{Sets: []string{"scanners"}, Devices: []string{"eth0", "lan0"}, Traffic: []string{"203.0.113.9"}}
	for _, c := range []struct{ text, has, hasNot string }{
		{"", "allow deny off default set", "in tcp"},
		{"de", "deny default", "allow"},
		{"off ", "allow", "set off"},
		{"default ", "in out", "deny"},
		{"default in ", "allow deny", "limit"},
		{"deny ", "in out tcp from log expires", "rate port type"},
		{"deny in ", "tcp from", "in out"},
		{"deny in t", "tcp to", "udp type"},
		{"deny in icmp ", "type from", "in tcp"},
		{"deny not icmp ", "from", "type"},
		{"deny in icmp type ", "not echo-request", "from"},
		{"deny in from ", "any not @scanners 203.0.113.9", "tcp"},
		{"deny in from not ", "@scanners 203.0.113.9", "any"},
		{"deny in from @", "@scanners", "any"},
		{"deny in tcp from any ", "port to", "from"},
		{"deny in from any ", "to", "port from"},
		{"deny tcp to any port ", "not", "from"},
		{"deny dev ", "not eth0 lan0", "log"},
		{"limit in ", "rate", ""},
		{"limit in rate 5/s ", "per", "from"},
		{"limit in rate 5/s per ", "source", ""},
		{"limit in rate 5/s per source ", "burst from", "rate"},
		{"deny in log \"x\" ", "expires", "log"},
		{"deny in expires ", "15m", "log"},
		{"deny in # t", "", "tcp"},
		{"set a { ", "", "tcp"},
		{"deny \x1b", "", "in"},
		{"tunnel ", "vxlan geneve gue gre ipip gtpu", "port"},
		{"off tunnel vx", "vxlan vxlan-gpe", "gre"},
		{"tunnel vxlan ", "port vni to peers inner count", "strip force"},
		{"tunnel gre ", "vni to", "port"},
		{"tunnel ipip ", "to", "port vni"},
		{"tunnel gtpu ", "vni count", "strip inner"},
		{"tunnel vxlan vni ", "any", "to"},
		{"tunnel vxlan to ", "203.0.113.9", "peers"},
		{"tunnel vxlan inner 10.0.0.0/8 ", "to peers", "strip count inner"},
		{"tunnel vxlan vni 1 to 192.0.2.1 peers 192.0.2.0/24 inner 10.0.0.0/8 ", "strip", "count inner"},
		{"tunnel vxlan strip ", "force", "count"},
	} {
		_, words := Complete(c.text, known)
		for _, w := range strings.Fields(c.has) {
			if !slices.Contains(words, w) {
				t.Errorf("%q: no %q among %v", c.text, w, words)
			}
		}
		for _, w := range strings.Fields(c.hasNot) {
			if slices.Contains(words, w) {
				t.Errorf("%q: %q among %v", c.text, w, words)
			}
		}
	}
	if from, _ := Complete("deny in tc", known); from != 8 {
		t.Errorf("the typed word begins at %d", from)
	}
}

// A line put together from offered words has no error at any of them: what may be missing is behind them.
func TestOfferedWordsFit(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 7))
	known := Known{Sets: []string{"a"}, Devices: []string{"eth0"}, Traffic: []string{"10.0.0.1"}}
	complete := 0
	for range 3000 {
		text := ""
		for range 14 {
			from, words := Complete(text, known)
			words = slices.DeleteFunc(words, func(w string) bool { return w == "set" })
			offered := len(words) > 0
			if !offered {
				words = []string{"7"} // a port, a VLAN
			}
			text += words[rnd.IntN(len(words))]
			_, errs := ParseEntry(text)
			for _, e := range errs {
				if offered && e.Col == from+1 {
					t.Fatalf("%q: %v", text, e)
				}
			}
			if errs == nil {
				complete++
			}
			text += " "
		}
	}
	if complete < 3000 {
		t.Errorf("only %d lines were whole", complete)
	}
}

func FuzzComplete(f *testing.F) {
	f.Add("deny in tcp from any port 1 ")
	f.Add("limit in rate 5/s per source burst")
	f.Fuzz(func(t *testing.T, text string) {
		from, words := Complete(text, Known{Sets: []string{"a"}, Devices: []string{"eth0"}, Traffic: []string{"10.0.0.1"}})
		if from < 0 || from > len(text) || len(words) > 100 {
			t.Fatalf("%d, %v", from, words)
		}
		if _, errs := ParseEntry(text); len(errs) > maxErrors {
			t.Fatalf("%d errors", len(errs))
		}
	})
}
