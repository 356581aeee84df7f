// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"errors"
	"os"
	"testing"

	"hooktop/probes/snap"
)

// Without a watcher the journal alone leads a clean-up to what is left; without a journal nothing is promised.
func TestAJournalWithoutAWatcher(t *testing.T) {
	dir, h := newDir(t)
	j, err := OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := snap.Filter{Index: 2, Prio: 1, Handle: 7, Name: j.Tag() + "-in"}
	if err := errors.Join(j.Intend(f, "eth0"), h.add(h.path(f))); err != nil {
		t.Fatal(err)
	}
	if err := j.End(); err == nil {
		t.Error("an end with something left says nothing")
	}
	if items, err := Reclaim(dir, h); err != nil || len(items) != 1 || items[0].State != "removed" {
		t.Errorf("reclaim: %v, %v; want one filter removed", items, err)
	}
	if j, err = OpenJournal(dir); err != nil {
		t.Fatal(err)
	}
	if err := j.End(); err != nil {
		t.Errorf("an end with nothing left: %v", err)
	}
	if _, err := os.Stat(j.Name()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left: %v", j.Name(), err)
	}
	why := errors.New("no room")
	g := Refuse(why)
	if g.Intend(f, "eth0") != why || g.IntendQdisc(2, "eth0") != why {
		t.Error("something was promised without a journal")
	}
}
