// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/chain"
	"hooktop/netcfg/nl"
	"hooktop/probes/snap"
)

// fakeHost is a namespace in memory, as slow and plain as can be: lists that are searched.
type fakeHost struct {
	t      *testing.T
	links  []snap.Link
	rules  []chain.Rule
	routes []chain.Route
	silent map[acl.Hop]bool // who answers nothing
	table  map[netip.Addr]nl.Neighbour
	owners []chain.Owner // of netfilter
	closed error         // why netfilter can't be read

	networks map[string][]netip.Prefix
	bare     map[string]bool   // devices without an address
	made     map[string]uint32 // when the others got theirs, 1 unless told
	clock    uint32

	intended map[int]bool // the journal
	refuse   bool         // routes are not made
	failIn   int          // the call that fails, counted down; 0: none does
	notices  []string
	after    func() // each change of a rule or route
}

// changed lets the test look at what a packet would meet now.
func (f *fakeHost) changed() {
	if f.after != nil {
		f.after()
	}
}

var errFake = errors.New("the kernel says no")

func newFake(t *testing.T, devs ...string) *fakeHost {
	f := &fakeHost{t: t, silent: map[acl.Hop]bool{}, intended: map[int]bool{}, table: map[netip.Addr]nl.Neighbour{}, bare: map[string]bool{}, made: map[string]uint32{}}
	for i, dev := range devs {
		f.links = append(f.links, snap.Link{Index: i + 2, Name: dev, Up: true, Carrier: true})
	}
	return f
}

// steer makes a Steer without a goroutine of its own: the test says when it looks and asks.
func (f *fakeHost) steer() *Steer {
	s := on(f, f, func(_ snap.Severity, text string) { f.notices = append(f.notices, text) })
	s.cancel, s.done = func() {}, make(chan struct{})
	close(s.done)
	return s
}

// fallsSilent has a next hop on fw0 answer no more, until that is known.
func (f *fakeHost) fallsSilent(s *Steer, via string) {
	f.silent[acl.Hop{Via: netip.MustParseAddr(via), Dev: "fw0"}] = true
	for range patience + 2 {
		s.ask()
	}
}

// fails counts a call.
func (f *fakeHost) fails() error {
	if f.failIn == 0 {
		return nil
	}
	if f.failIn--; f.failIn == 0 {
		return errFake
	}
	return nil
}

func (f *fakeHost) IntendSteering(n int) error {
	if err := f.fails(); err != nil {
		return err
	}
	f.intended[n] = true
	return nil
}

func (f *fakeHost) DoneSteering(n int) {
	if f.has(n) {
		f.t.Errorf("the journal forgets number %d while something of it is there", n)
	}
	delete(f.intended, n)
}

// has reports whether something with a number is there that is ours.
func (f *fakeHost) has(n int) bool {
	table := chain.FirstTable + uint32(n)
	return slices.ContainsFunc(f.rules, func(r chain.Rule) bool { return r.Own() && r.Table == table }) ||
		slices.ContainsFunc(f.routes, func(r chain.Route) bool { return r.Own() && r.Table == table })
}

func (f *fakeHost) mine(what string, own bool, table uint32) {
	if !own {
		f.t.Fatalf("%s is not ours", what)
	}
	if !f.intended[int(table)-chain.FirstTable] {
		f.t.Errorf("%s: it is not in the journal", what)
	}
}

func (f *fakeHost) Links() ([]snap.Link, error) { return slices.Clone(f.links), f.fails() }

func (f *fakeHost) Addressed() (map[int]nl.Addressed, error) {
	out := map[int]nl.Addressed{}
	for _, l := range f.links {
		if made := 1 + f.made[l.Name]; !f.bare[l.Name] {
			out[l.Index] = nl.Addressed{V4: made, V6: made}
		}
	}
	return out, f.fails()
}

func (f *fakeHost) Networks(dev string) []netip.Prefix { return f.networks[dev] }

func (f *fakeHost) Rules() ([]chain.Rule, error) { return slices.Clone(f.rules), f.fails() }

func (f *fakeHost) AddRule(r chain.Rule) error {
	f.mine("the rule "+r.String(), r.Own(), r.Table)
	if slices.Contains(f.rules, r) {
		return unix.EEXIST
	}
	if err := f.fails(); err != nil {
		return err
	}
	f.rules = append(f.rules, r)
	f.changed()
	return nil
}

func (f *fakeHost) AddRuleAgain(r chain.Rule) error {
	f.mine("the rule "+r.String(), r.Own(), r.Table)
	if err := f.fails(); err != nil {
		return err
	}
	f.rules = append(f.rules, r)
	f.changed()
	return nil
}

// takes reports whether the kernel may delete a rule for a request that names another one (net/core/fib_rules.c, rule_find): what the
// request leaves open is not compared.
func takes(request, r chain.Rule) bool {
	return r.Six == request.Six && r.Priority == request.Priority && r.Table == request.Table && r.Protocol == request.Protocol &&
		(request.Mark == 0 || r.Mark == request.Mark) && (request.Mask == 0 || r.Mask == request.Mask) &&
		(request.From == "" || r.From == request.From) && (request.Rest == "" || r.Rest == request.Rest)
}

func (f *fakeHost) RemoveRule(r chain.Rule) error {
	if !r.Own() {
		f.t.Fatalf("the rule %s is not ours, and is removed", r)
	}
	if err := f.fails(); err != nil {
		return err
	}
	if i := slices.IndexFunc(f.rules, func(o chain.Rule) bool { return takes(r, o) }); i >= 0 { // the first
		f.rules = slices.Delete(f.rules, i, i+1)
		f.changed()
	}
	return nil
}

