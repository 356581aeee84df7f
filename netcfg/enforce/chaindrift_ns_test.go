// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// Whatever somebody takes away from a chain or changes about it is shown within two seconds, each time, and one repair mends it
// (FAULTS 15).
func TestEachDriftIsShownAndRepaired(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newChainedTown(t)
	kinds := []struct {
		what string
		do   func() error
	}{
		{"a rule is deleted", func() error { return n.host.RemoveRule(n.rule()) }},
		{"a route is deleted", func() error { return n.host.RemoveChainRoute(n.route(false)) }},
		{"a guard is deleted", func() error { return n.host.RemoveChainRoute(n.route(true)) }},
		{"a rule has another mask", func() error {
			r := n.rule()
			if err := n.host.RemoveRule(r); err != nil {
				return err
			}
			r.Mask = 0xff
			return n.host.AddRule(r)
		}},
		{"a route leads elsewhere", func() error {
			r := n.route(false)
			if err := n.host.RemoveChainRoute(r); err != nil {
				return err
			}
			r.Via, r.Dev = netip.MustParseAddr("10.2.0.2"), "v-wan"
			return n.host.AddChainRoute(r)
		}},
		{"a rule is for TCP only", func() error {
			rule := n.rule()
			odd := netlink.NewRule()
			odd.Priority, odd.Table, odd.Mark, odd.Mask = int(rule.Priority), int(rule.Table), rule.Mark, &rule.Mask
			odd.IifName, odd.Protocol, odd.IPProto = rule.From, rule.Protocol, unix.IPPROTO_TCP
			return errors.Join(n.host.RemoveRule(rule), n.here.NL.RuleAdd(odd))
		}},
		{"a wider rule is added", func() error {
			r := n.rule()
			r.From = ""
			return n.host.AddRule(r)
		}},
		{"a rule is added", func() error {
			r := n.rule()
			r.Mark = 0x20
			return n.host.AddRule(r)
		}},
	}
	var longest time.Duration
	for i := range ktest.Rounds(t, len(kinds)) {
		k := kinds[i%len(kinds)]
		began := time.Now()
		if err := k.do(); err != nil {
			t.Fatalf("%s: %v", k.what, err)
		}
		n.wait("drift: "+k.what, func(f *snap.Frame) bool { return drifted(f) })
		longest = max(longest, time.Since(began))
		n.do(snap.Intent{Kind: snap.RepairChains})
		n.wait("everything in place", func(f *snap.Frame) bool { return !drifted(f) })
		if err := n.visit(i); err != nil {
			t.Errorf("after %s and a repair: %v", k.what, err)
		}
	}
	t.Logf("shown after %s at the latest", longest.Round(time.Millisecond))
	if ktest.Full() && longest > 2*time.Second {
		t.Error("that is more than two seconds")
	}
}

// A device loses its address, and the kernel takes the routes over it: the chain says so, and has its route again with the address, also
// when that is back before anybody looks. Nobody has to repair anything.
func TestAnAddressOfAChainComesBack(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newChainedTown(t)
	const address = "10.2.0.1/24"
	n.address(n.here, "v-wan", address, false)
	f := n.state("closed")
	if why := f.Chains.Rows[0].Why; why != "upstream: its route went with v-wan's last address" {
		t.Errorf("it says %q", why)
	}
	if drifted(f) {
		t.Errorf("that is no drift: %+v", f.Chains.Steer)
	}
	n.address(n.here, "v-wan", address, true)
	n.calm()
	n.wait("everything in place", func(f *snap.Frame) bool { return states(f)["in place"] == 9 })
	if err := n.visit(0); err != nil {
		t.Error(err)
	}
	for i := range ktest.Rounds(t, 3) {
		n.address(n.here, "v-wan", address, false)
		n.address(n.here, "v-wan", address, true)
		n.wait("a connection", func(*snap.Frame) bool { return n.dialFor(time.Second) == nil })
		n.wait("everything in place", func(f *snap.Frame) bool { return states(f)["in place"] == 9 })
		if err := n.visit(i); err != nil {
			t.Error(err)
		}
	}
}

// drifted reports whether a frame shows something that is not as it was made.
func drifted(f *snap.Frame) bool {
	return slices.ContainsFunc(f.Chains.Steer, func(s snap.Steer) bool { return s.State == "missing" || s.State == "changed" })
}

// rule is the first of our ip rules.
func (n *town) rule() chain.Rule {
	n.t.Helper()
	rules, err := n.host.Rules()
	if err != nil {
		n.t.Fatal(err)
	}
	i := slices.IndexFunc(rules, chain.Rule.Own)
	if i < 0 {
		n.t.Fatal("there is no rule of ours")
	}
	return rules[i]
}

// route is the one of that rule's table, or its guard.
func (n *town) route(guard bool) chain.Route {
	n.t.Helper()
	routes, err := n.host.ChainRoutes(n.rule().Table, false)
	if err != nil {
		n.t.Fatal(err)
	}
	i := slices.IndexFunc(routes, func(r chain.Route) bool { return r.Own() && r.Guard == guard })
	if i < 0 {
		n.t.Fatalf("no such route: %v", routes)
	}
	return routes[i]
}
