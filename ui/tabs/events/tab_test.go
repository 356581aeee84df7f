// SPDX-License-Identifier: Apache-2.0

package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
)

func bench(t testing.TB, w, h int) *uitest.Bench {
	t.Helper()
	return benchWith(t, w, h, "dark", themes.TrueColor, false)
}

func benchWith(t testing.TB, w, h int, theme string, p themes.Profile, ascii bool) *uitest.Bench {
	t.Helper()
	env, clock := uitest.Env(t, theme, p, ascii)
	env.Units.UTC = true
	b := &uitest.Bench{T: t, Tab: New(env), Env: env, Clock: clock, Base: uitest.Frame(18), All: uitest.Flows(18), W: w, H: h}
	b.Base.Events, b.Base.Policy.Kept = uitest.PolicyEvents(), 41
	b.Draw()
	b.Frame()
	b.Draw()
	return b
}

func tab(b *uitest.Bench) *Tab { return b.Tab.(*Tab) }

func body(h int) int { return h - 4 }

func at(t *testing.T, b *uitest.Bench, seq uint64) {
	t.Helper()
	if e, ok := tab(b).selected(); !ok || e.Seq != seq {
		t.Errorf("on event %d, want %d", e.Seq, seq)
	}
}

func has(t *testing.T, b *uitest.Bench, want ...string) {
	t.Helper()
	text := b.Draw().Text() + b.Tab.Message(b.W) + b.Tab.Context(60)
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing:\n%s", w, text)
		}
	}
}

// happens adds an event as the engine does.
func happens(b *uitest.Bench, e snap.Event) {
	list := b.Base.Events
	for i := range list {
		e.Seq = max(e.Seq, list[i].Seq+1)
	}
	e.At, e.Repeat = list[len(list)-1].At.Add(time.Second), max(e.Repeat, 1)
	b.Base.Events = append(list[:len(list):len(list)], e)
	b.Frame()
}

// again has a row stand for one packet more: it comes to the end.
func again(b *uitest.Bench, seq uint64) {
	var list []snap.Event
	var row snap.Event
	for _, e := range b.Base.Events {
		if e.Seq == seq {
			row = e
			continue
		}
		list = append(list, e)
	}
	row.Repeat++
	row.At = row.At.Add(time.Minute)
	b.Base.Events = append(list, row)
	b.Frame()
}

// TestTheNewestStaysInView until somebody moves away from it; the cursor then holds on to its event.
func TestTheNewestStaysInView(t *testing.T) {
	b := bench(t, 80, 20)
	at(t, b, 13)
	happens(b, snap.Event{Kind: "save", Text: "saved"})
	at(t, b, 14)
	b.Press("j", "j")
	at(t, b, 12)
	happens(b, snap.Event{Kind: "save", Text: "saved again"})
	at(t, b, 12)
	has(t, b, "follow off")
	again(b, 12)
	at(t, b, 12)
	has(t, b, "×413")
	b.Press("end")
	at(t, b, 1)
	b.Press("G")
	at(t, b, 12)
	happens(b, snap.Event{Kind: "keep", Text: "kept"})
	at(t, b, 16)
	has(t, b, "newest first")
}

// TestWhatWasSeenComesBackWhenItHappensAgain.
func TestWhatWasSeenComesBackWhenItHappensAgain(t *testing.T) {
	b := bench(t, 80, 20)
	has(t, b, "◆ 1 critical  ! 2 warnings")
	b.Press("a")
	has(t, b, "! 1 warning", "1 acknowledged", "✓14:02:31")
	b.Press("a")
	has(t, b, "! 2 warnings")
	b.Press("A")
	has(t, b, "13 events", "13 acknowledged")
	again(b, 12)
	has(t, b, "12 acknowledged")
	at(t, b, 12)
	b.Press("/")
	b.Type("kind:save")
	b.Press("enter", "A", "0")
	has(t, b, "12 acknowledged") // only what the filter passes
}

