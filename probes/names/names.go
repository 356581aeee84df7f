// SPDX-License-Identifier: Apache-2.0

package names

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Resolver asks for the names of an address; net.Resolver.LookupAddr has this shape.
type Resolver func(ctx context.Context, addr string) ([]string, error)

// Options of New. The zero value of each field means the usual thing.
type Options struct {
	Hosts    string        // hosts file, asked first; "/etc/hosts"
	Resolve  Resolver      // Go's own resolver
	Workers  int           // questions at a time; 4
	Queue    int           // questions waiting; 512, more are dropped and counted
	Entries  int           // addresses remembered; 16384
	TTL      time.Duration // of an answer; 10 min
	Negative time.Duration // of "no name" and of a failure; 2 min
	Timeout  time.Duration // of one question; 2 s
	Now      func() time.Time
}

// maxName is the longest name that is kept, in bytes: a DNS name has at most 253 (RFC 1035).
const maxName = 253

// Cache of names. Safe for concurrent use.
type Cache struct {
	opt     Options
	queue   chan snap.Addr
	hosts   hosts
	dropped atomic.Uint64
	failed  atomic.Uint64

	mu       sync.RWMutex
	new, old map[snap.Addr]entry // two generations of half of Options.Entries
}

// entry is what is known about an address. A question on its way has an entry without an end.
type entry struct {
	name  string
	until time.Time // zero: asked, not answered yet
}

// New makes an empty cache. Questions are answered while Run runs.
func New(o Options) *Cache {
	if o.Hosts == "" {
		o.Hosts = "/etc/hosts"
	}
	if o.Resolve == nil {
		o.Resolve = (&net.Resolver{PreferGo: true}).LookupAddr
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	orInt(&o.Workers, 4)
	orInt(&o.Queue, 512)
	orInt(&o.Entries, 16384)
	orTime(&o.TTL, 10*time.Minute)
	orTime(&o.Negative, 2*time.Minute)
	orTime(&o.Timeout, 2*time.Second)
	return &Cache{opt: o, queue: make(chan snap.Addr, o.Queue), hosts: hosts{path: o.Hosts}, new: map[snap.Addr]entry{}}
}

func orInt(v *int, usual int) {
	if *v <= 0 {
		*v = usual
	}
}

func orTime(v *time.Duration, usual time.Duration) {
	if *v <= 0 {
		*v = usual
	}
}

// Run resolves until ctx ends, and returns when its workers have ended. A worker that panics ends the others; the panic
// comes back as an error.
func (c *Cache) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	panics := make(chan error, c.opt.Workers)
	var wg sync.WaitGroup
	for range c.opt.Workers {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					panics <- fmt.Errorf("resolve names: panic: %v\n%s", v, debug.Stack())
					cancel()
				}
			}()
			c.work(ctx)
		})
	}
	wg.Wait()
	close(panics)
	return <-panics
}

func (c *Cache) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-c.queue:
			c.resolve(ctx, a)
		}
	}
}

// Name of an address, cleaned, or "" when there is none or none is known yet. Never waits.
func (c *Cache) Name(a snap.Addr) string {
	if !askable(a) {
		return ""
	}
	now := c.opt.Now()
	c.mu.RLock()
	e, ok := c.get(a)
	c.mu.RUnlock()
	if ok && (e.until.IsZero() || now.Before(e.until)) {
		return e.name
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if again, ok := c.get(a); ok && again != e {
		return again.name // somebody else asked meanwhile
	}
	select {
	case c.queue <- a:
		c.put(a, entry{name: e.name}) // an old name is better than none while it is asked for again
	default:
		c.dropped.Add(1)
	}
	return e.name
}

// askable leaves out addresses that no name server has a name for.
func askable(a snap.Addr) bool {
	ip := a.Netip()
	return !ip.IsUnspecified() && !ip.IsMulticast() && ip.String() != "255.255.255.255"
}

func (c *Cache) get(a snap.Addr) (entry, bool) {
	e, ok := c.new[a]
	if !ok {
		e, ok = c.old[a]
	}
	return e, ok
}

func (c *Cache) put(a snap.Addr, e entry) {
	if _, ok := c.new[a]; !ok && len(c.new) >= (c.opt.Entries+1)/2 {
		c.old, c.new = c.new, make(map[snap.Addr]entry)
	}
	c.new[a] = e
}

// resolve answers one question.
func (c *Cache) resolve(ctx context.Context, a snap.Addr) {
	name := c.hosts.name(a.Netip(), c.opt.Now())
	if name == "" {
		one, cancel := context.WithTimeout(ctx, c.opt.Timeout)
		names, err := c.opt.Resolve(one, a.String())
		cancel()
		var dns *net.DNSError
		if err != nil && !(errors.As(err, &dns) && dns.IsNotFound) {
			c.failed.Add(1)
		}
		name = first(names)
	}
	e := entry{name: name, until: c.opt.Now().Add(c.opt.TTL)}
	if name == "" {
		e.until = c.opt.Now().Add(c.opt.Negative)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(a, e)
}

// first chooses the first name that is one. Whoever owns an address decides what it is called: the text is cleaned, and
// one that no DNS name can have is not taken.
func first(names []string) string {
	for _, n := range names {
		if n = strings.TrimSuffix(n, "."); n == "" || len(n) > maxName {
			continue
		}
		if n = format.Clean(n); strings.TrimSpace(n) != "" {
			return n
		}
	}
	return ""
}

// Lost counts dropped and failed questions by reason; nonzero only.
func (c *Cache) Lost() []snap.Count {
	var lost []snap.Count
	if n := c.dropped.Load(); n > 0 {
		lost = append(lost, snap.Count{Name: "names: queue full", N: n})
	}
	if n := c.failed.Load(); n > 0 {
		lost = append(lost, snap.Count{Name: "names: unanswered", N: n})
	}
	return lost
}
