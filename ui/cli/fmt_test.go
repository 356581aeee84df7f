// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// at writes a policy into a folder of the test's.
func at(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const (
	loose  = "default  in deny # x\ndeny in tcp from any to any port 23\ntunnel gre count\n"
	strict = "default in deny  # x\ndeny  in  tcp to any port 23\ntunnel gre vni any count\n"
)

func TestFmtPrintsTheCanonicalForm(t *testing.T) {
	path := at(t, "p.acl", loose)
	s := play(t, nil, "fmt", path)
	if s.code != 0 || s.out != strict || s.err != "" {
		t.Errorf("code %d, %q, %q", s.code, s.out, s.err)
	}
	if content(t, path) != loose {
		t.Error("fmt without -w changed the file")
	}
	if s := play(t, nil, "fmt", "--check", path); s.code != 1 || s.out != "" || !strings.Contains(s.err, "is not in canonical form: run hooktop fmt -w") {
		t.Errorf("--check: code %d, %q, %q", s.code, s.out, s.err)
	}
	if s := play(t, nil, "fmt", "--check", at(t, "p.acl", strict)); s.code != 0 || s.out != "" {
		t.Errorf("--check of the canonical form: code %d, %q", s.code, s.out)
	}
	if s := play(t, nil, "fmt"); s.code != 0 || s.out != "" || s.err != "" {
		t.Errorf("an empty standard input: code %d, %q, %q", s.code, s.out, s.err)
	}
}

func TestFmtTellsEachError(t *testing.T) {
	path := at(t, "p.acl", "drop in\nallow in\ndeny tcp to any port 8000-80\n")
	s := play(t, nil, "fmt", path)
	want := "hooktop: fmt " + path + ": line 1, column 1: \"drop\" begins no line: write deny\nhooktop: fmt " + path +
		": line 3, column 22: port list: 8000-80 runs backwards: write 80-8000\n"
	if s.code != 1 || s.out != "" || s.err != want {
		t.Errorf("code %d, %q, %q, want %q", s.code, s.out, s.err, want)
	}
	if s := play(t, nil, "fmt", "-w", path); s.code != 1 || content(t, path) != "drop in\nallow in\ndeny tcp to any port 8000-80\n" {
		t.Errorf("-w of a policy with errors: code %d", s.code)
	}
	var o fmtObject
	s = play(t, nil, "fmt", "--json", path)
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || s.code != 1 || len(o.Errors) != 2 || o.Errors[1].Line != 3 || o.Errors[1].Column != 22 ||
		o.Errors[1].Hint != "write 80-8000" || strings.Contains(s.out, "null") {
		t.Errorf("%v in %s", err, s.out)
	}
	many := at(t, "p.acl", strings.Repeat("x\n", 150))
	if s := play(t, nil, "fmt", many); strings.Count(s.err, "\n") != 101 || !strings.Contains(s.err, "50 more errors") {
		t.Errorf("%d lines of errors", strings.Count(s.err, "\n"))
	}
}

func TestFmtJSON(t *testing.T) {
	var o fmtObject
	s := play(t, nil, "fmt", "--json", at(t, "p.acl", strict+"allow in tcp to any port 23\n"))
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || o.Schema != "hooktop.fmt/1" || o.Canonical || o.Written || !strings.HasPrefix(o.Text, strict) ||
		len(o.Findings) == 0 || strings.Contains(s.out, "null") {
		t.Errorf("%v in %s", err, s.out)
	}
}

func TestFmtWritesAtomically(t *testing.T) {
	path := at(t, "p.acl", loose)
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	uid, gid := os.Geteuid(), os.Getegid()
	if uid == 0 {
		uid, gid = 65534, 65533
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if s := play(t, nil, "fmt", "-w", path); s.code != 0 || s.out != "" || content(t, path) != strict {
		t.Fatalf("code %d, %q, %q", s.code, s.err, content(t, path))
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); info.Mode() != 0o604 || int(stat.Uid) != uid || int(stat.Gid) != gid {
		t.Errorf("mode %v, owner %d:%d; were 604, %d:%d", info.Mode(), stat.Uid, stat.Gid, uid, gid)
	}
	if s := play(t, nil, "fmt", "-w", path); s.code != 0 {
		t.Errorf("again: code %d, %q", s.code, s.err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(info, after) {
		t.Errorf("a canonical file was written again (%v)", err)
	}
	alone(t, path)
}

// alone fails when something stands beside the file.
func alone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%v beside the file (%v)", entries, err)
	}
}

func TestFmtRefusesWhatIsNotTheFile(t *testing.T) {
	path := at(t, "p.acl", loose)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if s := play(t, nil, "fmt", "-w", link); s.code != 1 || !strings.Contains(s.err, "symbolic link") {
		t.Errorf("a link: code %d, %q", s.code, s.err)
	}
	if s := play(t, nil, "fmt", link); s.code != 0 || s.out != strict {
		t.Errorf("reading through a link: code %d, %q", s.code, s.err)
	}
	if err := os.Link(path, link+"2"); err != nil {
		t.Fatal(err)
	}
	if s := play(t, nil, "fmt", "-w", path); s.code != 1 || !strings.Contains(s.err, "several names") {
		t.Errorf("two names: code %d, %q", s.code, s.err)
	}
	if content(t, path) != loose {
		t.Error("the file was changed")
	}
	for _, c := range []struct {
		args  []string
		code  int
		words string
	}{
		{[]string{"fmt", "-w"}, ExitUsage, "standard input can't be written"},
		{[]string{"fmt", "-w", "--check", path}, ExitUsage, "exclude each other"},
		{[]string{"fmt", "/nowhere/p.acl"}, ExitFailed, "fmt: read /nowhere/p.acl: no such file or directory"},
		{[]string{"fmt", "/"}, ExitFailed, "it is a folder"},
	} {
		if s := play(t, nil, c.args...); s.code != c.code || !strings.Contains(s.err, c.words) || s.out != "" {
			t.Errorf("%v: code %d, %q; want %d, %q", c.args, s.code, s.err, c.code, c.words)
		}
	}
}

// A full disk, or a file that somebody changes, removes or replaces while it is written: the file stays what it is.
func TestFmtLeavesTheFileWholeWhenWritingFails(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(path string) error
		words     string
		left      string // "" : the file is gone
	}{
		"full disk": {func(string) error { return syscall.ENOSPC }, "no space left on device: the file is as it was", loose},
		"changed":   {func(path string) error { return os.WriteFile(path, []byte("allow\n"), 0o600) }, "changed it meanwhile", "allow\n"},
		"gone":      {os.Remove, "no such file", ""},
		"a link": {func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink("/etc/passwd", path))
		}, "symbolic link", "passwd"},
	} {
		path := at(t, "p.acl", loose)
		src, err := (&call{}).readPolicy(path)
		if err != nil {
			t.Fatal(err)
		}
		err = src.replace(strict, func(f *os.File, text string) (int, error) {
			n, _ := f.WriteString(text[:5])
			return n, c.meanwhile(path)
		})
		src.close()
		if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "stays behind") {
			t.Errorf("%s: %v, want %q", name, err, c.words)
		}
		switch info, err := os.Lstat(path); {
		case c.left == "" && !errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s: the file is there (%v)", name, err)
		case c.left == "passwd" && (err != nil || info.Mode()&fs.ModeSymlink == 0):
			t.Errorf("%s: the link is gone (%v)", name, err)
		case c.left != "" && c.left != "passwd" && content(t, path) != c.left:
			t.Errorf("%s: the file holds %q", name, content(t, path))
		}
		if c.left != "" {
			alone(t, path)
		}
	}
}

