// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

const denySSH = "deny in tcp to any port 22\n"

func TestLeaseEndsByItself(t *testing.T) {
	r := newRig(t, nil)
	r.commit("deny in tcp to any port 23\n")
	if v := r.s.View(false); v.Trial.Gen == 0 || v.Trial.Lease != DefaultLease || v.Kept != 0 {
		t.Fatalf("trial: %+v", v.Trial)
	}
	r.bad(r.s.Commit(snap.PolicyWish{}), "a trial is running")
	r.pass(DefaultLease)
	r.bad(r.s.Keep(""), "the lease is over")
	if v := r.s.View(false); v.Trial.Gen != 0 || v.Kept != 0 {
		t.Fatalf("after the lease: %+v", v)
	}
	r.bad(r.s.Restore(), "no trial is running")
	r.bad(r.s.Extend(0), "no trial is running")
}

func TestKeepAndRestore(t *testing.T) {
	r := newRig(t, nil)
	r.commit("deny in tcp to any port 23\n")
	r.pass(10 * time.Second)
	r.good(r.s.Extend(20 * time.Second))
	r.pass(15 * time.Second)
	r.good(r.s.Keep(""))
	first := r.s.View(true)
	if first.Kept == 0 || first.Trial.Gen != 0 || len(first.Versions) != 1 || first.Draft.Text != "" {
		t.Fatalf("kept: %+v", first)
	}
	r.bad(r.s.Commit(snap.PolicyWish{Base: first.Kept}), "there is no draft")
	r.stage("deny in tcp to any port 24\n")
	r.bad(r.s.Commit(snap.PolicyWish{Base: 77}), "v77")
	r.bad(r.s.Commit(snap.PolicyWish{Base: first.Kept, Text: "deny in udp\n"}), "review it again")
	r.bad(r.s.Commit(snap.PolicyWish{Base: first.Kept, Lease: 61 * time.Second}), "from 1s to 1m0s")
	r.good(r.s.Commit(snap.PolicyWish{Base: first.Kept}))
	r.good(r.s.Restore())
	if v := r.s.View(false); v.Kept != first.Kept || r.plane.decides() != r.s.kept.gen {
		t.Fatalf("generation %d decides, v%d is kept, want v%d", r.plane.decides(), v.Kept, first.Kept)
	}
}

// An operator is told v1, v2, v3, whatever generations of the kernel checks and logins use up, and each device shows the same.
func TestVersionsCountTrials(t *testing.T) {
	r := newRig(t, nil)
	r.s.Look(twoDevices())
	for want := uint32(1); want < 4; want++ {
		for port := range 5 {
			r.stage(fmt.Sprintf("deny in tcp to any port %d\n", 1+port))
		}
		r.commit(fmt.Sprintf("deny in udp to any port %d\n", want))
		if r.s.Look(twoDevices(ssh("10.0.0.8", uint16(50000+want)))) {
			if err := r.s.Rewrite(); err != nil {
				t.Fatal(err)
			}
		}
		if v := r.s.View(false); v.Trial.Gen != want || v.Devices[0].Gen != want || v.Devices[1].Gen != want {
			t.Errorf("trial %d is v%d, on devices %+v", want, v.Trial.Gen, v.Devices)
		}
		if r.good(r.s.Keep("")); r.s.View(false).Kept != want {
			t.Errorf("trial %d is kept as v%d", want, r.s.View(false).Kept)
		}
	}
	if gen := r.plane.decides(); gen <= 3 {
		t.Errorf("generation %d decides: nothing was used up", gen)
	}
}

// The first policy is written for the devices and the guard that were there by then: to write it again would begin the counters of every
// flow anew, for nothing.
func TestTheFirstCommitIsWrittenOnce(t *testing.T) {
	r := newRig(t, nil)
	world := twoDevices(ssh("10.0.0.8", 50122))
	r.s.Look(world)
	r.commit("deny in udp\n")
	if gen := r.plane.decides(); r.s.Look(world) {
		t.Errorf("generation %d is to be written again, and nothing has moved since", gen)
	}
	if !r.s.Look(twoDevices()) {
		t.Error("the guard has moved, and nothing is written again")
	}
	// While the commit is checked somebody leaves: it was written for who was there before.
	r = newRig(t, nil)
	r.s.Look(world)
	r.stage("deny in udp\n")
	r.plane.lie = func(acl.Packet, *acl.Decision) { r.s.Look(twoDevices()) }
	r.good(r.s.Commit(snap.PolicyWish{}))
	r.plane.lie = nil
	if !r.s.Look(twoDevices()) {
		t.Error("the guard moved during the commit, and nothing is written again")
	}
}

