// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// looksAddress tells an address that went astray from other words.
func looksAddress(word string) bool {
	if strings.HasPrefix(word, "@") {
		return len(word) > 1
	}
	head, _, _ := strings.Cut(word, "/")
	if _, err := netip.ParseAddr(head); err == nil {
		return true
	}
	return strings.Count(word, ".") == 3 && strings.Trim(word, "0123456789./-") == "" || strings.Count(word, ":") > 1
}

// side reads the address and the ports after from or to.
func (p *parser) side(word string) (e End) {
	if p.peek().is("port") {
		p.fail(p.peek().at, word+": the address is missing", "write "+word+" any port …")
		return e
	}
	e.Not = p.accept("not")
	if !p.isValue() { // asked first: the words are for errors alone
		p.value(word+": the address", "write "+word+" 10.0.0.0/8, "+word+" @set or "+word+" any")
		return e
	}
	t := p.take()
	switch {
	case t.is("any") && e.Not:
		p.fail(t.at, word+" not any matches nothing", "remove not")
		return e
	case t.is("any"):
	case strings.HasPrefix(t.text, "@"):
		e.Set = t.text[1:]
		if msg, hint := badSetName(e.Set); msg != "" {
			p.fail(t.at, word+": "+msg, hint)
			return e
		}
	default:
		prefix, msg, hint := parsePrefix(t.text)
		if msg != "" {
			p.fail(t.at, word+": "+msg, hint)
			return e
		}
		e.Prefix = prefix
	}
	if p.peek().is(",") {
		p.fail(p.peek().at, word+" takes one address", "define set name { … } and write "+word+" @name")
		return e
	}
	if p.accept("port") {
		e.Ports = p.ports()
	}
	return e
}

// parsePrefix reads an address or a prefix. IPv4-mapped ones are their IPv4 selves.
func parsePrefix(word string) (out netip.Prefix, msg, hint string) {
	head, tail, slashed := strings.Cut(word, "/")
	addr, err := netip.ParseAddr(head)
	switch {
	case strings.Contains(head, "-") && looksAddress(strings.ReplaceAll(head, "-", "/")):
		return out, quote(word) + " is a range", "ranges of addresses are not in the language: write prefixes"
	case err != nil:
		return out, quote(word) + " is no address", hintAddress(head)
	case addr.Zone() != "":
		return out, quote(word) + " has a zone", "write the address alone and dev " + clip(addr.Zone())
	}
	if !slashed {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), "", ""
	}
	bits, ok := parseBits(tail, addr.BitLen())
	switch {
	case !ok && addr.Is4() && strings.Count(tail, ".") == 3:
		return out, quote(word) + " has a mask", "write the length: /24 for 255.255.255.0"
	case !ok && digits(tail):
		return out, "/" + clip(tail) + " is too long", fmt.Sprintf("at most /%d", addr.BitLen())
	case !ok:
		return out, quote("/"+tail) + " is no prefix length", fmt.Sprintf("/0 to /%d", addr.BitLen())
	case addr.Is4In6() && bits < 96:
		return out, quote(word) + " covers more than the IPv4-mapped addresses", "at least /96, or write it as IPv4"
	case addr.Is4In6():
		addr, bits = addr.Unmap(), bits-96
	}
	out = netip.PrefixFrom(addr, bits)
	if out != out.Masked() {
		return out, quote(word) + " has host bits set", "write " + out.Masked().String() + " or " + addr.String()
	}
	return out, "", ""
}

func parseBits(word string, most int) (int, bool) {
	if !digits(word) || len(word) > 3 || len(word) > 1 && word[0] == '0' {
		return 0, false
	}
	n := 0
	for _, c := range word {
		n = n*10 + int(c-'0')
	}
	return n, n <= most
}

func hintAddress(word string) string {
	switch dots := strings.Count(word, "."); {
	case strings.Trim(word, "0123456789.") == "" && dots > 0 && dots < 3:
		return "an IPv4 address has four parts"
	case strings.Trim(word, "0123456789.") == "" && dots == 3:
		return "each part is 0 to 255, without leading zeros"
	case strings.Count(word, ":") > 1:
		return "see RFC 4291 for IPv6 addresses"
	case strings.HasPrefix(word, "!"):
		return "write not before it"
	}
	return "names are not looked up: write an address, a prefix or @set"
}

func badSetName(name string) (msg, hint string) { return badName("set", name) }

// badName says what is wrong with the name of a set or a chain.
func badName(what, name string) (msg, hint string) {
	const longest = 32
	const form = "letters, digits, - and _, a letter first"
	letter := func(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	other := func(c rune) bool { return !letter(c) && (c < '0' || c > '9') && c != '-' && c != '_' }
	switch {
	case name == "":
		return "the " + what + "'s name is missing", "write @name"
	case len(name) > longest:
		return "the " + what + "'s name has " + fmt.Sprint(len(name)) + " bytes", fmt.Sprintf("at most %d", longest)
	case !letter(rune(name[0])), strings.IndexFunc(name, other) >= 0:
		return quote(name) + " is no " + what + "'s name", form
	}
	return "", ""
}

// parseSet reads what follows set.
func (p *parser) parseSet() *Set {
	s := &Set{Comment: p.comment}
	const form = "write set name { 10.0.0.0/8, 2001:db8::/32 }"
	t := p.take()
	switch {
	case t.is("{") || t.text == "":
		p.fail(t.at, "set: the name is missing", form)
		return s
	case t.quoted:
		p.fail(t.at, "set: a name is not quoted", form)
		return s
	}
	s.Name = strings.TrimPrefix(t.text, "@")
	if msg, hint := badSetName(s.Name); msg != "" {
		p.fail(t.at, "set: "+msg, hint)
		return s
	}
	p.accept("=")
	if !p.accept("{") {
		p.fail(p.peek().at, "set: { is missing", form)
		return s
	}
	p.members(s)
	if len(p.errs) == 0 {
		p.done("set")
	}
	s.List = disjoint(s.List)
	return s
}

func (p *parser) members(s *Set) {
	for !p.accept("}") && len(p.errs) < maxErrors {
		t := p.take()
		switch {
		case t.text == "" && !t.quoted:
			p.fail(t.at, "set: } is missing", "close the list on the same line")
			return
		case t.is(","):
			p.fail(t.at, "set: an address is missing before the comma", "remove it")
			continue
		case t.is("{"):
			p.fail(t.at, "set: { inside a set", "sets do not nest")
			return
		case t.quoted:
			p.fail(t.at, "set: addresses are not quoted", "remove the quotes")
			return
		case strings.HasPrefix(t.text, "@"):
			p.fail(t.at, "set: "+quote(t.text)+" inside a set", "sets do not nest: write its prefixes")
		case t.is("not"):
			p.fail(t.at, "set: not inside a set", "write from not @"+s.Name+" in the rule")
			continue
		default:
			prefix, msg, hint := parsePrefix(t.text)
			if msg != "" {
				p.fail(t.at, "set: "+msg, hint)
			} else {
				s.List = append(s.List, prefix)
			}
		}
		if !p.accept(",") && !p.peek().is("}") && p.more() {
			p.fail(p.peek().at, "set: a comma is missing before "+quote(p.peek().text), "separate addresses by commas")
		}
	}
}

// disjoint sorts prefixes and drops those inside another.
func disjoint(list []netip.Prefix) []netip.Prefix {
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	out := list[:0]
	for _, p := range list {
		if n := len(out); n == 0 || !(out[n-1].Contains(p.Addr()) && out[n-1].Bits() <= p.Bits()) {
			out = append(out, p)
		}
	}
	return out
}
