// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"fmt"
	"testing"

	"hooktop/themes"
	"hooktop/ui/uitest"
)

// bench is a Flows tab over n flows at a size that has been drawn once, so that its questions fit the size.
func bench(t testing.TB, n, w, h int) *uitest.Bench {
	t.Helper()
	return benchWith(t, n, w, h, "dark", themes.TrueColor, false)
}

func benchWith(t testing.TB, n, w, h int, theme string, p themes.Profile, ascii bool) *uitest.Bench {
	t.Helper()
	env, clock := uitest.Env(t, theme, p, ascii)
	b := &uitest.Bench{T: t, Tab: New(env), Env: env, Clock: clock, Base: uitest.Frame(n), All: uitest.Flows(n), W: w, H: h}
	b.Draw()
	b.Frame()
	return b
}

// body is the height that the shell leaves to a tab at a terminal's height: tab bar, context line, message, hints.
func body(h int) int { return h - 4 }

func TestGoldenFlows(t *testing.T) {
	for _, s := range uitest.Sizes() {
		b := bench(t, 100, s[0], body(s[1]))
		b.Press("j", "j")
		uitest.GoldenScreen(t, fmt.Sprintf("flows_%dx%d", s[0], s[1]), b.Draw(), s[0] == 80 || s[0] == 160)
	}
}
