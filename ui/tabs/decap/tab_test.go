// SPDX-License-Identifier: Apache-2.0

package decap

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

func TestGoldenDecap(t *testing.T) {
	for _, s := range append(uitest.Sizes(), [2]int{200, 60}) {
		b := plain(t, s[0], s[1]-4)
		b.Press("j", "j")
		uitest.GoldenScreen(t, fmt.Sprintf("decap_%dx%d", s[0], s[1]), b.Draw(), s[0] == 80)
		b.Press("tab", "j", "enter")
		uitest.GoldenScreen(t, fmt.Sprintf("lines_%dx%d", s[0], s[1]), b.Draw(), s[0] == 80)
	}
}
