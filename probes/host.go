// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"net/netip"

	"hooktop/probes/snap"
)

// Host is what the engine asks of the network namespace that it runs in. netcfg/nl implements it; package main joins the
// two, so that what observes never imports what changes. Every method may be called from any goroutine.
type Host interface {
	// Links lists all devices. Names are as the kernel has them; the engine cleans them.
	Links() ([]snap.Link, error)
	// RouteDevices lists the ifindexes under unicast routes of all tables and both families, each once, with the devices
	// of every next hop of multipath routes. Devices of the local table (loopback addresses) do not count.
	// defaults are those among them that carry a default route.
	RouteDevices() (all, defaults []int, err error)
	// Addresses lists the host's own addresses, of all devices and both families.
	Addresses() ([]netip.Addr, error)
	// WatchLinks sends every change of a device until ctx ends, then closes the channel. After an overrun of the netlink
	// socket all devices are sent again. The channel is closed early when the socket failed for good.
	WatchLinks(ctx context.Context) (<-chan snap.LinkEvent, error)
	// Sockets dumps TCP (all states) and UDP sockets of both families (sock_diag).
	Sockets() ([]snap.Socket, error)
	// Tracked dumps conntrack.
	Tracked() ([]snap.Tracked, error)
	// Qdiscs lists the queueing disciplines of all devices: roots, clsact and ingress.
	Qdiscs() ([]snap.Qdisc, error)
	// Refusals lists the rules of nf_tables that drop or reject and have a counter; none where nf_tables is not loaded.
	Refusals() ([]snap.Refusal, error)

	Filters
}

// Filters are clsact filters, the means where the kernel has no tcx. The guard uses the same methods to clean up.
type Filters interface {
	// HasClsact reports whether a device has a clsact (or ingress) qdisc. A device that is gone has none.
	HasClsact(ifindex int) (bool, error)
	// EnsureClsact adds a clsact qdisc unless the device has one; made says whether this call added it.
	EnsureClsact(ifindex int) (made bool, err error)
	// AttachFilter adds a direct-action filter on an existing clsact qdisc with f.Prio, f.Handle, f.Name and the program
	// f.FD. It never replaces: EEXIST (errors.Is unix.EEXIST) when prio and handle are taken.
	AttachFilter(f snap.Filter) error
	// ListFilters lists the BPF filters of both directions; nil when the device has no clsact qdisc or is gone.
	ListFilters(ifindex int) ([]snap.Filter, error)
	// RemoveFilter deletes the filter that has all of Index, Egress, Prio, Handle and Name. One that is already gone is no
	// error; one with another name is left alone and is an error.
	RemoveFilter(f snap.Filter) error
	// RemoveClsact deletes the clsact qdisc if no filter of any kind is left on it; removed says whether it did. A device
	// without one is no error.
	RemoveClsact(ifindex int) (removed bool, err error)
}
