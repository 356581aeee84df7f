// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strings"
	"testing"

	"hooktop/ui/core"
	"hooktop/ui/uitest"
)

// TestWhereAnotherHooktopDecidesNoPolicyIsShown: an empty one would say that everything passes.
func TestWhereAnotherHooktopDecidesNoPolicyIsShown(t *testing.T) {
	for _, w := range []int{80, 200} {
		b := bench(t, "", w, 24)
		has(t, b, "everything passes")
		b.Base.State.ReadOnly, b.Base.State.HeldBy = "pid 4711 holds the pen", "pid 4711"
		b.Frame()
		has(t, b, "Another hooktop decides here, and this one only looks: pid 4711 holds the pen.")
		text := b.Draw().Text() + b.Tab.Message(w)
		for _, lie := range []string{"everything passes", "allow in", "e edits", "nothing is staged"} {
			if strings.Contains(text, lie) {
				t.Errorf("%q:\n%s", lie, text)
			}
		}
		b.Send(core.ReviewMsg{})
		if m, _ := uitest.Last[core.ToastMsg](b); m.Text != "review: read-only: pid 4711 holds the pen" {
			t.Error(m.Text)
		}
	}
}

func TestThePaneOffersEditingWhereItCanBe(t *testing.T) {
	b := bench(t, uitest.PolicyText, 200, 40)
	has(t, b, "GUARD")
	if text := b.Draw().Text(); strings.Contains(text, "e edits") {
		t.Error(text)
	}
	onLine(b, 8)
	has(t, b, "e edits")
}

// TestNothingIsCountedUnderTheEmptyPolicy: a rate of 0 beside "what is left" would say that nothing passes.
func TestNothingIsCountedUnderTheEmptyPolicy(t *testing.T) {
	b := bench(t, "", 200, 24)
	b.Engine.Policy.Kept = 0
	b.Frame()
	b.Press("G")
	has(t, b, "not counted while the policy is empty")
	for _, l := range strings.Split(b.Draw().Text(), "\n") {
		if strings.Contains(l, "what is left") && (strings.Contains(l, " 0 ") || strings.Contains(l, "never")) {
			t.Error(l)
		}
	}
	b = bench(t, "default in deny\n", 200, 24)
	b.Press("G")
	if text := b.Draw().Text(); strings.Contains(text, "not counted") {
		t.Error(text)
	}
}

// TestAPolicyEmptiedLineByLine: until that is kept the policy is not empty, and then nothing is staged any more.
func TestAPolicyEmptiedLineByLine(t *testing.T) {
	b := bench(t, "deny in tcp to any port 23\n", 80, 24)
	onLine(b, 1)
	b.Press("D")
	if text := b.Draw().Text(); strings.Contains(text, "everything passes") || !strings.Contains(text, "allow out") {
		t.Error(text)
	}
	b.Engine.Policy.Text, b.Engine.Policy.Kept = b.Engine.Policy.Draft.Text, 42
	b.Frame()
	has(t, b, "everything passes")
	b.Send(core.ReviewMsg{})
	if m, _ := uitest.Last[core.ToastMsg](b); !strings.HasPrefix(m.Text, "nothing is staged") {
		t.Errorf("%q:\n%s", m.Text, b.Draw().Text())
	}
}
