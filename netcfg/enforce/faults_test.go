// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"errors"
	"os"
	"path/filepath"
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
		if step != "write" {
			r.stage("default in deny\n") // which writes: the commit finds it there
		}
		r.plane.fail[step] = broken
		if step == "write" {
			r.stage("default in deny\n")
		}
		r.bad(r.s.Commit(snap.PolicyWish{Base: kept}), "no memory")
		if v := r.s.View(false); r.plane.decides() != kept || v.Trial.Gen != 0 || v.Draft.Text == "" {
			t.Fatalf("%s failed: generation %d decides, %+v", step, r.plane.decides(), v)
		}
		delete(r.plane.fail, step)
		r.good(r.s.Commit(snap.PolicyWish{Base: kept}))
		r.good(r.s.Restore())
	}
}

// A checked draft lies in the kernel: its commit writes nothing, unless the world is another one by then.
func TestCommitTakesWhatWasChecked(t *testing.T) {
	for _, c := range []struct {
		name, text string
		between    func(*rig)
		writes     uint32
	}{
		{"at once", "default in deny\n", func(*rig) {}, 0},
		{"somebody logged in", "default in deny\n", func(r *rig) { r.s.Look(World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122)}}) }, 1},
		{"a device came", "default in deny\n", func(r *rig) { r.s.Look(World{Devices: map[string]uint16{"eth0": 1}}) }, 1},
		{"an expiry counts from the commit", "deny in udp expires 15m\n", func(r *rig) { r.pass(time.Minute) }, 1},
	} {
		r := newRig(t, nil)
		r.stage(c.text)
		c.between(r)
		before := r.plane.last
		r.good(r.s.Commit(snap.PolicyWish{}))
		if got := r.plane.last - before; got != c.writes {
			t.Errorf("%s: %d writes, want %d", c.name, got, c.writes)
		}
		if at := r.s.trial.acl.Rules; len(at) == 1 && !at[0].Expires.At.Equal(r.clock.Add(15*time.Minute)) {
			t.Errorf("%s: it ends at %s", c.name, at[0].Expires)
		}
		// A generation is tried once.
		r.good(r.s.Restore())
		before = r.plane.last
		r.good(r.s.Commit(snap.PolicyWish{}))
		if r.plane.last == before {
			t.Errorf("%s: the same generation is tried again", c.name)
		}
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
	r.plane.lie = func(acl.Packet, *acl.Decision) { r.s.mu.Lock(); r.s.kept.id = 99; r.s.mu.Unlock() } // in the preflight
	r.bad(r.s.Commit(snap.PolicyWish{}), "99 is in force")
	if r.plane.decides() != 0 {
		t.Fatal("it decides")
	}
}

// A log that can't be written holds nothing up, and is told of.
func TestAuditThatCannotBeWritten(t *testing.T) {
	r := newRig(t, nil)
	if err := r.s.End(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(r.dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.opt.Audit = filepath.Join(file, "audit.jsonl")
	r.start()
	r.keepOne("deny in udp\n")
	if err := r.s.End(); err == nil || !strings.Contains(err.Error(), "2 lines lost") {
		t.Fatalf("the end: %v", err)
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
