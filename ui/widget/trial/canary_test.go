// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

func canary(left time.Duration) State {
	return State{Policy: &snap.Policy{Kept: 41, Canary: snap.Canary{Gen: 42, Devices: []string{"eth0\x1b[2J"}, Rest: []string{"bond0", "wg0", "eth2", "eth3"}, Left: left, Checks: uitest.Checks()}}, Left: left}
}

func TestACanarySaysHowItDoes(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	show := func(s State) string {
		p := New(env, func() (State, bool) { return s, true }, nil)
		return uitest.Draw(append([]string{First(env, s, 120), Second(env, s, 120), Short(env, s, 120, Near)}, p.View(120, 20).Lines...), 120, 24).Text()
	}
	for name, c := range map[string]struct {
		set  func(*State)
		want []string
	}{
		"well": {func(*State) {}, []string{"CANARY v42 on eth0", "the rest follows in 4:52 · checks ok", "drops/s 3 of 14", "in 4:52 on bond0, wg0, eth2 and 1 more too", "✓ drops/s                 2        3       14"}},
		"failed": {func(s *State) { c := &s.Policy.Canary.Checks[1]; c.Now, c.Failed = 120, true },
			[]string{"✗ drops/s 120, at most 14", "✗ drops/s                 2      120       14"}},
		"stalled": {func(s *State) { s.Stalled = true }, []string{"not watched any more: the kernel falls back to v41 by itself"}},
		"unknown": {func(s *State) { s.Policy.Canary.Checks = nil }, []string{"no figure is known yet"}},
	} {
		s := canary(292 * time.Second)
		c.set(&s)
		text := show(s)
		for _, w := range append(c.want, "C then n rest now · r roll back", "n    let the rest follow now", "r    roll back to v41 now") {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is missing:\n%s", name, w, text)
			}
		}
		if name != "well" && strings.Contains(text, "checks ok") {
			t.Errorf("%s: checks ok:\n%s", name, text)
		}
	}
}

func TestCanaryLinesFit(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		env, _ := uitest.Env(t, "dark", themes.TrueColor, ascii)
		bad := canary(time.Second)
		bad.Policy.Canary.Checks[3].Failed, bad.Policy.Canary.Checks[3].Name = true, "cpu %\x1b[2J of all the CPUs in interrupts"
		for _, s := range []State{canary(292 * time.Second), canary(0), canary(-time.Hour), canary(23 * time.Hour), bad} {
			panel := New(env, func() (State, bool) { return s, true }, nil)
			for w := 1; w < 200; w++ {
				lines := []string{First(env, s, w), Second(env, s, w), Short(env, s, w, After)}
				for _, f := range uitest.Faults(lines, w, 3, true) {
					t.Errorf("%d cells: %s", w, f)
				}
				if text := uitest.Draw(lines, w, 3).Text(); w >= 40 && (!strings.Contains(text, "CANARY") || !strings.Contains(text, "C then n rest now")) {
					t.Errorf("%d cells:\n%s", w, text)
				}
				if b := panel.View(w, 9); w >= 12 {
					for _, f := range uitest.Faults(b.Lines, w, 9, true) {
						t.Errorf("panel at %d cells: %s", w, f)
					}
				}
			}
		}
	}
}

// TestCanaryKeys: what ends a trial does nothing to a canary, but for going back.
func TestCanaryKeys(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	s := canary(time.Minute)
	var did []snap.IntentKind
	p := New(env, func() (State, bool) { return s, true }, func(d core.DoMsg) tea.Cmd { did = append(did, d.Intent.Kind); return nil })
	for _, k := range []string{"enter", "y", "t", "k", "C", "space", "q", "N"} {
		if done, _ := p.Key(keys.Press(k)); done || did != nil {
			t.Errorf("%s does something: %v", k, did)
		}
	}
	for _, c := range []struct {
		key  string
		kind snap.IntentKind
		done bool
	}{{"e", snap.ExtendPolicy, false}, {"r", snap.RestorePolicy, true}, {"n", snap.KeepPolicy, true}} {
		did = nil
		if done, _ := p.Key(keys.Press(c.key)); done != c.done || len(did) != 1 || did[0] != c.kind {
			t.Errorf("%s: %v, closed %v", c.key, did, done)
		}
	}
	if h := p.Hints(); h[0].Keys[0] != "n" {
		t.Errorf("%+v", h)
	}
}
