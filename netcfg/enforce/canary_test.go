// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

const (
	denyTelnet  = "deny in tcp to any port 23\n"
	canonTelnet = "deny  in  tcp to any port 23\n"
)

// twoDevices is the world of canaries: eth0 goes on as before, eth1 is the canary.
func twoDevices(ways ...acl.WayIn) World {
	return World{Devices: map[string]uint16{"eth0": 1, "eth1": 2}, Ways: ways}
}

// look tells of a host on which each counter goes up by what a second is worth.
func (r *rig) look(change func(*snap.Health)) {
	h := r.health
	h.At, h.Devices = r.clock, map[string]snap.DeviceHealth{}
	for _, name := range []string{"eth0", "eth1"} {
		d := r.health.Devices[name]
		d.Dropped += 3
		h.Devices[name] = d
	}
	h.CPU += 200
	h.SoftIRQ += 10
	h.Retransmits++
	if change != nil {
		change(&h)
	}
	r.health = h
	r.s.Health(h)
}

// seconds lets time pass with a look a second.
func (r *rig) seconds(n int, change func(*snap.Health)) {
	for range n {
		r.pass(time.Second)
		r.look(change)
	}
}

// canary keeps a canary on eth1.
func (r *rig) canary(text string, soak time.Duration) {
	r.t.Helper()
	r.s.Look(twoDevices())
	r.seconds(4, nil)
	r.stage(text)
	r.good(r.s.Commit(snap.PolicyWish{Base: r.s.kept.id, On: []string{"eth1"}, Soak: soak}))
	r.on(0, r.plane.trial)
	a := r.good(r.s.Keep(""))
	if !strings.Contains(a.Text, "on eth1") || !strings.Contains(a.Text, "the rest follows: eth0") {
		r.t.Fatalf("keep says %q", a.Text)
	}
}

// on checks how many generations ago what decides on eth0 and eth1 was written: 0 is what was kept at the start.
func (r *rig) on(rest, canary uint32) {
	r.t.Helper()
	w := r.plane.State()
	if w[0].Gen != rest || w[1].Gen != canary {
		r.t.Fatalf("eth0 is decided by %d and eth1 by %d, want %d and %d; notices %q", w[0].Gen, w[1].Gen, rest, canary, r.notices)
	}
}

func (r *rig) said(words string) {
	r.t.Helper()
	for _, n := range r.notices {
		if strings.Contains(n, words) {
			return
		}
	}
	r.t.Fatalf("no notice says %q: %q", words, r.notices)
}

func TestCanarySoaksAndTheRestFollows(t *testing.T) {
	r := newRig(t, nil)
	r.canary(denyTelnet, 30*time.Second)
	v := r.s.View(false)
	if c := v.Canary; v.Trial.Gen != 0 || c.Gen != 1 || c.Text != canonTelnet || c.Devices[0] != "eth1" || c.Rest[0] != "eth0" || c.Left != 30*time.Second || v.Kept != 0 {
		t.Fatalf("%+v %+v", v.Trial, v.Canary)
	}
	if rules := r.s.View(true).Rules; len(rules) != 1 || rules[0].Line != 1 {
		t.Errorf("no counter for the canary's rule: %+v", rules)
	}
	if by, err := r.s.DeciderAt(1); err != nil || by.Action != "deny" {
		t.Errorf("line 1 of the canary: %+v, %v", by, err)
	}
	if v.Draft.Text != denyTelnet {
		t.Errorf("the draft is %q while the rest has not followed", v.Draft.Text)
	}
	r.stage("deny in udp\n")
	r.bad(r.s.Commit(snap.PolicyWish{}), "is watched on eth1 before the rest follows")
	r.stage(denyTelnet)
	r.seconds(29, nil)
	r.on(0, 1)
	v = r.s.View(false)
	if len(v.Canary.Checks) != 5 || v.Canary.Left != time.Second || v.Canary.Lease != soakLease {
		t.Fatalf("after 29 s: %+v", v.Canary)
	}
	if c := v.Canary.Checks[1]; c.Name != "drops/s" || c.Before != 3 || c.Now != 3 || c.Limit != 16 || c.Failed {
		t.Errorf("drops: %+v", c)
	}
	if c := v.Canary.Checks[4]; c.Before != 5 || c.Now != 5 || c.Limit != 25 {
		t.Errorf("CPU: %+v", c)
	}
	r.seconds(1, nil)
	r.on(1, 1)
	v = r.s.View(false)
	if v.Canary.Gen != 0 || v.Kept != 1 || v.Text != canonTelnet || v.Draft.Text != "" || len(v.Versions) != 1 {
		t.Fatalf("after the soak: %+v", v)
	}
	if err := r.s.End(); err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, line := range strings.Split(strings.TrimSpace(readFile(t, r.opt.Audit)), "\n") {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		what = append(what, e.What)
	}
	if got := strings.Join(what, " "); got != "commit canary keep" {
		t.Errorf("the audit log tells %q", got)
	}
}

