// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"strings"
	"testing"
	"time"
)

// Whoever asks at the door gets what decides this instant, and nothing changes by asking.
func TestThePolicyInForceIsTold(t *testing.T) {
	r := newRig(t, nil)
	ask := func(want Policy) {
		t.Helper()
		got, there, err := AskPolicy(t.Context(), r.opt.Door)
		if err != nil || !there || got.Gen != want.Gen || got.Trial != want.Trial || got.Text != want.Text {
			t.Errorf("told generation %d, %d bytes, trial %v, %v, %v; want %d, %d, %v", got.Gen, len(got.Text), got.Trial, there, err, want.Gen, len(want.Text), want.Trial)
		}
	}
	ask(Policy{})
	long := strings.Repeat("deny in tcp to any port 23 # <&>\n", 3000)
	r.commit(long)
	gen := r.s.View(false).Trial.Gen
	ask(Policy{Gen: gen, Text: r.s.View(false).Trial.Text, Trial: true})
	if code := r.s.View(false).Trial.Code; code == "" {
		t.Error("asking ended the trial")
	}
	r.pass(time.Minute)
	ask(Policy{})
	if err := r.s.End(); err != nil {
		t.Fatal(err)
	}
	if _, there, err := AskPolicy(t.Context(), r.opt.Door); there || err != nil {
		t.Errorf("after the end: %v, %v", there, err)
	}
}
