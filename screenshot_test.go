// SPDX-License-Identifier: Apache-2.0

//go:build screenshot

package main_test

import (
	"os"
	"strings"
	"testing"

	"hooktop/ui/uitest"
)

// TestScreenshot takes README's picture: the real program on the lab's traffic, once its rates have settled.
func TestScreenshot(t *testing.T) {
	const cols, rows = 120, 40
	s := open(t, nil, cols, rows, []string{"COLORTERM=truecolor", "HOOKTOP_THEME=dark"}, "lab", "--no-config", "--paint")
	s.live()
	s.until("25 seconds of rates", func(text string) bool {
		second := strings.Split(text, "\n")[1]
		return strings.Count(strings.Map(spark, second), "█") >= 25
	})
	s.mu.Lock()
	picture := uitest.SVG(uitest.Draw(strings.Split(s.emu.Render(), "\n"), cols, rows), "#d6dbe1", "#14181d")
	s.mu.Unlock()
	s.keys("q")
	s.end()
	noProcesses(t)
	if err := os.WriteFile("testdata/screenshot.svg", []byte(picture), 0o644); err != nil {
		t.Fatal(err)
	}
}

// spark maps every height of a sparkline to the highest.
func spark(r rune) rune {
	if strings.ContainsRune("▁▂▃▄▅▆▇", r) {
		return '█'
	}
	return r
}
