// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"os"
	"path/filepath"
	"testing"

	"hooktop/probes/snap"
)

func TestJournalCutAtEveryByteNamesWhatWasMade(t *testing.T) {
	dir, _ := newDir(t)
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := snap.Filter{Index: 2, Prio: 1, Handle: 7, Name: j.Tag() + "-in", FD: 9}
	ends := []int64{size(t, j)}
	step := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, size(t, j))
	}
	step(j.IntendQdisc(2, "eth0"))
	step(j.Intend(f, "eth0"))
	j.Done(f)
	step(nil)
	j.DoneQdisc(2)
	step(nil)
	whole, err := os.ReadFile(j.Name())
	if err != nil {
		t.Fatal(err)
	}
	wants := [][2]int{{0, 0}, {1, 0}, {1, 1}, {1, 0}, {0, 0}} // qdiscs, filters after each complete line
	for cut := ends[0]; cut <= int64(len(whole)); cut++ {
		lines := 0
		for lines+1 < len(ends) && ends[lines+1] <= cut+1 { // the last byte of a line is its newline
			lines++
		}
		c, err := parse(whole[:cut])
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got := [2]int{len(c.Qdiscs), len(c.Filters)}; got != wants[lines] {
			t.Errorf("cut at %d (%d lines): %v, want %v", cut, lines, got, wants[lines])
		}
	}
	if j.Pending() {
		t.Error("everything was taken back and something is pending")
	}
	if err := j.Drop(); err != nil {
		t.Error(err)
	}
}

func size(t *testing.T, j *Journal) int64 {
	t.Helper()
	st, err := j.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hooktop")
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Drop()
	for path, want := range map[string]os.FileMode{dir: 0o700, j.Name(): 0o600} {
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: mode %v (%v), want %v", path, st.Mode().Perm(), err, want)
		}
	}
}

func TestAFolderThatOthersCanWriteToIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hooktop")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJournal(dir); err == nil {
		t.Error("a journal in a folder that everybody can write to")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJournal(link); err == nil {
		t.Error("a journal behind a symbolic link")
	}
}

func TestTagsOfOthersAreNotOurs(t *testing.T) {
	id, err := Self()
	if err != nil {
		t.Fatal(err)
	}
	pid, start, ok := parseTag(id.Tag() + "-in")
	if !ok || pid != id.PID || start != id.Start || !alive(pid, start) {
		t.Errorf("own tag reads as %d, %d, %v", pid, start, ok)
	}
	for _, name := range []string{"", "hooktop", "hooktop-", "hooktop-1", "hooktop-1-2", "hooktop-x-2-in", "hooktop-1-2-up", "hooktopd-1-2-in", "hooktop--1-2-in"} {
		if _, _, ok := parseTag(name); ok {
			t.Errorf("%q passes for ours", name)
		}
	}
	if alive(id.PID, id.Start+1) {
		t.Error("a reused PID passes for the old process")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("{\"op\":\"run\",\"run\":{\"pid\":1}}\n{\"op\":\"filter\"}\n{\"op\":\"qdisc\",\"index\":3"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = parse(b) })
}
