// SPDX-License-Identifier: Apache-2.0

package filter_test

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/column"
	"hooktop/ui/keys"
	"hooktop/ui/uitest"
	"hooktop/ui/widget/filter"
)

func TestField(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	f := filter.New(env, column.Traces(), "", func(key string) []string { return map[string][]string{"dev": {"eth0", "wg0"}}[key] })
	for _, r := range "dev:e" {
		f.Key(keys.Press(string(r)))
	}
	if s, _ := f.View(60); !f.Offers() || !strings.Contains(s, "tab eth0") {
		t.Errorf("offers %v: %q", f.Offers(), s)
	}
	if !f.Key(keys.Press("tab")) {
		t.Error("tab completes nothing")
	}
	if text, ok := f.Filter(); text != "dev:eth0" || !ok {
		t.Errorf("%q, a filter: %v", text, ok)
	}
	if f.Key(keys.Press("left")) {
		t.Error("moving changes the text")
	}
	f.Clear()
	f.Paste("cpu:x\n")
	if s, _ := f.View(60); !strings.Contains(s, "✗ column 5: cpu: ") {
		t.Errorf("what is wrong is not said: %q", s)
	}
	if _, ok := f.Filter(); ok {
		t.Error("cpu:x passes for a filter")
	}
	for w := 1; w < 70; w++ {
		s, at := f.View(w)
		for _, fault := range append(uitest.Faults([]string{s}, w, 1, true), map[bool][]string{true: {"the cursor is outside"}}[at < 0 || at >= w]...) {
			t.Errorf("%d cells: %s", w, fault)
		}
	}
}

func TestEditor(t *testing.T) {
	env, _ := uitest.Env(t, "dark", themes.NoColor, false)
	var set []string
	e := filter.NewEditor(env, column.Traces(), func(string) []string { return nil }, func(text string) tea.Cmd {
		set = append(set, text)
		return nil
	})
	said := func(what string, want ...string) {
		t.Helper()
		if !slices.Equal(set, want) {
			t.Errorf("%s sets %q, want %q", what, set, want)
		}
		set = nil
	}
	e.Update(keys.Press("enter"))
	e.Update(tea.PasteMsg{Content: "dev:lo"})
	said("a closed field")

	e.Start("cpu:1")
	e.Update(keys.Press("backspace"))
	e.Update(keys.Press("x"))
	e.Update(keys.Press("enter"))
	said("a number under way")
	if !e.Typing() {
		t.Error("enter throws away what is no filter")
	}
	e.Update(keys.Press("esc"))
	said("esc", "cpu:1")

	e.Start("cpu:1")
	e.Update(tea.PasteMsg{Content: " dev:lo"})
	for _, b := range e.Bindings() {
		if b.Name == "filter.clear" {
			b.Do()
		}
	}
	e.Update(keys.Press("enter"))
	said("paste and clear", "cpu:1 dev:lo", "")
	if e.Typing() {
		t.Error("enter does not close the field")
	}

	var kept []bool
	e.Closed = func(k bool) tea.Cmd { kept = append(kept, k); return nil }
	e.Start("")
	e.Update(keys.Press("enter"))
	e.Start("")
	e.Update(keys.Press("esc"))
	if said("an owner that restores"); !slices.Equal(kept, []bool{true, false}) {
		t.Errorf("enter and esc tell %v", kept)
	}
}

func TestTerms(t *testing.T) {
	for _, c := range []struct {
		text, term string
		not        bool
		want       string
	}{
		{"", "dev:eth0", false, "dev:eth0"}, {"", "dev:eth0", true, "!dev:eth0"}, {"a", "!b", true, "a b"}, {"a b", "b", false, "a b"},
		{"a or b", "c", false, "(a or b) c"}, {"a", "port:53 proto:udp", true, "a !(port:53 proto:udp)"},
	} {
		if got := filter.Narrow(c.text, c.term, c.not); got != c.want {
			t.Errorf("%q with %q: %q, want %q", c.text, c.term, got, c.want)
		}
	}
	rows := []snap.TraceEvent{{Dev: "wg0"}, {Dev: "eth0"}, {Dev: "wg0"}, {}}
	row := func(i int) column.Row { return column.TraceRow{TraceEvent: &rows[i]} }
	if got := filter.Seen(column.Traces(), "dev", len(rows), row); !slices.Equal(got, []string{"eth0", "wg0"}) {
		t.Errorf("seen devices %v", got)
	}
	if got := filter.Seen(column.Traces(), "len", len(rows), row); got != nil {
		t.Errorf("numbers are offered: %v", got)
	}
}