func TestDraftSurvivesTheSession(t *testing.T) {
	r := newRig(t, nil)
	r.stage("deny in tcp to any port 23\ndeny nonsense\n")
	if d := r.s.View(false).Draft; len(d.Errors) != 1 || !strings.Contains(d.Errors[0], "line 2, column 6") {
		t.Fatalf("errors: %q", d.Errors)
	}
	r.bad(r.s.Commit(snap.PolicyWish{}), "line 2")
	if err := r.s.End(); err != nil {
		t.Fatal(err)
	}
	r.start()
	if d := r.s.View(false).Draft; !strings.Contains(d.Text, "deny nonsense") || d.Checked {
		t.Fatalf("taken up: %+v", d)
	}
	info, err := os.Stat(r.opt.Draft)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the draft: %v, %v", info, err)
	}
	r.good(r.s.Stage(snap.PolicyWish{}, nil))
	if _, err := os.Stat(r.opt.Draft); !os.IsNotExist(err) {
		t.Fatalf("the dropped draft is there: %v", err)
	}
}

func TestCutNeedsTheHostsName(t *testing.T) {
	for _, noGuard := range []bool{false, true} {
		r := newRig(t, func(o *Options) { o.NoGuard = noGuard })
		r.s.Look(World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122)}})
		r.stage(denySSH)
		if d := r.s.View(false).Draft; (len(d.Cuts) > 0) != noGuard {
			t.Fatalf("no guard %v: cuts %q", noGuard, d.Cuts)
		}
		if noGuard {
			r.bad(r.s.Commit(snap.PolicyWish{}), "type the name of this host, gate")
			r.bad(r.s.Commit(snap.PolicyWish{Host: "gale"}), `"gale" is not the name`)
		}
		r.good(r.s.Commit(snap.PolicyWish{Host: "gate"}))
	}
	// Rules that end may close a way in that stands open now, when nobody holds a lease any more.
	for text, cut := range map[string]string{
		"default in deny\nallow in tcp to any port 22 expires 15m\n":                                                                "deny by default, from 2026-05-01T12:15:00Z on",
		"allow in from 10.0.0.8 expires 1h\nallow in tcp to any port 22 expires 2h\ndeny in tcp to any port 22 expires 3h\n":        "deny by line 3, from 2026-05-01T14:00:00Z on",
		"allow in from 10.0.0.8 expires 2h\ndeny in tcp to any port 22 expires 1h\n":                                                "",
		"default in deny\nallow in from 10.0.0.8 established expires 1m\nallow in tcp to any port 22 expires 1h\n":                  "deny by default, from 2026-05-01T13:00:00Z on",
		"default in deny\nallow in from 10.0.0.8 expires 1m\nallow in tcp to any port 22\ndeny in tcp to any port 23 expires 10m\n": "",
	} {
		r := newRig(t, func(o *Options) { o.NoGuard = true })
		r.s.Look(World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122)}})
		r.stage(text)
		d := r.s.View(false).Draft
		if got := strings.Join(d.Cuts, "\n"); cut == "" && got != "" || !strings.HasSuffix(got, cut) {
			t.Errorf("%s is warned of: %q, want %q", text, got, cut)
		}
		if cut != "" {
			r.bad(r.s.Commit(snap.PolicyWish{}), "type the name of this host, gate")
		}
	}
	r := newRig(t, nil)
	r.s.Look(World{NoRemote: true})
	r.stage(denySSH)
	r.bad(r.s.Commit(snap.PolicyWish{}), "no remote session to protect")
	r.good(r.s.Commit(snap.PolicyWish{Host: "gate"}))
}

func TestProgramThatDiffersDecidesNothing(t *testing.T) {
	r := newRig(t, nil)
	r.s.Look(World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122)}})
	r.stage("deny in tcp to any port 23\n")
	r.plane.lie = func(k acl.Packet, d *acl.Decision) {
		if k.NotIP {
			d.Verdict = acl.Deny
		}
	}
	r.bad(r.s.Commit(snap.PolicyWish{}), "would not do what the rules say")
	if r.plane.decides() != 0 || r.s.View(false).Trial.Gen != 0 {
		t.Fatal("it decides")
	}
}

