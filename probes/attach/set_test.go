// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

var eth0 = snap.Link{Index: 2, Name: "eth0", Up: true, Carrier: true, CarrierChanges: 4, RxPackets: 1000, TxPackets: 1000}

func TestWatchLoadsAsideAndSaysEachProgram(t *testing.T) {
	g := newGround(t)
	var said []string
	ended := 0
	g.Watch(Choice{Link: eth0}, Auto, func(st snap.Status) { said = append(said, st.Name+" "+st.To) }, func(d *Dev, err error) {
		if ended++; err != nil || !d.Watching() {
			t.Errorf("done: %v", err)
		}
	})
	if len(g.plane.log) > 0 || ended > 0 {
		t.Fatalf("before anything was loaded: %s", g.plane.said())
	}
	g.settleAll()
	if got := g.plane.said(); got != "prepare tc egress, attach tc egress, prepare tc ingress, attach tc ingress, discard 1" {
		t.Error(got)
	}
	if got := strings.Join(said, ", "); got != "pipeline eth0 egress tcx egress, pipeline eth0 ingress tcx ingress" || ended != 1 {
		t.Errorf("said %q, ended %d times", got, ended)
	}
}

func TestADeviceThatGoesWhileItIsLoadedForIsNotAttachedTo(t *testing.T) {
	g := newGround(t)
	var failed error
	g.Watch(Choice{Link: eth0}, Auto, func(st snap.Status) { t.Errorf("said %+v", st) }, func(_ *Dev, err error) { failed = err })
	g.Vanished(g.Find(eth0.Index))
	g.settleAll()
	if failed == nil || strings.Contains(g.plane.said(), "attach") {
		t.Errorf("error %v after %s", failed, g.plane.said())
	}
}

func TestAModeChangeWhileItIsLoadedForAttachesOnce(t *testing.T) {
	g := newGround(t)
	g.Watch(Choice{Link: eth0}, Generic, func(snap.Status) {}, func(*Dev, error) {})
	g.ChangeMode(g.Find(eth0.Index), TC, func(snap.Status) {})
	g.settleAll()
	g.EndAll()
	if n, m := strings.Count(g.plane.said(), "attach tc ingress"), strings.Count(g.plane.said(), "attach xdp"); n+m != 1 {
		t.Error(g.plane.said())
	}
	if strings.Count(g.plane.said(), "detach") != 2 {
		t.Error(g.plane.said())
	}
}

func TestNothingSitsAndTheErrorSaysWhy(t *testing.T) {
	g := newGround(t)
	no := errors.New("no room")
	g.plane.refuse = map[Hook]error{XDPGeneric: no, TCIngress: no, TCEgress: no}
	var failed error
	g.Watch(Choice{Link: eth0}, Auto, func(snap.Status) {}, func(_ *Dev, err error) { failed = err })
	g.settleAll()
	if failed == nil || !strings.Contains(failed.Error(), "no room") {
		t.Errorf("error %v", failed)
	}
}

func TestALostCarrierIsSaidOnce(t *testing.T) {
	g := newGround(t)
	d := g.watchBy(t, eth0, Generic)
	down := eth0
	down.Carrier, down.CarrierChanges = false, 5
	g.Update(d, down, d.Since.Add(time.Second))
	up := eth0
	up.CarrierChanges = 6
	g.Update(d, up, d.Since.Add(2*time.Second))
	g.Review(d, up, 1, 1, d.Since.Add(settle))
	if len(g.notices) != 1 || !strings.Contains(g.notices[0], "eth0 lost its carrier 1.0 s after attaching generic XDP: the driver resets the link for it") {
		t.Errorf("notices %q", g.notices)
	}
	g.Update(d, down, d.Since.Add(time.Minute))
	if len(g.notices) != 1 {
		t.Errorf("a carrier that goes a minute later is not the attach's doing: %q", g.notices)
	}
}

// tc sits above the driver: who looks for the cause of a lost carrier is not sent after it.
func TestALostCarrierIsNotBlamedOnTC(t *testing.T) {
	g := newGround(t)
	d := g.watch(t, eth0)
	down := eth0
	down.Carrier, down.CarrierChanges = false, 5
	g.Update(d, down, d.Since.Add(time.Second))
	if len(g.notices) != 1 || !strings.Contains(g.notices[0], "after attaching tcx ingress, which touches no driver") {
		t.Errorf("notices %q", g.notices)
	}
}

