// SPDX-License-Identifier: Apache-2.0

package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	got, err := Parse("f", []byte("a = \"x\"\nb = [\"y\", \"z\"]\n\n[t]\nc.d = true\n[t.u]\ne = 3\n"))
	if s := fmt.Sprint(got); err != nil || s != "[{a [x] false 1} {b [y z] true 2} {t.c.d [true] false 5} {t.u.e [3] false 7}]" {
		t.Errorf("%s, %v", s, err)
	}
	for text, want := range map[string]string{
		"a = \"x\"\na = \"y\"":       "f:",
		"a = \"x\"\nb =":             "f:2:",
		"a = {b = \"c\"}":            `give "a string"`,
		"a = [1]":                    "only strings may stand in the list",
		"[[a]]\nb = \"c\"":           "only name = ",
		"\"a\\u001b\" = \"x\"":       "control character",
		"\n\n# fine\nx = 2020-01-01": "f:4:",
	} {
		_, err := Parse("f", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, maxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(big); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large file: %v", err)
	}
}

// FuzzParse: no text panics, and what is accepted has names, lines inside the text, and no name twice.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a = \"x\"", "[t]\nb = [\"y\"]", "a.b.c = 1", "\"\" = \"\"", "a = '''\nx'''", "\ufeffa = 1", "[a]\n[a]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := Parse("f", data)
		var where *Error
		if err != nil && (!errors.As(err, &where) || where.Line < 1) {
			t.Errorf("%q: an error without a line: %v", data, err)
		}
		seen := map[string]bool{}
		for _, e := range entries {
			if e.Line < 1 || e.Line > strings.Count(string(data), "\n")+1 || seen[e.Name] {
				t.Errorf("%q: %+v", data, e)
			}
			seen[e.Name] = true
		}
	})
}
