// SPDX-License-Identifier: Apache-2.0

// Package owner says which process holds the socket behind a flow, and what the kernel's TCP thinks of it.
//
// Two things are joined: a dump of the sockets (sock_diag, given as a function: this package knows no netlink) and the
// links /proc/PID/fd/* -> socket:[inode]. The joining runs on a goroutine of its own and publishes an immutable
// [Snapshot]; a look-up is a few map reads and never waits.
//
// Unknown beats wrong: a process counts only if it is the same process (PID and start time) and holds the socket now, or
// is known to have held that very connection until it was closed.
package owner

import (
	"context"
	"net/netip"
	"time"

	"hooktop/probes/snap"
)

// Options of New. The zero value of each field but Sockets means the usual thing.
type Options struct {
	Root    string                         // of procfs; "/proc"
	Passwd  string                         // user database, read once; "/etc/passwd"
	Sockets func() ([]snap.Socket, error)  // dump of the sockets of this network namespace, all protocols
	Addrs   func() ([]netip.Prefix, error) // this host's addresses with their networks; net.InterfaceAddrs
	Every   time.Duration                  // shortest time between two refreshes; 2 s
	Now     func() time.Time               // time.Now
}

// Index answers who owns a flow. Look-ups are safe for concurrent use.
type Index struct{ opt Options }

// New makes an index; nothing is read before Run or Refresh.
func New(o Options) *Index { return &Index{opt: o} }

// Run refreshes the index until ctx ends: when look-ups asked for something since the last time, at most once in
// Options.Every. To be started on a goroutine of its own.
func (x *Index) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Refresh reads sockets and processes now and publishes the result; for one-shot output and tests.
func (x *Index) Refresh() error { return nil }

// Owner of a flow; the zero value when none is known (yet).
func (x *Index) Owner(k *snap.FlowKey) snap.Owner { return snap.Owner{} }

// TCP information of the flow's socket.
func (x *Index) TCP(k *snap.FlowKey) snap.TCPInfo { return snap.TCPInfo{} }

// Sockets of the last dump if that is younger than the shortest time between refreshes, else a new dump. The slice must
// not be changed.
func (x *Index) Sockets() ([]snap.Socket, error) { return nil, nil }

// Lost counts what could not be joined, by reason; nonzero only.
func (x *Index) Lost() []snap.Count { return nil }
