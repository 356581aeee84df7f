// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"strings"
	"sync"
	"testing"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// Commits from the same base at once, and keeps and restores of the same trial: one of each counts, the others are told why not.
func TestOneOfManyChangesCounts(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Draft, o.State, o.Audit, o.Door = "", "", "", "" })
	texts := []string{"default in deny\n", "deny in udp\n"}
	together := func(n int, do func(i int) snap.Answer) (good []string, refused []string) {
		answers := make([]snap.Answer, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { answers[i] = do(i) })
		}
		all.Wait()
		for _, a := range answers {
			if a.Err == "" {
				good = append(good, a.Text)
			} else {
				refused = append(refused, a.Err)
			}
		}
		return good, refused
	}
	for race := range ktest.Rounds(t, 200) {
		r.stage(texts[race%2])
		base := r.s.kept.id
		good, refused := together([]int{2, 10}[race/2%2], func(int) snap.Answer { return r.s.Commit(snap.PolicyWish{Base: base}) })
		for _, why := range refused {
			if !strings.Contains(why, "a trial is running") {
				t.Fatalf("race %d: refused: %s", race, why)
			}
		}
		if len(good) != 1 || r.plane.trial == r.plane.kept {
			t.Fatalf("race %d: %d commits from one base", race, len(good))
		}
		trial := r.plane.trial
		good, _ = together(10, func(i int) snap.Answer {
			if i%2 == 0 {
				return r.s.Keep("")
			}
			return r.s.Restore()
		})
		kept, what := r.plane.kept == trial, "restored"
		if kept {
			what = "kept"
		}
		if len(good) != 1 || r.plane.trial != r.plane.kept || r.s.View(false).Trial.Gen != 0 {
			t.Fatalf("race %d: %s, and %d answers say that something was done: %q", race, what, len(good), good)
		}
		if !kept { // the next race's text must be another one than what is in force
			r.commit(texts[race%2])
			r.good(r.s.Keep(""))
		}
	}
}