func TestGuardFollowsLogins(t *testing.T) {
	r := newRig(t, nil)
	r.s.Look(World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122)}})
	r.commit("default in deny\n")
	id := r.s.View(false).Trial.Gen
	before := r.plane.deadline
	r.pass(5 * time.Second)
	later := World{Ways: []acl.WayIn{ssh("10.0.0.8", 50122), ssh("10.0.0.9", 50200)}}
	if !r.s.Look(later) {
		t.Fatal("nothing to write again")
	}
	if err := r.s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if r.s.Look(later) {
		t.Fatal("still something to write again")
	}
	v := r.s.View(true)
	if !v.Trial.Fresh || v.Trial.Gen != id || !r.plane.deadline.Equal(before) {
		t.Fatalf("trial %+v, deadline %v, before %v", v.Trial, r.plane.deadline, before)
	}
	said, err := r.plane.Judge(r.plane.decides(), ssh("10.0.0.9", 50200).Packets(), nil)
	if err != nil || said[0].Verdict != acl.Allow {
		t.Fatalf("who logged in later: %+v, %v", said, err)
	}
	again := World{Ways: append(later.Ways, ssh("10.0.0.9", 50201))}
	if r.s.Look(again) {
		t.Fatal("a second session from the same peer writes the policy again")
	}
	// Who lost the connection that hooktop was started by gets in by another one; other people's lines go with their connections.
	own := ssh("10.0.0.7", 50300)
	own.Own = true
	for _, ways := range [][]acl.WayIn{{own, ssh("10.0.0.9", 50200)}, {}} {
		r.s.Look(World{Ways: ways})
		if err := r.s.Rewrite(); err != nil {
			t.Fatal(err)
		}
	}
	for peer, want := range map[string]acl.Action{"10.0.0.7": acl.Allow, "10.0.0.9": acl.Deny} {
		if said, err = r.plane.Judge(r.plane.decides(), ssh(peer, 50400).Packets(), nil); err != nil || said[0].Verdict != want {
			t.Errorf("who comes back from %s: %+v, %v", peer, said, err)
		}
	}
	// A rewrite that ends after the lease revives nothing.
	r.plane.meanwhile = func() { r.pass(time.Minute) }
	r.s.Look(World{})
	if err := r.s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if r.plane.decides() != 0 {
		t.Fatalf("generation %d decides after the lease", r.plane.decides())
	}
}

func TestCountersSurviveEdits(t *testing.T) {
	r := newRig(t, nil)
	r.commit("deny in tcp to any port 23\ncount in udp\n")
	r.plane.counts[r.plane.decides()] = Counts{Rules: []Count{{Packets: 10, Bytes: 600}, {Packets: 3, Bytes: 90}}}
	r.good(r.s.Keep(""))
	r.commit("# moved, edited in place and commented\ncount in udp # names\ndeny in tcp to any port 23,24\n")
	r.s.Count()
	v := r.s.View(true)
	if len(v.Rules) != 2 || v.Rules[0].Packets != 3 || v.Rules[0].Line != 2 {
		t.Fatalf("rules: %+v", v.Rules)
	}
	r.good(r.s.Restore())
	r.commit("deny in tcp to any port 23,24\ncount in udp\n")
	r.plane.counts[r.plane.decides()] = Counts{Rules: []Count{{Packets: 5, Bytes: 300}, {Packets: 1, Bytes: 30}}}
	r.pass(time.Second)
	r.s.Count()
	if v := r.s.View(true); v.Rules[0].Packets != 15 || v.Rules[1].Packets != 4 {
		t.Fatalf("edited in place: %+v", v.Rules)
	}
}

func TestReaderOnlyStages(t *testing.T) {
	r := newRig(t, func(o *Options) { o.ReadOnly = "pid 7 holds the pen" })
	r.stage(denySSH)
	for _, a := range []snap.Answer{
		r.s.Commit(snap.PolicyWish{}), r.s.Keep(""), r.s.Restore(), r.s.Extend(0), r.s.Save(filepath.Join(r.dir, "x"), ""),
	} {
		r.bad(a, "pid 7 holds the pen")
	}
	if r.plane.last != 0 {
		t.Fatal("a reader wrote to the plane")
	}
	if _, err := os.Stat(r.opt.Door); !os.IsNotExist(err) {
		t.Fatalf("a reader listens: %v", err)
	}
}

