// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"fmt"
	"testing"

	"hooktop/themes"
	"hooktop/ui/tabs/acl"
	"hooktop/ui/uitest"
)

// bench is the tab beside the one that holds the draft, over the host of SteerText.
func bench(t testing.TB, w, h int, theme string, p themes.Profile, ascii bool) *uitest.Bench {
	t.Helper()
	return uitest.Beside(t, acl.New, New, w, h, theme, p, ascii)
}

func plain(t testing.TB, w, h int) *uitest.Bench {
	return bench(t, w, h, "dark", themes.TrueColor, false)
}

func TestGoldenChain(t *testing.T) {
	for _, s := range append(uitest.Sizes(), [2]int{200, 60}) {
		b := plain(t, s[0], s[1]-4)
		b.Press("j")
		uitest.GoldenScreen(t, fmt.Sprintf("chain_%dx%d", s[0], s[1]), b.Draw(), s[0] == 80)
		b.Press("e", "ctrl+u")
		b.Type("20/f0")
		lines := append(b.Tab.View(s[0], s[1]-4), b.Tab.Message(s[0]-1))
		uitest.GoldenScreen(t, fmt.Sprintf("edit_%dx%d", s[0], s[1]), uitest.Draw(lines, s[0], s[1]-3), s[0] == 80)
		b.Press("enter")
		lines = append(b.Tab.View(s[0], s[1]-4), b.Tab.Message(s[0]-1), b.Tab.Context(60))
		uitest.GoldenScreen(t, fmt.Sprintf("staged_%dx%d", s[0], s[1]), uitest.Draw(lines, s[0], s[1]-2), s[0] == 80)
	}
}
