// SPDX-License-Identifier: Apache-2.0

// Package dissect reads the beginning of a packet for humans: one line a header, from the link layer to the transport. It is a
// second, slower look than the kernel's: it judges nothing, and what is cut off is said to be.
package dissect

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"hooktop/probes/snap"
	"hooktop/ui/format"
)

// Layer is one header in words.
type Layer struct{ Name, Text string }

// Numbers of IEEE 802 and IANA.
const (
	typeIPv4 = 0x0800
	typeARP  = 0x0806
	typeVLAN = 0x8100
	typeQinQ = 0x88a8
	typeIPv6 = 0x86dd

	protoHopByHop = 0
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoICMPv6   = 58
	protoDestOpts = 60
)

// reader walks over the bytes and notes what it met.
type reader struct {
	data []byte
	out  []Layer
}

// Layers reads a header as far as its bytes go.
func Layers(h *snap.Header) []Layer {
	r := &reader{data: h.Data}
	switch {
	case bare(h) && h.Data[0]>>4 == 4:
		r.ipv4()
	case bare(h):
		r.ipv6()
	default:
		r.ethernet()
	}
	return r.out
}

// bare reports whether the bytes begin with an IP header, as those of a device without a link layer do: the source that the
// kernel read stands where such a header has it.
func bare(h *snap.Header) bool {
	d, src := h.Data, h.Src.Addr()
	switch {
	case len(d) >= 20 && d[0]>>4 == 4 && src.Is4():
		return [4]byte(d[12:16]) == src.As4()
	case len(d) >= 40 && d[0]>>4 == 6 && src.Is6():
		return [16]byte(d[8:24]) == src.As16()
	}
	return false
}

// take hands out the next n bytes; when there are fewer it says so of the header.
func (r *reader) take(name string, n int) []byte {
	if len(r.data) < n {
		r.add(name, "cut off after %d of at least %d bytes", len(r.data), n)
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) add(name, text string, args ...any) {
	r.out = append(r.out, Layer{name, fmt.Sprintf(text, args...)})
}

func (r *reader) ethernet() {
	b := r.take("eth", 14)
	if b == nil {
		return
	}
	kind := binary.BigEndian.Uint16(b[12:])
	r.add("eth", "%s > %s", net.HardwareAddr(b[6:12]), net.HardwareAddr(b[:6]))
	for n := 0; (kind == typeVLAN || kind == typeQinQ) && n < 4; n++ {
		tag := r.take("vlan", 4)
		if tag == nil {
			return
		}
		tci := binary.BigEndian.Uint16(tag)
		r.add("vlan", "%d priority %d", tci&0xfff, tci>>13)
		kind = binary.BigEndian.Uint16(tag[2:])
	}
	switch kind {
	case typeIPv4:
		r.ipv4()
	case typeIPv6:
		r.ipv6()
	case typeARP:
		r.arp()
	default:
		r.add("type", "0x%04x", kind)
	}
}

func (r *reader) arp() {
	b := r.take("arp", 28)
	if b == nil {
		return
	}
	op := "operation " + fmt.Sprint(binary.BigEndian.Uint16(b[6:]))
	switch binary.BigEndian.Uint16(b[6:]) {
	case 1:
		op = "who has " + netip.AddrFrom4([4]byte(b[24:28])).String() + ", tell"
	case 2:
		op = "reply of"
	}
	r.add("arp", "%s %s (%s)", op, netip.AddrFrom4([4]byte(b[14:18])), net.HardwareAddr(b[8:14]))
}

func (r *reader) ipv4() {
	size := 20
	if len(r.data) > 0 {
		size = max(int(r.data[0]&15)*4, 20)
	}
	b := r.take("ipv4", size)
	if b == nil {
		return
	}
	frag := binary.BigEndian.Uint16(b[6:])
	text := fmt.Sprintf("%s > %s ttl %d tos 0x%02x id %d len %d", netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20])), b[8], b[1],
		binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[2:]))
	if b[0]&15 < 5 {
		text += " header length " + fmt.Sprint(b[0]&15*4) + " is too short"
	}
	if size > 20 {
		text += fmt.Sprintf(" options %d bytes", size-20)
	}
	if frag&0x4000 != 0 {
		text += " DF"
	}
	if frag&0x2000 != 0 {
		text += " more fragments"
	}
	if off := int(frag&0x1fff) * 8; off > 0 {
		r.add("ipv4", "%s fragment at %d", text, off)
		r.rest(format.Proto(b[9]))
		return
	}
	r.add("ipv4", "%s", text)
	r.transport(b[9])
}

