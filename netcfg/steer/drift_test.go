// SPDX-License-Identifier: Apache-2.0

package steer

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/chain"
	"hooktop/netcfg/policy"
	"hooktop/probes/ktest"
)

const (
	fw  = "chain fw in lan0 match any service via 10.9.0.2 dev fw0 return fw1 via 10.9.1.2 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail closed\n"
	ids = "chain ids in lan1 match any service via 10.8.0.2 dev ids0 return ids1 via 10.8.1.2 mark 0x20/0xf0 upstream via 10.0.0.1 dev wan0 fail open\n"
	tap = "chain tap in lan0 match tcp service via 10.7.0.2 dev tap0 return tap1 mark 0x30/0xf0 upstream via 10.0.0.1 dev wan0 fail open oneway\n"
)

// texts are policies that can be kept and tried in any order.
func texts() []string {
	fw2, ids2 := strings.Replace(fw, "0x10/", "0x40/", 1), strings.Replace(ids, "0x20/", "0x50/", 1)
	return []string{"", fw, ids, fw + ids, fw + ids + tap, fw2, fw2 + ids, ids2 + tap, tap, "off " + fw + ids,
		strings.Replace(fw, "fail closed", "fail open", 1), strings.Replace(ids, "fail open", "fail closed", 1) + fw}
}

func chainsOf(t testing.TB, text string) []acl.Chain {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	p := f.ACL()
	return p.Chains
}

// drill is a Steer, the namespace that it works on, and what its slow twin knows of both.
type drill struct {
	t       *testing.T
	r       *rand.Rand
	f       *fakeHost
	s       *Steer
	kept    []acl.Chain
	trial   []acl.Chain
	foreign []string // rules and routes of others
	log     []string
}

// expected is what must be there: of each way its rule with what its table holds. How a way fails the kept policy says before the
// trial, and one next hop of a service that is away takes its whole chain off.
func (d *drill) expected() []string {
	away := map[string]bool{}
	each := func(do func(c *acl.Chain, l acl.Leg)) {
		for _, list := range [][]acl.Chain{d.kept, d.trial} {
			for i := range list {
				for _, l := range list[i].Legs() {
					if !list[i].Off && l.Hop.Dev != "" {
						do(&list[i], l)
					}
				}
			}
		}
	}
	service := func(l acl.Leg) bool { return l.Kind == acl.ToService || l.Kind == acl.ReplyToService }
	each(func(c *acl.Chain, l acl.Leg) {
		if service(l) && (!d.f.up(l.Hop.Dev) || d.f.silent[l.Hop]) {
			away[c.Name] = true
		}
	})
	out := map[string]string{}
	each(func(c *acl.Chain, l acl.Leg) {
		key := fmt.Sprintf("%s iif %s via %s dev %s", c.Marking(), l.From, l.Hop.Via, l.Hop.Dev)
		if _, told := out[key]; told {
			return
		}
		held := ""
		if d.f.reaches(l.Hop.Dev) && !(service(l) && away[c.Name]) {
			held += " route"
		}
		if !c.Open {
			held += " guard"
		}
		out[key] = fmt.Sprintf("%s iif %s:%s", c.Marking(), l.From, held)
		if strings.Contains(held, "route") {
			out[key] += fmt.Sprintf(" via %s dev %s", l.Hop.Via, l.Hop.Dev)
		}
	})
	return slices.Sorted(maps.Values(out))
}

// there is what is ours and in our tables, told in the same words.
func (d *drill) there() []string {
	var out []string
	tables := map[uint32]bool{}
	for _, r := range d.f.rules {
		if !r.Own() {
			continue
		}
		held, via := "", ""
		for _, o := range d.f.routes {
			switch {
			case o.Table != r.Table:
			case o.Guard && o.Own():
				held += " guard"
			case o.Own() && !o.Other:
				held, via = " route"+held, fmt.Sprintf(" via %s dev %s", o.Via, o.Dev)
			default:
				held += " foreign"
			}
		}
		if r.Priority-chain.FirstPriority != r.Table-chain.FirstTable || tables[r.Table] || r.Rest != "" {
			held += " odd"
		}
		tables[r.Table] = true
		out = append(out, fmt.Sprintf("%s iif %s:%s%s", acl.MarkText(r.Mark, r.Mask), r.From, held, via))
	}
	for _, o := range d.f.routes {
		if o.Own() && !tables[o.Table] {
			out = append(out, "without a rule: "+o.String())
		}
	}
	slices.Sort(out)
	return out
}

// others lists what is foreign.
func (d *drill) others() []string {
	var out []string
	for _, r := range d.f.rules {
		if !r.Own() {
			out = append(out, r.String())
		}
	}
	for _, r := range d.f.routes {
		if !r.Own() {
			out = append(out, r.String())
		}
	}
	slices.Sort(out)
	return out
}

