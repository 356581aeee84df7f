// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// String shows a packet in one line: "in tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0". ParsePacket reads it back.
func (k Packet) String() string {
	text := k.Dir.String()
	switch {
	case k.NotIP:
		text += " not IP"
	case k.Malformed:
		text += " malformed"
	default:
		text += " " + k.words()
	}
	if k.Dev != "" {
		text += " dev " + deviceWord(k.Dev)
	}
	if k.VLAN != 0 {
		text += fmt.Sprintf(" vlan %d", k.VLAN)
	}
	if k.VNI != 0 {
		text += fmt.Sprintf(" vni %d", k.VNI)
	}
	return text
}

// words shows what the headers say.
func (k *Packet) words() string {
	text := ProtoName(k.Proto) + " "
	if HasPorts(k.Proto) && k.Frag != Later {
		text += netip.AddrPortFrom(k.Src, k.SPort).String() + " > " + netip.AddrPortFrom(k.Dst, k.DPort).String()
	} else {
		text += k.Src.String() + " > " + k.Dst.String()
	}
	if isICMP(k.Proto) && k.Frag != Later {
		text += " type " + fmt.Sprint(k.Type)
		if name := typeName(k.Proto, int16(k.Type)); name != "" {
			text += " (" + name + ")"
		}
		if k.Code != 0 {
			text += fmt.Sprintf(" code %d", k.Code)
		}
	}
	return text + [...]string{"", " first fragment", " later fragment"}[k.Frag]
}

// PacketForm is how packets are described.
const PacketForm = "[in|out] PROTO SOURCE[:PORT] > DESTINATION[:PORT] [type T [code N]] [first fragment|later fragment] [dev DEVICE] [vlan N] [vni N]"

// freshPort is what a description without a source port means. RFC 6335: first of the dynamic ports.
const freshPort = 49152

// ParsePacket reads a description: what Packet.String prints, with room for people: no direction is in, no source port is
// a fresh one, an ICMP without type an echo request. The first error only: what follows one is most likely its consequence.
func ParsePacket(text string) (Packet, []Error) {
	p := newParser(text)
	k := Packet{Dir: In}
	p.packet(&k)
	if len(p.errs) > 0 {
		return Packet{}, p.errs[:1]
	}
	return k, nil
}

func (p *parser) packet(k *Packet) {
	switch {
	case len(p.errs) > 0:
		return
	case p.accept("out"):
		k.Dir = Out
	default:
		p.accept("in")
	}
	h := header{word: p.peek()}
	switch {
	case p.accept("malformed"):
		k.Malformed = true
	case p.accept("not"):
		if !p.accept("IP") && !p.accept("ip") {
			p.fail(p.peek().at, "not: "+quote(p.peek().text)+" can't be inverted", "write not IP, or one protocol")
		}
		k.NotIP = true
	default:
		p.header(&h)
	}
	seen := map[string]bool{}
	for len(p.errs) == 0 && p.more() {
		p.detail(k, &h, seen)
	}
	if len(p.errs) == 0 && !k.NotIP && !k.Malformed {
		p.join(k, &h)
	}
}

// header is what the words say before they are known to fit together.
type header struct {
	word     token // the protocol
	protos   []uint8
	from, to side
	kind     *token // of ICMP
	code     *token
}

// side is an address with the port that was written, -1 for none.
type side struct {
	at   int
	addr netip.Addr
	port int
}

func (p *parser) header(h *header) {
	const hint = "write tcp 10.0.0.9:4242 > 10.0.0.1:22 dev eth0"
	t, ok := p.value("the protocol", hint)
	if !ok {
		return
	}
	if h.protos = protoByName(t.text); h.protos == nil {
		fix := hintProto(t.text)
		if p.peek().is(">") {
			fix = "it stands before the source: " + hint
		}
		p.fail(t.at, quote(t.text)+" is no protocol", fix)
		return
	}
	if h.from, ok = p.endpoint("the source"); !ok {
		return
	}
	if !p.accept(">") {
		p.fail(p.peek().at, "> is missing", "write SOURCE > DESTINATION, in quotes of the shell")
		return
	}
	h.to, _ = p.endpoint("the destination")
}

// endpoint reads 10.0.0.1, 10.0.0.1:22, 2001:db8::1 or [2001:db8::1]:22.
func (p *parser) endpoint(what string) (side, bool) {
	t, ok := p.value(what, "write SOURCE > DESTINATION: 10.0.0.9:4242 > 10.0.0.1:22")
	if !ok {
		return side{}, false
	}
	out := side{at: t.at, port: -1}
	head, port := t.text, ""
	if strings.HasPrefix(head, "[") {
		var closed bool
		if head, port, closed = strings.Cut(head[1:], "]"); !closed {
			p.fail(t.at, quote(t.text)+" has no ]", "write [2001:db8::1]:22")
			return out, false
		}
	} else if i := strings.IndexByte(head, ':'); i >= 0 && strings.Count(head, ":") == 1 {
		head, port = head[:i], head[i:]
	}
	if port != "" {
		n, wrong := parsePort(strings.TrimPrefix(port, ":"))
		if wrong != "" || port[0] != ':' {
			p.fail(t.at, what+": "+quote(port)+" is no port", "write :1 to :65535 behind the address")
			return out, false
		}
		out.port = int(n)
	}
	addr, err := netip.ParseAddr(head)
	switch {
	case strings.Contains(head, "/"):
		p.fail(t.at, what+": "+quote(head)+" is a prefix", "a packet has one address")
	case err != nil:
		p.fail(t.at, what+": "+quote(head)+" is no address", hintAddress(head))
	case addr.Zone() != "":
		p.fail(t.at, what+": "+quote(head)+" has a zone", "write the address alone and dev "+clip(addr.Zone()))
	}
	out.addr = addr.Unmap()
	return out, len(p.errs) == 0
}

