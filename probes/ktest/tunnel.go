// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"hooktop/netcfg/acl"
	"hooktop/probes/snap"
)

// Scene is what a frame in a tunnel is judged by.
type Scene struct {
	Lines  []acl.Tunnel
	Own    []netip.Addr      // the host's addresses
	Tunnel func(uint16) bool // whether a UDP port may be a tunnel's
	Super  bool              // the frame may be several in one
}

// Unwrapped is what becomes of a frame in a tunnel.
type Unwrapped struct {
	Outer  Parsed
	Kind   acl.TunnelKind // 0: in none, and nothing below holds
	VNI    uint32
	HasVNI bool
	Inner  string // "eth", "ip4", "ip6", ""
	Why    string // why it is not unwrapped: a name of kern.TunnelError; "" when it is, or only counts
	Line   int    // index in Scene.Lines, -1: none
	Strip  bool
	Inside *Parsed // what is inside, nil: nobody looked
	Out    []byte  // the frame afterwards
}

const gre = 47 // protocol number

// dissector is one frame in the making.
type dissector struct {
	f        Frame
	s        *Scene
	out      Unwrapped
	rest     []byte // captured, from the place reached
	left     int    // of the packet from there, on the wire
	l3, l4   int
	proto    uint8
	offset   int // of what is inside
	ip       int // and of its IP packet
	ethernet bool
}

// Unwrap says what the tunnel stage should make of an Ethernet frame.
func Unwrap(f Frame, s Scene) Unwrapped {
	d := &dissector{f: f, s: &s}
	d.out.Line, d.out.Out = -1, f.Data
	d.outer()
	if d.out.Outer.Why != "" || !d.kind() {
		return d.out
	}
	d.out.Why = d.header()
	const critical = "unknown critical option" // looked at, not unwrapped
	if d.out.Why != "" && (d.out.Why != critical || d.out.Inner == "") {
		return d.out
	}
	if why := d.line(); why != "" {
		d.out.Why = why
		return d.out
	}
	d.inside()
	if d.out.Why == "" {
		d.out.Why = d.judge()
	}
	if d.out.Strip = d.out.Why == "" && d.strips(); d.out.Strip {
		d.out.Out = slices.Concat(f.Data[:d.l3], f.Data[d.ip:])
		binary.BigEndian.PutUint16(d.out.Out[d.l3-2:], map[bool]uint16{true: 0x86dd, false: 0x0800}[d.out.Inside.Six])
	}
	return d.out
}

// outer parses the frame and finds its headers.
func (d *dissector) outer() {
	d.out.Outer = Parse(d.f)
	if d.out.Outer.Why != "" {
		return
	}
	d.l3, d.l4, d.left = d.out.Outer.L3, d.out.Outer.L4, d.out.Outer.Left
	d.rest = d.f.Data[d.l4:]
	d.proto = d.out.Outer.Key.Proto
}

func (d *dissector) kind() bool {
	switch d.proto {
	case gre:
		d.out.Kind = acl.GRE
		return true
	case 4, 41:
		d.out.Kind = acl.IPIP
		return true
	case acl.UDP:
	default:
		return false
	}
	port := d.out.Outer.Key.DPort
	for _, k := range acl.TunnelKinds() {
		if k.WellKnown() == port && port != 0 {
			d.out.Kind = k
		}
	}
	for _, l := range slices.Backward(d.s.Lines) {
		if l.Port == port && !l.Off && port != 0 {
			d.out.Kind = l.Kind
		}
	}
	return d.out.Kind != 0
}

func (d *dissector) has(n int) bool { return len(d.rest) >= n && d.left >= n }

func (d *dissector) skip(n int) {
	d.rest = d.rest[min(n, len(d.rest)):]
	d.left -= n
}

func (d *dissector) header() (why string) {
	if d.out.Outer.Key.Frag != snap.Whole {
		return "fragment"
	}
	switch d.out.Kind {
	case acl.IPIP:
		d.out.Inner = map[uint8]string{4: "ip4", 41: "ip6"}[d.proto]
	case acl.GRE:
		why = d.greHeader()
	default:
		if n := int(binary.BigEndian.Uint16(d.rest[4:])); n >= 8 && n < d.left {
			d.left = n
		}
		d.skip(8)
		why = map[acl.TunnelKind]func() string{acl.VXLAN: d.vxlan, acl.GPE: d.gpe, acl.Geneve: d.geneve, acl.GUE: d.gue, acl.GTPU: d.gtpu}[d.out.Kind]()
	}
	if why == "" && d.out.Inner == "" {
		why = "unknown payload"
	}
	d.offset = len(d.f.Data) - len(d.rest)
	return why
}

func (d *dissector) number(n uint32) { d.out.VNI, d.out.HasVNI = n, true }

// RFC 7348, 5: the I flag, and everything else 0.
func (d *dissector) vxlan() string {
	if !d.has(8) {
		return "short"
	}
	h := binary.BigEndian.Uint64(d.rest)
	if h&^0xffffff00 != 0x0800000000000000 {
		return "bad flags"
	}
	d.number(uint32(h) >> 8)
	d.out.Inner = "eth"
	d.skip(8)
	return ""
}

