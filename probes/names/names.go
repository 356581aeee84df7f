// SPDX-License-Identifier: Apache-2.0

package names

import (
	"context"
	"time"

	"hooktop/probes/snap"
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

// Cache of names. Safe for concurrent use.
type Cache struct{ opt Options }

// New makes an empty cache. Questions are answered while Run runs.
func New(o Options) *Cache { return &Cache{opt: o} }

// Run resolves until ctx ends, and returns when its workers have ended.
func (c *Cache) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Name of an address, cleaned, or "" when there is none or none is known yet. Never waits.
func (c *Cache) Name(a snap.Addr) string { return "" }

// Lost counts dropped and failed questions by reason; nonzero only.
func (c *Cache) Lost() []snap.Count { return nil }
