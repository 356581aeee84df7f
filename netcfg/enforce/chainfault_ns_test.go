// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// dial tries to connect from the client.
func (n *town) dial() error { return n.dialFor(20 * time.Second) }

// dialFor gives up after a while.
func (n *town) dialFor(d time.Duration) error {
	return n.client.Run(func() error {
		// Without a list of addresses to try, net.Dialer connects on this thread, which is in the namespace.
		c, err := (&net.Dialer{Timeout: d}).Dial("tcp", n.server)
		if err == nil {
			err = c.Close()
		}
		return err
	})
}

// state waits until the chain is in a state, and says how long that took.
func (n *town) state(want string) *snap.Frame {
	n.t.Helper()
	began := time.Now()
	f := n.wait("the state "+want, func(f *snap.Frame) bool { return len(f.Chains.Rows) == 1 && f.Chains.Rows[0].State == want })
	took := time.Since(began)
	n.t.Logf("%s after %s: %s", want, took.Round(time.Millisecond), f.Chains.Rows[0].Why)
	if ktest.Full() && took > time.Second {
		n.t.Error("that is more than a second")
	}
	return f
}

func (n *town) address(ns *ktest.NS, dev, prefix string, there bool) {
	n.t.Helper()
	a, err := netlink.ParseAddr(prefix)
	if err != nil {
		n.t.Fatal(err)
	}
	change := ns.NL.AddrDel
	if there {
		change = ns.NL.AddrAdd
	}
	if err := change(ns.Link(n.t, dev), a); err != nil {
		n.t.Fatal(err)
	}
}

// calm waits until the chain is neither bypassed nor closed.
func (n *town) calm() {
	n.t.Helper()
	n.wait("a chain that is well", func(f *snap.Frame) bool {
		if len(f.Chains.Rows) != 1 {
			return false
		}
		s := f.Chains.Rows[0].State
		hop := f.Chains.Rows[0].Legs[0].State
		return (s == "ok" || s == "idle") && hop != "unknown" && hop != "down"
	})
}

// A service that answers no more, by silence or because its link is down, is passed by or stops everything, as written; and
// takes its packets again when it is back.
func TestServiceThatIsAway(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newChainedTown(t)
	through := func() uint64 {
		return n.wait("a frame", func(*snap.Frame) bool { return true }).Chains.Rows[0].Legs[1].Packets
	}
	if err := n.visit(0); err != nil {
		t.Fatal(err)
	}
	n.address(n.firewall, "f0", "10.9.0.2/30", false) // it is silent
	n.state("closed")
	if err := n.dial(); !errors.Is(err, unix.EHOSTUNREACH) {
		t.Errorf("closed: %v", err)
	}
	n.address(n.firewall, "f0", "10.9.0.2/30", true)
	n.firewall.Route(t, "10.1.0.0/24", "10.9.0.1")
	n.calm()
	if err := n.visit(1); err != nil {
		t.Error(err)
	}

	n.trial(townChain + "open\n")
	n.keepTrial()
	n.wait("the guard to be gone", func(f *snap.Frame) bool { return f.Chains.Rows[0].Open })
	for what, stop := range map[string]func(there bool){
		"silent":  func(there bool) { n.address(n.firewall, "f1", "10.9.1.2/30", there) },
		"no link": func(there bool) { n.up(n.firewall, "f0", there) },
	} {
		stop(false)
		n.state("bypassed")
		before := through()
		if err := n.visit(2); err != nil {
			t.Errorf("open, %s: %v", what, err)
		}
		if now := through(); now != before {
			t.Errorf("open, %s: %d packets came back from a service that is away", what, now-before)
		}
		stop(true)
		n.firewallRoutes()
		n.calm()
		if err := n.visit(3); err != nil {
			t.Errorf("open, back after %s: %v", what, err)
		}
		n.wait("packets through the service", func(f *snap.Frame) bool { return f.Chains.Rows[0].Legs[1].Packets > before })
	}
}

