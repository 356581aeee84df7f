// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	"hooktop/netcfg/policy"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// row puts the cursor on a line of the draft.
func onLine(b *uitest.Bench, n int) { tab(b).goToLine(n) }

func states() map[string]func(*uitest.Bench) {
	return map[string]func(*uitest.Bench){
		"edit": func(b *uitest.Bench) { onLine(b, 8); b.Press("e") },
		"error": func(b *uitest.Bench) {
			onLine(b, 9)
			b.Press("e")
			b.Type(" port 80-22")
		},
		"words":  func(b *uitest.Bench) { onLine(b, 9); b.Press("a"); b.Type("deny in from "); b.Press("down", "down") },
		"staged": func(b *uitest.Bench) { stageSome(b) },
		"review": func(b *uitest.Bench) { stageSome(b); b.Send(core.ReviewMsg{}) },
		"full":   func(b *uitest.Bench) { stageSome(b); b.Send(core.ReviewMsg{}); b.Press("d") },
		"cuts": func(b *uitest.Bench) {
			b.Engine.Cuts = []string{"your own way in would be cut, ssh 10.0.0.8:50122: tcp 10.0.0.8:50122 > 10.9.0.5:22: line 9 drops it"}
			stageSome(b)
			b.Send(core.ReviewMsg{})
			b.Press("t")
			b.Type("lb-")
		},
		"failed": func(b *uitest.Bench) {
			b.Engine.Fail = "commit: write policy: too large for the kernel: 70000 rules, at most 65535"
			stageSome(b)
			b.Send(core.ReviewMsg{})
			b.Press("t")
		},
		"find":  func(b *uitest.Bench) { b.Press("/"); b.Type("nowhere") },
		"guard": func(b *uitest.Bench) { b.Press("g", "enter") },
		"save": func(b *uitest.Bench) {
			b.Engine.Policy.File = ""
			b.Frame()
			b.Press("w")
			b.Type("/etc/hooktop/policy.acl")
		},
	}
}

// stageSome leaves one edit of each kind.
func stageSome(b *uitest.Bench) {
	onLine(b, 8)
	b.Press("D")
	onLine(b, 8)
	b.Press("e")
	b.Press("ctrl+u")
	b.Type("deny in tcp from 10.4.0.0/16 to 10.9.0.0/16 port 22")
	b.Press("enter", "a")
	b.Type("deny in from 192.0.2.66")
	b.Press("enter")
	onLine(b, 4)
	b.Press("J")
	b.Frame()
}

func TestGoldenStates(t *testing.T) {
	for name, prepare := range states() {
		t.Run(name, func(t *testing.T) {
			b := bench(t, uitest.PolicyText, 80, body(24))
			prepare(b)
			lines := append(b.Tab.View(80, 20), b.Tab.Message(80), b.Tab.Context(60))
			uitest.GoldenScreen(t, "state_"+name, uitest.Draw(lines, 80, 22), false)
		})
	}
}

func TestGoldenThemes(t *testing.T) {
	for _, c := range []struct {
		name, theme string
		p           themes.Profile
		ascii       bool
	}{
		{"light_256", "light", themes.ANSI256, false}, {"ansi16", "dark", themes.ANSI16, false},
		{"mono", "dark", themes.NoColor, false}, {"mono_ascii", "dark", themes.NoColor, true},
	} {
		b := benchWith(t, uitest.PolicyText, 160, 30, c.theme, c.p, c.ascii)
		stageSome(b)
		s := b.Draw()
		uitest.GoldenScreen(t, "theme_"+c.name, s, true)
		b.Press("e")
		edit := b.Draw().Text()
		b.Press("esc")
		b.Send(core.ReviewMsg{})
		for _, text := range []string{s.Text(), edit, b.Draw().Text()} {
			for i, r := range text {
				if c.ascii && r >= 0x80 {
					t.Fatalf("%s: %q at %d is not ASCII:\n%s", c.name, r, i, text)
				}
			}
		}
	}
}

// TestTwins: what colour says is said in glyphs and words too.
func TestTwins(t *testing.T) {
	b := benchWith(t, uitest.PolicyText, 80, 40, "dark", themes.NoColor, true)
	stageSome(b)
	text := b.Draw().Text()
	for _, want := range []string{" -    8 deny  in  203.0.113.0/24", "gone", "was: allow in", " +    9 deny  in  192.0.2.66", "staged", "moved from line 4", " off", "~    8 deny"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
}

func TestSweep(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		for name, prepare := range states() {
			b := benchWith(t, uitest.PolicyText, 80, 20, "dark", themes.TrueColor, ascii)
			prepare(b)
			if strings.Contains("staged cuts words", name) { // one of each anatomy; the message line differs in all
				uitest.Sweep(t, true, b.Tab.View)
			}
			uitest.SweepLines(t, b.Tab, name)
		}
	}
}

