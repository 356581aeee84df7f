// SPDX-License-Identifier: Apache-2.0

package wayin

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"hooktop/probes/snap"
)

// Options of New. The zero value of each field but Sockets means the usual thing.
type Options struct {
	Root    string                        // of procfs; "/proc"
	Self    int                           // the process whose session is looked for; os.Getpid()
	Sockets func() ([]snap.Socket, error) // dump of the sockets of this network namespace; owner.Index.Sockets shares one
	Agents  []string                      // access agents beside the well-known ones, by process name (comm)
	Links   func() ([]snap.Link, error)   // network devices, to follow a session below its tunnel; may be nil
	Addrs   func() ([]Addr, error)        // this host's addresses by device; net.Interfaces
	Unheld  func(inode uint64) bool       // no process holds this socket: owner.Index.Unheld; may be nil
	Every   time.Duration                 // time between two looks; 5 s
	Now     func() time.Time              // time.Now
}

// Finder looks for the operator's ways in. Look-ups are safe for concurrent use.
type Finder struct {
	opt   Options
	found atomic.Pointer[found]
	fails atomic.Uint64

	mu    sync.Mutex // guards table: one look at a time
	table *table
}

// found is what one look published. Immutable.
type found struct {
	way   *WayIn
	flows map[pair]snap.WayIn
	ports map[port]snap.WayIn // any peer may be at the other end
	vteps map[uint16]snap.WayIn
	own   map[snap.Addr]struct{} // this host's addresses
}

// New makes a finder; nothing is read before Run or Refresh.
func New(o Options) *Finder {
	if o.Self == 0 {
		o.Self = os.Getpid()
	}
	if o.Addrs == nil {
		o.Addrs = interfaceAddrs
	}
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &Finder{opt: o, table: newTable(o.Root, o.Agents)}
	f.found.Store(&found{way: &WayIn{Why: "not looked for yet"}})
	return f
}

// Run looks every Options.Every until ctx ends. A look that fails is counted; what was found before stays. To be started
// on a goroutine of its own.
func (f *Finder) Run(ctx context.Context) error {
	tick := time.NewTicker(f.opt.Every)
	defer tick.Stop()
	for {
		if err := f.Refresh(); err != nil {
			f.fails.Add(1)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Refresh looks now and publishes what it finds.
func (f *Finder) Refresh() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	sockets, err := f.opt.Sockets()
	if err != nil && len(sockets) == 0 {
		return fmt.Errorf("find ways in: %w", err)
	}
	if err := f.table.update(); err != nil {
		return fmt.Errorf("find ways in: %w", err)
	}
	l := newLook(f.table, f.opt.Self, sockets)
	l.collect()
	l.prove()
	addrs, err := f.opt.Addrs()
	if err != nil {
		return fmt.Errorf("find ways in: list addresses: %w", err)
	}
	var links []snap.Link
	if f.opt.Links != nil {
		if links, err = f.opt.Links(); err != nil {
			return fmt.Errorf("find ways in: %w", err)
		}
	}
	l.follow(addrs, links, f.opt.Unheld)
	f.found.Store(publish(l.result(f.opt.Now()), addrs))
	return nil
}

// Now returns what was found last; never nil, not to be changed.
func (f *Finder) Now() *WayIn { return f.found.Load().way }

// Lost counts looks that failed; nonzero only.
func (f *Finder) Lost() []snap.Count {
	if n := f.fails.Load(); n > 0 {
		return []snap.Count{{Name: "ways in: failed looks", N: n}}
	}
	return nil
}
