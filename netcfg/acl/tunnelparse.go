// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

const tunnelForm = "write tunnel vxlan port 4789 vni 100 to 192.0.2.1 peers 192.0.2.0/24 inner 10.50.0.0/16 strip"

// tunnelWords begin a clause, in the order of the canonical form.
func tunnelWords() []string { return []string{"port", "vni", "to", "peers", "inner", "strip", "count"} }

// tunnelClause reads what follows such a word.
func (p *parser) tunnelClause(word string, t *Tunnel) {
	switch word {
	case "port":
		p.tunnelPort(t)
	case "vni":
		p.tunnelVNI(t)
	case "to":
		p.tunnelTo(t)
	case "peers":
		t.Peers = p.prefixes("peers")
	case "inner":
		t.Inner = p.prefixes("inner")
	case "strip":
		t.Strip, t.Force = true, p.accept("force")
	}
}

// parseTunnel reads what follows the word tunnel.
func (p *parser) parseTunnel(off bool) *Tunnel {
	t := &Tunnel{Off: off, Comment: p.comment, AnyVNI: true}
	kind := p.take()
	var ok bool
	if t.Kind, ok = tunnelKindOf(kind.text); !ok || kind.quoted {
		p.noKind(kind)
		return t
	}
	t.Port = t.Kind.WellKnown()
	at := map[string]int{}
	for p.more() && len(p.errs) == 0 {
		word := p.take()
		if word.quoted || !slices.Contains(tunnelWords(), word.text) {
			p.strayTunnel(word)
			return t
		}
		if _, twice := at[word.text]; twice {
			p.fail(word.at, word.text+" is given twice", "keep one of them")
			return t
		}
		at[word.text] = word.at
		p.tunnelClause(word.text, t)
	}
	if len(p.errs) == 0 {
		p.wholeTunnel(t, at)
	}
	return t
}

func (p *parser) noKind(t token) {
	var names []string
	for _, k := range TunnelKinds() {
		names = append(names, k.String())
	}
	switch near := nearest(t.text, names); {
	case t.text == "":
		p.fail(t.at, "tunnel: the kind is missing", tunnelForm)
	case near != "":
		p.fail(t.at, "tunnel: "+quote(t.text)+" is no kind of tunnel", "did you mean "+near+"?")
	default:
		p.fail(t.at, "tunnel: "+quote(t.text)+" is no kind of tunnel", "vxlan, vxlan-gpe, geneve, gue, gtpu, gre or ipip")
	}
}

func (p *parser) strayTunnel(t token) {
	const hint = "a tunnel line reads: kind, port, vni, to, peers, inner, then strip or count"
	if near := nearest(t.text, tunnelWords()); near != "" && !t.quoted {
		p.fail(t.at, "tunnel: "+quote(t.text)+" is not known", "did you mean "+near+"?")
		return
	}
	switch {
	case t.is("from"):
		p.fail(t.at, "tunnel: from is not known", "write peers for the outer source, inner for the inner one")
	case t.is("force"):
		p.fail(t.at, "tunnel: force stands alone", "write strip force")
	case t.is("vlan"), t.is("dev"), t.is("in"), t.is("out"):
		p.fail(t.at, "tunnel: "+t.text+" has no place in a tunnel line", "rules may ask for it: deny in vni 100 "+t.text+" …")
	default:
		p.fail(t.at, "tunnel: "+quote(t.text)+" is not known", hint)
	}
}

// tunnelValue takes a word that begins no clause.
func (p *parser) tunnelValue(what, hint string) (token, bool) {
	t := p.peek()
	switch {
	case !p.more():
		p.fail(t.at, what+" is missing", hint)
	case t.quoted:
		p.fail(t.at, what+" is not quoted", hint)
	case t.text == "," || t.text == "{" || t.text == "}" || slices.Contains(tunnelWords(), t.text):
		p.fail(t.at, what+" is missing before "+quote(t.text), hint)
	default:
		p.i++
		return t, true
	}
	return t, false
}

func (p *parser) tunnelPort(t *Tunnel) {
	word, ok := p.tunnelValue("port: the number", "write port 4789")
	if !ok {
		return
	}
	n, msg := parsePort(word.text)
	switch {
	case t.Kind.WellKnown() == 0:
		p.fail(word.at, "port: "+t.Kind.String()+" has none", "leave it out")
	case msg != "":
		p.fail(word.at, "port: "+msg, "a tunnel is on one UDP port, 1 to 65535")
	case n == 0:
		p.fail(word.at, "port: 0 is no port", "a tunnel is on one UDP port, 1 to 65535")
	}
	t.Port = n
}

