// SPDX-License-Identifier: Apache-2.0

package names

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

func addr(s string) snap.Addr { return snap.AddrFrom(netip.MustParseAddr(s)) }

// advance moves the bubble's clock.
func advance(d time.Duration) { <-time.After(d) }

// run runs a cache inside a synctest bubble until the test's end.
func run(t *testing.T, c *Cache) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestAnswersLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		c := New(Options{Hosts: "/nonexistent", Workers: 1, Resolve: func(_ context.Context, a string) ([]string, error) {
			asked[a]++
			switch a {
			case "192.0.2.1":
				return []string{"one.example."}, nil
			case "2001:db8::1":
				return []string{"six.example."}, nil
			}
			return nil, &net.DNSError{IsNotFound: true}
		}})
		run(t, c)
		for _, a := range []string{"192.0.2.1", "2001:db8::1", "192.0.2.2"} {
			if n := c.Name(addr(a)); n != "" {
				t.Errorf("%s has the name %q before it was asked for", a, n)
			}
		}
		synctest.Wait()
		for a, want := range map[string]string{"192.0.2.1": "one.example", "2001:db8::1": "six.example", "192.0.2.2": ""} {
			for range 3 {
				if n := c.Name(addr(a)); n != want {
					t.Errorf("%s: %q, want %q", a, n, want)
				}
			}
		}
		synctest.Wait()
		if asked["192.0.2.1"] != 1 || asked["192.0.2.2"] != 1 {
			t.Errorf("asked %v: one question each was enough", asked)
		}
		// What has no name is asked for again before what has one.
		advance(3 * time.Minute)
		c.Name(addr("192.0.2.1"))
		c.Name(addr("192.0.2.2"))
		synctest.Wait()
		if asked["192.0.2.1"] != 1 || asked["192.0.2.2"] != 2 {
			t.Errorf("asked %v after 3 minutes", asked)
		}
		advance(10 * time.Minute)
		if n := c.Name(addr("192.0.2.1")); n != "one.example" {
			t.Errorf("an old name is shown while it is asked for again, not %q", n)
		}
		synctest.Wait()
		if asked["192.0.2.1"] != 2 {
			t.Errorf("asked %v after 13 minutes", asked)
		}
		if lost := c.Lost(); lost != nil {
			t.Errorf("lost %v", lost)
		}
	})
}

func TestFullQueueIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int64
		c := New(Options{Hosts: "/nonexistent", Workers: 2, Queue: 8, Resolve: func(context.Context, string) ([]string, error) {
			asked.Add(1)
			<-release
			return []string{"x.example."}, nil
		}})
		run(t, c)
		for i := range 100 {
			c.Name(snap.Addr{10: 0xff, 11: 0xff, 12: 192, 15: byte(i)})
			synctest.Wait()
		}
		if lost := c.Lost(); len(lost) != 1 || lost[0] != (snap.Count{Name: "names: queue full", N: 90}) {
			t.Errorf("of 100 questions, 2 asked and 8 waiting, lost are %v", lost)
		}
		close(release)
		synctest.Wait()
		if n := asked.Load(); n != 10 {
			t.Errorf("%d asked, want 10", n)
		}
	})
}

func TestTimeoutAndFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Hosts: "/nonexistent", Resolve: func(ctx context.Context, a string) ([]string, error) {
			if a == "192.0.2.1" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return nil, errors.New("refused")
		}})
		run(t, c)
		start := time.Now()
		c.Name(addr("192.0.2.1"))
		c.Name(addr("192.0.2.2"))
		advance(3 * time.Second)
		synctest.Wait()
		if lost := c.Lost(); len(lost) != 1 || lost[0].N != 2 {
			t.Errorf("lost %v after %v", lost, time.Since(start))
		}
	})
}

func TestStopWhileAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Hosts: "/nonexistent", Timeout: time.Hour, Resolve: func(ctx context.Context, _ string) ([]string, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		run(t, c) // its cleanup waits for Run
		for i := range 20 {
			c.Name(snap.Addr{10: 0xff, 11: 0xff, 12: 192, 15: byte(i)})
		}
		synctest.Wait()
	})
}

func TestPanicIsReported(t *testing.T) {
	c := New(Options{Hosts: "/nonexistent", Resolve: func(context.Context, string) ([]string, error) { panic("boom") }})
	c.Name(addr("192.0.2.1"))
	if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("Run: %v", err)
	}
}

func TestHostileNames(t *testing.T) {
	long := strings.Repeat("a", 10000)
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"\x1b[2J\x1b]0;owned\x07.example."}, `\x1b[2J\x1b]0;owned\x07.example`},
		{[]string{long + ".", "ok.example."}, "ok.example"},
		{[]string{long}, ""}, {[]string{"", ".", "  "}, ""}, {nil, ""},
		{[]string{"a\xffb"}, `a\xffb`}, {[]string{"\u202eevil"}, `\u202eevil`},
	} {
		if got := first(c.names); got != c.want {
			t.Errorf("%.40q: got %q, want %q", c.names, got, c.want)
		}
	}
}

func TestNotAsked(t *testing.T) {
	c := New(Options{Hosts: "/nonexistent"})
	for _, a := range []string{"0.0.0.0", "::", "224.0.0.251", "ff02::1", "255.255.255.255"} {
		c.Name(addr(a))
	}
	if n := len(c.queue); n != 0 {
		t.Errorf("%d questions about addresses without names", n)
	}
}

func TestForgetsTheOldest(t *testing.T) {
	c := New(Options{Hosts: "/nonexistent", Entries: 100, Queue: 10000})
	for i := range 5000 {
		c.Name(snap.Addr{10: 0xff, 11: 0xff, 12: 192, 14: byte(i >> 8), 15: byte(i)})
	}
	if n := len(c.new) + len(c.old); n > 100 {
		t.Errorf("%d entries remembered, at most 100 wanted", n)
	}
}

func TestHostsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	write := func(s string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	write("# comment\n192.0.2.1 a.example alias # x\n192.0.2.1 b.example\n2001:db8::1\tsix\nbad name\n192.0.2.3\n192.0.2.4 \x1b[31m\n", now)
	h := hosts{path: path}
	for a, want := range map[string]string{"192.0.2.1": "a.example", "2001:db8::1": "six", "192.0.2.2": "", "192.0.2.3": "", "192.0.2.4": `\x1b[31m`} {
		if n := h.name(netip.MustParseAddr(a), now); n != want {
			t.Errorf("%s: %q, want %q", a, n, want)
		}
	}
	write("192.0.2.1 c.example\n", now.Add(time.Second))
	if n := h.name(netip.MustParseAddr("192.0.2.1"), now.Add(hostsEvery)); n != "c.example" {
		t.Errorf("after a change: %q", n)
	}
	os.Remove(path)
	if n := h.name(netip.MustParseAddr("192.0.2.1"), now.Add(2*hostsEvery)); n != "" {
		t.Errorf("without a file: %q", n)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a.example.", []byte("192.0.2.1 x\n"))
	f.Add("\x1b[0m", []byte("::1 \x00\x1b\n#\n"))
	f.Fuzz(func(t *testing.T, name string, file []byte) {
		check := func(n string) {
			if n != format.Clean(n) || len(n) > 4*maxName {
				t.Errorf("%q came through", n)
			}
		}
		check(first([]string{name}))
		for _, n := range parseHosts(file) {
			check(n)
		}
	})
}
