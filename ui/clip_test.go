// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hooktop/ui/keys"
)

func ownKeys(t *testing.T, text string) *keys.Own {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := keys.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestClipIsForItsOwnerOnly(t *testing.T) {
	old := unix.Umask(0)
	defer unix.Umask(old)
	dir := filepath.Join(t.TempDir(), "cache")
	for _, text := range []string{"a longer first text", "short"} {
		if err := writeClip(dir, text); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "hooktop", "clip")
	b, err := os.ReadFile(path)
	info, _ := os.Stat(path)
	folder, _ := os.Stat(filepath.Dir(path))
	if err != nil || string(b) != "short" || info.Mode().Perm() != 0o600 || folder.Mode().Perm() != 0o700 {
		t.Errorf("%q %v %v %v", b, err, info.Mode(), folder.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "hooktop", ".clip-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestClipFollowsNoLinks(t *testing.T) {
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func(dir string) error{
		"the file": func(dir string) error {
			if err := os.MkdirAll(filepath.Join(dir, "hooktop"), 0o700); err != nil {
				return err
			}
			return os.Symlink(victim, filepath.Join(dir, "hooktop", "clip"))
		},
		"a hard link": func(dir string) error {
			if err := os.MkdirAll(filepath.Join(dir, "hooktop"), 0o700); err != nil {
				return err
			}
			return os.Link(victim, filepath.Join(dir, "hooktop", "clip"))
		},
		"the folder": func(dir string) error {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			return os.Symlink(filepath.Dir(victim), filepath.Join(dir, "hooktop"))
		},
		"the cache": func(dir string) error { return os.Symlink(filepath.Dir(victim), dir) },
	} {
		dir := filepath.Join(filepath.Dir(victim), strings.ReplaceAll(name, " ", "-"))
		if err := prepare(dir); err != nil {
			t.Fatal(err)
		}
		err := writeClip(dir, "gotcha")
		if b, _ := os.ReadFile(victim); string(b) != "precious" {
			t.Fatalf("%s: the victim was overwritten", name)
		}
		if _, there := os.Stat(filepath.Join(filepath.Dir(victim), "clip")); there == nil {
			t.Errorf("%s: written through the link", name)
		}
		if linkedFolder := name == "the folder" || name == "the cache"; linkedFolder != (err != nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