// Each figure that gets worse than its limit takes the canary back, and is named.
func TestACheckThatFailsTakesTheCanaryBack(t *testing.T) {
	for _, c := range []struct {
		words  string
		change func(*snap.Health)
	}{
		{"errors/s is ", func(h *snap.Health) { r := h.Devices["eth1"]; r.Errors += 2; h.Devices["eth1"] = r }},
		{"drops/s", func(h *snap.Health) { r := h.Devices["eth1"]; r.Dropped += 50; h.Devices["eth1"] = r }},
		{"denied/s", func(h *snap.Health) { r := h.Devices["eth1"]; r.Denied += 30; h.Devices["eth1"] = r }},
		{"retransmits/s", func(h *snap.Health) { h.Retransmits += 100 }},
		{"irq cpu %", func(h *snap.Health) { h.SoftIRQ += 60 }},
		{"quiet flows %", func(h *snap.Health) { h.Talking = map[string]int{"eth1": 10, "eth0": 1000} }},
	} {
		r := newRig(t, nil)
		r.s.Look(twoDevices())
		r.health.Talking = map[string]int{"eth1": 40}
		r.canary(denyTelnet, time.Minute)
		r.seconds(20, nil)
		r.on(0, 1)
		r.seconds(6, c.change)
		r.on(0, 0)
		r.said("taken back on eth1: " + c.words)
		if v := r.s.View(false); v.Canary.Gen != 0 || v.Kept != 0 || v.Draft.Text != denyTelnet {
			t.Errorf("%s: %+v", c.words, v)
		}
		r.bad(r.s.Keep(""), c.words)
	}
}

// What happens on the other devices is not the canary's doing, and what was foreseen is no failure.
func TestAHealthyCanaryStays(t *testing.T) {
	for name, change := range map[string]func(*snap.Health){
		"the rest drops": func(h *snap.Health) { r := h.Devices["eth0"]; r.Dropped += 500; h.Devices["eth0"] = r },
		"as before":      nil,
		"went back":      func(h *snap.Health) { h.Devices["eth1"] = snap.DeviceHealth{}; h.Retransmits = 0 },
		"foreseen":       func(h *snap.Health) { r := h.Devices["eth1"]; r.Denied += 30; h.Devices["eth1"] = r },
	} {
		r := newRig(t, nil)
		r.s.Look(twoDevices())
		r.seconds(4, nil)
		flow := snap.Flow{Device: "eth1", Key: snap.FlowKey{Src: snap.AddrFrom(ssh("10.0.0.8", 1).Peer), Dst: snap.AddrFrom(ssh("10.0.0.8", 1).Local), Proto: acl.TCP, DPort: 23}}
		flow.Rates[0].PPS = 30
		r.good(r.s.Stage(snap.PolicyWish{Text: denyTelnet}, []snap.Flow{flow}))
		r.good(r.s.Commit(snap.PolicyWish{On: []string{"eth1"}, Soak: time.Minute}))
		r.good(r.s.Keep(""))
		r.seconds(40, change)
		if r.plane.State()[1].Gen != 1 {
			t.Errorf("%s: it was taken back: %q", name, r.notices)
		}
	}
}