// draft-ietf-nvo3-vxlan-gpe, 3.1.
func (d *dissector) gpe() string {
	if !d.has(8) {
		return "short"
	}
	flags, next := d.rest[0], uint8(3)
	switch {
	case flags&0x30 != 0:
		return "bad version"
	case flags&0xc2 != 0, d.rest[1] != 0, d.rest[2] != 0, d.rest[7] != 0:
		return "bad flags"
	}
	if flags&8 != 0 {
		d.number(binary.BigEndian.Uint32(d.rest[4:]) >> 8)
	}
	if flags&1 != 0 {
		return "control message"
	}
	if flags&4 != 0 {
		next = d.rest[3]
	}
	d.out.Inner = map[uint8]string{1: "ip4", 2: "ip6", 3: "eth"}[next]
	d.skip(8)
	return ""
}

var ethertypes = map[uint16]string{0x6558: "eth", 0x0800: "ip4", 0x86dd: "ip6"}

// RFC 8926, 3.4 and 3.5.
func (d *dissector) geneve() string {
	if !d.has(8) {
		return "short"
	}
	b := d.rest
	switch {
	case b[0]>>6 != 0:
		return "bad version"
	case b[1]&0x3f != 0, b[7] != 0:
		return "bad flags"
	}
	d.number(binary.BigEndian.Uint32(b[4:]) >> 8)
	d.out.Inner = ethertypes[binary.BigEndian.Uint16(b[2:])]
	d.skip(8)
	critical := false
	for size := int(b[0]&0x3f) * 4; size > 0; {
		if !d.has(4) {
			return "short"
		}
		n := 4 + int(d.rest[3]&0x1f)*4
		if n > size {
			return "bad flags"
		}
		critical = critical || d.rest[2]&0x80 != 0
		if d.left < n {
			return "short"
		}
		d.skip(n)
		size -= n
	}
	switch {
	case critical:
		return "unknown critical option"
	case b[1]&0x80 != 0:
		return "control message"
	case b[1]&0x40 != 0:
		return "unknown critical option"
	}
	return ""
}

// draft-ietf-intarea-gue, 3 and 4.
func (d *dissector) gue() string {
	if !d.has(4) {
		return "short"
	}
	b := d.rest
	switch b[0] >> 6 {
	case 0:
	case 1:
		if d.out.Inner = map[byte]string{4: "ip4", 6: "ip6"}[b[0]>>4]; d.out.Inner == "" {
			return "bad version"
		}
		return ""
	default:
		return "bad version"
	}
	switch {
	case b[0]&0x20 != 0:
		return "control message"
	case b[0]&0x1f != 0, b[2] != 0, b[3] != 0:
		return "bad flags"
	}
	d.out.Inner = map[byte]string{4: "ip4", 41: "ip6"}[b[1]]
	d.skip(4)
	return ""
}

// 3GPP TS 29.281, 5.
func (d *dissector) gtpu() string {
	if !d.has(8) {
		return "short"
	}
	b := d.rest
	switch {
	case b[0]>>5 != 1:
		return "bad version"
	case b[0]&0x10 == 0, b[0]&8 != 0:
		return "bad flags"
	}
	d.number(binary.BigEndian.Uint32(b[4:]))
	if b[1] != 255 {
		return "control message"
	}
	d.skip(8)
	next := byte(0)
	if b[0]&7 != 0 {
		if !d.has(4) {
			return "short"
		}
		if b[0]&4 != 0 {
			next = d.rest[3]
		}
		d.skip(4)
	}
	for i := 0; next != 0; i++ {
		if i == 4 {
			return "bad flags"
		}
		if !d.has(4) {
			return "short"
		}
		n := int(d.rest[0]) * 4
		if n == 0 {
			return "bad flags"
		}
		if !d.has(n) {
			return "short"
		}
		next = d.rest[n-1]
		d.skip(n)
	}
	if !d.has(1) {
		return "short"
	}
	d.out.Inner = map[byte]string{4: "ip4", 6: "ip6"}[d.rest[0]>>4]
	return ""
}

// RFC 2784 and 2890; checksums and routing are not for us.
func (d *dissector) greHeader() string {
	if !d.has(4) {
		return "short"
	}
	flags := binary.BigEndian.Uint16(d.rest)
	switch {
	case flags&7 != 0:
		return "bad version"
	case flags&^0x3000 != 0:
		return "bad flags"
	}
	d.out.Inner = ethertypes[binary.BigEndian.Uint16(d.rest[2:])]
	d.skip(4)
	if flags&0x2000 != 0 {
		if !d.has(4) {
			return "short"
		}
		d.number(binary.BigEndian.Uint32(d.rest))
		d.skip(4)
	}
	if flags&0x1000 != 0 {
		if !d.has(4) {
			return "short"
		}
		d.skip(4)
	}
	return ""
}
