// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// A step that fails leaves what decided before in force, and the next try works.
func TestEveryStepMayFail(t *testing.T) {
	broken := errors.New("no memory")
	for _, step := range []string{"write", "try", "judge"} {
		r := newRig(t, nil)
		r.keepOne("deny in tcp to any port 23\n")
		kept := r.s.View(false).Kept
		r.stage("default in deny\n")
		r.plane.fail[step] = broken
		r.bad(r.s.Commit(snap.PolicyWish{Base: kept}), "no memory")
		if v := r.s.View(false); r.plane.decides() != kept || v.Trial.Gen != 0 || v.Draft.Text == "" {
			t.Fatalf("%s failed: generation %d decides, %+v", step, r.plane.decides(), v)
		}
		delete(r.plane.fail, step)
		r.good(r.s.Commit(snap.PolicyWish{Base: kept}))
		r.good(r.s.Restore())
	}
}

// A restore that fails says so and leaves the trial to its lease; the next one works.
func TestRestoreMayFail(t *testing.T) {
	r := newRig(t, nil)
	r.commit("default in deny\n")
	r.plane.fail["restore"] = errors.New("no memory")
	r.bad(r.s.Restore(), "the lease ends in 15s by itself")
	if r.s.View(false).Trial.Gen == 0 {
		t.Fatal("the trial is forgotten, and it decides")
	}
	delete(r.plane.fail, "restore")
	r.good(r.s.Restore())
	if r.plane.decides() != 0 {
		t.Fatal("the trial decides")
	}
}

// A guard that can't be written again leaves the one that decides, says so, and is tried again.
func TestRewriteMayFail(t *testing.T) {
	r := newRig(t, nil)
	r.keepOne("default in deny\n")
	kept := r.plane.decides()
	w := World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122)}}
	r.s.Look(w)
	r.plane.fail["write"] = errors.New("no memory")
	if err := r.s.Rewrite(); err == nil || !strings.Contains(err.Error(), "the one that decides stays") {
		t.Fatalf("rewrite: %v", err)
	}
	if r.plane.decides() != kept || !r.s.Look(w) {
		t.Fatal("it is not to be tried again")
	}
	delete(r.plane.fail, "write")
	if err := r.s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if v := r.s.View(false); v.Kept != kept || r.plane.decides() == kept || r.s.Look(w) {
		t.Fatalf("written again: %d decides, edition %d", r.plane.decides(), v.Kept)
	}
}

// Another trial that begins while a candidate is compiled, or an end of the session, is noticed at the switch.
func TestCommitLooksAgainBeforeItSwitches(t *testing.T) {
	r := newRig(t, nil)
	r.stage("default in deny\n")
	r.plane.meanwhile = func() { r.s.mu.Lock(); r.s.kept.id = 99; r.s.mu.Unlock() }
	r.bad(r.s.Commit(snap.PolicyWish{}), "99 is in force")
	if r.plane.decides() != 0 {
		t.Fatal("it decides")
	}
}

// Without a device nobody's words tell of the end of a lease: this process's clock does.
func TestLeaseWithoutDevices(t *testing.T) {
	r := newRig(t, nil)
	r.plane.bare = true
	r.commit("default in deny\n")
	r.pass(14 * time.Second)
	r.s.Look(World{})
	if r.s.View(false).Trial.Lease != time.Second {
		t.Fatalf("%+v", r.s.View(false).Trial)
	}
	r.pass(time.Second)
	r.s.Look(World{})
	if r.s.View(false).Trial.Gen != 0 {
		t.Fatal("the trial goes on")
	}
}
