// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"net/netip"
	"strconv"
	"strings"
)

// chainForm is what a chain line looks like.
const chainForm = "chain NAME in DEV match … service via ADDR dev DEV return DEV mark 0x10/0xf0 upstream via ADDR dev DEV fail open|closed"

// parseChain reads what follows chain. Its parts have one order: a way is read from its beginning to its end.
func (p *parser) parseChain(off bool) *Chain {
	c := &Chain{Off: off, Comment: p.comment}
	t, ok := p.value("chain: the name", "write chain fw in lan0 …")
	if !ok {
		return c
	}
	c.Name = t.text
	if msg, hint := badName("chain", c.Name); msg != "" {
		p.fail(t.at, "chain: "+msg, hint)
		return c
	}
	steps := []func(*Chain) bool{
		func(c *Chain) bool {
			return p.expect("in", "write in and the device that packets arrive on") && p.devName("in", &c.In)
		},
		p.chainMatch,
		func(c *Chain) bool {
			return p.expect("service", "write service via 10.9.0.2 dev fw0") && p.hop("service", &c.Service)
		},
		p.chainReturn,
		p.chainMark,
		func(c *Chain) bool {
			return p.expect("upstream", "write upstream via 10.0.0.1 dev wan0") && p.hop("upstream", &c.Upstream)
		},
		p.chainFail,
	}
	for _, step := range steps {
		if !step(c) {
			return c
		}
	}
	p.done("chain")
	if len(p.errs) == 0 {
		p.wholeChain(c)
	}
	return c
}

// expect steps over a word that must stand here.
func (p *parser) expect(word, hint string) bool {
	if p.accept(word) {
		return true
	}
	t := p.peek()
	if !p.more() {
		p.fail(t.at, "chain: "+word+" is missing", hint)
	} else {
		p.fail(t.at, "chain: "+word+" is missing before "+quote(t.text), hint)
	}
	return false
}

// devName reads the name of a device.
func (p *parser) devName(what string, name *string) bool {
	before := len(p.errs)
	var r Rule
	if p.peek().is("not") {
		p.fail(p.peek().at, what+": not has no place here", "name one device")
		return false
	}
	p.device(&r)
	*name = r.Dev.Name
	return len(p.errs) == before
}

// chainMatch reads the packets that a chain is for.
func (p *parser) chainMatch(c *Chain) bool {
	const hint = "write match tcp to any port 443, or match any"
	if !p.expect("match", hint) {
		return false
	}
	if p.accept("any") {
		return true
	}
	var seen clause
	first, before := p.i, len(p.errs)
	for p.more() && !p.peek().is("service") {
		t := p.peek()
		bit := p.clause(&c.Match, seen)
		if len(p.errs) > before {
			return false
		}
		if bit&(hasProto|hasFrom|hasTo) == 0 {
			p.fail(t.at, "match: "+quote(t.text)+" is nothing that a chain can ask for", "a protocol, from and to, with ports")
			return false
		}
		seen |= bit
	}
	if p.i == first {
		p.fail(p.peek().at, "match: the packets are missing", hint)
		return false
	}
	for _, side := range []struct {
		end  End
		word string
	}{{c.Match.From, "from"}, {c.Match.To, "to"}} {
		if len(side.end.Ports.List) > 0 && !c.Match.Proto.only(HasPorts) {
			p.fail(p.portAt(side.word), "port: the protocol has none", "write tcp, udp or sctp before it")
			return false
		}
	}
	return true
}

// hop reads via ADDR dev DEV.
func (p *parser) hop(what string, h *Hop) bool {
	if !p.expect("via", "write "+what+" via 10.9.0.2 dev fw0") || !p.via(&h.Via) {
		return false
	}
	return p.expect("dev", "write "+what+" via "+h.Via.String()+" dev fw0") && p.devName("dev", &h.Dev)
}

// via reads the address of a next hop.
func (p *parser) via(a *netip.Addr) bool {
	t, ok := p.value("via: the address", "write via 10.9.0.2")
	if !ok {
		return false
	}
	got, err := netip.ParseAddr(t.text)
	switch {
	case err != nil && strings.Contains(t.text, "/"):
		p.fail(t.at, "via: "+quote(t.text)+" is a prefix", "a next hop is one address")
	case err != nil:
		p.fail(t.at, "via: "+quote(t.text)+" is no address", hintAddress(t.text))
	case got.Zone() != "":
		p.fail(t.at, "via: "+quote(t.text)+" has a zone", "the device stands behind dev")
	case got.IsUnspecified() || got.IsMulticast() || got.IsLoopback():
		p.fail(t.at, "via: "+quote(t.text)+" is no host", "write the address of the next hop")
	default:
		*a = got.Unmap()
		return true
	}
	return false
}