func (d *drill) fatal(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf(format+"\nafter %s\nthere    %q\nexpected %q\nnotices %q", append(args, strings.Join(d.log, "; "), d.there(), d.expected(), d.f.notices)...)
}

func pick[T any](r *rand.Rand, list []T) (v T, ok bool) {
	if len(list) == 0 {
		return v, false
	}
	return list[r.IntN(len(list))], true
}

// somebody changes rules and routes without asking.
func (d *drill) somebody() string {
	own := slices.DeleteFunc(slices.Clone(d.f.rules), func(r chain.Rule) bool { return !r.Own() })
	rule, ok := pick(d.r, own)
	if !ok {
		return ""
	}
	route, routed := pick(d.r, d.f.routes)
	switch d.r.IntN(9) {
	case 0:
		d.f.rules = slices.DeleteFunc(d.f.rules, func(r chain.Rule) bool { return r == rule })
		return "removes " + rule.String()
	case 1:
		i := slices.Index(d.f.rules, rule)
		d.f.rules[i].Mask |= 0x1000
		return "changes " + rule.String()
	case 2:
		rule.Mark ^= 0x80
		d.f.rules = append(d.f.rules, rule)
		return "adds " + rule.String()
	case 7: // in its place, for some of its packets
		i := slices.Index(d.f.rules, rule)
		d.f.rules[i].Rest = "tcp"
		return "narrows " + rule.String()
	case 8: // beside it, for more packets, or for fewer
		if rule.From, rule.Rest = "", "udp"; d.r.IntN(2) == 0 {
			rule.Rest = ""
		}
		d.f.rules = slices.Insert(d.f.rules, d.r.IntN(len(d.f.rules)+1), rule)
		return "adds the wider " + rule.String()
	case 3:
		rule.Protocol, rule.Priority = 4, rule.Priority+uint32(d.r.IntN(3))
		if !slices.Contains(d.f.rules, rule) {
			d.f.rules = append(d.f.rules, rule)
		}
		return "adds the foreign " + rule.String()
	case 4:
		if routed && route.Own() {
			d.f.routes = slices.DeleteFunc(d.f.routes, func(r chain.Route) bool { return r == route })
		}
		return "removes " + route.String()
	case 5:
		if i := slices.Index(d.f.routes, route); routed && route.Own() && !route.Guard {
			d.f.routes[i].Via = netip.MustParseAddr("10.66.0.1")
		}
		return "changes " + route.String()
	default:
		r := chain.Route{Table: rule.Table, Dev: "lan9", Via: netip.MustParseAddr("10.66.0.2"), Protocol: 3, Other: true}
		if !slices.Contains(d.f.routes, r) && d.r.IntN(4) == 0 {
			d.f.routes = append(d.f.routes, r)
		}
		return "adds the foreign " + r.String()
	}
}

// tidies takes foreign routes out of tables of ours.
func (d *drill) tidies() {
	d.f.routes = slices.DeleteFunc(d.f.routes, func(r chain.Route) bool { return !r.Own() })
}

// wants asks for another policy. Now and then a call of the kernel fails, which is false: then it is asked for again.
func (d *drill) wants(kept, trial string) (smooth bool) {
	k, n := chainsOf(d.t, kept), chainsOf(d.t, trial)
	if _, err := chain.Ways(k, n, d.f.Networks); err != nil {
		return true
	}
	before := d.there()
	if smooth = d.r.IntN(3) > 0; !smooth {
		d.f.failIn = 1 + d.r.IntN(30)
	}
	err := d.s.Want(k, n)
	d.f.failIn = 0
	if err != nil && !errors.Is(err, errFake) {
		d.fatal("want: %v", err)
	}
	if err != nil && slices.Equal(before, d.there()) {
		k, n = d.kept, d.trial // as a commit that failed does: what was wanted before is wanted again
	}
	if err != nil {
		if err := d.s.Want(k, n); err != nil {
			d.fatal("want again: %v", err)
		}
	}
	d.kept, d.trial = k, n
	return smooth
}

