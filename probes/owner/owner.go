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
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hooktop/probes/procfs"
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
type Index struct {
	opt   Options
	snap  atomic.Pointer[snapshot]
	last  last
	asked chan struct{} // somebody looked something up
	fails atomic.Uint64
	dark  atomic.Int64 // processes that may not be read

	mu   sync.Mutex // guards walk: one refresh at a time
	walk *walker
}

// stale is the number of Options.Every after which a snapshot answers nothing more: PIDs and ports are reused.
const stale = 5

// New makes an index; nothing is read before Run or Refresh.
func New(o Options) *Index {
	if o.Passwd == "" {
		o.Passwd = "/etc/passwd"
	}
	if o.Addrs == nil {
		o.Addrs = interfaceAddrs
	}
	if o.Every == 0 {
		o.Every = 2 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Index{opt: o, asked: make(chan struct{}, 1), walk: newWalker(o.Root, o.Passwd, o.Now)}
}

// Run refreshes the index until ctx ends: when look-ups asked for something since the last time, at most once in
// Options.Every. A refresh that fails is counted and tried again. To be started on a goroutine of its own.
func (x *Index) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-x.asked:
		}
		begun := x.opt.Now()
		if err := x.refresh(ctx, true); err != nil && ctx.Err() == nil {
			x.fails.Add(1)
		}
		wait := time.NewTimer(max(x.opt.Every-x.opt.Now().Sub(begun), x.opt.Every/4))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// Refresh reads sockets and processes now, as fast as it can, and publishes the result; for one-shot output and tests.
func (x *Index) Refresh() error { return x.refresh(context.Background(), false) }

func (x *Index) refresh(ctx context.Context, paced bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	sockets, err := x.opt.Sockets()
	if err != nil && len(sockets) == 0 {
		return fmt.Errorf("find owners: %w", err)
	}
	if err != nil {
		x.fails.Add(1) // a part of them: better than none
	}
	prefixes, err := x.opt.Addrs()
	if err != nil {
		return fmt.Errorf("find owners: list addresses: %w", err)
	}
	now := x.opt.Now()
	old := x.snap.Load()
	looked := map[uint64]struct{}{}
	if old != nil {
		for i := range old.sockets {
			if old.marked(int32(i)) {
				looked[old.sockets[i].Inode] = struct{}{}
			}
		}
	}
	x.walk.paced = paced
	err = x.walk.update(ctx, now, sockets, func(inode uint64) bool { _, ok := looked[inode]; return ok })
	if err != nil {
		return fmt.Errorf("find owners: %w", err)
	}
	x.dark.Store(int64(x.walk.denied))
	s := index(now, sockets, addressesOf(prefixes))
	x.walk.fill(s)
	if old != nil {
		x.last.remember(old, s)
	}
	x.snap.Store(s)
	return nil
}

// fresh returns the snapshot unless it is too old to be true, and asks for a newer one.
func (x *Index) fresh() *snapshot {
	select {
	case x.asked <- struct{}{}:
	default:
	}
	s := x.snap.Load()
	if s == nil || x.opt.Now().Sub(s.at) > stale*x.opt.Every {
		return nil
	}
	return s
}

// Owner of a flow; the zero value when none is known (yet).
func (x *Index) Owner(k *snap.FlowKey) snap.Owner {
	s := x.fresh()
	c, ok := ends(k)
	if s == nil || !ok {
		return snap.Owner{}
	}
	i, exact, sure := s.find(c, k.Egress)
	if sure == snap.SureExact {
		s.mark(i)
		return s.owner(i, sure)
	}
	if o, ok := x.last.get(c, s.at); ok {
		return o
	}
	if i >= 0 {
		s.mark(i)
		return s.owner(i, sure)
	}
	if exact >= 0 {
		return snap.Owner{Sure: snap.SureKernel, Via: "sock_diag: " + strings.ToLower(procfs.TCPState(s.sockets[exact].State))}
	}
	return snap.Owner{}
}

// TCP information of the flow's socket.
func (x *Index) TCP(k *snap.FlowKey) snap.TCPInfo {
	s := x.fresh()
	c, ok := ends(k)
	if s == nil || !ok || k.Proto != protoTCP {
		return snap.TCPInfo{}
	}
	i, ok := s.connected[c]
	if !ok {
		return snap.TCPInfo{}
	}
	s.mark(i)
	t := s.sockets[i].TCP
	if t.State == "" {
		t.State = procfs.TCPState(s.sockets[i].State)
	}
	return t
}

// Sockets of the last dump if that is younger than the shortest time between refreshes, else a new dump. The slice must
// not be changed.
func (x *Index) Sockets() ([]snap.Socket, error) {
	if s := x.snap.Load(); s != nil && x.opt.Now().Sub(s.at) < x.opt.Every {
		return s.sockets, nil
	}
	return x.opt.Sockets()
}

// Lost counts what could not be joined, by reason; nonzero only.
func (x *Index) Lost() []snap.Count {
	var lost []snap.Count
	if n := x.fails.Load(); n > 0 {
		lost = append(lost, snap.Count{Name: "owners: failed refreshes", N: n})
	}
	if n := x.dark.Load(); n > 0 {
		lost = append(lost, snap.Count{Name: "owners: processes that may not be read", N: uint64(n)})
	}
	return lost
}

// interfaceAddrs lists the addresses of this network namespace.
func interfaceAddrs() ([]netip.Prefix, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var out []netip.Prefix
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		if !ok {
			continue
		}
		ones, _ := n.Mask.Size()
		out = append(out, netip.PrefixFrom(ip.Unmap(), ones))
	}
	return out, nil
}

// Unheld reports whether every process was looked into and none holds this socket: it is the kernel's own, or of another
// PID namespace.
func (x *Index) Unheld(inode uint64) bool {
	s := x.fresh()
	if s == nil {
		return false
	}
	_, ok := s.unheld[inode]
	return ok
}
