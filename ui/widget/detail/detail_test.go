// SPDX-License-Identifier: Apache-2.0

package detail_test

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/detail"
)

func TestPane(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	for w := 1; w < 90; w++ {
		for _, border := range []bool{false, true} {
			b := detail.NewBody(env, detail.Inner(w, border))
			b.Head("HEAD")
			b.Field("label", "a value that is so long that it needs a second line, and averyveryverylongwordwithoutanyblankthatmustbecut")
			b.Field("empty", "")
			b.Gap()
			b.Text(themes.Warn, "世界世界世界 and words")
			for h := 1; h < 12; h++ {
				lines := detail.Pane(env, w, h, border, true, "TITLE", "hint", b.Lines(), 2)
				if len(lines) != h {
					t.Fatalf("%d lines of %d", len(lines), h)
				}
				for _, f := range uitest.Faults(lines, w, h, false) {
					t.Errorf("%dx%d: %s", w, h, f)
				}
			}
		}
	}
}

func TestPaneSaysWhatIsBelow(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	b := detail.NewBody(env, 40)
	for i := 0; i < 9; i++ {
		b.Line(themes.Text, strings.Repeat("x", i))
	}
	if got := ansi.Strip(detail.Pane(env, 43, 5, true, false, "T", "h", b.Lines(), 0)[0]); !strings.HasSuffix(got, "5 more below  h ") {
		t.Errorf("head %q", got)
	}
	if got := ansi.Strip(detail.Pane(env, 43, 5, true, false, "T", "h", b.Lines(), 99)[0]); strings.Contains(got, "below") {
		t.Errorf("head at the end %q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		s    string
		w    int
		want string
	}{
		{"one two three", 7, "one two|three"}, {"abcdefgh", 3, "abc|def|gh"}, {"a abcdefgh b", 4, "a|abcd|efgh|b"}, {"", 3, ""}, {"世界", 3, "世|界"},
	} {
		if got := strings.Join(detail.Wrap(c.s, c.w), "|"); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.s, c.w, got, c.want)
		}
	}
}