// step does one thing, and lets the Steer take notice of it. False when somebody else changed rules or routes, or the kernel failed.
func (d *drill) step(policies []string) (own bool) {
	what, own := "", true
	switch n := d.r.IntN(12); {
	case n < 2:
		kept, _ := pick(d.r, policies)
		trial, _ := pick(d.r, policies)
		if d.r.IntN(2) == 0 {
			trial = ""
		}
		what = fmt.Sprintf("want %q beside %q", kept, trial)
		d.log = append(d.log, what)
		own = d.wants(kept, trial)
	case n < 3:
		i := d.r.IntN(len(d.f.links))
		if d.r.IntN(2) == 0 {
			d.f.remake(i)
			what = d.f.links[i].Name + " made again"
		} else {
			d.f.dip(i, d.s.fell.note)
			what = d.f.links[i].Name + " down and up"
		}
		d.foreign = d.others()
	case n < 4:
		dev := d.f.links[d.r.IntN(len(d.f.links))].Name
		d.f.address(dev, false)
		if d.r.IntN(3) > 0 {
			d.f.address(dev, true) // before anybody looks
		}
		what = fmt.Sprintf("%s without an address %v", dev, d.f.bare[dev])
		d.foreign = d.others()
	case n < 6:
		i := d.r.IntN(len(d.f.links))
		d.f.carry(i, !d.f.links[i].Carrier)
		what = fmt.Sprintf("%s %v", d.f.links[i].Name, d.f.links[i].Carrier)
	case n < 8:
		if key, ok := pick(d.r, slices.SortedFunc(maps.Keys(d.s.hops), func(a, b acl.Hop) int { return strings.Compare(a.Dev, b.Dev) })); ok {
			d.f.silent[key] = !d.f.silent[key]
			what = fmt.Sprintf("%s silent %v", key.Via, d.f.silent[key])
		}
	default:
		what, own = d.somebody(), false
		d.foreign = d.others()
	}
	d.log = append(d.log, what)
	d.s.looked()
	for range patience + 2 {
		d.s.ask()
	}
	d.s.looked()
	return own
}

// Whatever somebody else does to rules, routes, links and services: drift is told exactly while something is not as the twin says,
// a repair mends all of it that is ours, and nothing foreign is ever changed.
func TestDriftAgreesWithItsTwin(t *testing.T) {
	seed := rand.Uint64()
	policies := texts()
	drifts, repairs := 0, 0
	for round := range ktest.Rounds(t, 100) {
		r := rand.New(rand.NewPCG(seed, uint64(round)))
		d := &drill{t: t, r: r, f: newFake(t, "lan0", "lan1", "fw0", "fw1", "ids0", "ids1", "tap0", "tap1", "wan0")}
		d.s = d.f.steer()
		d.log = []string{fmt.Sprintf("seed %d round %d", seed, round)}
		clean := true
		for range 40 {
			was, own := clean, d.step(policies)
			d.s.mu.Lock()
			drift := d.s.drift()
			d.s.mu.Unlock()
			clean = slices.Equal(d.there(), d.expected())
			if was && own && !clean {
				d.fatal("nobody else changed anything")
			}
			if (drift == "") != clean {
				d.fatal("drift says %q", drift)
			}
			if !clean {
				drifts++
			}
			if !clean && r.IntN(2) == 0 {
				repairs++
				d.repair()
				clean = true
			}
			if now := d.others(); !slices.Equal(now, d.foreign) {
				d.fatal("what is foreign was %q and is %q", d.foreign, now)
			}
		}
		if err := d.s.Close(); err != nil {
			d.fatal("close: %v", err)
		}
		if left := d.there(); len(left) > 0 || len(d.f.intended) > 0 {
			d.fatal("left: %q, in the journal %v", left, d.f.intended)
		}
		if now := d.others(); !slices.Equal(now, d.foreign) {
			d.fatal("after the end: what is foreign was %q and is %q", d.foreign, now)
		}
	}
	t.Logf("seed %d: %d drifts, %d repaired, 0 differences", seed, drifts, repairs)
}

// standing looks during a repair: a way has at each moment its right rule, once it had it, and never no rule where it had one; its route
// likewise.
func (d *drill) standing() func() {
	type stood struct{ right, some, route, routed bool }
	before := map[*way]stood{}
	look := func() {
		for _, w := range d.s.ways {
			rule, route := w.Rule(w.n), w.Route(w.n)
			now := stood{
				right: slices.Contains(d.f.rules, rule), route: slices.Contains(d.f.routes, route),
				some:   slices.ContainsFunc(d.f.rules, func(r chain.Rule) bool { return r.Own() && r.Table == rule.Table && r.Priority == rule.Priority }),
				routed: slices.ContainsFunc(d.f.routes, func(r chain.Route) bool { return r.Table == route.Table && !r.Guard && !r.Other }),
			}
			if was := before[w]; was.right && !now.right || was.some && !now.some || !w.away && !d.s.down(w.Hop.Dev) && (was.route && !now.route || was.routed && !now.routed) {
				d.fatal("for a moment %s had %+v, and %+v before", rule, now, was)
			}
			before[w] = now
		}
	}
	look()
	return look
}

// repair mends everything, once no foreign route is in the way.
func (d *drill) repair() {
	d.log = append(d.log, "repair")
	d.f.after = d.standing()
	defer func() { d.f.after = nil }()
	_, err := d.s.Repair()
	if len(d.s.ways) == 0 {
		if len(d.there()) > 0 && err == nil {
			d.fatal("nothing is wanted, and something is left")
		}
		return
	}
	if err != nil {
		if !strings.Contains(err.Error(), "a foreign route is in table") {
			d.fatal("repair: %v", err)
		}
		d.tidies()
		d.foreign = d.others()
		if _, err = d.s.Repair(); err != nil {
			d.fatal("repair again: %v", err)
		}
	}
	if !slices.Equal(d.there(), d.expected()) {
		d.fatal("repaired")
	}
}
