// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
)

// keepOne keeps a policy.
func (r *rig) keepOne(text string) {
	r.t.Helper()
	r.commit(text)
	r.good(r.s.Keep(""))
}

func TestSaveKeepsModeOwnerLinkAndTenVersions(t *testing.T) {
	r := newRig(t, nil)
	path, link := filepath.Join(r.dir, "policy"), filepath.Join(r.dir, "link")
	if err := os.WriteFile(path, []byte("# old\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(path, 12, 34); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("policy", link); err != nil {
		t.Fatal(err)
	}
	r.bad(r.s.Save(link, ""), "no policy is kept")
	r.keepOne("deny in tcp to any port 1\n")
	r.bad(r.s.Save("", ""), "came from no file")
	r.bad(r.s.Save(link, ""), "this session has not read it")
	if offer := r.s.Save(link, "").Offer; !strings.HasPrefix(offer, snap.Overwrite+" ") {
		t.Errorf("offers %q", offer)
	}
	r.good(r.s.Save(link, snap.Overwrite))
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	was, is := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t)
	if after.Mode() != before.Mode() || was.Uid != is.Uid || was.Gid != is.Gid {
		t.Fatalf("mode %v, owner %d:%d", after.Mode(), is.Uid, is.Gid)
	}
	if to, err := os.Readlink(link); err != nil || to != "policy" {
		t.Fatalf("the link: %q, %v", to, err)
	}
	for i := range 12 {
		r.pass(1e9)
		r.keepOne(fmt.Sprintf("deny in tcp to any port %d\n", i+2))
		r.good(r.s.Save("", ""))
	}
	kept, err := os.ReadDir(filepath.Join(r.opt.State, "versions"))
	if err != nil || len(kept) != maxVersions {
		t.Fatalf("%d versions, %v", len(kept), err)
	}
	newest := readFile(t, filepath.Join(r.opt.State, "versions", kept[len(kept)-1].Name()))
	if !strings.Contains(newest, "port 12") || !strings.Contains(readFile(t, path), "port 13") {
		t.Fatalf("newest version %q, file %q", newest, readFile(t, path))
	}
}