const chainLine = "chain fw in lan0 match tcp to any port 443 service via 10.9.0.2 dev fw0 return fw1 mark 0x10/0xf0 upstream via 10.0.0.1 dev wan0 fail open"

func TestDiffTellsWhatDiffers(t *testing.T) {
	a := at(t, "a.acl", "default in allow\ndeny in tcp to any port 22\nset x { 10.0.0.1 }\nallow in from @x\n"+chainLine+"\ncount in udp\n")
	b := at(t, "b.acl", "# new\ndefault in deny\ncount in udp\ndeny in tcp to any port 23\nset x { 10.0.0.2 }\nallow in from @x\n")
	s := play(t, nil, "diff", a, b)
	for _, want := range []string{"~ default in: deny, was: allow\n", "~ set x changed: -10.0.0.1 +10.0.0.2\n", "> line 6 moved to 3: count in  udp\n",
		"~ line 4 changed: deny  in  tcp to any port 23, was: deny  in  tcp to any port 22\n", "- line 5 removed: " + chainLine + "\n",
		"packets whose fate changes:\n  in "} {
		if !strings.Contains(s.out, want) {
			t.Errorf("%q is missing in\n%s", want, s.out)
		}
	}
	if s.code != 1 || s.err != "" {
		t.Errorf("code %d, %q", s.code, s.err)
	}
	var o diffObject
	s = play(t, nil, "diff", "--json", a, b)
	if err := json.Unmarshal([]byte(s.out), &o); err != nil || s.code != 1 || o.Schema != "hooktop.diff/1" || o.Same || len(o.Rules) != 2 || len(o.Packets) == 0 ||
		len(o.Sets) != 1 || len(o.Kept) != 1 || len(o.Defaults) != 1 || strings.Contains(s.out, "null") {
		t.Errorf("code %d, %v in %s", s.code, err, s.out)
	}
	s = play(t, nil, "diff", "--json", a, a)
	if s.code != 0 || !strings.Contains(s.out, `"same":true`) || strings.Contains(s.out, "null") {
		t.Errorf("the same: code %d, %s", s.code, s.out)
	}
	if s := play(t, nil, "diff", at(t, "c.acl", loose), at(t, "d.acl", strict)); s.code != 0 || s.out != "" {
		t.Errorf("form alone: code %d, %q", s.code, s.out)
	}
	bad := at(t, "bad.acl", "drop\n")
	for _, c := range []struct {
		a, b, words string
	}{{"-", "-", "can't be both"}, {a, "/nowhere", "diff: read /nowhere: no such file"}, {a, bad, "diff " + bad + ": line 1, column 1: "}} {
		if s := play(t, nil, "diff", c.a, c.b); s.code != 2 || s.out != "" || !strings.Contains(s.err, c.words) {
			t.Errorf("diff %s %s: code %d, %q, %q", c.a, c.b, s.code, s.out, s.err)
		}
	}
}
