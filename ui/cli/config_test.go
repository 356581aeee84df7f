// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// configHome writes a config file where hooktop looks for the user's.
func configHome(t *testing.T, text string) string {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, "hooktop")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CONFIG_HOME", home)
	return path
}

func TestConfigFillsWhatFlagsLeaveOpen(t *testing.T) {
	configHome(t, "interfaces = ['eth1']\nmode = 'tc'\nhz = 5.0\nlog_rate = 500\nascii = true\naccess_agents = ['teleport']\n")
	s := playAt(t, nil, "--once", "--mode", "generic")
	o := s.got
	if s.code != 0 || len(o.Interfaces) != 1 || o.Interfaces[0] != "eth1" || o.Mode != "generic" || !o.Screen.ASCII || o.Screen.Hz != 5 ||
		len(o.AccessAgents) != 1 || o.Policy.LogRate != 500 {
		t.Errorf("code %d, stderr %q, options %+v", s.code, s.err, o)
	}
	if s := playAt(t, nil, "--once", "--no-config"); s.got.Screen.ASCII {
		t.Error("--no-config: the file was read")
	}
	if s := playAt(t, nil, "--once", "--ascii=false"); s.got.Screen.ASCII {
		t.Error("a flag that says no gives way to the file")
	}
}

func TestConfigErrorsNameTheLine(t *testing.T) {
	for text, words := range map[string]string{
		"mode = 'tc'\ninterfces = ['eth0']\n":   `config.toml:2: unknown key "interfces"`,
		"[screen]\ntheme = 'x'\n":               `unknown key "screen`,
		"mode = tc\n":                           "config.toml:1:",
		"mode = 3\n":                            "config.toml:1:",
		"mode = 'warp'\n":                       `unknown mode "warp"`,
		"hz = 50.0\n":                           "50 is out of range",
		"log_rate = -1\n":                       "--log-rate: -1 is out of range",
		"flows = -3\n":                          "-3 is out of range",
		"mode = 'tc'\n\nmode = 'native'\n":      "config.toml:3",
		"theme = 'nosuch'\n":                    `theme "nosuch"`,
		"interfaces = ['eth7']\n":               `interface "eth7"`,
		strings.Repeat("# long\n", 1<<20/7+100): "larger than",
	} {
		configHome(t, text)
		s := playAt(t, nil, "--once")
		if s.code == 0 || s.asked != "" || !strings.Contains(s.err, words) || strings.Count(s.err, "\n") != 1 {
			t.Errorf("%.40q: code %d, asked %q, stderr %q; want %q", text, s.code, s.asked, s.err, words)
		}
	}
}

// As root, a file that others may write is no config of ours: it could make root watch, print or run what they want.
func TestRootRefusesAConfigThatOthersMayWrite(t *testing.T) {
	spoil := map[string]func(path string) error{
		"file":   func(path string) error { return os.Chmod(path, 0o666) },
		"group":  func(path string) error { return os.Chmod(path, 0o620) },
		"folder": func(path string) error { return os.Chmod(filepath.Dir(path), 0o777) },
		"owner":  func(path string) error { return os.Chown(path, 65534, 65534) },
		"a link": func(path string) error {
			real := filepath.Join(filepath.Dir(filepath.Dir(path)), "other.toml")
			if err := os.WriteFile(real, []byte("mode = 'tc'\n"), 0o600); err != nil {
				return err
			}
			if err := os.Chmod(filepath.Dir(real), 0o777); err != nil {
				return err
			}
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Symlink(real, path)
		},
		"a folder in its place": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o755)
		},
	}
	for name, f := range spoil {
		path := configHome(t, "mode = 'tc'\n")
		if _, err := readTrusted(path, 0); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		if err := f(path); err != nil {
			t.Fatal(err)
		}
		if _, err := readTrusted(path, 0); err == nil {
			t.Errorf("%s: taken", name)
		}
		if s := playAt(t, nil, "--once"); s.code != ExitFailed || !strings.Contains(s.err, "--no-config") {
			t.Errorf("%s: code %d, stderr %q", name, s.code, s.err)
		}
	}
}