func (p *parser) tunnelVNI(t *Tunnel) {
	word, ok := p.tunnelValue("vni: the number", "write vni 100 or vni any")
	if !ok {
		return
	}
	most := tunnelKinds[t.Kind].vni
	n, err := strconv.ParseUint(word.text, 10, 32)
	switch {
	case most == 0:
		p.fail(word.at, "vni: "+t.Kind.String()+" has none", "leave it out")
	case word.is("any"):
		return
	case !digits(word.text):
		p.fail(word.at, "vni: "+quote(word.text)+" is no number", "any, or "+fmt.Sprintf("0 to %d", most))
	case err != nil || n > uint64(most):
		p.fail(word.at, "vni: "+clip(word.text)+" is out of range", fmt.Sprintf("0 to %d", most))
	}
	t.AnyVNI, t.VNI = false, uint32(n)
}

func (p *parser) tunnelTo(t *Tunnel) {
	word, ok := p.tunnelValue("to: the address", "write to 192.0.2.1, the host's end of the tunnel")
	if !ok || word.is("any") {
		return
	}
	prefix, msg, hint := parsePrefix(word.text)
	switch {
	case msg != "":
		p.fail(word.at, "to: "+msg, hint)
	case !prefix.IsSingleIP():
		p.fail(word.at, "to: "+quote(word.text)+" is a prefix", "a tunnel ends at one address: write a line for each")
	}
	t.To = prefix.Addr()
}

// notGlobal holds what is unspecified, loopback, or IPv4 in disguise (RFC 4291).
var notGlobal = netip.PrefixFrom(netip.IPv6Unspecified(), 64)

// prefixes reads a list joined by commas.
func (p *parser) prefixes(what string) []netip.Prefix {
	var out []netip.Prefix
	for {
		t, ok := p.tunnelValue(what+": a prefix", "write "+what+" 192.0.2.0/24,198.51.100.7")
		if !ok {
			return nil
		}
		if t.is("any") && len(out) == 0 && !p.peek().is(",") {
			return nil
		}
		prefix, msg, hint := parsePrefix(t.text)
		if msg != "" {
			p.fail(t.at, what+": "+msg, hint)
			return nil
		}
		if prefix.Addr().Is6() && prefix.Overlaps(notGlobal) {
			p.fail(t.at, what+": "+quote(t.text)+" takes in addresses that no packet comes from", "write 2000::/3 for all of IPv6")
			return nil
		}
		out = append(out, prefix)
		if !p.accept(",") {
			break
		}
	}
	if out = disjoint(out); len(out) > MaxPrefixes {
		p.fail(p.peek().at, fmt.Sprintf("%s: %d prefixes", what, len(out)), fmt.Sprintf("at most %d in a line", MaxPrefixes))
	}
	return out
}

// wholeTunnel checks what one clause asks of another. What is unwrapped gets past whatever stands in front of the host, so that a
// strip line says exactly what it takes.
func (p *parser) wholeTunnel(t *Tunnel, at map[string]int) {
	strip, strips := at["strip"]
	count, counts := at["count"]
	need := func(have bool, msg, hint string) bool {
		if !have {
			p.fail(strip, "strip: "+msg, hint)
		}
		return have
	}
	switch {
	case strips && counts:
		p.fail(max(strip, count), "tunnel: strip and count exclude each other", "keep one of them")
	case !strips && !counts:
		p.fail(p.end, "tunnel: strip or count is missing", "count only looks")
	case !strips && len(t.Inner) > 0:
		p.fail(at["inner"], "inner: a line that only counts asks for no inner addresses", "leave it out, or write strip")
	case !strips:
	case !t.Kind.CanStrip():
		p.fail(strip, "strip: "+t.Kind.String()+" is counted only", "write count")
	case !need(t.To.IsValid(), "the local address is missing", "add to 192.0.2.1: whatever else comes to this port is left to the kernel"),
		!need(len(t.Peers) > 0, "the peers are missing", "add peers 192.0.2.0/24: anybody could put packets behind the firewall else"),
		!need(len(t.Inner) > 0, "the inner prefixes are missing", "add inner 10.50.0.0/16: where the packets inside may come from"),
		!need(!t.AnyVNI || t.Kind == GRE || !t.Kind.HasVNI(), "vni any would mix tunnels", "write a line for each VNI"):
	default:
		p.families(t, at)
	}
}

// families refuses addresses that can't go together, and inner prefixes that no packet from outside may claim.
func (p *parser) families(t *Tunnel, at map[string]int) {
	if !slices.ContainsFunc(t.Peers, func(o netip.Prefix) bool { return o.Addr().Is4() == t.To.Is4() }) {
		p.fail(at["peers"], "peers: none is of the family of "+t.To.String(), "outer source and destination are both IPv4 or both IPv6")
	}
	for _, o := range t.Inner {
		if a := o.Addr(); o.Bits() == 0 || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.IsUnspecified() {
			p.fail(at["inner"], "inner: "+PrefixText(o)+" can't be where packets come from", "name the network behind the tunnel")
		}
	}
}
