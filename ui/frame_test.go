// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

// scenes are the shell's own screens, as keys after a frame.
func scenes() map[string][]string {
	return map[string][]string{
		"shell": nil, "help": {"?"}, "palette": {":", "t", "h"}, "start": {"!"}, "log": {"@"}, "paused": {"space"}, "confirm": {"x"},
	}
}

func staged(t testing.TB, w, h int, ks []string, set ...setting) *stage {
	s := newStage(t, w, h, set...)
	s.frame()
	s.press(ks...)
	return s
}

func (s *stage) lines() []string { return strings.Split(s.m.View().Content, "\n") }

func TestGoldenFrames(t *testing.T) {
	t.Setenv("TZ", "UTC")
	utc := func(_ *Options, env *core.Env, _ *look) { env.Units.UTC = true }
	for name, ks := range scenes() {
		for _, size := range uitest.Sizes() {
			s := staged(t, size[0], size[1], ks, utc)
			uitest.GoldenScreen(t, fmt.Sprintf("%s_%dx%d", name, size[0], size[1]), s.view(), size[0] == 80)
		}
	}
	for _, size := range [][2]int{{20, 5}, {39, 24}, {60, 9}} {
		s := staged(t, size[0], size[1], nil, utc)
		uitest.GoldenScreen(t, fmt.Sprintf("small_%dx%d", size[0], size[1]), s.view(), false)
	}
}

// TestProfilesAndThemes: the shell, the help and the palette in every palette and profile, with glyphs of both sets.
func TestProfilesAndThemes(t *testing.T) {
	for _, p := range []themes.Profile{themes.TrueColor, themes.ANSI256, themes.ANSI16, themes.NoColor} {
		for _, name := range themes.Names() {
			for _, ascii := range []bool{false, true} {
				for scene, ks := range scenes() {
					s := staged(t, 80, 24, ks, func(_ *Options, env *core.Env, l *look) {
						l.profile, l.background = p, themes.LightBackground
						env.Theme, _ = themes.Builtin(name, p)
						if ascii {
							env.Glyphs = themes.ASCII()
						}
					})
					s.m.env.Theme = s.m.painted(s.m.env.Theme)
					s.m.views.dirty = true
					got := s.lines()
					faults := uitest.Faults(got, 80, 24, true)
					if len(got) != 24 {
						faults = append(faults, fmt.Sprint(len(got), " lines"))
					}
					for _, l := range got {
						if ascii && strings.ContainsFunc(l, func(r rune) bool { return r > 0x7e }) {
							faults = append(faults, "not ASCII: "+l)
						}
						if p == themes.NoColor && strings.Contains(l, "[3") {
							faults = append(faults, "a colour: "+l)
						}
					}
					if len(faults) > 0 {
						t.Fatalf("%s, %s, %s, ascii %v: %v", scene, name, p, ascii, faults)
					}
				}
			}
		}
	}
}

func TestEverySize(t *testing.T) {
	for name, ks := range scenes() {
		s := staged(t, 80, 24, ks)
		uitest.Sweep(t, true, func(w, h int) []string {
			s.send(tea.WindowSizeMsg{Width: w, Height: h})
			got := s.lines()
			if len(got) != h {
				t.Errorf("%s, %dx%d: %d lines", name, w, h, len(got))
			}
			return got
		})
	}
	s := staged(t, 80, 24, nil)
	for w := 1; w < 60; w++ {
		for h := 1; h < 14; h++ {
			s.send(tea.WindowSizeMsg{Width: w, Height: h})
			got := s.lines()
			if f := uitest.Faults(got, w, h, true); len(f) > 0 || len(got) != h {
				t.Fatalf("%dx%d: %d lines, %v", w, h, len(got), f)
			}
		}
	}
	s.send(tea.WindowSizeMsg{Width: 1000, Height: 400}) // clamped, not refused
	if got := s.lines(); len(got) != maxHeight {
		t.Error(len(got))
	}
}

// hostile is what strangers put into names.
func hostile() []string {
	return []string{"\x1b[2J", "\x1b]52;c;cm0gLXJm\x07", "\x9b31m", "\u009b2J", "\x1bP1;2|x\x1b\\", "a\nb\r\nc", "\x00\x07\x08", "\u202egnp.exe", "e\u0301\u200b\u200d",
		"\xff\xfe\xc0\xaf", "世界", "🏴\U000e0067", strings.Repeat("x", 500), strings.Repeat("世", 200), "", " ", "\x1b", "%s%n", "\u2028"}
}

