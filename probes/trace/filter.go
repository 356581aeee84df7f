// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"hooktop/bpf/kern"
	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// Filter is a packet filter: all of its terms must hold. The zero value passes everything.
type Filter struct{ terms []term }

type kind uint8

const (
	family kind = iota // ip, ip6
	proto
	host // an address is a net of its full length
	port
	dev
	mark
	pid
	process
	flow
	netns // num: inode, 0: all
)

// side says which address or port of a packet a term means.
type side uint8

const (
	either side = iota
	source
	destination
)

// term is one condition. What its kind does not use is zero, so that terms compare.
type term struct {
	kind kind
	side side
	word string // protocol, device, process
	a, b netip.Prefix
	p, q uint16 // ports; flow: of a and b
	bare bool   // flow: without ports
	num  uint32 // mark, pid, inode of a namespace
	mask uint32
}

// Empty says whether everything passes.
func (f Filter) Empty() bool { return len(f.terms) == 0 }

// String writes the filter in its canonical form, which reads back to the same filter.
func (f Filter) String() string {
	words := make([]string, len(f.terms))
	for i := range f.terms {
		words[i] = f.terms[i].String()
	}
	return strings.Join(words, " ")
}

func (t *term) String() string {
	switch t.kind {
	case family, proto:
		return t.word
	case host:
		if t.a.IsSingleIP() {
			return t.side.String() + "host " + t.a.Addr().String()
		}
		return t.side.String() + "net " + t.a.String()
	case port:
		return fmt.Sprintf("%sport %d", t.side, t.p)
	case dev:
		return "dev " + quoted(t.word)
	case mark:
		if t.mask == ^uint32(0) {
			return fmt.Sprintf("mark 0x%x", t.num)
		}
		return fmt.Sprintf("mark 0x%x/0x%x", t.num, t.mask)
	case pid:
		return fmt.Sprintf("pid %d", t.num)
	case process:
		return "process " + quoted(t.word)
	case netns:
		if t.num == 0 {
			return "netns all"
		}
		return fmt.Sprintf("netns %d", t.num)
	}
	if t.bare {
		return fmt.Sprintf("flow %s > %s", t.a.Addr(), t.b.Addr())
	}
	return fmt.Sprintf("flow %s > %s", netip.AddrPortFrom(t.a.Addr(), t.p), netip.AddrPortFrom(t.b.Addr(), t.q))
}

func (s side) String() string { return [...]string{"", "src ", "dst "}[s] }

// quoted puts quotes around a name that would not be read as one word.
func quoted(name string) string {
	if name == "" || strings.ContainsAny(name, " \t>") {
		return `"` + name + `"`
	}
	return name
}

// Packet is what a filter looks at.
type Packet struct {
	Key   snap.FlowKey
	Has   bool // Key is known
	Dev   string
	Mark  uint32
	PID   uint32
	Comm  string
	NetNS uint32 // inode, 0: not known yet
}

// Match is the slow twin of what the kernel does (bpf/include/trace_filter.h).
func (f Filter) Match(p *Packet) bool {
	for i := range f.terms {
		if !f.terms[i].match(p) {
			return false
		}
	}
	return true
}

func (t *term) match(p *Packet) bool {
	src, dst := p.Key.Src.Netip(), p.Key.Dst.Netip()
	ports := p.Has && column.HasPorts(p.Key.Proto) && p.Key.Frag != snap.FragLater
	switch t.kind {
	case family:
		return p.Has && src.Is4() == (t.word == "ip")
	case proto:
		number := protocols()[t.word]
		return p.Has && (p.Key.Proto == number || t.word == "icmp" && p.Key.Proto == icmp6)
	case host:
		return p.Has && (t.side != destination && t.a.Contains(src) || t.side != source && t.a.Contains(dst))
	case port:
		return ports && (t.side != destination && p.Key.SPort == t.p || t.side != source && p.Key.DPort == t.p)
	case dev:
		return p.Dev == t.word
	case mark:
		return p.Mark&t.mask == t.num
	case pid:
		return p.PID == t.num
	case process:
		return p.Comm == t.word
	case netns:
		return t.num == 0 || p.NetNS == 0 || p.NetNS == t.num
	}
	there := src == t.a.Addr() && dst == t.b.Addr() && (t.bare || p.Key.SPort == t.p && p.Key.DPort == t.q)
	back := src == t.b.Addr() && dst == t.a.Addr() && (t.bare || p.Key.SPort == t.q && p.Key.DPort == t.p)
	return p.Has && (t.bare || ports) && (there || back)
}

const icmp6 = 58

// protocols by the words of the filter (IANA numbers).
func protocols() map[string]uint8 {
	return map[string]uint8{"tcp": 6, "udp": 17, "icmp": 1, "sctp": 132}
}

// within restricts a filter that names no namespace to one. It says whether it did.
func (f Filter) within(inode uint32) (Filter, bool) {
	if slices.ContainsFunc(f.terms, func(t term) bool { return t.kind == netns }) {
		return f, false
	}
	return Filter{append(slices.Clip(f.terms), term{kind: netns, num: inode})}, true
}

// compile makes what the kernel reads.
func (f Filter) compile() []kern.TraceTerm {
	var out []kern.TraceTerm
	for i := range f.terms {
		if t := &f.terms[i]; t.kind != netns || t.num != 0 { // "netns all" asks for nothing
			var k kern.TraceTerm
			t.compile(&k)
			out = append(out, k)
		}
	}
	return out
}

func (t *term) compile(k *kern.TraceTerm) {
	k.Dir = [...]uint32{either: kern.TermSrc | kern.TermDst, source: kern.TermSrc, destination: kern.TermDst}[t.side]
	k.Kind = [...]uint32{family: kern.TermFamily, proto: kern.TermProto, host: kern.TermNet, port: kern.TermPort, dev: kern.TermDev,
		mark: kern.TermMark, pid: kern.TermPID, process: kern.TermComm, flow: kern.TermFlow, netns: kern.TermNetNS}[t.kind]
	switch t.kind {
	case family:
		k.Value = 4
		if t.word == "ip6" {
			k.Value = 6
		}
	case proto:
		k.Value = uint32(protocols()[t.word])
		k.Mask = k.Value
		if t.word == "icmp" {
			k.Mask = icmp6
		}
	case host:
		k.A, k.B = words(t.a.Addr()), maskWords(t.a)
	case port:
		k.Aport = wire(t.p)
	case dev, process:
		k.A = nameWords(t.word)
	case mark:
		k.Value, k.Mask = t.num, t.mask
	case pid, netns:
		k.Value = t.num
	case flow:
		k.A, k.B, k.Aport, k.Bport = words(t.a.Addr()), words(t.b.Addr()), wire(t.p), wire(t.q)
		if t.bare {
			k.Value = 1
		}
	}
}

// wire turns a port into network order on a little-endian machine.
func wire(p uint16) uint16 { return p<<8 | p>>8 }

func words(a netip.Addr) (w [4]uint32) {
	b := a.As16()
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w
}

func maskWords(p netip.Prefix) [4]uint32 {
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	var b [16]byte
	for i := range bits {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return words(netip.AddrFrom16(b))
}

// nameWords is a name as the kernel holds it: 16 bytes, at least one of them 0.
func nameWords(name string) (w [4]uint32) {
	var b [16]byte
	copy(b[:15], name)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w
}
