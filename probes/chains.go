// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/probes/attach"
	"hooktop/probes/snap"
)

// askChains has the state of chains told, which may wait for the kernel.
func (p *policer) askChains(now time.Time) {
	if p.busy.chains || now.Sub(p.chained) < chainEach {
		return
	}
	p.busy.chains, p.chained = true, now
	var c snap.Chains
	whole, of, noted := p.whole, p.followed(), p.noted()
	p.b.Apart(func(context.Context) {
		c = p.svc.Chains(whole)
		if of.Dev != "" {
			if c.Lineage = p.svc.Lineage(of); len(c.Lineage) > 1 { // it is marked
				c.Lineage = append([]string{noted}, c.Lineage...)
			}
		}
	}, func() { p.busy.chains, p.chains = false, c })
}

// Prepare reads chains with rules, routes, and who else uses bits of the mark: netfilter may have a hundred thousand rules.
func (p *policer) Prepare(_ *snap.Query, ready func()) {
	if p.svc == nil {
		ready()
		return
	}
	var c snap.Chains
	p.b.Apart(func(context.Context) { c = p.svc.Chains(true) }, func() {
		p.shot = c
		ready()
	})
}

// followed is the newest packet of the flow under the cursor; without Dev: none.
func (p *policer) followed() acl.Packet {
	k := p.follow
	d := p.deviceOf(k)
	if !p.whole || d == nil || k.Egress {
		return acl.Packet{}
	}
	out := acl.Packet{Dir: acl.In, Dev: d.Link.Name, Src: netip.AddrFrom16(k.Src).Unmap(), Dst: netip.AddrFrom16(k.Dst).Unmap(), Proto: k.Proto, VLAN: k.VLAN, VNI: k.VNI}
	out.Frag = map[snap.Frag]acl.Frag{snap.FragFirst: acl.First, snap.FragLater: acl.Later}[k.Frag]
	if acl.HasPorts(k.Proto) {
		out.SPort, out.DPort = k.SPort, k.DPort
	} else {
		out.Type, out.Code = uint8(k.SPort>>8), uint8(k.SPort)
	}
	return out
}

func (p *policer) deviceOf(k snap.FlowKey) *attach.Dev {
	for _, d := range p.pl.set.Devs() {
		if d.Slot == k.Dev && k.Dev != 0 {
			return d
		}
	}
	return nil
}

// noted says how the mark gets to the packet on the device of the flow under the cursor.
func (p *policer) noted() string {
	d := p.deviceOf(p.follow)
	if d != nil && (d.Mode == attach.Native || d.Mode == attach.Generic) {
		return "metadata: XDP notes the leg in front of the packet, tc makes its mark of it"
	}
	return "metadata: none: tc marks the packet itself"
}

// keepMarks takes a device from XDP to tc when its driver leaves no room for the notes of chains: their packets would go unmarked.
func (p *policer) keepMarks() {
	for _, d := range p.pl.set.Devs() {
		if d.Mode != attach.Native && d.Mode != attach.Generic || p.unmarked[d.Slot] {
			continue
		}
		n := p.pl.dp.kern.MarksLost(d.Slot)
		if n == 0 {
			continue
		}
		if p.unmarked == nil {
			p.unmarked = map[uint16]bool{}
		}
		p.unmarked[d.Slot] = true
		name := d.Link.Name
		p.b.Notify(snap.Crit, "chain", fmt.Sprintf("%s: its driver has no room for metadata: %d packets of chains went without a mark: its mode becomes tc", clean(name), n))
		p.pl.doMode(name, string(attach.TC), func(a snap.Answer) {
			if a.Err != "" {
				p.b.Notify(snap.Crit, "chain", a.Err)
			}
		})
		return // one change at a time
	}
}
