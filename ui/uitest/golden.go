// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hooktop/themes"
	"hooktop/ui/core"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// Golden compares text with testdata/name, or rewrites it with -update.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update rewrites it):\n%s", path, diff(string(want), got))
	}
}

// GoldenScreen compares a screen's text, and its styles where they are asked for.
func GoldenScreen(t testing.TB, name string, s *Screen, styles bool) {
	t.Helper()
	Golden(t, name+".txt", s.Text())
	if styles {
		Golden(t, name+".style", s.Styles())
	}
}

// diff shows the lines that differ.
func diff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var sb strings.Builder
	for i := 0; i < max(len(w), len(g)); i++ {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			fmt.Fprintf(&sb, "%3d want %s\n    got  %s\n", i+1, a, b)
		}
	}
	return sb.String()
}

// Sizes are those that have golden files.
func Sizes() [][2]int { return [][2]int{{80, 24}, {100, 30}, {160, 50}, {300, 100}} }

// Sweep draws at sizes from 40x10 to 300x100 and reports every fault. narrow says that no wide rune may appear.
func Sweep(t testing.TB, narrow bool, draw func(w, h int) []string) {
	t.Helper()
	for w := 40; w <= 300; w += step(w) {
		for _, h := range []int{10, 11, 12, 13, 19, 20, 24, 30, 36, 40, 50, 100} {
			for _, f := range Faults(draw(w, h), w, h, narrow) {
				t.Errorf("%dx%d: %s", w, h, f)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// step is fine where layouts change and coarse elsewhere.
func step(w int) int {
	if w < 60 || w >= 76 && w < 84 || w >= 116 && w < 124 || w >= 156 && w < 164 || w >= 236 && w < 244 {
		return 1
	}
	return 7
}

// Epoch is the time of every test: 2026-03-07 14:02:31 UTC.
func Epoch() time.Time { return time.Date(2026, 3, 7, 14, 2, 31, 0, time.UTC) }

// Clock is time that only a test moves.
type Clock struct{ At time.Time }

// Now reads the clock.
func (c *Clock) Now() time.Time { return c.At }

// Pass moves the clock.
func (c *Clock) Pass(d time.Duration) { c.At = c.At.Add(d) }

// Env makes an environment with a built-in theme and a clock that stands.
func Env(t testing.TB, theme string, p themes.Profile, ascii bool) (*core.Env, *Clock) {
	t.Helper()
	th, err := themes.Builtin(theme, p)
	if err != nil {
		t.Fatal(err)
	}
	g := themes.Unicode()
	if ascii {
		g = themes.ASCII()
	}
	c := &Clock{At: Epoch()}
	return &core.Env{Theme: th, Glyphs: g, Now: c.Now}, c
}