func pickOne[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// strange fills every text of a frame with hostile strings.
func strange(r *rand.Rand) func(*snap.Frame) {
	return func(f *snap.Frame) {
		s := func() string { return pickOne(r, hostile()) + pickOne(r, hostile()) }
		f.Host, f.Started = s(), r.IntN(4) > 0
		f.State.ReadOnly, f.State.Fallback = pickOne(r, []string{"", s()}), pickOne(r, []string{"", s()})
		f.State.WaysIn = []string{s(), s()}
		f.Start = []snap.Status{{Name: s(), Outcome: snap.Outcome(r.IntN(5)), To: s(), Why: s(), Fix: s()}, {Name: s(), Outcome: snap.Unavailable, Why: s()}}
		f.LeftOut = []snap.LeftOut{{Name: s(), Why: s()}}
		f.Interfaces = []snap.Interface{{Name: s(), Mode: s()}}
		f.Notices = []snap.Notice{{Seq: f.Seq, Sev: snap.Severity(r.IntN(3)), From: s(), Text: s()}}
		if r.IntN(3) == 0 {
			f.NetNS = s()
		}
		f.Totals.Rate.PPS = pickOne(r, []float64{0, 1, 1e20, -1})
		f.Policy = strangePolicy(r, s)
	}
}

// strangePolicy is a policy that changes under the screen, with hostile strings wherever the engine puts a text.
func strangePolicy(r *rand.Rand, s func() string) snap.Policy {
	texts := []string{"", uitest.PolicyText, "deny in\n", "deny nonsense\n", "allow out # " + s() + "\n"}
	e := uitest.NewEnforcer(pickOne(r, texts))
	var f snap.Frame
	e.Frame(&f)
	p := f.Policy
	p.Kept, p.Why, p.File = uint32(r.IntN(3)), pickOne(r, []string{"", s()}), s()
	p.Draft = snap.Draft{Seq: uint64(r.IntN(4)), Text: pickOne(r, texts), Checked: r.IntN(2) == 0, Remarks: []string{s()}, Cuts: pickOne(r, [][]string{nil, {s()}}),
		Errors: pickOne(r, [][]string{nil, {s()}}), Impact: snap.Impact{Dropped: 3, OneWay: 2, DropRate: snap.Rate{PPS: 1e20}, Flows: []snap.FlowChange{{Device: s(), Was: s(), Is: s()}}}}
	p.Versions = []snap.PolicyVersion{{Gen: 1, Who: s(), What: s(), Text: pickOne(r, texts)}}
	p.Devices = []snap.PolicyDevice{{Name: s(), Lease: time.Second}, {Name: s()}, {Name: s()}, {Name: s()}, {Name: s()}}
	p.Guard = append([]snap.GuardHits{{Name: s(), Text: s()}}, p.Guard[:r.IntN(len(p.Guard))]...)
	p.Rules = p.Rules[:r.IntN(len(p.Rules)+1)]
	if r.IntN(2) == 0 {
		p.Trial = snap.Trial{Gen: 7, Text: pickOne(r, texts), Lease: time.Duration(r.IntN(20)) * time.Second, Code: s(), Quiet: r.IntN(2), Fresh: r.IntN(2) == 0, DropPPS: 1e9}
	}
	return p
}

// step does one random thing to the shell.
func (s *stage) step(r *rand.Rand) {
	switch r.IntN(12) {
	case 0:
		s.send(tea.WindowSizeMsg{Width: 1 + r.IntN(300), Height: 1 + r.IntN(100)})
	case 1, 2:
		s.frame(strange(r))
	case 3:
		s.clock.Pass(time.Duration(r.IntN(20000)) * time.Millisecond)
		s.send(tickMsg{})
	case 4:
		s.send(pickOne(r, []tea.Msg{tea.BlurMsg{}, tea.FocusMsg{}, tea.PasteMsg{Content: pickOne(r, hostile())}, frameMsg{err: fmt.Errorf("%s", pickOne(r, hostile()))},
			core.ToastMsg{Sev: snap.Severity(r.IntN(3)), Text: pickOne(r, hostile())}, core.LogMsg{Command: pickOne(r, hostile())},
			core.ConfirmMsg{Question: pickOne(r, hostile()), Verb: pickOne(r, hostile()), Do: func() tea.Cmd { return nil }},
			core.PickMsg{Title: pickOne(r, hostile()), Items: []core.PickItem{{Label: pickOne(r, hostile()), Detail: pickOne(r, hostile())}}, Done: func(int) tea.Cmd { return nil }},
			tea.MouseClickMsg{X: r.IntN(300), Y: r.IntN(100), Button: tea.MouseLeft}, tea.MouseWheelMsg{X: 3, Y: r.IntN(100)}, tickMsg{}}))
	default:
		all := []string{"j", "k", "/", "o", "y", "x", "c", "n", "1", "2", "2", "C", "t", "D", "J", "K", ".", "u", "V", "i", "8", "[", "]", "?", "f1", ":", "@", "T", "m", "U", "{", "}", "space", "Z", "!", "r", "esc", "enter",
			"tab", "up", "down", "pgdown", "pgup", "left", "right", "backspace", "ctrl+u", "ctrl+l", "a", "b", "e", "s", "home", "end", "s", "p", "d", "w", "+", "-", "0", "<", ">", "I", "F", "g", "G", "v", "Y"}
		s.press(pickOne(r, all))
	}
}

// TestRandomUse: no panic, exactly h lines, none too wide, nothing of what strangers wrote reaches the terminal as it is.
func TestRandomUse(t *testing.T) {
	t.Chdir(t.TempDir()) // w writes files
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 1))
		set := []setting{}
		if seed%2 == 1 {
			set = append(set, realTabs)
		}
		s := newStage(t, 80, 24, set...)
		for i := range 400 {
			s.step(r)
			got := s.lines()
			f := uitest.Faults(got, s.m.w, s.m.h, false)
			if s.m.w > 0 && (len(f) > 0 || len(got) != s.m.h) {
				t.Fatalf("seed %d, step %d, %dx%d: %d lines, %v", seed, i, s.m.w, s.m.h, len(got), f)
			}
			v := s.m.View()
			if strings.ContainsFunc(v.WindowTitle, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
				t.Fatalf("seed %d, step %d: title %q", seed, i, v.WindowTitle)
			}
			if c := v.Cursor; c != nil && (c.X < 0 || c.Y < 0 || c.X >= s.m.w || c.Y >= s.m.h) {
				t.Fatalf("seed %d, step %d: cursor at %d,%d of %dx%d", seed, i, c.X, c.Y, s.m.w, s.m.h)
			}
		}
	}
}