func TestKeysDuringASoak(t *testing.T) {
	t.Run("restore", func(t *testing.T) {
		r := newRig(t, nil)
		r.canary(denyTelnet, time.Minute)
		r.good(r.s.Restore())
		r.on(0, 0)
		r.bad(r.s.Restore(), "no trial")
	})
	t.Run("keep", func(t *testing.T) {
		r := newRig(t, nil)
		r.canary(denyTelnet, time.Minute)
		code := r.s.trial.code
		r.bad(r.s.keepFrom(code, actor{Who: "other", Fresh: true}), "kept already")
		r.bad(r.s.keepFrom("wrong", actor{Who: "other", Fresh: true}), "not the code")
		r.bad(r.s.Keep(code), "kept already")
		r.good(r.s.Keep(snap.Rest))
		r.on(1, 1)
		r.bad(r.s.Keep(snap.Rest), "no trial is running")
		if r.s.View(false).Kept != 1 {
			t.Error("it is not kept")
		}
	})
	t.Run("extend", func(t *testing.T) {
		r := newRig(t, nil)
		r.canary(denyTelnet, 20*time.Second)
		r.seconds(15, nil)
		r.good(r.s.Extend(0))
		r.seconds(19, nil)
		r.on(0, 1)
		r.seconds(1, nil)
		r.on(1, 1)
	})
	t.Run("end", func(t *testing.T) {
		r := newRig(t, nil)
		r.canary(denyTelnet, time.Minute)
		if err := r.s.End(); err != nil {
			t.Fatal(err)
		}
		r.on(0, 0)
	})
}

// A process that stalls renews nothing: the plane goes back by itself, and that is told afterwards.
func TestAStalledEngineLosesItsCanary(t *testing.T) {
	r := newRig(t, nil)
	r.canary(denyTelnet, time.Minute)
	r.seconds(10, nil)
	r.pass(soakLease)
	r.on(0, 0)
	r.look(nil)
	r.said("was not renewed")
	if v := r.s.View(false); v.Canary.Gen != 0 || v.Kept != 0 {
		t.Errorf("%+v", v)
	}
}

func TestCanariesThatAreNone(t *testing.T) {
	r := newRig(t, nil)
	r.s.Look(twoDevices())
	r.stage(denyTelnet)
	commit := func(w snap.PolicyWish) snap.Answer { return r.s.Commit(w) }
	r.bad(commit(snap.PolicyWish{On: []string{"eth1"}}), "try again in a moment")
	r.seconds(4, nil)
	r.bad(commit(snap.PolicyWish{On: []string{"eth7"}}), "canary eth7: no such device is watched, and these are: eth0, eth1")
	r.bad(commit(snap.PolicyWish{On: []string{"eth1", "eth0", "eth1"}}), "none would follow")
	r.bad(commit(snap.PolicyWish{On: []string{"eth1"}, Soak: time.Millisecond}), "from 1s to 24h")
	r.good(commit(snap.PolicyWish{On: []string{"eth1"}}))
	r.bad(r.s.Keep(snap.Rest), "no canary is watched")
	r.good(r.s.Restore())
	if r.plane.trial != r.plane.kept {
		t.Error("a trial is left")
	}
}

// The device that is tried first may go: there is nothing to be watched then, and its slot may be another's.
func TestACanaryThatFliesAway(t *testing.T) {
	for _, world := range []World{
		{Devices: map[string]uint16{"eth0": 1}}, {Devices: map[string]uint16{"eth0": 1, "eth1": 3}}, {Devices: map[string]uint16{"eth0": 1, "eth2": 2}},
	} {
		for _, keep := range []bool{false, true} {
			r := newRig(t, nil)
			r.canary(denyTelnet, time.Minute)
			if !keep {
				r.good(r.s.Restore())
				r.good(r.s.Commit(snap.PolicyWish{On: []string{"eth1"}}))
			}
			r.s.Look(world)
			if r.plane.trial != r.plane.kept {
				t.Errorf("%v, kept %v: the trial is left", world.Devices, keep)
			}
			r.said("eth1, where it was tried first, is gone")
		}
	}
}