// A flap that is over before its news are read is known by the kernel's counter.
func TestAFlapBetweenTwoLooksIsSaid(t *testing.T) {
	g := newGround(t)
	d := g.watch(t, eth0)
	up := eth0
	up.CarrierChanges += 2
	g.Review(d, up, 1, 1, d.Since.Add(settle-1))
	if len(g.notices) > 0 {
		t.Errorf("too early: %q", g.notices)
	}
	g.Review(d, up, 1, 1, d.Since.Add(settle))
	if len(g.notices) != 1 || !strings.Contains(g.notices[0], "eth0 changed its carrier 2 times") {
		t.Errorf("notices %q", g.notices)
	}
	g.Review(d, up, 1, 1, d.Since.Add(2*settle))
	if len(g.notices) != 1 {
		t.Errorf("reviewed twice: %q", g.notices)
	}
}

func TestTheReviewComparesCounters(t *testing.T) {
	for _, c := range []struct {
		name            string
		rx, tx, dropped uint64
		in, out         uint64 // seen by the pipeline
		want            []string
	}{
		{name: "all is seen", rx: 5000, tx: 5000, in: 5000, out: 5000},
		{name: "little traffic proves nothing", rx: 50, tx: 50},
		{name: "nothing is seen coming in", rx: 5000, tx: 5000, out: 5000, want: []string{"eth0 received 5000 packets and tcx ingress saw none"}},
		{name: "nothing is seen going out", rx: 5000, tx: 5000, in: 5000, want: []string{"eth0 sent 5000 packets and tcx egress saw none"}},
		{name: "it drops", rx: 5000, tx: 10, in: 5000, dropped: 4000, want: []string{"eth0 dropped 4000 received packets"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGround(t)
			d := g.watch(t, eth0)
			now := eth0
			now.RxPackets, now.TxPackets, now.RxDropped = now.RxPackets+c.rx, now.TxPackets+c.tx, now.RxDropped+c.dropped
			g.Review(d, now, c.in, c.out, d.Since.Add(settle))
			if len(g.notices) != len(c.want) {
				t.Fatalf("notices %q, want %q", g.notices, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(g.notices[i], want) {
					t.Errorf("notice %q, want %q", g.notices[i], want)
				}
			}
		})
	}
}

// A change of mode is an attach of its own: what was seen before it proves nothing.
func TestAModeChangeIsReviewedToo(t *testing.T) {
	g := newGround(t)
	d := g.watch(t, eth0)
	g.Review(d, eth0, 500, 500, d.Since.Add(settle))
	var st snap.Status
	g.ChangeMode(d, Native, func(s snap.Status) { st = s })
	g.settleAll()
	if st.Outcome == snap.Unavailable || d.Mode != Native {
		t.Fatalf("%+v, mode %s", st, d.Mode)
	}
	g.Restart(d, 500, 500)
	now := eth0
	now.RxPackets += 300
	g.Review(d, now, 500, 500, d.Since.Add(settle))
	if len(g.notices) != 1 || !strings.Contains(g.notices[0], "native XDP saw none") {
		t.Errorf("notices %q", g.notices)
	}
}

func TestTakenOffIsAttachedOnceAside(t *testing.T) {
	g := newGround(t)
	d := g.watch(t, eth0)
	_, id := d.in.IDs()
	g.plane.notThere[id] = true
	g.Check()
	g.Check() // while the program is loaded
	g.settleAll()
	_, id = d.in.IDs()
	g.plane.notThere[id] = true
	g.Check()
	g.settleAll()
	if len(g.notices) != 2 || !strings.Contains(g.notices[0], "attached again once") || !strings.Contains(g.notices[1], "stays off") {
		t.Errorf("notices %q", g.notices)
	}
	if n := strings.Count(g.plane.said(), "attach tc ingress"); n != 2 {
		t.Errorf("attached %d times: %s", n, g.plane.said())
	}
}
