// SPDX-License-Identifier: Apache-2.0

package table_test

import (
	"slices"
	"strings"
	"testing"

	"hooktop/themes"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/table"
)

// TestSay: texts never leave a table's lines and width, however few those are.
func TestSay(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, true)
	for _, c := range []struct {
		say  string
		got  func(lines []string)
		want []string
	}{
		{"cut", func(l []string) { table.Say(env, l, 1, 12, "No flow matches", "", "0 clears it") }, []string{"head", "  No flow ma", "", "  0 clears i"}},
		{"wrapped", func(l []string) { table.SayWrapped(env, l, 1, 12, "No flow matches", "more") }, []string{"head", "  No flow", "  matches", "  more"}},
		{"too much", func(l []string) { table.Say(env, l, 3, 12, "…", "more") }, []string{"head", "", "", "  ~"}},
	} {
		lines := []string{"head", "", "", ""}
		c.got(lines)
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		if !slices.Equal(lines, c.want) {
			t.Errorf("%s: %q, want %q", c.say, lines, c.want)
		}
	}
}