func TestFilteringEvents(t *testing.T) {
	b := bench(t, 80, 20)
	for text, want := range map[string]int{"deny": 3, "kind:deny": 3, "sev:warn,crit": 3, "src:10.4.0.0/16": 2, "times:>100": 1, "rule:7": 3, "dport:22": 1, "!kind:deny": 10, "label:known": 3, "dir:in": 5} {
		b.Press("/", "ctrl+u")
		b.Type(text)
		b.Press("enter")
		if got := len(tab(b).rows); got != want {
			t.Errorf("%s: %d rows, want %d", text, got, want)
		}
	}
	b.Press("/", "ctrl+u")
	b.Type("kind:nothing")
	has(t, b, "No event matches   kind:nothing", "13 events hidden")
	b.Press("esc")
	b.Press("/", "ctrl+u")
	b.Send(tea.PasteMsg{Content: "rule:x"})
	b.Press("enter")
	if !b.Tab.Capturing() {
		t.Error("enter threw a text away that is no filter")
	}
	b.Press("esc")
	tab(b).set("")
	b.Press("G", "j", "h", "+") // the kind of event 12
	if tab(b).filter != "kind:=deny" {
		t.Errorf("%q", tab(b).filter)
	}
	b.Press("0", "l", "l", "+")
	if m, _ := uitest.Last[core.ToastMsg](b); !strings.Contains(m.Text, "TIMES is empty or changes") {
		t.Errorf("%q", m.Text)
	}
}

// TestAnEventLeadsOn to its rule, its flow, a rule that blocks it, a trace.
func TestAnEventLeadsOn(t *testing.T) {
	b := bench(t, 80, 20)
	b.Press("j", "enter")
	has(t, b, "EVENT 12", "rule       line 7 of v41", "times      412 packets", "missed     90 211 of the same rule", "enter  the rule, on the ACL tab")
	b.Press("enter")
	if m, _ := uitest.Last[core.GoMsg](b); m != (core.GoMsg{Tab: snap.ACLTab, With: core.LineMsg{Line: 7}}) {
		t.Errorf("%+v", m)
	}
	b.Press("f")
	m, _ := uitest.Last[core.GoMsg](b)
	text := m.With.(core.FilterMsg).Filter
	if m.Tab != "Flows" || text != "source:203.0.113.9:44123 destination:10.9.0.22:8443 proto:tcp dir:=in" {
		t.Errorf("%+v", m)
	}
	f, err := column.Flows().Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range b.All {
		if f.Compile()(column.FlowRow{Flow: &b.All[i]}) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%q finds %d flows", text, n)
	}
	b.Press("esc", "b")
	if m, _ := uitest.Last[core.GoMsg](b); m.Tab != snap.ACLTab || m.With != (core.DraftMsg{Rule: "deny  in  from 203.0.113.9"}) {
		t.Errorf("%+v", m)
	}
	b.Press("i")
	if m, _ := uitest.Last[core.DoMsg](b); m.Intent.Kind != snap.StartTrace || m.Intent.Trace.Filter != "tcp flow 203.0.113.9:44123 > 10.9.0.22:8443" {
		t.Errorf("%+v", m)
	}
	b.Press("x")
	b.Pick("block from 203.0.113.9 to this port")
	m, _ = uitest.Last[core.GoMsg](b)
	if l, errs := policy.ParseLine(m.With.(core.DraftMsg).Rule); errs != nil || l.Kind != policy.Rule {
		t.Errorf("%+v", m)
	}
	b.Base.Policy.Kept = 50
	b.Frame()
	b.Press("x")
	b.Pick("its rule")
	if m, _ := uitest.Last[core.ToastMsg](b); !strings.Contains(m.Text, "line 7 of v41; v50 is in force now") {
		t.Errorf("%+v", m)
	}
	b.Press("k", "enter") // the end of a lease: neither rule nor flow
	for _, key := range []string{"enter", "f", "b", "i"} {
		if k := keys.Find(b.Tab.Bindings(), key); k.Disabled == "" {
			t.Errorf("%s leads nowhere and does not say so", key)
		}
	}
}