// TestNothingChangedIsNotDrawn: a tick, a paused frame, a key without effect give the very same view.
func TestNothingChangedIsNotDrawn(t *testing.T) {
	s := staged(t, 80, 24, nil)
	before := s.m.View().Content
	s.send(tickMsg{})
	if s.m.views.dirty {
		t.Error("a tick without effect draws")
	}
	s.press("space")
	paused := s.m.View().Content
	s.frame()
	if s.m.views.dirty || s.m.View().Content != paused || paused == before {
		t.Error("a frame draws while paused")
	}
	s.press("U")
	s.frame() // comes before what the key did was drawn
	if !s.m.views.dirty {
		t.Error("a frame while paused keeps what a key did from the screen")
	}
	s.m.View()
	s.frame(func(f *snap.Frame) { f.Notices = []snap.Notice{{Seq: 1, Sev: snap.Crit, Text: "eth0 went away"}} })
	s.want("eth0 went away", "PAUSED")
}

// TestLinesStandForThemselves: the painter draws each line alone; that must come to what the whole view is.
func TestLinesStandForThemselves(t *testing.T) {
	painted := func(o *Options, _ *core.Env, _ *look) { o.Paint = true }
	ascii := func(_ *Options, env *core.Env, _ *look) { env.Glyphs = themes.ASCII() }
	for scene, ks := range scenes() {
		for _, size := range uitest.Sizes() {
			for _, set := range [][]setting{{realTabs}, {realTabs, painted}, {realTabs, ascii}} {
				s := staged(t, size[0], size[1], ks, set...)
				s.m.env.Theme, s.m.views.dirty = s.m.painted(s.m.env.Theme), true
				content := s.m.View().Content
				whole, alone := uv.NewScreenBuffer(s.m.w, s.m.h), uv.NewScreenBuffer(s.m.w, s.m.h)
				uv.NewStyledString(content).Draw(whole, whole.Bounds())
				for y, line := range strings.Split(content, "\n") {
					uv.NewStyledString(line).Draw(alone, uv.Rect(0, y, s.m.w, 1))
				}
				if whole.Render() != alone.Render() {
					t.Errorf("%s at %v: a line changes the style of the next", scene, size)
				}
			}
		}
	}
}

func BenchmarkView(b *testing.B) {
	for _, size := range [][2]int{{80, 24}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			s := staged(b, size[0], size[1], nil)
			s.tab().lines = func(w, h int) []string { return make([]string, h) } // the shell's own share
			b.ReportAllocs()
			for b.Loop() {
				s.m.views.dirty = true
				s.m.View()
			}
		})
	}
}

func BenchmarkKey(b *testing.B) {
	s := staged(b, 80, 24, nil, realTabs)
	b.ReportAllocs()
	for b.Loop() {
		s.m.Update(keys.Press("j"))
		s.m.View()
	}
}
