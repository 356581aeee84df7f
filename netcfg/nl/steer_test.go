// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
)

// ours is the rule of a chain with a number.
func ours(n int) chain.Rule {
	return chain.Rule{Priority: chain.FirstPriority + uint32(n), Table: chain.FirstTable + uint32(n), Mark: 0x10, Mask: 0xf0, From: "lan0", Protocol: chain.Protocol}
}

// neighbour differs from one of ours in one field that says whose it is.
func neighbour(rnd *rand.Rand, n int) chain.Rule {
	r := ours(n)
	switch rnd.IntN(3) {
	case 0:
		r.Protocol = uint8(rnd.IntN(chain.Protocol))
	case 1:
		r.Table = 1000 + uint32(rnd.IntN(1000))
	case 2:
		r.Priority = 100 + uint32(rnd.IntN(1000))
	}
	return r
}

// Rules come and go at random beside foreign ones that differ in a single field: all of ours go, none of theirs does.
func TestRemoveSteeringTakesOursOnly(t *testing.T) {
	h := at(t, ktest.NewNS(t))
	rnd := rand.New(rand.NewPCG(5, 18))
	own, foreign := map[int]bool{}, map[chain.Rule]bool{}
	const numbers = 12
	rounds := 1500
	if testing.Short() {
		rounds = 300
	}
	for range ktest.Rounds(t, rounds) {
		n := rnd.IntN(numbers)
		switch rnd.IntN(4) {
		case 0:
			if !own[n] {
				if err := h.AddRule(ours(n)); err != nil {
					t.Fatal(err)
				}
				own[n] = true
			}
		case 1:
			if r := neighbour(rnd, n); !foreign[r] && len(foreign) < 60 {
				if err := h.AddRule(r); err != nil {
					t.Fatalf("%s: %v", r, err)
				}
				foreign[r] = true
			}
		case 2: // an edit by hand: the mark is another one, the marks of ownership stay
			if own[n] && rnd.IntN(4) == 0 {
				changed := ours(n)
				changed.Mark = 0x20
				if err := h.AddRule(changed); err != nil {
					t.Fatal(err)
				}
				remove(t, h, n)
				delete(own, n)
			}
		case 3:
			remove(t, h, n)
			delete(own, n)
		}
	}
	for n := range numbers {
		remove(t, h, n)
	}
	left, err := h.SteeringLeft()
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	rules, err := h.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for r := range foreign {
		if !slices.Contains(rules, r) {
			t.Errorf("gone: %s", r)
		}
	}
	t.Logf("%d foreign rules stayed", len(foreign))
}

func remove(t *testing.T, h *nl.Host, n int) {
	t.Helper()
	if _, err := h.RemoveSteering(n); err != nil {
		t.Fatal(err)
	}
}

// What is made reads back as it was asked for, in both families, and every change is told.
func TestRulesAndRoutesReadBack(t *testing.T) {
	ns, far := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, ns, "fw0", far, "far")
	for _, p := range []string{"10.9.0.1/30", "2001:db8:9::1/64"} {
		ns.Addr(t, "fw0", p)
	}
	far.Addr(t, "far", "10.9.0.2/30")
	far.Addr(t, "far", "2001:db8:9::2/64")
	h := at(t, ns)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	changes, err := h.WatchSteering(ctx, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for i, via := range []string{"10.9.0.2", "2001:db8:9::2"} {
		r := ours(i)
		r.Six = i == 1
		hop := chain.Route{Six: r.Six, Table: r.Table, Via: netip.MustParseAddr(via), Dev: "fw0", Protocol: chain.Protocol}
		guard := chain.Route{Six: r.Six, Table: r.Table, Guard: true, Protocol: chain.Protocol}
		if err := h.AddRule(r); err != nil {
			t.Fatal(err)
		}
		for _, route := range []chain.Route{hop, guard} {
			if err := h.AddChainRoute(route); err != nil {
				t.Fatal(err)
			}
		}
		<-changes
		rules, err := h.Rules()
		if err != nil || !slices.Contains(rules, r) {
			t.Errorf("%s is not in %v, %v", r, rules, err)
		}
		routes, err := h.ChainRoutes(r.Table, r.Six)
		if err != nil || len(routes) != 2 || !slices.Contains(routes, hop) || !slices.Contains(routes, guard) {
			t.Errorf("routes %v, %v", routes, err)
		}
		answers(t, h, via)
		if removed, err := h.RemoveSteering(i); err != nil || len(removed) != 3 {
			t.Errorf("removed %v, %v", removed, err)
		}
		<-changes
	}
	cancel()
	for range changes { // closed in the end
	}
}

// answers asks a neighbour that is there, and one that is not.
func answers(t *testing.T, h *nl.Host, via string) {
	t.Helper()
	there, err := h.OpenHop("fw0", netip.MustParseAddr(via))
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	absent, err := h.OpenHop("fw0", netip.MustParseAddr(via).Next())
	if err != nil {
		t.Fatal(err)
	}
	defer absent.Close()
	late := time.NewTicker(5 * time.Millisecond)
	defer late.Stop()
	for asked := 0; ; asked++ {
		if asked%50 == 0 {
			for _, p := range []*nl.Hop{there, absent} {
				if err := p.Ask(asked == 0); err != nil {
					t.Fatal(err)
				}
			}
		}
		<-late.C
		if there.Answered() {
			break
		}
		if asked == 1000 {
			t.Fatalf("%s does not answer", via)
		}
	}
	if absent.Answered() {
		t.Errorf("who is not there answers beside %s", via)
	}
}

// A route that stands in the place of another one is no success: the table would lead where somebody else said.
func TestARouteInThePlaceOfOurs(t *testing.T) {
	ns, far := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, ns, "fw0", far, "far")
	ns.Addr(t, "fw0", "10.9.0.1/29")
	h := at(t, ns)
	route := func(via string) chain.Route {
		return chain.Route{Table: chain.FirstTable, Via: netip.MustParseAddr(via), Dev: "fw0", Protocol: chain.Protocol}
	}
	if err := h.AddChainRoute(route("10.9.0.2")); err != nil {
		t.Fatal(err)
	}
	if err := h.AddChainRoute(route("10.9.0.2")); err != nil {
		t.Errorf("the same again: %v", err)
	}
	if err := h.AddChainRoute(route("10.9.0.3")); !errors.Is(err, unix.EEXIST) {
		t.Errorf("another one in its place: %v", err)
	}
}