func TestCopiesAndFiles(t *testing.T) {
	b := bench(t, 80, 20)
	b.Press("j", "y")
	if m, _ := uitest.Last[core.CopyMsg](b); m.Text != `2026-03-07T14:02:24.000Z info deny: deny tcp 203.0.113.9:44123 > 10.9.0.22:8443 in eth0 "known scanners"  line 7 of v41  412 times` {
		t.Errorf("%q", m.Text)
	}
	b.Press("Y")
	var o map[string]any
	m, _ := uitest.Last[core.CopyMsg](b)
	if err := json.Unmarshal([]byte(m.Text), &o); err != nil || o["src"] != "203.0.113.9" || o["dport"] != 8443.0 || o["line"] != 7.0 || o["severity"] != "info" || o["repeat"] != 412.0 {
		t.Errorf("%v %s", err, m.Text)
	}
	t.Chdir(t.TempDir())
	for _, kind := range []string{"CSV", "JSON", "text"} {
		b.Press("w")
		b.Pick(kind)
		if m, _ := uitest.Last[core.ToastMsg](b); !m.OK {
			t.Errorf("%s: %+v", kind, m)
		}
	}
}

// TestFramesOfOtherTabsEmptyNothing: they carry no events.
func TestFramesOfOtherTabsEmptyNothing(t *testing.T) {
	b := bench(t, 80, 20)
	b.Base.Events = nil
	b.Frame()
	at(t, b, 13)
}

func scenes() map[string]func(*uitest.Bench) {
	return map[string]func(*uitest.Bench){
		"list":   func(b *uitest.Bench) { b.Press("j", "a", "j") },
		"event":  func(b *uitest.Bench) { b.Press("j", "enter") },
		"filter": func(b *uitest.Bench) { b.Press("/"); b.Type("kind:de") },
		"none":   func(b *uitest.Bench) { b.Press("/"); b.Type("kind:no"); b.Press("enter") },
	}
}

func TestGoldenEvents(t *testing.T) {
	for name, prepare := range scenes() {
		for _, s := range [][2]int{{80, 24}, {100, 30}, {200, 60}, {40, 10}} {
			b := bench(t, s[0], body(s[1]))
			prepare(b)
			lines := append(b.Tab.View(s[0], body(s[1])), b.Tab.Message(s[0]), b.Tab.Context(60))
			uitest.GoldenScreen(t, fmt.Sprintf("%s_%dx%d", name, s[0], s[1]), uitest.Draw(lines, s[0], body(s[1])+2), s[0] == 80)
		}
	}
	for _, c := range []struct {
		name, theme string
		p           themes.Profile
		ascii       bool
	}{{"light_256", "light", themes.ANSI256, false}, {"mono_ascii", "dark", themes.NoColor, true}} {
		b := benchWith(t, 160, 20, c.theme, c.p, c.ascii)
		b.Press("j", "a")
		s := b.Draw()
		uitest.GoldenScreen(t, "theme_"+c.name, s, true)
		for i, r := range s.Text() {
			if c.ascii && r >= 0x80 {
				t.Fatalf("%q at %d is not ASCII:\n%s", r, i, s.Text())
			}
		}
	}
}

// TestSweep: every scene at every size, with text of strangers in it.
func TestSweep(t *testing.T) {
	const bad = "x\x1b]52;c;AAAA\x07\u202e\u009b2J"
	for _, ascii := range []bool{false, true} {
		for name, prepare := range scenes() {
			b := benchWith(t, 80, 20, "dark", themes.TrueColor, ascii)
			happens(b, snap.Event{Kind: bad, Text: bad, Label: bad, Dev: bad, Line: 3, Gen: 7, Sev: snap.Crit})
			prepare(b)
			b.Press("k")
			if name != "filter" {
				uitest.Sweep(t, true, b.Tab.View)
			}
			for w := 1; w < 120; w++ {
				for _, f := range uitest.Faults([]string{b.Tab.Message(w), b.Tab.Context(w)}, w, 2, true) {
					t.Errorf("%s at %d: %s", name, w, f)
				}
			}
		}
	}
}

func TestEmpty(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.TrueColor, false)
	tb := New(env)
	if text := uitest.Draw(tb.View(80, 20), 80, 20).Text(); !strings.Contains(text, "Nothing has happened yet.") {
		t.Error(text)
	}
	for _, b := range tb.Bindings() {
		if b.Do == nil {
			t.Errorf("%s does nothing", b.Name)
		} else if b.Disabled == "" {
			b.Do()
		}
	}
}
