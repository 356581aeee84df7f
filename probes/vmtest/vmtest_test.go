// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/bpf/kern"
)

var root = filepath.Join("..", "..")

// What is claimed of kernels is claimed of those that the matrix boots.
func TestTheMatrixHasTheKernelsOfTheClaims(t *testing.T) {
	var series []string
	for _, k := range Kernels() {
		series = append(series, k.Series)
	}
	if !slices.Equal(series, kern.Series()) {
		t.Errorf("the matrix boots %v, the claims are for %v", series, kern.Series())
	}
}

// Two guests at a time end soonest when the long ones begin first.
func TestTheLongGuestsBootFirst(t *testing.T) {
	order := BootOrder(Kernels())
	if len(order) != len(Kernels()) {
		t.Fatalf("%d kernels of %d", len(order), len(Kernels()))
	}
	for i, k := range order {
		if i > 0 && order[i-1].Between && !k.Between || !slices.Contains(Kernels(), k) {
			t.Errorf("%s is number %d", k.Series, i+1)
		}
	}
}

// A pattern that names no test any more would select nothing, or skip nothing, without a word.
func TestSelectionsNameTests(t *testing.T) {
	for _, selected := range Suite() {
		names := declared(t, filepath.Join(root, selected.Package), "*_test.go", `(?m)^func ((?:Test|Fuzz)\w+)\(`)
		for _, name := range slices.Concat(selected.Run, selected.Skip, selected.Ends) {
			test, _, _ := strings.Cut(name, "/")
			if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, test) }) {
				t.Errorf("%s: no test's name begins with %s", selected.Package, test)
			}
		}
		for _, f := range selected.Files {
			if _, err := os.Stat(filepath.Join(root, f)); err != nil {
				t.Errorf("%s: %v", selected.Package, err)
			}
		}
	}
}

// Every object of programs is among those that bpf/kern's test loads on each kernel.
func TestEveryObjectIsLoadedOnEveryKernel(t *testing.T) {
	loaders := declared(t, filepath.Join(root, "bpf"), "*_bpfel.go", `(?m)^func (Load\w+)\(\)`)
	text, err := os.ReadFile(filepath.Join(root, "bpf", "kern", "programs_test.go"))
	if err != nil || len(loaders) == 0 {
		t.Fatalf("objects %v, %v", loaders, err)
	}
	for _, name := range loaders {
		if !strings.Contains(string(text), "bpf."+name+",") {
			t.Errorf("bpf.%s is not among programObjects", name)
		}
	}
}

// declared finds what a pattern captures in files of a folder.
func declared(t *testing.T, dir, files, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, files))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
	}
	return all
}

const report = "boot says hello\n" + Mark + "begin bpf/kern\r\n--- PASS: TestOne (0.1s)\nPASS\n\n" + Mark + "end bpf/kern 0 1500\n" +
	Mark + "begin probes\n--- FAIL: TestTwo\n" + Mark + "end probes 1 20\n" + Mark + "begin netcfg/nl\nPASS\n" + Mark + "end netcfg/nl 0 3\n" +
	Mark + "done\n"

func TestReportIsTakenApart(t *testing.T) {
	var o Outcome
	done, err := o.listen(strings.NewReader(report), time.Now())
	if err != nil || !done || len(o.Runs) != 3 {
		t.Fatalf("%v, %v, %+v", done, err, o)
	}
	for i, want := range []struct {
		failed, log string
		took        time.Duration
	}{
		{"", "--- PASS: TestOne (0.1s)\nPASS\n\n", 1500 * time.Millisecond},
		{"exit code 1", "--- FAIL: TestTwo\n", 20 * time.Millisecond},
		{"it ran no test", "PASS\n", 3 * time.Millisecond},
	} {
		if r := o.Runs[i]; r.Failed() != want.failed || r.Log != want.log || r.Took != want.took {
			t.Errorf("%+v (%q), want %+v", r, r.Failed(), want)
		}
	}
}

// A guest that dies anywhere is no success, and what it said until then is kept.
func TestReportCutAtEveryByte(t *testing.T) {
	for n := range len(report) - len("\n") {
		var o Outcome
		done, err := o.listen(strings.NewReader(report[:n]), time.Now())
		if err != nil || done && n < len(report)-2 {
			t.Fatalf("after %d bytes: done %v, %v", n, done, err)
		}
		ended := strings.Count(report[:n], Mark+"end ")
		for i, r := range o.Runs {
			if i >= ended && r.Failed() == "" {
				t.Errorf("after %d bytes %s counts as passed", n, r.Package)
			}
		}
	}
}

func TestArchive(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b)
	a.file("a/b/file", modeExec, []byte("hello"))
	a.link("a/link", "b/file")
	a.device("dev/null", 1, 3)
	a.copy("copy", modeFile, filepath.Join(root, "go.mod"))
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for rest := b.Bytes(); ; {
		var magic, inode, mode, uid, gid, links, mtime, size, major, minor, rmajor, rminor, namesize, check int
		if _, err := fmt.Sscanf(string(rest[:110]), "%6d%8x%8x%8x%8x%8x%8x%8x%8x%8x%8x%8x%8x%8x", &magic, &inode, &mode, &uid, &gid, &links,
			&mtime, &size, &major, &minor, &rmajor, &rminor, &namesize, &check); err != nil || magic != 70701 {
			t.Fatalf("header %q: %v", rest[:110], err)
		}
		name := string(rest[110 : 110+namesize-1])
		data := rest[(110+namesize+3)&^3:]
		if name == "TRAILER!!!" {
			break
		}
		if name == "copy" {
			name, size = fmt.Sprint(name, size > 100), (size+3)&^3
			got = append(got, name)
		} else {
			got = append(got, fmt.Sprintf("%s %o %d:%d %q", name, mode, rmajor, rminor, data[:size]))
		}
		rest = data[(size+3)&^3:]
	}
	want := []string{`a 40755 0:0 ""`, `a/b 40755 0:0 ""`, `a/b/file 100755 0:0 "hello"`, `a/link 120777 0:0 "b/file"`, `dev 40755 0:0 ""`,
		`dev/null 20600 1:3 ""`, "copytrue"}
	if !slices.Equal(got, want) {
		t.Errorf("entries\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	bad := newArchive(&b)
	bad.copy("x", modeFile, "no such file")
	if err := bad.close(); err == nil {
		t.Error("a missing file makes no error")
	}
}

func TestACacheThatIsNotWholeSaysSo(t *testing.T) {
	dir := t.TempDir()
	k := Kernels()[0]
	if _, err := k.open(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty cache: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, k.Suite), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, k.Suite, resolvedFile), []byte("linux-image-5.10.0-1 5.10.1-1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Fetch(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "remove the folder") {
		t.Errorf("a folder without a kernel: %v", err)
	}
}
