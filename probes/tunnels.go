// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/decap"
	"hooktop/probes/snap"
)

// TunnelPolicy is the part of Policy that speaks of tunnels. Nothing of it blocks.
type TunnelPolicy interface {
	Serve(list []acl.Served)              // tunnels that devices of the kernel's take packets from
	TunnelLines() []snap.TunnelLine       // of the policy in force
	TunnelLine(gen uint16, index int) int // the line of the file, 0: gone
}

// idleTunnel is how long a tunnel's counters stay where forged ones fill the kernel's table.
const idleTunnel = time.Minute

// tunneler is the Probe of tunnels: counters of the pipeline's tunnel stage, and what that stage must know of the host.
type tunneler struct {
	b      *Bench
	pl     *pipeline
	svc    TunnelPolicy
	book   *decap.Book
	own    []netip.Addr
	served []acl.Served
	asking bool   // for the host's addresses
	full   uint64 // packets that had no row, at the last look
}

var _ Optional = (*tunneler)(nil)

// Optional: the other tabs do without it.
func (*tunneler) Optional() {}

// Start tells the programs the host's addresses before anything is unwrapped. They count by themselves.
func (p *tunneler) Start(_ context.Context, b *Bench, done func(error)) {
	p.b, p.book = b, decap.NewBook()
	if b.Config.Policy != nil {
		p.svc = b.Config.Policy
	}
	if !p.ready() {
		done(nil)
		return
	}
	p.pl.devices.heard = append(p.pl.devices.heard, p.serve)
	p.look(func() { p.pl.list(func() { done(nil) }) })
}

func (p *tunneler) ready() bool { return p.pl.dp != nil && p.pl.dp.kern != nil }

// Collect does nothing: rates are made once a second.
func (p *tunneler) Collect(time.Time) {}

// Second reads the counters and looks at the host.
func (p *tunneler) Second(now time.Time) {
	if !p.ready() {
		return
	}
	p.look(func() {})
	p.read(now)
}

func (p *tunneler) read(now time.Time) {
	k := p.pl.dp.kern
	rows, err := k.Tunnels()
	sizes, sizesErr := k.InnerSizes()
	if err == nil {
		err = sizesErr
	}
	p.pl.trouble("tunnels", "counters of tunnels could not be read", err)
	if err != nil {
		return
	}
	clock := k.Clock()
	p.book.Take(rows, sizes, clock.Ago, now)
	c, err := k.Counters()
	if err == nil && c.Stats.TunnelFull > p.full {
		p.full = c.Stats.TunnelFull
		err = k.ForgetTunnels(0, idleTunnel)
	}
	p.pl.trouble("tunnel rows", "counters of idle tunnels could not be dropped", err)
}

// look tells the programs the host's addresses, which are asked for apart.
func (p *tunneler) look(then func()) {
	if p.asking {
		return
	}
	p.asking = true
	var addrs []netip.Addr
	var err error
	p.b.Apart(func(context.Context) {
		addrs, err = p.b.Host.Addresses()
	}, func() {
		p.asking = false
		if p.ready() {
			p.tell(addrs, err)
		}
		then()
	})
}

func (p *tunneler) tell(addrs []netip.Addr, err error) {
	if err == nil && !slices.Equal(addrs, p.own) {
		if err = p.pl.dp.kern.SetOwn(addrs); err == nil {
			p.own = addrs
		}
	}
	p.pl.trouble("addresses", "the host's own addresses could not be told to the programs: packets inside tunnels may claim them", err)
}

// serve tells the policy which tunnels are the kernel's.
func (p *tunneler) serve(links []snap.Link) {
	if served := served(links); p.svc != nil && !slices.Equal(served, p.served) {
		p.served = served
		p.svc.Serve(served)
	}
}

// served lists the tunnel devices that are up. A kind without port takes all of its packets.
func served(links []snap.Link) []acl.Served {
	kinds := map[string]acl.TunnelKind{
		"vxlan": acl.VXLAN, "geneve": acl.Geneve, "gre": acl.GRE, "gretap": acl.GRE, "ip6gre": acl.GRE, "ip6gretap": acl.GRE,
		"ipip": acl.IPIP, "sit": acl.IPIP, "ip6tnl": acl.IPIP,
	}
	var out []acl.Served
	for _, l := range links {
		if k, ok := kinds[l.Kind]; ok && l.Up {
			out = append(out, acl.Served{Kind: k, Port: l.TunnelPort, Dev: l.Name})
		}
	}
	return out
}

// Fill writes the tunnels' part of a frame.
func (p *tunneler) Fill(now time.Time, q *snap.Query, f *snap.Frame) {
	if f.State.Fallback != "" || !p.ready() {
		if f.Tunnels.Why = f.State.Fallback; f.Tunnels.Why == "" {
			f.Tunnels.Why = "the programs that look into tunnels are not there"
		}
		return
	}
	limit := 0
	switch {
	case q.Flows.Limit == allRows: // a snapshot, perhaps within the first second
		p.read(now)
		limit = allRows
	case q.Tab == snap.DecapTab:
		limit = maxRows
	}
	n := decap.Names{Device: p.pl.join.Device, Line: func(uint16, int) int { return 0 }}
	if p.svc != nil {
		n.Line = p.svc.TunnelLine
	}
	f.Tunnels = p.book.View(now, limit, n)
	if p.svc != nil {
		f.Tunnels.Lines = p.svc.TunnelLines()
	}
}

// Stop has nothing to detach: the pipeline does.
func (p *tunneler) Stop() []snap.Status { return nil }