func (p *parser) chainReturn(c *Chain) bool {
	if !p.expect("return", "write return and the device that packets come back on") || !p.devName("return", &c.Return.Dev) {
		return false
	}
	return !p.accept("via") || p.via(&c.Return.Via)
}

func (p *parser) chainMark(c *Chain) bool {
	const hint = "write mark 0x10/0xf0"
	if !p.expect("mark", hint) {
		return false
	}
	t, ok := p.value("mark: the value", hint)
	if !ok {
		return false
	}
	value, mask, cut := strings.Cut(t.text, "/")
	v, bad := strconv.ParseUint(value, 0, 32)
	m, worse := strconv.ParseUint(mask, 0, 32)
	switch {
	case bad != nil:
		p.fail(t.at, "mark: "+quote(value)+" is no number of 32 bits", hint)
	case !cut:
		p.fail(t.at, "mark: the mask is missing", "write "+clip(value)+"/0xff: the bits that are the chain's")
	case worse != nil:
		p.fail(t.at, "mark: "+quote(mask)+" is no mask of 32 bits", hint)
	case m == 0:
		p.fail(t.at, "mark: a mask of 0 marks nothing", hint)
	case v == 0:
		p.fail(t.at, "mark: 0 is what packets have that nobody marked", hint)
	case v&^m != 0:
		p.fail(t.at, "mark: "+quote(value)+" has bits outside of "+mask, "write "+MarkText(uint32(v), uint32(v|m)))
	default:
		c.Mark, c.Mask = uint32(v), uint32(m)
		return true
	}
	return false
}

func (p *parser) chainFail(c *Chain) bool {
	const hint = "write fail open (packets pass a service that is away by) or fail closed (they go nowhere)"
	if !p.expect("fail", hint) {
		return false
	}
	switch t := p.take(); {
	case t.is("open"):
		c.Open = true
	case t.is("closed"):
	case t.text == "":
		p.fail(t.at, "fail: open or closed is missing", hint)
		return false
	default:
		p.fail(t.at, "fail: "+quote(t.text)+" is not known", hint)
		return false
	}
	if !p.accept("both") {
		c.Oneway = p.accept("oneway")
	}
	return true
}

// wholeChain checks what one part asks of another.
func (p *parser) wholeChain(c *Chain) {
	four := c.Service.Via.Is4()
	for _, v := range []netip.Addr{c.Return.Via, c.Upstream.Via} {
		if v.IsValid() && v.Is4() != four {
			p.fail(p.at(v.String()), "chain: "+v.String()+" is of another family than the service", "a chain is of one family: write one for each")
			return
		}
	}
	named := false
	for _, e := range []End{c.Match.From, c.Match.To} {
		if e.Any() || !e.Not && e.Set == "" {
			named = true
		}
		if !e.Not && e.Prefix.IsValid() && e.Prefix.Addr().Is4() != four {
			p.fail(p.at("match"), "match: "+PrefixText(e.Prefix)+" is of another family than the next hops", "a chain is of one family: write one for each")
			return
		}
	}
	if !named {
		p.fail(p.at("match"), "match: from and to leave the family open", "write one of them as a prefix, or leave it out")
		return
	}
	p.wholeWay(c)
}

// wholeWay refuses legs that one device can't tell apart.
func (p *parser) wholeWay(c *Chain) {
	seen := map[string]string{}
	for _, l := range c.Legs() {
		if other := seen[l.From]; other != "" {
			hint := "each leg begins on a device of its own"
			if !c.Oneway && l.Kind >= ReplyToService {
				hint += ", or write oneway"
			}
			p.fail(p.at("chain"), "chain: \""+other+"\" and \""+l.Kind.String()+"\" both begin on "+clip(l.From), hint)
			return
		}
		seen[l.From] = l.Kind.String()
	}
}

// at finds the first token of a text.
func (p *parser) at(text string) int {
	for _, t := range p.toks {
		if t.is(text) {
			return t.at
		}
	}
	return 0
}