// The code proves a fresh login: it is in the view that the bar is made of, and in nothing that is read without one.
func TestTheCodeIsNotTold(t *testing.T) {
	r := newRig(t, nil)
	var heard []snap.Event
	r.s.Hear(func(e snap.Event) { heard = append(heard, e) })
	r.commit("deny in tcp to any port 23\n")
	code := r.s.View(false).Trial.Code
	if code == "" {
		t.Fatal("the bar has no code")
	}
	r.good(r.s.Extend(time.Second))
	r.good(r.s.Restore())
	if err := r.s.End(); err != nil {
		t.Fatal(err)
	}
	audit, err := os.ReadFile(r.opt.Audit)
	if err != nil {
		t.Fatal(err)
	}
	if said := fmt.Sprintf("%q %+v %s", r.notices, heard, audit); strings.Contains(said, code) || len(r.notices) < 2 || len(heard) < 2 {
		t.Errorf("%s is in, or something lacks of, %s", code, said)
	}
}

func TestKeepFromAFreshLogin(t *testing.T) {
	r := newRig(t, nil)
	ctx := context.Background()
	if _, err := Knock(ctx, r.opt.Door, "abc"); err == nil || !strings.Contains(err.Error(), "no trial is running") {
		t.Fatalf("no trial: %v", err)
	}
	r.commit("deny in tcp to any port 23\n")
	code := r.s.View(false).Trial.Code
	for _, wrong := range []string{"", "abcdef", code + "x"} {
		if _, err := Knock(ctx, r.opt.Door, wrong); err == nil || !strings.Contains(err.Error(), "not the code") {
			t.Fatalf("code %q: %v", wrong, err)
		}
	}
	text, err := Knock(ctx, r.opt.Door, code)
	if err != nil || !strings.Contains(text, "is kept") {
		t.Fatalf("%q, %v", text, err)
	}
	r.commit("deny in tcp to any port 24\n")
	if next := r.s.View(false).Trial.Code; next == code {
		t.Fatal("the same code again")
	}
	code = r.s.View(false).Trial.Code
	r.pass(time.Minute)
	if _, err := Knock(ctx, r.opt.Door, code); err == nil || !strings.Contains(err.Error(), "lease is over") {
		t.Fatalf("late: %v", err)
	}
	info, err := os.Stat(r.opt.Door)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("door: %v, %v", info, err)
	}
	if err := r.s.End(); err != nil {
		t.Fatal(err)
	}
	if _, err := Knock(ctx, r.opt.Door, code); err == nil || !strings.Contains(err.Error(), "no hooktop") {
		t.Fatalf("after the end: %v", err)
	}
}

func TestEveryTransitionIsAudited(t *testing.T) {
	var heard []string
	var kinds []string
	r := newRig(t, func(o *Options) { o.Events = func(line []byte) { heard = append(heard, string(line)) } })
	r.s.Hear(func(e snap.Event) {
		kinds = append(kinds, e.Kind)
		if e.Gen == 0 || e.Text == "" || e.At.IsZero() {
			t.Errorf("%+v", e)
		}
	})
	r.commit("deny in tcp to any port 23\n")
	r.good(r.s.Keep(""))
	r.good(r.s.Save(filepath.Join(r.dir, "policy"), ""))
	r.commit("deny in tcp to any port 24\n")
	r.good(r.s.Restore())
	r.commit("deny in tcp to any port 25\n")
	r.pass(time.Minute)
	r.s.Look(World{})
	r.commit("deny in tcp to any port 26\n")
	if err := r.s.End(); err != nil {
		t.Fatal(err)
	}
	if r.plane.decides() != r.plane.kept {
		t.Fatal("the end left a trial")
	}
	want := []string{"commit", "keep", "save", "commit", "restore", "commit", "lease over", "commit", "restore"}
	if !slices.Equal(kinds, want) {
		t.Errorf("told of %q", kinds)
	}
	for _, lines := range [][]string{heard, strings.Split(strings.TrimSpace(readFile(t, r.opt.Audit)), "\n")} {
		if len(lines) != len(want) {
			t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), strings.Join(lines, "\n"))
		}
		for i, line := range lines {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			if e.What != want[i] || e.Who == "" || e.Schema != AuditSchema || e.Generation == 0 {
				t.Fatalf("line %d: %+v, want %s", i, e, want[i])
			}
			if e.Base == e.Generation && e.What != "save" {
				t.Fatalf("line %d: it is its own base: %+v", i, e)
			}
			if e.What == "commit" && len(e.Diff) == 0 {
				t.Fatalf("line %d has no diff", i)
			}
		}
	}
}
