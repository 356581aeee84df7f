// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"strings"
	"testing"

	"hooktop/netcfg/acl"
)

// Which rule takes whose counters, by the ports of the rules; - takes nobody's.
func TestSucceed(t *testing.T) {
	rule := func(port string) string { return "deny in tcp to any port " + port }
	text := func(ports ...string) string {
		var b strings.Builder
		for _, p := range ports {
			b.WriteString(rule(p) + "\n")
		}
		return b.String()
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "1 2 3", "1 2 3", "1 2 3"},
		{"edited in place", "1 2 3", "1 9 3", "1 2 3"},
		{"all edited in place", "1 2 3", "7 8 9", "1 2 3"},
		{"two side by side", "1 2 3 4", "1 8 9 4", "1 2 3 4"},
		{"one more between: nobody knows which is the heir", "1 2 3", "1 8 9 3", "1 - - 3"},
		{"added at the end", "1 2", "1 2 9", "1 2 -"},
		{"removed", "1 2 3", "1 3", "1 3"},
		{"moved", "1 2 3", "3 1 2", "3 1 2"},
		{"moved up, and the next edited", "1 2 3", "2 1 9", "2 1 3"},
		{"moved past the one that was edited: not told apart", "1 2 3", "3 1 9", "3 1 -"},
		{"twins", "1 1 2", "1 1 9", "1 1 2"},
	} {
		old, err := Parse(text(strings.Fields(c.old)...))
		if err != nil {
			t.Fatal(err)
		}
		next, err := Parse(text(strings.Fields(c.new)...))
		if err != nil {
			t.Fatal(err)
		}
		got := next.Succeed(old)
		was := map[acl.ID]string{}
		for _, r := range rulesOf(old) {
			was[r.ID] = strings.TrimPrefix(r.ID.Text, strings.TrimSuffix(rulesOf(old)[0].ID.Text, strings.Fields(c.old)[0]))
		}
		seen := map[acl.ID]bool{}
		var heirs []string
		for _, r := range rulesOf(got) {
			if seen[r.ID] {
				t.Errorf("%s: two rules have the counters of %v", c.name, r.ID)
			}
			seen[r.ID] = true
			if from, ok := was[r.ID]; ok {
				heirs = append(heirs, from)
			} else {
				heirs = append(heirs, "-")
			}
		}
		if text := strings.Join(heirs, " "); text != c.want {
			t.Errorf("%s: %s -> %s takes the counters of %q, want %q", c.name, c.old, c.new, text, c.want)
		}
		if got.String() != next.String() {
			t.Errorf("%s: the text changed: %q", c.name, got.String())
		}
	}
}
