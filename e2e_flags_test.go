// SPDX-License-Identifier: Apache-2.0

package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hooktop/probes/ktest"
)

// What flags, environment and config file say about the screen reaches it.
func TestFlagsReachTheScreen(t *testing.T) {
	ns := ground(t)
	ktest.HostState(t)
	ns.NetState(t)
	configured := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(configured, []byte("hz = 5.0\ninterfaces = ['up0']\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const trueColour, darkGround = "COLORTERM=truecolor", "48;2;20;24;29"
	plain := func(text string) bool { return strings.IndexFunc(text, func(r rune) bool { return r > 127 }) < 0 }
	for _, c := range []struct {
		name, args string
		env        []string
		want       func(s *screen, text string) bool
	}{
		{"--ascii", "-i up0 --no-config --ascii", nil, func(_ *screen, text string) bool { return plain(text) }},
		{"LANG=C", "-i up0 --no-config", []string{"LANG=C"}, func(_ *screen, text string) bool { return plain(text) }},
		{"--mouse", "-i up0 --no-config --mouse", nil, func(s *screen, _ string) bool { return s.modes[1002] }},
		{"no mouse", "-i up0 --no-config", nil, func(s *screen, _ string) bool { return !s.modes[1002] && !s.modes[1000] }},
		{"--hz", "-i up0 --no-config --hz 5", nil, func(_ *screen, text string) bool { return has(text, "LIVE 5Hz") }},
		{"config file", "--config " + configured, nil, func(_ *screen, text string) bool { return has(text, "LIVE 5Hz", "up0") }},
		{"flag over config file", "--hz 1 --config " + configured, nil, func(_ *screen, text string) bool { return has(text, "LIVE 1Hz") }},
		{"--reduced", "-i up0 --no-config --reduced", nil, func(_ *screen, text string) bool { return has(text, "LIVE 1Hz") }},
		{"--paint", "-i up0 --no-config --theme dark --paint", []string{trueColour},
			func(s *screen, _ string) bool { return strings.Contains(string(s.raw), darkGround) }},
		{"NO_COLOR", "-i up0 --no-config", []string{trueColour, "NO_COLOR=1"},
			func(s *screen, _ string) bool { return !strings.Contains(string(s.raw), "38;2;") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, ns, 100, 30, c.env, strings.Fields(c.args)...)
			s.until(c.name, func(text string) bool { return has(text, "1 Flows", "LIVE") && c.want(s, text) })
			s.keys("q")
			if code := s.end(); code != 0 {
				t.Errorf("exit code %d; the screen:\n%s", code, s.text())
			}
			s.restored()
		})
	}
	noProcesses(t)
}
