// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"testing"

	"hooktop/themes"
	"hooktop/ui/uitest"
)

// bench is an ACL tab over a policy, drawn once.
func bench(t testing.TB, text string, w, h int) *uitest.Bench {
	t.Helper()
	return benchWith(t, text, w, h, "dark", themes.TrueColor, false)
}

func benchWith(t testing.TB, text string, w, h int, theme string, p themes.Profile, ascii bool) *uitest.Bench {
	t.Helper()
	env, clock := uitest.Env(t, theme, p, ascii)
	env.Units.UTC = true
	b := &uitest.Bench{T: t, Tab: New(env), Env: env, Clock: clock, Base: uitest.Frame(60), All: uitest.Flows(60), W: w, H: h, Engine: uitest.NewEnforcer(text)}
	b.Draw()
	b.Frame()
	return b
}

// body is the height that the shell leaves to a tab at a terminal's height.
func body(h int) int { return h - 4 }

func tab(b *uitest.Bench) *Tab { return b.Tab.(*Tab) }

func TestGoldenACL(t *testing.T) {
	for _, s := range append(uitest.Sizes(), [2]int{120, 40}, [2]int{200, 60}) {
		b := bench(t, uitest.PolicyText, s[0], body(s[1]))
		b.Press("j", "j", "j", "j")
		uitest.GoldenScreen(t, fmt.Sprintf("acl_%dx%d", s[0], s[1]), b.Draw(), s[0] == 80 || s[0] == 160)
	}
}
