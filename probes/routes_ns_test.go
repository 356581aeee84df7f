// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hooktop/probes/ktest"
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
	// Whatever that read took here: one that took long is not done again at each news.
	r.engine.results <- func() { r.engine.probes[0].(*pipeline).routes.cheap = true }
	r.veth("v9", "10.5.9.1/24", "10.5.9.2/24") // news of a device: routes are read again
	<-slow.begun
	if f, err := r.engine.Snapshot(t.Context(), snap.Query{}); err != nil || iface(f, "v0") == nil {
		t.Errorf("while routes are read: %v", err)
	}
	close(slow.gate)
	r.until("the new device is watched", func(f *snap.Frame) bool { return iface(f, "v9") != nil })
	r.ns.Del(t, "v9")
}

// A router with a full table is still at its start when devices appear and wishes come: each device is watched once.
func TestADeviceOfTheStartIsWatchedOnce(t *testing.T) {
	wish := snap.Intent{Kind: snap.WatchInterface, Target: "v0"}
	for name, early := range map[string]func(*rig, chan<- snap.Answer){
		"news": func(r *rig, answer chan<- snap.Answer) {
			r.veth("v9", "10.5.9.1/24", "10.5.9.2/24")
			answer <- snap.Answer{}
		},
		"wish": func(r *rig, answer chan<- snap.Answer) {
			go func() { answer <- r.engine.Do(r.t.Context(), wish) }()
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newGround(t)
			slow := slowRoutes{r.host, make(chan struct{}, 8), make(chan struct{}, 8)}
			r.engine = New(Config{Interfaces: []string{"v*"}, NoTrace: true}, slow)
			go func() { r.ended <- r.ns.Run(func() error { return r.engine.Run(t.Context()) }) }()
			t.Cleanup(func() { r.close() })
			<-slow.begun
			answer := make(chan snap.Answer, 1)
			early(r, answer)
			since := time.Now()
			r.until("some looks at devices", func(f *snap.Frame) bool { return f.At.Sub(since) > time.Second })
			close(slow.gate)
			f, err := r.engine.Started(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if a := <-answer; a.Err != "" {
				t.Errorf("%+v: %+v", wish, a)
			}
			f = r.all()
			indexes := map[int]bool{}
			if !watched(f, "v0", 2) {
				t.Errorf("v0 has not two programs: %+v", f.Programs)
			}
			for _, d := range f.Interfaces {
				if indexes[d.Index] {
					t.Errorf("%s is watched twice: %+v", d.Name, f.Interfaces)
				}
				indexes[d.Index] = true
			}
			if r.close(); name == "news" {
				r.ns.Del(t, "v9")
			}
		})
	}
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

// lateLinks gives the first listing with the device v9 no sooner than the test lets it go, and again as often as it is asked: whoever
// looks first, the look of each second, the search for the way in or what attaches, that one attaches by it.
type lateLinks struct {
	Host
	mu              sync.Mutex
	late            []snap.Link
	read, gate, end chan struct{}
}

func (h *lateLinks) Links() ([]snap.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	links, err := h.Host.Links()
	if h.late == nil && slices.ContainsFunc(links, func(l snap.Link) bool { return l.Name == "v9" }) {
		h.late = links
		close(h.read)
		<-h.gate
	}
	select {
	case <-h.end:
		return links, err
	default:
	}
	if h.late != nil {
		return h.late, nil
	}
	return links, err
}

// A device goes after it was listed, and the news of that comes before the listing: it is begun, and forgotten again.
func TestADeviceThatWentBeforeItsListingCame(t *testing.T) {
	r := newGround(t)
	late := &lateLinks{Host: r.host, read: make(chan struct{}), gate: make(chan struct{}), end: make(chan struct{})}
	r.engine = New(Config{Interfaces: []string{"v*"}}, late)
	go func() { r.ended <- r.ns.Run(func() error { return r.engine.Run(t.Context()) }) }()
	t.Cleanup(func() { r.close() })
	release := sync.OnceFunc(func() { close(late.gate) })
	t.Cleanup(release)
	if _, err := r.engine.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	ktest.Veth(t, r.ns, "v9", r.peer, "v9")
	<-late.read
	r.ns.Del(t, "v9")
	r.rename("v0", "v5")
	r.until("news of later than the end of v9", func(f *snap.Frame) bool { return iface(f, "v5") != nil })
	release()
	r.until("an attach that fails", func(f *snap.Frame) bool {
		return slices.ContainsFunc(f.Notices, func(n snap.Notice) bool { return strings.Contains(n.Text, "can't watch v9") })
	})
	close(late.end)
	r.until("v9 forgotten", func(f *snap.Frame) bool { return iface(f, "v9") == nil })
	r.rename("v5", "v0")
}