func (r *reader) ipv6() {
	b := r.take("ipv6", 40)
	if b == nil {
		return
	}
	r.add("ipv6", "%s > %s hop limit %d class 0x%02x flow label 0x%05x payload %d", netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40])), b[7],
		binary.BigEndian.Uint16(b)>>4&0xff, binary.BigEndian.Uint32(b)&0xfffff, binary.BigEndian.Uint16(b[4:]))
	next := b[6]
	for n := 0; n < 8; n++ {
		switch next {
		case protoHopByHop, protoRouting, protoDestOpts:
			h := r.take("option", 8)
			if h == nil {
				return
			}
			more := int(h[1]) * 8
			r.add("option", "header %d of %d bytes", next, more+8)
			next = h[0]
			if r.take("option", more) == nil && more > 0 {
				return
			}
		case protoFragment:
			h := r.take("frag", 8)
			if h == nil {
				return
			}
			off := binary.BigEndian.Uint16(h[2:])
			r.add("frag", "id %d at %d more %t", binary.BigEndian.Uint32(h[4:]), off&^7, off&1 != 0)
			if next = h[0]; off&^7 != 0 {
				r.rest(format.Proto(next))
				return
			}
		default:
			r.transport(next)
			return
		}
	}
}

func (r *reader) transport(proto uint8) {
	switch proto {
	case protoTCP:
		b := r.take("tcp", 20)
		if b == nil {
			return
		}
		flags := strings.TrimSpace(format.TCPFlagNames(b[13]))
		if flags == "" {
			flags = "no flags"
		}
		r.add("tcp", "%d > %d %s seq %d ack %d win %d", binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), flags,
			binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[14:]))
		if more := int(b[12]>>4)*4 - 20; more > 0 && len(r.data) >= more {
			r.data = r.data[more:]
		}
	case protoUDP:
		b := r.take("udp", 8)
		if b == nil {
			return
		}
		r.add("udp", "%d > %d len %d", binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[4:]))
	case protoICMP, protoICMPv6:
		name := strings.ToLower(format.Proto(proto))
		b := r.take(name, 4)
		if b == nil {
			return
		}
		r.add(name, "type %d code %d %s", b[0], b[1], format.ICMPLong(proto, b[0], b[1]))
	default:
		r.rest(format.Proto(proto))
		return
	}
	r.rest("data")
}

// rest says how many of the bytes at hand follow.
func (r *reader) rest(name string) {
	if len(r.data) > 0 {
		r.add(strings.ToLower(name), "%s shown", format.Plural(uint64(len(r.data)), "byte"))
	}
}

// Hex writes bytes as lines of at most w cells: place, hexadecimal, and those that can be read. Sixteen stand in a line, or eight.
func Hex(data []byte, w int) []string {
	per := 16
	if w < len("0000  ")+per*3+1+len("  ")+per {
		per = 8
	}
	var out []string
	for at := 0; at < len(data); at += per {
		row := data[at:min(at+per, len(data))]
		var hex, text strings.Builder
		for i := range per {
			if i == 8 {
				hex.WriteByte(' ')
			}
			if i >= len(row) {
				hex.WriteString("   ")
				continue
			}
			fmt.Fprintf(&hex, "%02x ", row[i])
			if c := row[i]; c >= 0x20 && c < 0x7f {
				text.WriteByte(c)
			} else {
				text.WriteByte('.')
			}
		}
		out = append(out, fmt.Sprintf("%04x  %s  %s", at, hex.String(), text.String()))
	}
	return out
}
