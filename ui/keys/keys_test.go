// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hooktop/ui/core"
)

func binding(name string, ks ...string) core.Binding {
	return core.Binding{Name: name, Keys: ks, Help: "help", Section: "S"}
}

func TestPressPrintsItsName(t *testing.T) {
	for _, n := range []string{"a", "A", "?", ":", "[", "{", "+", "-", "space", "ctrl+d", "ctrl+c", "enter", "esc", "tab", "shift+tab", "up",
		"pgdown", "f1", "f12", "backspace", "delete", "alt+x", "ctrl+left", "1", "ö", "@"} {
		if got := Press(n).String(); got != n {
			t.Errorf("Press(%q) prints %q", n, got)
		}
	}
}

func TestCheckFindsCollisionsAndForbiddenKeys(t *testing.T) {
	if errs := Check([]core.Binding{binding("a", "x"), binding("b", "y", "f1"), binding("c", "Y", "alt+c")}); len(errs) > 0 {
		t.Error(errs)
	}
	for want, bs := range map[string][]core.Binding{
		"b: x is a's":            {binding("a", "x"), binding("b", "x")},
		"a: ctrl+b is tmux":      {binding("a", "ctrl+b")},
		"a: ctrl+s is the tty":   {binding("a", "z", "ctrl+s")},
		"[f2] alone":             {binding("a", "f2")},
		"[shift+up] alone":       {binding("a", "shift+up")},
		"[alt+x] alone":          {binding("a", "alt+x")},
		"a: no key":              {binding("a")},
		"name, help and section": {{Keys: []string{"x"}}},
	} {
		errs := Check(bs)
		if len(errs) == 0 || !strings.Contains(errs[0].Error(), want) {
			t.Errorf("%v: %v, want %q", bs, errs, want)
		}
	}
}

func own(t *testing.T, text string) (*Own, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Read(path)
}

func TestOwnKeys(t *testing.T) {
	o, err := own(t, "pause = \"p\"\n[flows]\nblock = [\"B\", \"f5\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	bs := []core.Binding{binding("pause", "space"), binding("flows.block", "b"), binding("quit", "q")}
	if err := o.Check(bs); err != nil {
		t.Fatal(err)
	}
	got := o.Apply(bs)
	if Find(got, "p").Name != "pause" || Find(got, "f5").Name != "flows.block" || Find(got, "q").Name != "quit" || Find(got, "b") != nil {
		t.Errorf("%+v", got)
	}
	if bs[0].Keys[0] != "space" {
		t.Error("the built-in table was changed")
	}
	none, err := Read(filepath.Join(t.TempDir(), "keys.toml"))
	if err != nil || none.Check(bs) != nil || len(none.Apply(bs)) != len(bs) {
		t.Errorf("a missing file: %v", err)
	}
}

func TestOwnKeysAreRefusedWithTheirLines(t *testing.T) {
	places := [][]core.Binding{
		{binding("pause", "space"), binding("quit", "q"), binding("flows.block", "b"), binding("flows.trace", "i")},
		{binding("pause", "space"), binding("quit", "q"), binding("programs.log", "L")},
	}
	for text, want := range map[string]string{
		"pause = \"q\"\n":                               "keys.toml:1: pause: q is already quit's (built in",
		"pause = \"x\"\n\"flows.block\" = \"x\"\n":      "keys.toml:2: flows.block: x is already pause's in line 1",
		"[flows]\nblock = \"x\"\n[programs]\nlog=\"q\"": "keys.toml:4: programs.log: q is already quit's",
		"pawse = \"x\"\n":                               "keys.toml:1: pawse: no such binding",
		"pause = \"ctrl+b\"\n":                          "keys.toml:1: pause: ctrl+b is tmux's prefix and can't be used",
		"pause = []\n":                                  "keys.toml:1: pause: no key given",
		"pause = \"\"\n":                                "keys.toml:1: pause: \"\" is not a key",
		"pause = \"f3\"\n":                              "keys.toml:1: pause: f3 may only be a second way",
		"pause = [1]\n":                                 "keys.toml:1: pause: only strings",
		"pause = {a = \"b\"}\n":                         "keys.toml:1: pause: give",
	} {
		o, err := own(t, text)
		if err == nil {
			err = o.Check(places...)
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if o, err := own(t, "\"flows.block\" = \"L\"\n"); err != nil || o.Check(places...) != nil {
		t.Error("the same key in two places that never meet is no conflict")
	}
}

func TestHintsAreOrderedAndCounted(t *testing.T) {
	var bs []core.Binding
	for i, n := range []string{"c", "a", "none", "b"} {
		b := binding(n, n)
		b.Hint = []int{3, 1, 0, 2}[i]
		bs = append(bs, b)
	}
	var got []string
	for _, h := range Hints(bs, 2) {
		got = append(got, h.Name)
	}
	if strings.Join(got, " ") != "a b" {
		t.Error(got)
	}
}

func TestEscGuard(t *testing.T) {
	type press struct {
		after time.Duration // milliseconds since the one before
		key   string
		drop  bool
	}
	for name, ps := range map[string][]press{
		"split arrow":         {{0, "esc", false}, {80, "[", true}, {0, "D", true}, {0, "D", false}},
		"split application":   {{0, "esc", false}, {20, "O", true}, {1, "A", true}},
		"with parameters":     {{0, "esc", false}, {10, "[", true}, {0, "1", true}, {0, ";", true}, {0, "5", true}, {0, "D", true}, {0, "j", false}},
		"late bracket":        {{0, "esc", false}, {151, "[", false}, {0, "D", false}},
		"late last letter":    {{0, "esc", false}, {10, "[", true}, {500, "D", false}},
		"other key":           {{0, "esc", false}, {10, "j", false}, {10, "[", false}},
		"no esc":              {{0, "[", false}, {0, "D", false}},
		"two escapes":         {{0, "esc", false}, {200, "esc", false}, {100, "[", true}, {0, "B", true}},
		"esc after the intro": {{0, "esc", false}, {10, "[", true}, {10, "esc", false}, {10, "O", true}},
	} {
		var g EscGuard
		now := time.Unix(1000, 0)
		for i, p := range ps {
			now = now.Add(p.after * time.Millisecond)
			if got := g.Drop(now, p.key); got != p.drop {
				t.Errorf("%s, key %d (%s): dropped %v, want %v", name, i, p.key, got, p.drop)
			}
		}
	}
}
