// SPDX-License-Identifier: Apache-2.0

// Package ktest is the ground of the integration tests: network namespaces, and a slow, obvious reference of what the
// kernel programs do. Imported by tests only.
package ktest

import (
	"encoding/binary"

	"hooktop/probes/snap"
)

// NotIP is Parsed.Why for frames that carry no IP packet and are not malformed.
const NotIP = "not_ip"

// Frame is what the reference parser is given.
type Frame struct {
	Data   []byte // what was captured
	Wire   int    // length on the wire when that is more than len(Data)
	L3     bool   // no Ethernet header
	Egress bool
	Slot   uint16
	Tag    int // VLAN TCI that the device took out of the frame, -1: none
}

// Parsed is what becomes of a frame: a flow, or the reason why it is none.
type Parsed struct {
	Key      snap.FlowKey
	TCPFlags uint8
	Len      int    // bytes counted
	Why      string // "", NotIP, or the name of the reason in kern.Malformed

	L3, L4 int  // offsets of the IP and of the L4 header
	Left   int  // bytes of the packet from the latter on
	Six    bool // set where a tunnel was unwrapped: its header is one of IPv6
}

// parser walks one frame. rest is what was captured and not yet walked; left is how many bytes of the packet are still to
// come on the wire, more than rest when the capture was cut, less when there is padding.
type parser struct {
	rest []byte
	left int
	out  Parsed
}

// has tells whether the next n bytes are both captured and part of the packet.
func (p *parser) has(n int) bool { return len(p.rest) >= n && p.left >= n }

func (p *parser) skip(n int) {
	p.rest = p.rest[n:]
	p.left -= n
}

func (p *parser) u16(at int) int { return int(binary.BigEndian.Uint16(p.rest[at:])) }

// Parse says what the kernel programs should find in a frame.
func Parse(f Frame) Parsed {
	wire := max(f.Wire, len(f.Data))
	p := &parser{rest: f.Data, left: wire}
	p.out.Len = wire
	var tags []int
	if f.Tag >= 0 {
		tags = append(tags, f.Tag)
		p.out.Len += 4
	}
	version, why := p.link(f.L3, tags)
	p.out.L3 = len(f.Data) - len(p.rest)
	if why == "" && version == 4 {
		why = p.ip4()
	} else if why == "" {
		why = p.ip6()
	}
	p.out.Why = why
	p.out.L4, p.out.Left = len(f.Data)-len(p.rest), p.left
	p.out.Key.Egress = f.Egress
	p.out.Key.Dev = f.Slot
	if why != "" {
		p.out.Key, p.out.TCPFlags = snap.FlowKey{}, 0
	}
	return p.out
}

// link walks the link layer and says which IP version comes next.
func (p *parser) link(l3 bool, tags []int) (version int, why string) {
	if l3 {
		if len(p.rest) == 0 {
			return 0, "short_eth"
		}
		switch p.rest[0] >> 4 {
		case 4:
			return 4, ""
		case 6:
			return 6, ""
		}
		return 0, NotIP
	}
	if len(p.rest) < 14 {
		return 0, "short_eth"
	}
	etherType := p.u16(12)
	p.skip(14)
	for etherType == 0x8100 || etherType == 0x88a8 {
		if len(tags) == 4 {
			return 0, "too_many_tags"
		}
		if len(p.rest) < 4 {
			return 0, "short_vlan"
		}
		tags = append(tags, p.u16(0))
		etherType = p.u16(2)
		p.skip(4)
	}
	p.setVLAN(tags)
	switch etherType {
	case 0x0800:
		return 4, ""
	case 0x86dd:
		return 6, ""
	}
	return 0, NotIP
}

func (p *parser) setVLAN(tags []int) {
	var real []int
	for _, tci := range tags {
		if vid := tci & 0xfff; vid != 0 {
			real = append(real, vid)
		}
	}
	if len(real) > 0 {
		p.out.Key.VLAN = uint16(real[0])
	}
	p.out.Key.Stacked = len(real) > 1
}

func (p *parser) ip4() string {
	if len(p.rest) < 20 {
		return "short_ip4"
	}
	if p.rest[0]>>4 != 4 {
		return "ip4_version"
	}
	head := int(p.rest[0]&15) * 4
	if head < 20 {
		return "ip4_ihl"
	}
	if len(p.rest) < head {
		return "short_ip4"
	}
	total := p.u16(2)
	if total == 0 && p.left > 65535 {
		total = p.left
	}
	if total < head || total > p.left {
		return "ip4_len"
	}
	p.left = total
	field, proto := p.u16(6), int(p.rest[9])
	p.out.Key.Src = mapped(p.rest[12:16])
	p.out.Key.Dst = mapped(p.rest[16:20])
	p.skip(head)
	if why := p.fragment(proto, field&0x1fff*8, field&0x2000 != 0, head); why != "" {
		return why
	}
	return p.transport(proto)
}

