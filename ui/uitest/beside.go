// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"strings"
	"testing"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/keys"
)

// Beside drives a tab beside the one that holds the draft, over the host of SteerText. Times are UTC.
func Beside(t testing.TB, holder, tab func(*core.Env) core.Tab, w, h int, theme string, p themes.Profile, ascii bool) *Bench {
	t.Helper()
	env, clock := Env(t, theme, p, ascii)
	env.Units.UTC = true
	held := holder(env)
	env.Draft = held.(core.Drafter).Draft
	b := &Bench{T: t, Tab: tab(env), Holder: held, Env: env, Clock: clock, Base: Frame(0), All: Flows(40), Engine: NewEnforcer(SteerText), W: w, H: h}
	b.Draw()
	b.Frame()
	return b
}

// Want fails unless the tab, its message and its context show all of the texts.
func (b *Bench) Want(texts ...string) {
	b.T.Helper()
	got := b.Draw().Text() + b.Tab.Message(b.W) + "\n" + b.Tab.Context(70)
	for _, s := range texts {
		if !strings.Contains(got, s) {
			b.T.Errorf("%q is not on the screen:\n%s", s, got)
		}
	}
}

// Why is the reason for which a key can't be used.
func (b *Bench) Why(key string) string {
	if k := keys.Find(b.Tab.Bindings(), key); k != nil {
		return k.Disabled
	}
	return "not bound"
}

// ToACL is what the tab asked the ACL tab for last.
func ToACL[M any](b *Bench) M {
	b.T.Helper()
	g, _ := Last[core.GoMsg](b)
	m, ok := g.With.(M)
	if !ok || g.Tab != snap.ACLTab {
		b.T.Errorf("went to %q with %+v", g.Tab, g.With)
	}
	return m
}

// SweepLines draws a tab's message and context at every width and reports every fault. after says what was done before.
func SweepLines(t testing.TB, tab core.Tab, after any) {
	t.Helper()
	for w := 1; w < 120; w++ {
		for what, s := range map[string]string{"message": tab.Message(w), "context": tab.Context(w)} {
			for _, f := range Faults([]string{s}, w, 1, true) {
				t.Errorf("%s at %d after %v: %s", what, w, after, f)
			}
		}
	}
}

// Hostile are texts as a name from outside may carry them.
func Hostile() []string {
	return []string{"\x1b[2J\x1b]52;c;aGk=\a", "\u202egnp", "\xff\xc0\xaf", "a\nb\r", "👍\u200d👍", strings.Repeat("世", 40), strings.Repeat("x", 300), "\u009b31m"}
}

// Harmless fails where a text from outside, which the frame holds everywhere, is more than text after any of the keys.
func (b *Bench) Harmless(text string, names ...string) {
	b.T.Helper()
	b.Frame()
	for _, key := range names {
		b.Press(key)
		for _, w := range []int{40, 80, 160, 300} {
			for _, f := range Faults(b.Tab.View(w, 40), w, 40, false) {
				b.T.Errorf("%q at %d: %s", text, w, f)
			}
		}
		for _, f := range Faults([]string{b.Tab.Message(79)}, 79, 1, false) {
			b.T.Errorf("%q: %s", text, f)
		}
	}
}