func TestAFileDeepInTheTreeHasVersionsToo(t *testing.T) {
	r := newRig(t, nil)
	deep := filepath.Join(r.dir, strings.Repeat("d/", 60), strings.Repeat("n", 120))
	if err := os.MkdirAll(filepath.Dir(deep), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		r.pass(time.Second)
		r.keepOne(fmt.Sprintf("deny in tcp to any port %d\n", i+1))
		r.good(r.s.Save(deep, ""))
	}
	kept, err := os.ReadDir(filepath.Join(r.opt.State, "versions"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%d versions, %v", len(kept), err)
	}
}

func TestSaveOfAFileThatChangedOrVanished(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.File, o.FileText = filepath.Join(filepath.Dir(o.State), "policy"), "# read\n"
	})
	r.keepOne("deny in tcp to any port 23\n")
	if err := os.WriteFile(r.opt.File, []byte("# somebody else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.bad(r.s.Save("", ""), "changed on disk")
	if got := readFile(t, r.opt.File); got != "# somebody else\n" {
		t.Fatalf("overwritten: %q", got)
	}
	if err := os.Remove(r.opt.File); err != nil {
		t.Fatal(err)
	}
	if a := r.good(r.s.Save("", "")); !strings.Contains(a.Text, "was gone") {
		t.Fatalf("%+v", a)
	}
	if err := os.Remove(r.opt.File); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(r.opt.File, 0o600); err != nil {
		t.Fatal(err)
	}
	r.bad(r.s.Save("", ""), "no regular file")
}

// What somebody writes into the file while it is saved is not lost, and neither is a file of which no version could be kept.
func TestSaveLosesNothingThatItHasNotRead(t *testing.T) {
	var meanwhile func()
	r := newRig(t, func(o *Options) {
		now := o.Now
		o.File, o.FileText = filepath.Join(filepath.Dir(o.State), "policy"), "# read\n"
		o.Now = func() time.Time { // asked for the version's name, among others
			if meanwhile != nil {
				meanwhile()
			}
			return now()
		}
	})
	r.keepOne("deny in tcp to any port 23\n")
	put := func(text string) {
		if err := os.WriteFile(r.opt.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("# read\n")
	meanwhile = func() { put("# somebody else\n") }
	r.bad(r.s.Save("", ""), "somebody changed it meanwhile")
	if got := readFile(t, r.opt.File); got != "# somebody else\n" {
		t.Errorf("overwritten: %q", got)
	}
	meanwhile = nil
	put(strings.Repeat("#\n", policy.MaxBytes/2) + "the end\n")
	r.bad(r.s.Save("", snap.Overwrite), "which is no policy")
	if !strings.HasSuffix(readFile(t, r.opt.File), "the end\n") {
		t.Error("its end is lost")
	}
	left, err := os.ReadDir(r.dir)
	if err != nil || slices.ContainsFunc(left, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), ".policy") }) {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What somebody else wrote into the file is told line by line, and is overwritten only as it was told.
func TestARefusedSaveTellsWhatChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy")
	read := "deny in tcp to any port 22\ndeny in udp to any port 53 # dns\n"
	r := newRig(t, func(o *Options) { o.File, o.FileText = path, read })
	r.keepOne("deny in tcp to any port 23\n")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("default in deny\ndeny in tcp to any port 22\ndeny in udp to any port 54 # dns\n")
	first := r.s.Save("", "")
	r.bad(first, "changed on disk since it was read (")
	if text := strings.Join(first.Changed, "\n"); len(first.Changed) != 2 || !strings.Contains(text, "default in: deny") || !strings.Contains(text, "54") {
		t.Errorf("changed: %q", first.Changed)
	}
	put("deny in tcp to any port 22   # changed\ndeny in udp to any port 53\n")
	second := r.s.Save("", first.Offer)
	r.bad(second, "in comments or spaces only")
	put("deny everything\x1b[2J\n")
	third := r.s.Save("", second.Offer)
	r.bad(third, "can't be read as a policy")
	if len(third.Changed) != 1 || strings.Contains(third.Changed[0], "\x1b") {
		t.Errorf("changed: %q", third.Changed)
	}
	r.good(r.s.Save("", third.Offer))
	if got := readFile(t, path); !strings.Contains(got, "port 23") {
		t.Errorf("the file says %q", got)
	}
	put(strings.Repeat("deny in tcp to any port 24\n", 2*maxChanged))
	if a := r.s.Save("", ""); len(a.Changed) != maxChanged+1 || !strings.HasPrefix(a.Changed[maxChanged], "and ") {
		t.Errorf("%d lines", len(a.Changed))
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte(read), 0o600); err != nil {
		t.Fatal(err)
	}
	r.bad(r.s.Save(other, ""), "this session has not read it")
}

// A disk of one page holds the old file, and nothing beside it.
func TestFullDiskLeavesTheOldFileWhole(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("needs root: it mounts a small tmpfs")
	}
	r := newRig(t, nil)
	disk := filepath.Join(r.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=8k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(disk, "policy")
	r.keepOne("deny in tcp to any port 23\n")
	r.good(r.s.Save(path, ""))
	old := readFile(t, path)
	r.keepOne(strings.Repeat("# a comment that takes some room on the disk\n", 400) + "deny in tcp to any port 24\n")
	r.bad(r.s.Save("", ""), "no space left")
	if got := readFile(t, path); got != old {
		t.Fatalf("the old file holds %d bytes, had %d", len(got), len(old))
	}
	left, err := os.ReadDir(disk)
	if err != nil || len(left) != 1 {
		t.Fatalf("left on the disk: %v, %v", left, err)
	}
	if r.plane.decides() != r.s.View(false).Kept {
		t.Fatal("the policy in force changed")
	}
}