// flap takes a service's link down and up while the client tries to connect.
func (n *town) flap() {
	n.t.Helper()
	knock := func() error { return n.dialFor(20 * time.Millisecond) } // who waits for a closed chain sends nothing
	n.underTrafficOf("flaps", knock, func() {
		var took []time.Duration
		for range ktest.Rounds(n.t, 50) {
			n.up(n.here, "v-fw0", false)
			n.up(n.here, "v-fw0", true)
			n.here.WaitUp(n.t, "v-fw0")
			took = append(took, n.armed())
		}
		slices.Sort(took)
		half, longest := took[len(took)/2], took[len(took)-1]
		late := len(took) - sort.Search(len(took), func(i int) bool { return took[i] > 500*time.Millisecond })
		n.t.Logf("armed again %s after the link was up, %s at the latest, %d of %d times after more than 500ms",
			half.Round(time.Millisecond), longest.Round(time.Millisecond), late, len(took))
		if ktest.Full() && longest > 500*time.Millisecond {
			n.t.Error("that is more than half a second")
		}
		n.wait("a connection", func(*snap.Frame) bool { return n.dial() == nil })
	})
}

// armed waits until the route to the service is there again, and says how long that took.
func (n *town) armed() time.Duration {
	n.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(n.ctx, ktest.Patience)
	defer cancel()
	changes, err := n.host.WatchSteering(ctx, func(int) {})
	if err != nil {
		n.t.Fatal(err)
	}
	for {
		routes, err := n.host.ChainRoutes(chain.FirstTable, false)
		if err != nil {
			n.t.Fatal(err)
		}
		if slices.ContainsFunc(routes, func(r chain.Route) bool { return r.Dev == "v-fw0" }) {
			return time.Since(began)
		}
		if _, ok := <-changes; !ok {
			n.t.Fatal("the route does not come back")
		}
	}
}

// underTraffic has the client connect again and again while something is done: no packet may reach the server but through the
// service.
func (n *town) underTraffic(what string, do func()) (tried, failed int) {
	n.t.Helper()
	return n.underTrafficOf(what, n.dial, do)
}

func (n *town) underTrafficOf(what string, dial func() error, do func()) (tried, failed int) {
	n.t.Helper()
	// The service's first: what arrives late of a connection before would seem to have passed it by.
	f1 := n.record(n.firewall, "f1")
	server := n.record(n.upstream, "u0")
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for ; ; tried++ {
			select {
			case <-stop:
				return
			default:
				if dial() != nil { // the chain is closed while the link is down
					failed++
				}
			}
		}
	}()
	do()
	close(stop)
	<-ended
	server.stop()
	f1.stop()
	bypassed := 0
	for k, m := range server.in {
		bypassed += max(0, m-f1.out[k])
	}
	if bypassed > 0 || len(server.in) == 0 {
		n.t.Errorf("%s: %d of %d packets passed the service by", what, bypassed, len(server.in))
	}
	n.t.Logf("%s: %d connections tried, %d failed, %d packets arrived", what, tried, failed, len(server.in))
	return tried, failed
}

func (n *town) up(ns *ktest.NS, dev string, up bool) {
	n.t.Helper()
	change := ns.NL.LinkSetDown
	if up {
		change = ns.NL.LinkSetUp
	}
	if err := change(ns.Link(n.t, dev)); err != nil {
		n.t.Fatal(err)
	}
}

// firewallRoutes puts back what went with an address or a link.
func (n *town) firewallRoutes() {
	n.t.Helper()
	for dst, via := range map[string]string{"0.0.0.0/0": "10.9.1.1", "10.1.0.0/24": "10.9.0.1"} {
		p := netip.MustParsePrefix(dst)
		err := n.firewall.NL.RouteReplace(&netlink.Route{
			Dst: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)}, Gw: netip.MustParseAddr(via).AsSlice(),
		})
		if err != nil {
			n.t.Fatal(err)
		}
	}
}

