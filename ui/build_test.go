// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"hooktop/ui/core"
)

// TestBadFilesAreOneLineBeforeTheTerminalIsTouched: themes and keys that can't be read end the start with file and line.
func TestBadFilesAreOneLineBeforeTheTerminalIsTouched(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	home := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(home, ".config", "hooktop", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func(o Options, env ...string) (*runner, error) {
		o.In, o.Out, o.Backend = slave, slave, &fakeBackend{}
		o.Tabs = []func(*core.Env) core.Tab{func(e *core.Env) core.Tab { return &fakeTab{env: e, name: "Flows"} }}
		o.Env = append([]string{"TERM=xterm-256color", "LANG=C.UTF-8", "HOME=" + home}, env...)
		return prepare(context.Background(), o)
	}
	fails := func(o Options, want string, env ...string) {
		t.Helper()
		_, err := start(o, env...)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %q in one line", err, want)
		}
	}
	fails(Options{Theme: "nosuch"}, `theme "nosuch" is not known; there are: dark, light`)
	fails(Options{}, `theme "nosuch" is not known`, "HOOKTOP_THEME=nosuch")
	fails(Options{Theme: "/nonexistent.toml"}, "theme read /nonexistent.toml: no such file")
	write("themes/mine.toml", "warn = \"reddish\"\n")
	fails(Options{Theme: "mine"}, `mine.toml:1: warn: "reddish" is not a colour`)
	write("keys.toml", "pause = \"q\"\n")
	fails(Options{}, "keys.toml:1: pause: q is already quit's")
	write("keys.toml", "pause = \"p\"\n")
	write("themes/mine.toml", "warn = \"red\"\n")
	r, err := start(Options{}, "HOOKTOP_THEME=mine")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.out.Close(); err != nil {
		t.Error(err)
	}
	if r, err = start(Options{Theme: "light"}, "HOOKTOP_THEME=nosuch"); err != nil {
		t.Errorf("the flag does not outrank the variable: %v", err)
	} else if err := r.out.Close(); err != nil {
		t.Error(err)
	}
}
