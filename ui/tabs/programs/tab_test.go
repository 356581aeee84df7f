// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"fmt"
	"testing"

	"hooktop/themes"
	"hooktop/ui/uitest"
)

func bench(t testing.TB, w, h int, theme string, p themes.Profile, ascii bool) *uitest.Bench {
	t.Helper()
	env, clock := uitest.Env(t, theme, p, ascii)
	b := &uitest.Bench{T: t, Tab: New(env), Env: env, Clock: clock, Base: uitest.Frame(0), W: w, H: h}
	b.Draw()
	b.Frame()
	return b
}

func TestGoldenPrograms(t *testing.T) {
	for _, s := range uitest.Sizes() {
		b := bench(t, s[0], s[1]-4, "dark", themes.TrueColor, false)
		b.Press("j", "j")
		uitest.GoldenScreen(t, fmt.Sprintf("programs_%dx%d", s[0], s[1]), b.Draw(), s[0] == 80)
		b.Press("tab", "j", "j", "j")
		uitest.GoldenScreen(t, fmt.Sprintf("interfaces_%dx%d", s[0], s[1]), b.Draw(), s[0] == 80)
	}
}
