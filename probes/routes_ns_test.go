// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"testing"
	"time"

	"hooktop/probes/snap"
)

// slowRoutes is a router with a full table: each read of it waits until the test lets it go.
type slowRoutes struct {
	Host
	begun chan struct{}
	gate  chan struct{}
}

func (h slowRoutes) RouteDevices() (all, defaults []int, err error) {
	h.begun <- struct{}{}
	<-h.gate
	return h.Host.RouteDevices()
}

func TestAFullRoutingTableHoldsUpNoFrame(t *testing.T) {
	r := newGround(t)
	slow := slowRoutes{r.host, make(chan struct{}, 8), make(chan struct{}, 8)}
	r.engine = New(Config{}, slow)
	go func() { r.ended <- r.ns.Run(func() error { return r.engine.Run(t.Context()) }) }()
	t.Cleanup(func() { r.close() })
	<-slow.begun
	// The engine answers while the start waits for routes.
	if f, err := r.engine.Snapshot(t.Context(), snap.Query{}); err != nil || f.Started {
		t.Errorf("before routes were read: started %v, %v", f.Started, err)
	}
	slow.gate <- struct{}{}
	f, err := r.engine.Started(t.Context())
	if err != nil || iface(f, "v0") == nil {
		t.Fatalf("%v: v0 is not watched: %+v", err, f.Interfaces)
	}
	r.note(f)
	r.veth("v9", "10.5.9.1/24", "10.5.9.2/24") // news of a device: routes are read again
	<-slow.begun
	if f, err := r.engine.Snapshot(t.Context(), snap.Query{}); err != nil || iface(f, "v0") == nil {
		t.Errorf("while routes are read: %v", err)
	}
	close(slow.gate)
	r.until("the new device is watched", func(f *snap.Frame) bool { return iface(f, "v9") != nil })
	r.ns.Del(t, "v9")
}

func TestDearRoutesAreReadSeldom(t *testing.T) {
	for _, c := range []struct {
		took, pause time.Duration
		cheap       bool
	}{
		{0, replanEvery, true},
		{10 * time.Millisecond, replanEvery, true},
		{3 * time.Second, 150 * time.Second, false}, // a million routes
	} {
		if pause, cheap := routesPause(c.took); pause != c.pause || cheap != c.cheap {
			t.Errorf("after a read of %s: again in %s, at each news %v; want %s, %v", c.took, pause, cheap, c.pause, c.cheap)
		}
	}
}
