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

func state(drops, forecast float64, left time.Duration) State {
	p := &snap.Policy{Kept: 41, Trial: snap.Trial{Gen: 42, Code: "7K3F\x1b[2J", DropPPS: drops, Quiet: 2, Fresh: true}}
	p.Trial.Forecast.DropRate.PPS, p.Trial.Forecast.Of.PPS = forecast, 1e6
	return State{Policy: p, Host: "lb-07", Left: left}
}

func TestEvidence(t *testing.T) {
	for _, c := range []struct {
		drops, forecast float64
		want            string
		worse           bool
	}{
		{12300, 12300, "drops +12.3k/s, as forecast", false},
		{24000, 12300, "drops +24.0k/s, as forecast", false},
		{25000, 12300, "drops +25.0k/s, 2x the forecast", true},
		{3000, 12300, "drops +3.00k/s, forecast 12.3k/s", false},
		{0, 0, "drops +0/s, as forecast", false},
		{5, 0, "drops +5/s, as forecast", false}, // a handful is no trend
		{500, 0, "drops +500/s, none were forecast", true},
	} {
		if text, worse := state(c.drops, c.forecast, time.Second).Evidence(); text != c.want || worse != c.worse {
			t.Errorf("%g of %g: %q %v, want %q", c.drops, c.forecast, text, worse, c.want)
		}
	}
	launched := state(500, 0, time.Second)
	launched.Policy.Trial.Forecast = snap.Impact{}
	if text, worse := launched.Evidence(); text != "drops +500/s, nothing was forecast" || worse {
		t.Errorf("of a launch: %q %v", text, worse)
	}
}

// TestLinesFit at every width, and say what comes back and when.
func TestLinesFit(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		env, _ := uitest.Env(t, "dark", themes.TrueColor, ascii)
		for _, s := range []State{state(12300, 12300, 12*time.Second), state(9e9, 1, time.Millisecond), state(0, 0, 0), state(0, 0, -time.Minute)} {
			panel := New(env, func() (State, bool) { return s, true }, nil)
			for w := 1; w < 200; w++ {
				lines := []string{First(env, s, w), Second(env, s, w), Short(env, s, w, After)}
				for _, f := range uitest.Faults(lines, w, 3, true) {
					t.Errorf("%d cells: %s", w, f)
				}
				if text := uitest.Draw(lines, w, 3).Text(); w >= 40 && s.Left > 0 && (!strings.Contains(text, "0:") || !strings.Contains(text, "C then k")) {
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

func TestPanelKeys(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	s, runs := state(0, 0, time.Second), true
	var did []snap.IntentKind
	p := New(env, func() (State, bool) { return s, runs }, func(d core.DoMsg) tea.Cmd { did = append(did, d.Intent.Kind); return nil })
	for _, k := range []string{"enter", "y", "t", "C", "space", "K", "q"} {
		if done, _ := p.Key(keys.Press(k)); done || did != nil {
			t.Errorf("%s does something: %v", k, did)
		}
	}
	for _, c := range []struct {
		key  string
		kind snap.IntentKind
		done bool
	}{{"e", snap.ExtendPolicy, false}, {"r", snap.RestorePolicy, true}, {"k", snap.KeepPolicy, true}} {
		did = nil
		if done, _ := p.Key(keys.Press(c.key)); done != c.done || len(did) != 1 || did[0] != c.kind {
			t.Errorf("%s: %v, closed %v", c.key, did, done)
		}
	}
	did = nil
	s.Left = 0
	if p.Key(keys.Press("k")); did != nil {
		t.Errorf("what is over was kept: %v", did)
	}
	runs = false
	if done, _ := p.Key(keys.Press("k")); !done || did != nil {
		t.Errorf("the panel of no trial: closed %v, %v", done, did)
	}
}
