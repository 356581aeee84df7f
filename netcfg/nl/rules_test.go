// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"errors"
	"net"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
	"hooktop/probes/ktest"
)

// A rule in the place of ours that asks for more, of whatever kind, is another rule, and can be removed without ours. What the
// library can't ask for TestDecodeRule has.
func TestARuleThatAsksForMoreIsAnotherOne(t *testing.T) {
	ns := ktest.NewNS(t)
	h := at(t, ns)
	want, ten := ours(3), &net.IPNet{IP: net.IPv4(10, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}
	base := func() *netlink.Rule {
		r := netlink.NewRule()
		r.Family, r.Priority, r.Table, r.Mark, r.Mask, r.IifName, r.Protocol = unix.AF_INET, int(want.Priority), int(want.Table), want.Mark, &want.Mask, want.From, want.Protocol
		return r
	}
	for name, more := range map[string]func(r *netlink.Rule){
		"source":           func(r *netlink.Rule) { r.Src = ten },
		"destination":      func(r *netlink.Rule) { r.Dst = ten },
		"tos":              func(r *netlink.Rule) { r.Tos = 0x10 },
		"protocol":         func(r *netlink.Rule) { r.IPProto = unix.IPPROTO_TCP },
		"source port":      func(r *netlink.Rule) { r.Sport = netlink.NewRulePortRange(1, 2) },
		"destination port": func(r *netlink.Rule) { r.Dport = netlink.NewRulePortRange(443, 443) },
		"users":            func(r *netlink.Rule) { r.UIDRange = netlink.NewRuleUIDRange(1, 2) },
		"outgoing device":  func(r *netlink.Rule) { r.OifName = "wan0" },
		"realm":            func(r *netlink.Rule) { r.Flow = 5 },
		"not":              func(r *netlink.Rule) { r.Invert = true },
	} {
		t.Run(name, func(t *testing.T) {
			r := base()
			more(r)
			if err := ns.NL.RuleAdd(r); err != nil {
				t.Fatal(err)
			}
			rules, err := h.Rules()
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(rules, chain.Rule.Own)
			if i < 0 || rules[i] == want || rules[i].Rest == "" {
				t.Fatalf("it reads as %+v", rules)
			}
			odd := rules[i]
			count := func(r chain.Rule) (n int) {
				rules, err := h.Rules()
				if err != nil {
					t.Fatal(err)
				}
				for _, o := range rules {
					if o == r {
						n++
					}
				}
				return n
			}
			for range 2 { // each may be refused as the only one: the kernel does not see that a rule says "not"
				if err := h.AddRuleAgain(want); err != nil {
					t.Fatal(err)
				}
			}
			if err := h.RemoveRule(odd); err != nil {
				t.Fatal(err)
			}
			if odds, rights := count(odd), count(want); odds != 0 || rights != 2 {
				t.Errorf("after it was removed there are %d of it and %d of ours", odds, rights)
			}
			remove(t, h, 3)
			if err := errors.Join(ns.NL.RuleAdd(r), h.AddRuleAgain(want)); err != nil {
				t.Fatal(err)
			}
			if removed, err := h.RemoveSteering(3); err != nil || len(removed) != 2 || count(odd)+count(want) != 0 {
				t.Errorf("removed %q, %v; %d and %d are left", removed, err, count(odd), count(want))
			}
		})
	}
}

// A device that is not there changes nothing about a rule.
func TestARuleOfADeviceThatIsGoneIsOurs(t *testing.T) {
	h := at(t, ktest.NewNS(t))
	for i, six := range []bool{false, true} {
		r := ours(i)
		r.Six, r.From = six, "gone0"
		if err := h.AddRule(r); err != nil {
			t.Fatal(err)
		}
		if rules, err := h.Rules(); err != nil || !slices.Contains(rules, r) {
			t.Errorf("%v, %v", rules, err)
		}
		remove(t, h, i)
	}
}