// detail reads one of the words behind the addresses.
func (p *parser) detail(k *Packet, h *header, seen map[string]bool) {
	t := p.take()
	word := t.text
	if word == "first" || word == "later" {
		word = "fragment"
	}
	if seen[word] {
		p.fail(t.at, quote(t.text)+" is there twice", "remove one")
		return
	}
	seen[word] = true
	var r Rule
	switch {
	case t.quoted:
		p.strange(t)
	case t.text == "dev":
		p.device(&r)
		k.Dev = r.Dev.Name
	case t.text == "vlan":
		r.VLAN = p.tag("vlan", maxVLAN)
		k.VLAN = uint16(r.VLAN.ID)
	case t.text == "vni":
		r.VNI = p.tag("vni", maxVNI)
		k.VNI = r.VNI.ID
	case k.NotIP || k.Malformed:
		p.fail(t.at, quote(t.text)+" is too much", "such a frame has no more than dev and vlan")
	case t.text == "type", t.text == "code":
		p.number(t.text, h)
	case word == "fragment" && p.accept("fragment"):
		k.Frag = map[string]Frag{"first": First, "later": Later}[t.text]
	default:
		p.strange(t)
	}
	if r.Dev.Not || r.VLAN.Not || r.VNI.Not {
		p.fail(t.at, t.text+" not: a packet has one value", "remove not")
	}
}

func (p *parser) strange(t token) {
	hint := "behind the addresses: type, code, first fragment, later fragment, dev, vlan, vni"
	if near := nearest(t.text, []string{"type", "code", "first", "later", "fragment", "vlan", "vni", "dev"}); near != "" && near != t.text {
		hint = "did you mean " + near + "?"
	}
	p.fail(t.at, quote(t.text)+" is not known here", hint)
}

// number keeps the word behind type or code; the name in brackets that String prints behind a type is for people.
func (p *parser) number(what string, h *header) {
	t, ok := p.value(what+": the number", "write type 8, type echo-request or code 4")
	if !ok {
		return
	}
	if what == "code" {
		h.code = &t
		return
	}
	h.kind = &t
	if next := p.peek(); !next.quoted && strings.HasPrefix(next.text, "(") && strings.HasSuffix(next.text, ")") {
		p.i++
	}
}

// join fills the packet from the header's words and checks that they fit together.
func (p *parser) join(k *Packet, h *header) {
	if h.from.addr.Is4() != h.to.addr.Is4() {
		p.fail(h.to.at, "source and destination are of two families", "both IPv4 or both IPv6")
		return
	}
	k.Src, k.Dst, k.Proto = h.from.addr, h.to.addr, h.protos[0]
	if len(h.protos) > 1 && k.Src.Is6() { // icmp is both
		k.Proto = ICMPv6
	}
	hasPorts := HasPorts(k.Proto) && k.Frag != Later
	for _, s := range []side{h.from, h.to} {
		switch {
		case s.port >= 0 && !HasPorts(k.Proto):
			p.fail(s.at, ProtoName(k.Proto)+" has no ports", "write the address alone")
		case s.port >= 0 && !hasPorts:
			p.fail(s.at, "a later fragment shows no ports", "write the address alone")
		}
	}
	if hasPorts {
		k.SPort, k.DPort = uint16(h.from.port), uint16(h.to.port)
		if h.from.port < 0 {
			k.SPort = freshPort
		}
		if h.to.port < 0 {
			p.fail(h.to.at, "the destination's port is missing", "write "+netip.AddrPortFrom(k.Dst, 22).String())
		}
	}
	p.joinICMP(k, h)
}

func (p *parser) joinICMP(k *Packet, h *header) {
	shows := isICMP(k.Proto) && k.Frag != Later
	for _, t := range []*token{h.kind, h.code} {
		switch {
		case t == nil || shows:
		case isICMP(k.Proto):
			p.fail(t.at, "a later fragment shows no type", "leave it out")
		default:
			p.fail(t.at, ProtoName(k.Proto)+" has no type", "write icmp, icmpv4 or icmpv6")
		}
	}
	if !shows || len(p.errs) > 0 {
		return
	}
	k.Type = 8
	if k.Proto == ICMPv6 {
		k.Type = 128
	}
	if h.kind != nil {
		k.Type = p.typeNumber(h.kind, k.Proto)
	}
	if h.code != nil {
		k.Code = p.byteOf(h.code, "code")
	}
}

// typeNumber gives what a name or number means to one family.
func (p *parser) typeNumber(t *token, proto uint8) uint8 {
	if digits(t.text) {
		return p.byteOf(t, "type")
	}
	known, ok := typeByName(t.text)
	n := known.V4
	if proto == ICMPv6 {
		n = known.V6
	}
	switch {
	case !ok:
		p.fail(t.at, "type: "+quote(t.text)+" is not known", hintType(t.text))
	case n < 0:
		p.fail(t.at, "type: "+ProtoName(proto)+" has no "+t.text, "it is the other family's")
	}
	return uint8(max(n, 0))
}

func (p *parser) byteOf(t *token, what string) uint8 {
	n, err := strconv.ParseUint(t.text, 10, 8)
	switch {
	case !digits(t.text):
		p.fail(t.at, what+": "+quote(t.text)+" is no number", "0 to 255")
	case err != nil:
		p.fail(t.at, what+": "+clip(t.text)+" is out of range", "0 to 255")
	}
	return uint8(n)
}
