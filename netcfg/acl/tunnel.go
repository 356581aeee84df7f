// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"strings"
)

// TunnelKind is a way to put packets into packets.
type TunnelKind uint8

const (
	VXLAN  TunnelKind = 1 + iota // as enum tunnel_kind of bpf/include/tunnel_wire.h counts them
	GPE                          // VXLAN-GPE
	Geneve                       // RFC 8926
	GUE                          // generic UDP encapsulation
	GTPU                         // GTP-U
	GRE                          // GRE
	IPIP                         // IP in IP, all four ways
)

// tunnelKinds are what the language and the wire know of them.
var tunnelKinds = [...]struct {
	name string
	port uint16 // well known, 0: the kind has a protocol number of its own
	vni  uint32 // the largest, 0: it has none
	can  bool   // be unwrapped
}{
	VXLAN:  {"vxlan", 4789, maxVNI, true},
	GPE:    {"vxlan-gpe", 4790, maxVNI, false},
	Geneve: {"geneve", 6081, maxVNI, true},
	GUE:    {"gue", 6080, 0, true},
	GTPU:   {"gtpu", 2152, 1<<32 - 1, false},
	GRE:    {"gre", 0, 1<<32 - 1, true},
	IPIP:   {"ipip", 0, 0, true},
}

func (k TunnelKind) String() string {
	if int(k) < len(tunnelKinds) {
		return tunnelKinds[k].name
	}
	return ""
}

// TunnelKinds lists all.
func TunnelKinds() []TunnelKind { return []TunnelKind{VXLAN, GPE, Geneve, GUE, GTPU, GRE, IPIP} }

// WellKnown is the UDP port that a kind is on unless a line says otherwise, 0 for those that are on none.
func (k TunnelKind) WellKnown() uint16 { return tunnelKinds[k].port }

// HasVNI reports whether tunnels of the kind carry a number: VNI, TEID, or GRE's key.
func (k TunnelKind) HasVNI() bool { return tunnelKinds[k].vni > 0 }

// CanStrip reports whether packets of the kind can be unwrapped. The others are counted only.
func (k TunnelKind) CanStrip() bool { return tunnelKinds[k].can }

func tunnelKindOf(word string) (TunnelKind, bool) {
	for _, k := range TunnelKinds() {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}

// Tunnel is one tunnel line: whose packets are counted, or unwrapped. Immutable once made: copies share slices.
type Tunnel struct {
	Line int // of the file, from 1; 0: not in a file

	Off     bool
	Kind    TunnelKind
	Port    uint16 // 0 for kinds without
	AnyVNI  bool
	VNI     uint32
	To      netip.Addr     // outer destination; invalid: any
	Peers   []netip.Prefix // outer sources; none: any. Sorted, none inside another
	Inner   []netip.Prefix // where inner sources may be from, of strip only; likewise
	Strip   bool           // else count
	Force   bool           // strip also where a device of the kernel serves the port
	Comment string
}

// MaxPrefixes is how many one line may name, of each kind.
const MaxPrefixes = 16

// String is the canonical line of the file.
func (t *Tunnel) String() string {
	text := t.Match()
	if t.Off {
		text = "off " + text
	}
	return commented(text, t.Comment)
}

// Match is the line without what changes nothing about the packets that it speaks of: off and comment.
func (t *Tunnel) Match() string {
	var b strings.Builder
	b.WriteString("tunnel " + t.Kind.String())
	if t.Kind.WellKnown() != 0 {
		fmt.Fprintf(&b, " port %d", t.Port)
	}
	switch {
	case !t.Kind.HasVNI():
	case t.AnyVNI:
		b.WriteString(" vni any")
	default:
		fmt.Fprintf(&b, " vni %d", t.VNI)
	}
	if t.To.IsValid() {
		b.WriteString(" to " + t.To.String())
	}
	for _, list := range []struct {
		word     string
		prefixes []netip.Prefix
	}{{" peers ", t.Peers}, {" inner ", t.Inner}} {
		for i, p := range list.prefixes {
			if i == 0 {
				b.WriteString(list.word)
			} else {
				b.WriteByte(',')
			}
			b.WriteString(PrefixText(p))
		}
	}
	switch {
	case t.Strip && t.Force:
		b.WriteString(" strip force")
	case t.Strip:
		b.WriteString(" strip")
	default:
		b.WriteString(" count")
	}
	return b.String()
}

// FirstHost is the first address of a prefix that a host may have.
func FirstHost(p netip.Prefix) netip.Addr {
	if p.IsSingleIP() {
		return p.Addr()
	}
	return p.Masked().Addr().Next()
}

// Outside is an address that a strip line takes packets from, of the family of its local one.
func (t *Tunnel) Outside() netip.Addr {
	for _, p := range t.Peers {
		if p.Addr().Is4() == t.To.Is4() {
			return FirstHost(p)
		}
	}
	return netip.Addr{}
}

// Clash says why two lines can't both be in force, "" when they can. Packets that come out of two tunnels with the same inner
// addresses could not be told apart any more.
func (t *Tunnel) Clash(o *Tunnel) (msg, hint string) {
	if t.Off || o.Off {
		return "", ""
	}
	if t.Port != 0 && t.Port == o.Port && t.Kind != o.Kind {
		return fmt.Sprintf("port %d is %s in line %d", t.Port, o.Kind, o.Line), "one port carries one kind of tunnel"
	}
	if !t.Strip || !o.Strip || t.Kind == o.Kind && t.Port == o.Port && t.AnyVNI == o.AnyVNI && t.VNI == o.VNI {
		return "", ""
	}
	for _, a := range t.Inner {
		for _, b := range o.Inner {
			if a.Overlaps(b) {
				return fmt.Sprintf("inner %s overlaps %s of line %d", PrefixText(a), PrefixText(b), o.Line),
					"unwrapped packets of two tunnels must differ in their addresses"
			}
		}
	}
	return "", ""
}

// Served is a device of the kernel's that takes packets of tunnels.
type Served struct {
	Kind TunnelKind
	Port uint16 // 0 for kinds without
	Dev  string
}

// ServedBy names the device of the kernel's that takes the packets that a line would unwrap, "" for none.
func (t *Tunnel) ServedBy(list []Served) string {
	for _, s := range list {
		if t.Strip && !t.Off && s.Port == t.Port && (t.Port != 0 || s.Kind == t.Kind) {
			return s.Dev
		}
	}
	return ""
}