// TestStrangersAreCleaned: what files, engine and host say reaches the screen without control sequences.
func TestStrangersAreCleaned(t *testing.T) {
	const bad = "x\x1b]52;c;AAAA\x07\u202e\u009b2J"
	for name, prepare := range states() {
		b := bench(t, uitest.PolicyText, 160, 40)
		p := &b.Engine.Policy
		p.Versions[0].Who, p.Versions[0].What, p.Devices[0].Name, p.Guard[0].Name, p.Guard[0].Text, p.File = bad, bad, bad, bad, bad, bad
		b.Engine.Cuts, b.Base.Host = []string{bad}, bad
		b.Frame()
		prepare(b)
		p.Draft.Remarks, p.Draft.Errors = []string{bad}, []string{bad}
		b.Frame()
		lines := append(b.Tab.View(160, 40), b.Tab.Message(160), b.Tab.Context(160))
		for _, f := range uitest.Faults(lines, 160, 42, true) {
			t.Errorf("%s: %s", name, f)
		}
	}
}

func TestEmptyStates(t *testing.T) {
	b := bench(t, "", 80, 20)
	if text := b.Draw().Text(); !strings.Contains(text, "The policy is empty: everything passes.") {
		t.Error(text)
	}
	b.Press("a")
	b.Type("deny in")
	b.Press("enter")
	if text := b.Draw().Text(); !strings.Contains(text, "+    1 deny  in") {
		t.Error(text)
	}
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	if text := uitest.Draw(New(env).View(80, 20), 80, 20).Text(); !strings.Contains(text, "Waiting for the policy.") {
		t.Error(text)
	}
	b = bench(t, uitest.PolicyText, 80, 20)
	b.Engine.Policy.Guard = nil
	b.Frame()
	if text := b.Draw().Text(); !strings.Contains(text, "guard is off") {
		t.Error(text)
	}
}

// big is a policy of n rules.
func big(n int) string {
	var sb strings.Builder
	for i := range n {
		l, _ := policy.ParseLine("deny in tcp from 10." + itoa(i>>8&255) + "." + itoa(i&255) + ".0/24 to any port " + itoa(1+i%60000))
		sb.WriteString(l.String() + "\n")
	}
	return sb.String()
}

func itoa(n int) string { return strings.TrimSpace(string(appendInt(nil, n))) }

func appendInt(b []byte, n int) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

// TestAFrameCostsAWindow: ten thousand rules cost a screen no more than a hundred do.
func TestAFrameCostsAWindow(t *testing.T) {
	cost := func(n int) float64 {
		b := bench(t, big(n), 80, 20)
		f := *b.Base
		b.Engine.Frame(&f)
		return testing.AllocsPerRun(20, func() {
			b.Tab.Update(core.FrameMsg{Frame: &f})
			tab(b).list.Move(1)
			b.Tab.View(80, 20)
		})
	}
	few, many := cost(100), cost(10_000)
	t.Logf("%.0f allocations a frame with 100 rules, %.0f with 10000", few, many)
	if many > few+5 || many > 60 {
		t.Errorf("%.0f allocations a frame with 100 rules, %.0f with 10000", few, many)
	}
}

func BenchmarkView(b *testing.B) {
	for name, size := range map[string][2]int{"80x24": {80, 20}, "200x60": {200, 56}} {
		b.Run(name, func(b *testing.B) {
			k := bench(b, big(10_000), size[0], size[1])
			b.ReportAllocs()
			for b.Loop() {
				k.Tab.View(size[0], size[1])
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	k := bench(b, big(10_000), 80, 20)
	tb := tab(k)
	m := readTexts(tb.asked, "")
	b.ReportAllocs()
	for b.Loop() {
		tb.known = false
		tb.read(m)
	}
}

func BenchmarkEdit(b *testing.B) {
	k := bench(b, big(10_000), 80, 20)
	tb := tab(k)
	tb.goToLine(5000)
	b.ReportAllocs()
	for b.Loop() {
		tb.switchLine()
		tb.send = sending{}
		tb.View(80, 20)
	}
}

// TestAFullDiffCostsAWindow: ten thousand lines are drawn once, not with each frame.
func TestAFullDiffCostsAWindow(t *testing.T) {
	b := bench(t, big(10_000), 80, 20)
	onLine(b, 5000)
	b.Press("D")
	b.Frame()
	b.Send(core.ReviewMsg{})
	b.Press("d", "G")
	b.Draw()
	if n := testing.AllocsPerRun(10, func() { b.Press("k"); b.Tab.View(80, 20) }); n > 300 {
		t.Errorf("%.0f allocations a frame", n)
	}
}