// What somebody else changes is shown, and repaired when asked; what a flap of the link takes comes back by itself. Foreign rules
// and tables are as before in the end.
func TestDriftAndFlaps(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newTown(t)
	foreign := chain.Rule{Priority: 7401, Table: 300, Mark: 0x100, Mask: 0x100, From: "v-lan", Protocol: 4}
	n.open()
	if err := n.host.AddRule(foreign); err != nil {
		t.Fatal(err)
	}
	before, err := n.host.Rules()
	if err != nil {
		t.Fatal(err)
	}
	n.trial(townChain + "closed\n")
	n.keepTrial()
	n.calm()

	rules, err := n.host.Rules()
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, r := range rules {
		if r.Own() {
			own++
			if err := n.host.RemoveRule(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if own != 3 {
		t.Fatalf("%d rules of ours", own)
	}
	if f := n.state("drift"); !strings.Contains(f.Chains.Rows[0].Why, "the ip rule is missing") {
		t.Errorf("drift: %q", f.Chains.Rows[0].Why)
	}
	if a := n.do(snap.Intent{Kind: snap.RepairChains}); a.Text != "3 repaired" {
		t.Errorf("repair: %+v", a)
	}
	n.calm()
	n.flap()
	n.trial("allow\n")
	n.keepTrial()
	n.wait("no chain", func(f *snap.Frame) bool { return len(f.Chains.Rows) == 0 })
	left, err := n.host.SteeringLeft()
	for ; err == nil && len(left) > 0; left, err = n.host.SteeringLeft() {
		n.wait("the rules to go", func(*snap.Frame) bool { return true })
	}
	if err != nil {
		t.Fatal(err)
	}
	if after, err := n.host.Rules(); err != nil || !slices.Equal(before, after) {
		t.Errorf("what is foreign changed: %v, before %v (%v)", after, before, err)
	}
}

// A changed mark: rules of both stand beside each other during the trial, and no packet takes another way than through the service,
// whether the trial is kept or restored. A way that changes under the same mark is refused.
func TestChangedMark(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newChainedTown(t)
	next := strings.Replace(townChain, "0x10/", "0x20/", 1) + "closed\n"
	_, failed := n.underTraffic("changes of the mark", func() {
		for _, keep := range []bool{false, true} {
			n.trial(next)
			n.wait("both in place", func(f *snap.Frame) bool { return states(f)["staged"] == 9 && states(f)["old"] == 9 })
			if keep {
				n.keepTrial()
			} else {
				n.do(snap.Intent{Kind: snap.RestorePolicy})
			}
			n.wait("one in place", func(f *snap.Frame) bool { return states(f)["in place"] == 9 && len(f.Chains.Steer) == 9 })
		}
	})
	if failed > 0 {
		t.Errorf("%d connections failed", failed)
	}
	base := n.wait("a frame", func(*snap.Frame) bool { return true }).Policy.Kept
	moved := strings.Replace(next, "via 10.9.0.2", "via 10.9.0.3", 1)
	n.do(snap.Intent{Kind: snap.StagePolicy, Policy: snap.PolicyWish{Seq: 9, Text: moved, Base: base}})
	d := n.wait("the draft", func(f *snap.Frame) bool { return f.Policy.Draft.Seq == 9 && f.Policy.Draft.Checked }).Policy.Draft
	if len(d.Errors) != 1 || !strings.Contains(d.Errors[0], "write another mark, such as 0x10/0xf0") {
		t.Errorf("the draft: %+v", d.Errors)
	}
	if a := n.e.Do(n.ctx, snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 9, Base: base, Host: n.s.opt.Host}}); a.Err == "" {
		t.Error("it was committed")
	}
}

// states counts rules and routes.
func states(f *snap.Frame) map[string]int {
	out := map[string]int{}
	for _, s := range f.Chains.Steer {
		out[s.State]++
	}
	return out
}

// A device of the chain is deleted and made again: packets pass through the service as before, marked by the new device's programs.
func TestADeviceOfAChainComesBack(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	n := newChainedTown(t)
	for _, dev := range []string{"v-fw0", "v-wan"} {
		other, far, net4 := n.firewall, "f0", "10.9.0.x/30"
		if dev == "v-wan" {
			other, far, net4 = n.upstream, "u0", "10.2.0.x/24"
		}
		n.here.Del(t, dev)
		n.wait("the device to be gone", func(f *snap.Frame) bool { return len(f.Interfaces) == 3 })
		ktest.Veth(t, n.here, dev, other, far)
		n.here.Addr(t, dev, strings.Replace(net4, "x", "1", 1))
		other.Addr(t, far, strings.Replace(net4, "x", "2", 1))
		if dev == "v-wan" {
			n.upstream.Route(t, "0.0.0.0/0", "10.2.0.1")
		} else {
			n.firewallRoutes()
		}
		n.wait("everything in place", func(f *snap.Frame) bool { return len(f.Interfaces) == 4 && states(f)["in place"] == 9 })
		n.calm()
		before := n.wait("a frame", func(*snap.Frame) bool { return true }).Chains.Rows[0].Legs
		n.wait("a connection", func(*snap.Frame) bool { return n.dial() == nil })
		n.wait("packets on each leg", func(f *snap.Frame) bool {
			for i, l := range f.Chains.Rows[0].Legs {
				if l.Packets <= before[i].Packets {
					_ = n.dial() // the new device's programs may not have been there yet
					return false
				}
			}
			return true
		})
	}
}