// Nobody sits at the keys when the rest follows: who has logged in meanwhile must not be cut.
func TestTheRestFollowsOnlyWhereNobodyIsCut(t *testing.T) {
	r := newRig(t, func(o *Options) { o.NoGuard = true })
	r.s.Look(twoDevices(ssh("10.0.0.8", 50122)))
	r.seconds(4, nil)
	r.stage(denySSH)
	r.bad(r.s.Commit(snap.PolicyWish{On: []string{"eth1"}, Host: "gate"}), "may not cut a way in")
	for _, more := range []string{"dev eth0", "dev not eth1", "established"} { // where the packets of a way in arrive is not known
		r.stage("deny in tcp to any port 22 " + more + "\n")
		r.bad(r.s.Commit(snap.PolicyWish{On: []string{"eth1"}, Host: "gate"}), "may not cut a way in")
	}
	r.canary("deny in tcp from 10.0.0.9 to any port 22 dev eth0\n", 10*time.Second)
	r.s.Look(twoDevices(ssh("10.0.0.9", 50123)))
	r.bad(r.s.Keep(""), "would cut a way in")
	r.seconds(10, nil)
	r.said("would cut a way in: ssh 10.0.0.9")
	if r.plane.trial != r.plane.kept || r.s.View(false).Kept != 0 {
		t.Error("it was kept")
	}
}

// Who logs in at the end of a soak is in the guard a moment later: that it is not written yet is no reason to go back.
func TestALoginAtTheEndOfASoak(t *testing.T) {
	r := newRig(t, nil)
	r.canary("default in deny\n", 3*time.Second)
	r.seconds(2, nil)
	if !r.s.Look(twoDevices(ssh("10.0.0.8", 50122))) {
		t.Fatal("nothing is to be written again")
	}
	r.seconds(1, nil)
	r.on(r.plane.last, r.plane.last)
	if err := r.s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if said, err := r.plane.Judge(r.plane.decides(), ssh("10.0.0.8", 50122).Packets(), nil); err != nil || said[0].Verdict != acl.Allow {
		t.Errorf("who logged in: %+v, %v", said, err)
	}
}

// Operators who log in during a soak change the guard: the canary is written again, on its device, and so is the rest.
func TestACanaryIsWrittenAgain(t *testing.T) {
	r := newRig(t, nil)
	r.canary(denyTelnet, time.Minute)
	if !r.s.Look(twoDevices(ssh("10.0.0.8", 50122))) {
		t.Fatal("nothing is to be written again")
	}
	if err := r.s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	r.on(0, r.plane.last)
	if g := r.plane.written[r.plane.last].Guard; len(g) == len(acl.Guard(nil)) {
		t.Error("the guard does not know who logged in")
	}
	r.seconds(59, nil)
	r.on(0, r.plane.last)
	r.seconds(1, nil)
	r.on(r.plane.last, r.plane.last)
}

// Whatever step of a soak fails, the lease is what is left: it ends, and what was kept decides.
func TestEveryStepOfASoakMayFail(t *testing.T) {
	broken := errors.New("no memory")
	for step, words := range map[string]string{"extend": "renew the canary's lease", "keep": "does not follow on the rest", "restore": "by itself"} {
		r := newRig(t, nil)
		r.canary(denyTelnet, 10*time.Second)
		r.seconds(5, nil)
		r.plane.fail[step] = broken
		worse := func(h *snap.Health) { d := h.Devices["eth1"]; d.Errors += 100; h.Devices["eth1"] = d }
		if step != "restore" {
			worse = nil
		}
		r.seconds(11, worse)
		r.on(0, 0)
		r.said(words)
		delete(r.plane.fail, step)
		r.seconds(1, nil)
		if v := r.s.View(false); v.Canary.Gen != 0 || v.Kept != 0 {
			t.Errorf("%s: %+v", step, v.Canary)
		}
		r.good(r.s.Commit(snap.PolicyWish{}))
	}
	r := newRig(t, nil)
	r.s.Look(twoDevices())
	r.seconds(4, nil)
	r.stage(denyTelnet)
	r.good(r.s.Commit(snap.PolicyWish{On: []string{"eth1"}}))
	r.plane.fail["extend"] = broken
	r.bad(r.s.Keep(""), "no memory")
	if v := r.s.View(false); v.Trial.Gen == 0 || v.Canary.Gen != 0 {
		t.Errorf("a keep that failed: %+v", v.Trial)
	}
}