func (f *fakeHost) ChainRoutes(table uint32, six bool) ([]chain.Route, error) {
	var out []chain.Route
	for _, r := range f.routes {
		if r.Table == table && r.Six == six {
			out = append(out, r)
		}
	}
	return out, f.fails()
}

// sameKey reports whether the kernel takes no second of two routes (fib_table_insert with NLM_F_EXCL).
func sameKey(a, b chain.Route) bool {
	return a.Table == b.Table && a.Six == b.Six && a.Guard == b.Guard && a.Other == b.Other
}

func (f *fakeHost) AddChainRoute(r chain.Route) error {
	f.mine("the route "+r.String(), r.Own(), r.Table)
	if slices.Contains(f.routes, r) {
		return nil
	}
	if slices.ContainsFunc(f.routes, func(o chain.Route) bool { return sameKey(o, r) }) {
		return unix.EEXIST
	}
	if err := f.fails(); err != nil {
		return err
	}
	if !r.Guard && (f.refuse || !f.reaches(r.Dev)) {
		return unix.ENETDOWN
	}
	f.routes = append(f.routes, r)
	f.changed()
	return nil
}

func (f *fakeHost) ReplaceChainRoute(r chain.Route) error {
	f.mine("the route "+r.String(), r.Own(), r.Table)
	if err := f.fails(); err != nil {
		return err
	}
	if i := slices.IndexFunc(f.routes, func(o chain.Route) bool { return sameKey(o, r) }); i >= 0 {
		f.routes[i] = r
	} else {
		f.routes = append(f.routes, r)
	}
	f.changed()
	return nil
}

func (f *fakeHost) RemoveChainRoute(r chain.Route) error {
	if !r.Own() {
		f.t.Fatalf("the route %s is not ours, and is removed", r)
	}
	if err := f.fails(); err != nil {
		return err
	}
	f.routes = slices.DeleteFunc(f.routes, func(o chain.Route) bool { return o == r })
	f.changed()
	return nil
}

func (f *fakeHost) RemoveSteering(n int) ([]string, error) {
	if err := f.fails(); err != nil {
		return nil, err
	}
	table := chain.FirstTable + uint32(n)
	f.rules = slices.DeleteFunc(f.rules, func(r chain.Rule) bool { return r.Own() && r.Table == table })
	f.routes = slices.DeleteFunc(f.routes, func(r chain.Route) bool { return r.Own() && r.Table == table })
	return nil, nil
}

func (f *fakeHost) WatchSteering(context.Context, func(int)) (<-chan struct{}, error) {
	return nil, errors.New("nobody watches")
}

func (f *fakeHost) Neighbour(_ int, of netip.Addr) (nl.Neighbour, error) { return f.table[of], nil }

func (f *fakeHost) MarkOwners() ([]chain.Owner, error) { return f.owners, f.closed }

func (f *fakeHost) Do(fn func() error) error { return fn() }

// fakeHop answers unless it is silent.
type fakeHop struct {
	host  *fakeHost
	key   acl.Hop
	asked bool
}

func (f *fakeHost) open(dev string, to netip.Addr) (asker, error) {
	if !f.up(dev) {
		return nil, fmt.Errorf("ask for %s on %s: %w", to, dev, unix.ENETDOWN)
	}
	return &fakeHop{host: f, key: acl.Hop{Via: to, Dev: dev}}, nil
}

func (h *fakeHop) Ask(bool) error { h.asked = true; return nil }
func (h *fakeHop) Answered() bool { return h.asked && !h.host.silent[h.key] }
func (h *fakeHop) Close() error   { return nil }

func (f *fakeHost) up(dev string) bool {
	return slices.ContainsFunc(f.links, func(l snap.Link) bool { return l.Name == dev && l.Carrier })
}

// reaches reports whether a route over a device can be made.
func (f *fakeHost) reaches(dev string) bool { return f.up(dev) && !f.bare[dev] }

// address takes a device's last address away, its routes with it, or gives it another one.
func (f *fakeHost) address(dev string, there bool) {
	if f.bare[dev] = !there; there {
		f.clock++
		f.made[dev] = f.clock
	} else {
		f.routes = slices.DeleteFunc(f.routes, func(r chain.Route) bool { return r.Dev == dev })
	}
}

// remake deletes a device, its routes with it, and makes another one of its name, which has had as many carrier changes.
func (f *fakeHost) remake(i int) {
	l := &f.links[i]
	for _, o := range f.links {
		l.Index = max(l.Index, o.Index+1)
	}
	f.routes = slices.DeleteFunc(f.routes, func(r chain.Route) bool { return r.Dev == l.Name })
}

// dip sets a bridge down and up again: its routes go, and nothing else tells of it but down.
func (f *fakeHost) dip(i int, down func(int)) {
	l := f.links[i]
	f.routes = slices.DeleteFunc(f.routes, func(r chain.Route) bool { return r.Dev == l.Name })
	down(l.Index)
}

// carry takes a device's carrier away, its routes with it, or gives it back.
func (f *fakeHost) carry(i int, up bool) {
	l := &f.links[i]
	if l.Carrier == up {
		return
	}
	l.Carrier = up
	l.CarrierChanges++
	if !up {
		f.routes = slices.DeleteFunc(f.routes, func(r chain.Route) bool { return r.Dev == l.Name })
	}
}
