// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"fmt"
	"testing"
	"time"

	"hooktop/netcfg/lab"
	"hooktop/netcfg/nl"
	"hooktop/probes/ktest"
	"hooktop/probes/ledger"
	"hooktop/probes/snap"
)

// What the senders say that died is what the host's kernel counted, and nothing else died in those ways.
func TestDropsAreWhatTheLedgerCounts(t *testing.T) {
	h := startHost(t)
	path := fmt.Sprintf("/proc/%d/ns/net", h.cmd.Process.Pid)
	ns := ktest.OpenNS(t, path)
	host, err := nl.At(path)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	book := ledger.New(ledger.Options{Host: host})
	look := func() snap.Ledger {
		ns.Do(t, func() error { book.Look(time.Now(), book.Ask()); return nil })
		return book.Read()
	}
	look()
	h.tell(t, "send")
	waitForFrames(t, ns, busy)
	sent := h.tell(t, "stop").Sent.Drops
	read := look()
	since := map[lab.Drop]uint64{}
	for _, r := range read.Rows {
		since[lab.Drop{Stage: r.Stage, Name: r.Name, Dev: r.Dev}] = r.Since
	}
	stages := map[string]bool{}
	for _, d := range sent {
		if got := since[d.Drop]; got != d.Packets {
			t.Errorf("%+v: %d were sent, the ledger has %d", d.Drop, d.Packets, got)
		}
		stages[d.Stage] = true
	}
	if len(sent) < 10 || len(stages) < 5 {
		t.Errorf("packets died at %d counters of %d stages only: %v", len(sent), len(stages), sent)
	}
	t.Logf("%v", sent)
	for d, n := range since {
		if n > 0 {
			t.Logf("ledger: %v %d", d, n)
		}
	}
	if len(read.Errs) > 0 {
		t.Errorf("errors: %v", read.Errs)
	}
}
