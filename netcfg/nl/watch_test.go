// SPDX-License-Identifier: Apache-2.0

package nl_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// until reads events until one is as wanted.
func until(t *testing.T, events <-chan snap.LinkEvent, what string, want func(snap.LinkEvent) bool) {
	t.Helper()
	late := time.After(ktest.Patience)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the watch ended before %s", what)
			}
			if want(e) {
				return
			}
		case <-late:
			t.Fatalf("no event: %s", what)
		}
	}
}

// reading reads until there is enough: what was sent may still be on its way when the call that sent it is back. Whether it is right,
// and no more than that, is the test's to say.
func reading[T any](t *testing.T, read func() (T, error), enough func(T) bool) T {
	t.Helper()
	late := time.After(ktest.Patience)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for {
		got, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if enough(got) {
			return got
		}
		select {
		case <-again.C:
		case <-late:
			return got
		}
	}
}

func TestWatchLinks(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events, err := at(t, a).WatchLinks(ctx)
	if err != nil {
		t.Fatal(err)
	}
	ktest.Veth(t, a, "a0", b, "b0")
	index := a.Index(t, "a0")
	until(t, events, "a0 appears", func(e snap.LinkEvent) bool { return e.Link.Name == "a0" && e.Link.Index == index && !e.Gone })
	until(t, events, "a0 has carrier", func(e snap.LinkEvent) bool { return e.Link.Name == "a0" && e.Link.Carrier })
	a.Bridge(t, "br0", "a0")
	until(t, events, "a0 is a port", func(e snap.LinkEvent) bool { return e.Link.Name == "a0" && e.Link.Master != 0 })
	if err := a.NL.LinkSetNoMaster(a.Link(t, "a0")); err != nil {
		t.Fatal(err)
	}
	until(t, events, "a0 left the bridge, and is not gone", func(e snap.LinkEvent) bool {
		if e.Gone && e.Link.Name == "a0" {
			t.Error("leaving the bridge is shown as gone")
		}
		return e.Link.Name == "a0" && e.Link.Master == 0
	})
	a.Del(t, "a0")
	until(t, events, "a0 vanishes", func(e snap.LinkEvent) bool { return e.Link.Index == index && e.Gone })
	cancel()
	for range events { // it closes
	}
}

// An overrun of the socket loses messages; the devices that exist and those that vanished are told of afterwards.
func TestWatchLinksAfterAnOverrun(t *testing.T) {
	a, b := ktest.NewNS(t), ktest.NewNS(t)
	ktest.Veth(t, a, "old", b, "b-old")
	old := a.Index(t, "old")
	events, err := at(t, a).WatchLinks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.Del(t, "old")
	// Nobody reads: first the channel fills, then the socket's buffer.
	ktest.Veth(t, a, "churn", b, "b-churn")
	churn := a.Link(t, "churn")
	for i := range 3000 {
		if err := a.NL.LinkSetAlias(churn, fmt.Sprintf("%0200d", i)); err != nil {
			t.Fatal(err)
		}
	}
	ktest.Veth(t, a, "new", b, "b-new")
	gone := false
	until(t, events, "new appears", func(e snap.LinkEvent) bool {
		gone = gone || e.Gone && e.Link.Index == old
		return e.Link.Name == "new" && e.Link.Carrier
	})
	if !gone {
		t.Error("old vanished and was not told of")
	}
}
