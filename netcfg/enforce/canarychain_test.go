// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// A canary has all devices of a chain that it changes, or none.
func TestACanaryHasWholeChains(t *testing.T) {
	const (
		fw   = "chain fw in eth0 match any service via 10.9.0.2 dev eth1 return eth2 via 10.9.1.2 mark 0x10/0xf0 upstream via 10.0.0.1 dev eth3 fail open\n"
		ids  = "chain ids in eth4 match any service via 10.8.0.2 dev eth5 return eth6 via 10.8.1.2 mark 0x20/0xf0 upstream via 10.0.0.1 dev eth3 fail open\n"
		rule = "deny in tcp to any port 23\n"
	)
	fw2, idsOff := strings.Replace(fw, "0x10/", "0x30/", 1), "off "+ids
	for _, c := range []struct {
		name       string
		kept, next string
		on         string
		missing    string // "": it is allowed
	}{
		{"no chain", "", rule, "eth9", ""},
		{"the same chains", fw + ids, fw + ids + rule, "eth0", ""},
		{"the same with a comment", fw, strings.TrimSpace(fw) + "  # why\n" + rule, "eth0", ""},
		{"a new one, whole", "", fw, "eth0 eth1 eth2 eth3", ""},
		{"a new one, a part", "", fw, "eth0 eth1", "chain fw goes by eth2, eth3 too"},
		{"a new one elsewhere", "", fw, "eth9", "chain fw goes by eth0, eth1, eth2, eth3 too"},
		{"another mark, whole", fw, fw2, "eth0 eth1 eth2 eth3", ""},
		{"another mark, a part", fw, fw2, "eth0 eth1 eth2", "chain fw goes by eth3 too"},
		{"one goes, a part", fw + ids, fw, "eth4 eth5 eth3", "chain ids goes by eth6 too"},
		{"one goes, whole", fw + ids, fw, "eth3 eth4 eth5 eth6", ""},
		{"one is switched off, a part", fw + ids, fw + idsOff, "eth4", "chain ids goes by"},
		{"one that is off changes", idsOff, strings.Replace(idsOff, "0x20/", "0x40/", 1), "eth9", ""},
		{"they change places", fw + ids, ids + fw, "eth0 eth1 eth2 eth3", "chain ids goes by eth4, eth5, eth6 too"},
		{"one behind the others", fw + ids, fw2 + ids, "eth4 eth5 eth6 eth3", "chain fw goes by eth0, eth1, eth2 too"},
	} {
		kept, next := chainsOf(t, c.kept), chainsOf(t, c.next)
		err := wholeChains(kept.Chains, next.Chains, &canary{on: strings.Fields(c.on)})
		if c.missing == "" && err != nil || c.missing != "" && (err == nil || !strings.Contains(err.Error(), c.missing)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.missing)
		}
		if err := wholeChains(kept.Chains, next.Chains, &canary{}); err != nil {
			t.Errorf("%s, on all devices: %v", c.name, err)
		}
	}
}

func chainsOf(t *testing.T, text string) acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return f.ACL()
}

// What steers packets stands for what was kept and for the canary as long as both decide, and follows what becomes of it.
func TestSteeringFollowsACanary(t *testing.T) {
	const fw = "chain fw in eth1 match any service via 10.9.0.2 dev eth2 return eth3 via 10.9.1.2 mark 0x10/0xf0 upstream via 10.0.0.1 dev eth4 fail open\n"
	fw2 := strings.Replace(fw, "0x10/", "0x30/", 1)
	world := World{Devices: map[string]uint16{"eth0": 1, "eth1": 2, "eth2": 3, "eth3": 4, "eth4": 5}}
	whole := []string{"eth1", "eth2", "eth3", "eth4"}
	start := func() (*rig, *fakeSteering) {
		f := &fakeSteering{said: make(chan struct{}, 1)}
		r := newRig(t, nil)
		r.s.SteerBy(f)
		r.s.Look(world)
		r.seconds(4, nil)
		r.commit(fw)
		r.good(r.s.Keep(""))
		f.last(t, "kept fw0x10/0xf0 trial ")
		r.stage(fw2)
		r.bad(r.s.Commit(snap.PolicyWish{Base: r.s.kept.id, On: []string{"eth1"}}), "chain fw goes by eth2, eth3, eth4 too")
		r.good(r.s.Commit(snap.PolicyWish{Base: r.s.kept.id, On: whole, Soak: 10 * time.Second}))
		f.last(t, "kept fw0x10/0xf0 trial fw0x30/0xf0")
		r.good(r.s.Keep(""))
		r.seconds(5, nil)
		f.last(t, "kept fw0x10/0xf0 trial fw0x30/0xf0")
		return r, f
	}
	for name, c := range map[string]struct {
		do   func(*rig)
		last string
	}{
		"the rest follows": {func(r *rig) { r.seconds(6, nil) }, "kept fw0x30/0xf0 trial "},
		"kept before":      {func(r *rig) { r.good(r.s.Keep("")) }, "kept fw0x30/0xf0 trial "},
		"restored":         {func(r *rig) { r.good(r.s.Restore()) }, "kept fw0x10/0xf0 trial "},
		"stalled":          {func(r *rig) { r.pass(soakLease); r.look(nil) }, "kept fw0x10/0xf0 trial "},
		"a device of it is gone": {func(r *rig) {
			r.s.Look(World{Devices: map[string]uint16{"eth0": 1, "eth1": 2, "eth2": 3, "eth4": 5}})
		}, "kept fw0x10/0xf0 trial "},
		"hooktop ends": {func(r *rig) {
			if err := r.s.End(); err != nil {
				t.Error(err)
			}
		}, "close"},
	} {
		t.Run(name, func(t *testing.T) {
			r, f := start()
			c.do(r)
			f.last(t, c.last)
			r.on(r.plane.kept, r.plane.kept)
			f.mu.Lock()
			defer f.mu.Unlock()
			if slices.Contains(f.log, "kept  trial ") {
				t.Errorf("nothing was steered for a while: %q", f.log)
			}
		})
	}
}
