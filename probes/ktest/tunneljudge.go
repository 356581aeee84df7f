// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net/netip"
	"slices"

	"hooktop/netcfg/acl"
)

// line finds the first line that agrees with the packet; else what the strip line that went along farthest does not agree with.
func (d *dissector) line() string {
	k := &d.out.Outer.Key
	rank := []string{"", "not ours", "VNI not allowed", "peer not allowed"}
	worst := 0
	for i := range d.s.Lines {
		l := &d.s.Lines[i]
		at := 0
		switch {
		case l.Off || l.Kind != d.out.Kind || l.Port != 0 && l.Port != k.DPort:
			continue
		case l.To.IsValid() && l.To != k.Dst.Netip():
			at = 1
		case !l.AnyVNI && (!d.out.HasVNI || l.VNI != d.out.VNI):
			at = 2
		case len(l.Peers) > 0 && !contains(l.Peers, k.Src.Netip()):
			at = 3
		default:
			d.out.Line = i
			return ""
		}
		if l.Strip {
			worst = max(worst, at)
		}
	}
	return rank[worst]
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (d *dissector) strips() bool { return d.out.Line >= 0 && d.s.Lines[d.out.Line].Strip }

// inside parses what is inside: no further than the outer packet says.
func (d *dissector) inside() {
	data := d.rest[:min(len(d.rest), d.left)]
	p := &parser{rest: data, left: d.left}
	p.out.Len = d.left
	tags := []int{}
	if vlan := d.out.Outer.Key.VLAN; vlan != 0 {
		tags = append(tags, int(vlan))
	}
	version, why := map[string]int{"ip4": 4, "ip6": 6}[d.out.Inner], ""
	if d.out.Inner == "eth" {
		d.ethernet = true
		version, why = p.inner(tags)
	} else {
		p.setVLAN(tags)
	}
	p.out.Key.Stacked = p.out.Key.Stacked || d.out.Outer.Key.Stacked
	d.ip = d.offset + len(data) - len(p.rest)
	switch {
	case why != "":
	case version == 4:
		why = p.ip4()
	default:
		p.out.Six = true
		why = p.ip6()
	}
	p.out.Why = why
	p.out.Key.Dev = d.f.Slot
	if why == "" {
		p.out.Key.VNI = d.keyVNI()
	}
	d.out.Inside = &p.out
}

// inner walks a link layer of up to four tags of its own, whatever the outer frame had.
func (p *parser) inner(outer []int) (version int, why string) {
	version, why = p.link(false, nil)
	own := p.out.Key
	p.out.Key.VLAN, p.out.Key.Stacked = 0, false
	p.setVLAN(outer)
	switch {
	case len(outer) == 0:
		p.out.Key.VLAN, p.out.Key.Stacked = own.VLAN, own.Stacked
	case own.VLAN != 0:
		p.out.Key.Stacked = true
	}
	return version, why
}

// keyVNI is the number that the key of the flow inside gets: 24 bits, of which the last stands for none.
func (d *dissector) keyVNI() uint32 {
	switch {
	case d.out.HasVNI && d.out.VNI < 1<<24-1:
		return d.out.VNI
	case d.strips():
		return 0
	}
	return 1<<24 - 1
}

// judge says what can be said against unwrapping.
func (d *dissector) judge() string {
	in := d.out.Inside
	if in.Why != "" && in.Why != NotIP {
		return "malformed inside"
	}
	if !d.strips() {
		return ""
	}
	if in.Why == NotIP || d.ethernet && d.ip-d.offset > 14 {
		return "not IP inside"
	}
	src, dst, l := in.Key.Src.Netip(), in.Key.Dst.Netip(), &d.s.Lines[d.out.Line]
	own := func(a netip.Addr) bool { return slices.Contains(d.s.Own, a) }
	switch {
	case d.nested():
		return "nested too deep"
	case !contains(l.Inner, src):
		return "inner source not allowed"
	case own(src) || d.forged(src):
		return "inner source forged"
	case d.s.Super && !own(dst):
		return "super-packet to forward"
	}
	return ""
}

func (d *dissector) nested() bool {
	k := &d.out.Inside.Key
	switch k.Proto {
	case 4, 41, gre:
		return true
	case acl.UDP:
		return d.s.Tunnel(k.DPort)
	}
	return false
}

// forged: no packet comes from such an address. A key shows IPv4 in the disguise of IPv6 as IPv4; the header tells.
func (d *dissector) forged(a netip.Addr) bool {
	if d.out.Inside.Six {
		return a.Is4() || a.IsMulticast() || a.IsLinkLocalUnicast() || netip.PrefixFrom(netip.IPv6Unspecified(), 64).Contains(a)
	}
	b := a.As4()
	return b[0] == 0 || b[0] == 127 || b[0] >= 224 || b[0] == 169 && b[1] == 254
}
