// SPDX-License-Identifier: Apache-2.0

package export

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func say(lost uint64) []byte { return fmt.Appendf(nil, "lost %d", lost) }

// read adds up the lines of a file: those that were added, and those that it says were lost.
func read(t *testing.T, text string) (there, lost uint64) {
	t.Helper()
	for line := range strings.Lines(text) {
		switch word, n, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " "); word {
		case "line":
			there++
		case "lost":
			some, err := strconv.ParseUint(n, 10, 64)
			if err != nil {
				t.Errorf("%q: %v", line, err)
			}
			lost += some
		default:
			t.Errorf("a torn line: %q", line)
		}
	}
	return there, lost
}

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLinesAreAppended(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(path, []byte("line before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path, say)
	if err != nil {
		t.Fatal(err)
	}
	want := "line before\n"
	for n := range 500 {
		line := fmt.Sprintf("line %d", n)
		l.Add([]byte(line))
		want += line + "\n"
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil || file(t, path) != want {
		t.Errorf("%v, %q", err, file(t, path))
	}
	l.Add([]byte("line late"))
	if l.Lost() != 1 || file(t, path) != want {
		t.Errorf("after the end: %d lost", l.Lost())
	}
	if _, err := Open(filepath.Join(path, "no", "folder"), say); err == nil {
		t.Error("a file in a file")
	}
}

// A reader that does not read holds up nobody; what finds no room is counted, and the file is told.
func TestASlowReaderHoldsUpNobody(t *testing.T) {
	const added = 20_000
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := os.OpenFile(path, os.O_RDWR, 0) // a writer too: the pipe has no end of file between two batches
	if err != nil {
		t.Fatal(err)
	}
	l := start(path, say)
	for range added {
		l.Add([]byte("line " + strings.Repeat("x", 100)))
	}
	early := l.Lost()
	if early == 0 || early >= added {
		t.Fatalf("%d of %d lost", early, added)
	}
	got, done := bytes.Buffer{}, make(chan error, 1)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := r.Read(buf)
			got.Write(buf[:n])
			if err != nil || bytes.HasSuffix(got.Bytes(), []byte("the end\n")) {
				done <- err
				return
			}
		}
	}()
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d lines are missing", early)) {
		t.Errorf("close: %v", err)
	}
	if _, err := r.Write([]byte("the end\n")); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r.Close()
	there, lost := read(t, strings.TrimSuffix(got.String(), "the end\n"))
	if there+lost != added || lost != l.Lost() {
		t.Errorf("%d lines, %d told as lost, %d counted: %d were added", there, lost, l.Lost(), added)
	}
}

// A full disk loses lines and tears one; once there is room again lines are whole, and the file knows how many it misses.
func TestAFullDiskIsSurvived(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1088k"); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "lines")
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	l := start(path, say)
	added := uint64(0)
	add := func() {
		l.Add([]byte("line " + strings.Repeat("x", 100)))
		added++
	}
	for l.Trouble() == "" {
		add()
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		add()
	}
	err := l.Close()
	if err == nil || !strings.Contains(err.Error(), "lines are missing") {
		t.Errorf("close: %v", err)
	}
	text := file(t, path)
	whole := uint64(0)
	told := uint64(0)
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "line ") && len(line) == 106:
			whole++
		case strings.HasPrefix(line, "lost "):
			n, err := strconv.ParseUint(strings.TrimSpace(line[5:]), 10, 64)
			if err != nil {
				t.Error(err)
			}
			told += n
		case !strings.HasPrefix("line "+strings.Repeat("x", 100), strings.TrimSuffix(line, "\n")):
			t.Errorf("neither a line nor the beginning of one: %q", line)
		}
	}
	if whole+l.Lost() != added || told != l.Lost() {
		t.Errorf("%d whole lines and %d lost, %d were added; the file tells of %d", whole, l.Lost(), added, told)
	}
}

// A file of another user's is refused at the start, and gets no line when it becomes one later: the lines would show that user the
// policy.
func TestAnotherUsersFileGetsNoLine(t *testing.T) {
	const stranger = 12345
	path := filepath.Join(t.TempDir(), "lines")
	if err := errors.Join(os.WriteFile(path, []byte("line theirs\n"), 0o666), os.Chown(path, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("open %s: it belongs to user %d: name a file of your own", path, stranger)
	if l, err := Open(path, say); err == nil || err.Error() != want {
		t.Errorf("open: %v, %v; want %s", l, err, want)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path, say)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	l.Add([]byte("line 1"))
	l.Add([]byte("line 2"))
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), "2 lines are missing: "+want) || l.Lost() != 2 || l.Trouble() != want {
		t.Errorf("close: %v, %d lost, %q", err, l.Lost(), l.Trouble())
	}
	if text := file(t, path); text != "" {
		t.Errorf("it got %q", text)
	}
}