func mapped(b []byte) snap.Addr {
	a := snap.Addr{10: 0xff, 11: 0xff}
	copy(a[12:], b)
	return a
}

// fragment notes which part of a packet this is. head is what counts against the limit beside the data.
func (p *parser) fragment(proto, offset int, more bool, head int) string {
	if offset == 0 && !more {
		return ""
	}
	if offset+p.left+head > 65535 {
		return "frag_beyond"
	}
	if offset == 0 {
		p.out.Key.Frag = snap.FragFirst
		return ""
	}
	if proto == 6 && offset == 8 {
		return "frag_tiny"
	}
	p.out.Key.Frag = snap.FragLater
	return ""
}

func (p *parser) ip6() string {
	if len(p.rest) < 40 {
		return "short_ip6"
	}
	if p.rest[0]>>4 != 6 {
		return "ip6_version"
	}
	payload := p.u16(4)
	if payload == 0 && p.left-40 > 65535 {
		payload = p.left - 40
	}
	next := int(p.rest[6])
	if payload > p.left-40 || payload == 0 && next == 0 { // a jumbogram in a frame that holds none
		return "ip6_len"
	}
	p.out.Key.Src, p.out.Key.Dst = snap.Addr(p.rest[8:24]), snap.Addr(p.rest[24:40])
	p.left = 40 + payload
	p.skip(40)
	for n := 0; isExtension(next); n++ {
		if n == 8 {
			return "ip6_ext_chain"
		}
		kind := next
		var why string
		if next, why = p.extension(kind); why != "" {
			return why
		}
		if p.out.Key.Frag == snap.FragLater {
			break
		}
	}
	return p.transport(next)
}

func isExtension(next int) bool {
	switch next {
	case 0, 43, 44, 51, 60, 135, 139, 140:
		return true
	}
	return false
}

// extension walks one extension header and says what comes next.
func (p *parser) extension(kind int) (next int, why string) {
	if !p.has(8) {
		return 0, "ip6_ext_short"
	}
	size := (int(p.rest[1]) + 1) * 8
	switch kind {
	case 44:
		size = 8
	case 51: // RFC 4302: 4-byte units, minus 2
		size = (int(p.rest[1]) + 2) * 4
	}
	if p.left < size {
		return 0, "ip6_ext_short"
	}
	next = int(p.rest[0])
	field := p.u16(2)
	// The capture may end inside the header; what comes after it then is not there either.
	p.left -= size
	p.rest = p.rest[min(size, len(p.rest)):]
	if kind == 44 {
		return next, p.fragment(next, field&0xfff8, field&1 != 0, 0)
	}
	return next, ""
}

func (p *parser) transport(proto int) string {
	p.out.Key.Proto = uint8(proto)
	if p.out.Key.Frag == snap.FragLater {
		return ""
	}
	short := "short_l4"
	if p.out.Key.Frag == snap.FragFirst {
		short = "frag_tiny"
	}
	switch proto {
	case 6:
		return p.tcp(short)
	case 17:
		return p.udp(short)
	case 132:
		if !p.has(12) {
			return short
		}
		p.ports()
	case 1, 58:
		if !p.has(8) {
			return short
		}
		p.out.Key.SPort = uint16(p.u16(0)) // type and code
	}
	return ""
}

func (p *parser) ports() {
	p.out.Key.SPort, p.out.Key.DPort = uint16(p.u16(0)), uint16(p.u16(2))
}

func (p *parser) tcp(short string) string {
	if !p.has(20) {
		return short
	}
	head := int(p.rest[12]>>4) * 4
	if head < 20 {
		return "tcp_doff"
	}
	if head > p.left && p.out.Key.Frag == snap.Whole {
		return "tcp_doff"
	}
	p.ports()
	p.out.TCPFlags = p.rest[13]
	return ""
}

func (p *parser) udp(short string) string {
	if !p.has(8) {
		return short
	}
	n := p.u16(4)
	if n == 0 && p.left > 65535 {
		p.ports()
		return ""
	}
	if n < 8 || (n > p.left && p.out.Key.Frag == snap.Whole) {
		return "udp_len"
	}
	p.ports()
	return ""
}
