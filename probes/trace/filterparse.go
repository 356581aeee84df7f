// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"hooktop/bpf/kern"
)

// FilterError says what is wrong with a filter and where.
type FilterError struct {
	Col  int // in runes from 0
	Msg  string
	Hint string // what would be right; may be ""
}

func (e *FilterError) Error() string {
	text := fmt.Sprintf("filter, column %d: %s", e.Col+1, e.Msg)
	if e.Hint != "" {
		text += " — " + e.Hint
	}
	return text
}

// maxTerms may be typed; one more is kept for hooktop's own namespace.
const maxTerms = kern.MaxTraceTerms - 1

// ParseFilter reads terms, with or without "and" between them:
//
//	tcp udp icmp sctp ip ip6 · [src|dst] host ADDRESS · [src|dst] net PREFIX · [src|dst] port N · dev NAME
//	mark V[/MASK] · pid N · process NAME · flow ADDRESS:PORT > ADDRESS:PORT (both directions; without ports for other protocols)
//	netns all|INODE (hooktop in a namespace of its own sees only that one, else all)
func ParseFilter(text string) (Filter, error) {
	toks, err := scan(text)
	if err != nil {
		return Filter{}, err
	}
	p := &filterParser{toks: toks, end: utf8.RuneCountInString(text)}
	var f Filter
	for p.at < len(p.toks) {
		if p.toks[p.at].is("and") && len(f.terms) > 0 {
			if p.at++; p.at == len(p.toks) {
				return Filter{}, &FilterError{p.end, `nothing follows "and"`, "and port 443"}
			}
		}
		begin := p.toks[p.at].col
		t, err := p.term()
		if err != nil {
			return Filter{}, err
		}
		if len(f.terms) == maxTerms {
			return Filter{}, &FilterError{begin, fmt.Sprintf("more than %d terms", maxTerms), "a net covers many hosts"}
		}
		f.terms = append(f.terms, t)
	}
	return f, nil
}

type tok struct {
	text   string
	col    int
	quoted bool
}

func (t tok) is(word string) bool { return !t.quoted && t.text == word }

// scan splits at blanks and around ">"; quotes hold a name together.
func scan(text string) ([]tok, error) {
	var out []tok
	runes := []rune(text)
	for i := 0; i < len(runes); {
		switch r := runes[i]; {
		case r == ' ' || r == '\t':
			i++
		case r == '>':
			out = append(out, tok{">", i, false})
			i++
		case r == '"':
			end := i + 1
			for end < len(runes) && runes[end] != '"' {
				end++
			}
			if end == len(runes) {
				return nil, &FilterError{i, "a quote is not closed", `process "Web Content"`}
			}
			out = append(out, tok{string(runes[i+1 : end]), i, true})
			i = end + 1
		default:
			end := i
			for end < len(runes) && !strings.ContainsRune(" \t>\"", runes[end]) {
				end++
			}
			out = append(out, tok{string(runes[i:end]), i, false})
			i = end
		}
	}
	return out, nil
}

type filterParser struct {
	toks []tok
	at   int
	end  int // column behind the text
}

// next takes the value of a term.
func (p *filterParser) next(what, hint string) (tok, error) {
	if p.at == len(p.toks) {
		return tok{}, &FilterError{p.end, what + " needs a value", hint}
	}
	t := p.toks[p.at]
	p.at++
	return t, nil
}

func (p *filterParser) term() (term, error) {
	word, _ := p.next("", "")
	side := either
	if word.is("src") || word.is("dst") {
		side = source
		if word.is("dst") {
			side = destination
		}
		first := word
		var err error
		if word, err = p.next(first.text, first.text+" host 10.0.0.1"); err != nil {
			return term{}, err
		}
		if !word.is("host") && !word.is("net") && !word.is("port") {
			return term{}, &FilterError{word.col, fmt.Sprintf("%s is followed by host, net or port, not %q", first.text, word.text), first.text + " port 443"}
		}
	}
	if word.quoted {
		return term{}, &FilterError{word.col, fmt.Sprintf("%q is a value of nothing", word.text), `process "` + word.text + `"`}
	}
	switch word.text {
	case "ip", "ip6":
		return term{kind: family, word: word.text}, nil
	case "tcp", "udp", "icmp", "sctp":
		return term{kind: proto, word: word.text}, nil
	case "host", "net":
		return p.address(word.text, side)
	case "port":
		v, err := p.next("port", "port 443")
		if err != nil {
			return term{}, err
		}
		n, err := number(v, "port", 16, "port 443")
		return term{kind: port, side: side, p: uint16(n)}, err
	case "dev", "process":
		return p.name(word.text)
	case "mark":
		return p.mark()
	case "pid":
		v, err := p.next("pid", "pid 4711")
		if err != nil {
			return term{}, err
		}
		n, err := number(v, "pid", 31, "pid 4711")
		return term{kind: pid, num: uint32(n)}, err
	case "flow":
		return p.flow()
	case "netns":
		return p.netns()
	}
	return term{}, &FilterError{word.col, fmt.Sprintf("%q is no term of a filter", word.text), unknownHint(word.text)}
}

// unknownHint guesses what a word was meant to be.
func unknownHint(word string) string {
	switch {
	case word == "or" || word == "||" || word == "not" || word == "!":
		return "all terms must hold: there is no or, and no not"
	case word == "proto":
		return "name the protocol alone: tcp"
	case word == "icmp6" || word == "icmpv6":
		return "icmp means both"
	case word == "comm":
		return "process NAME"
	}
	if _, err := netip.ParseAddr(word); err == nil {
		return "host " + word
	}
	if _, err := netip.ParsePrefix(word); err == nil {
		return "net " + word
	}
	if _, err := strconv.ParseUint(word, 10, 16); err == nil {
		return "port " + word
	}
	return "tcp udp icmp sctp ip ip6 host net port dev mark pid process flow netns"
}

func (p *filterParser) address(word string, s side) (term, error) {
	hint := map[string]string{"host": "host 10.0.0.1", "net": "net 10.0.0.0/8"}[word]
	v, err := p.next(word, hint)
	if err != nil {
		return term{}, err
	}
	if word == "host" {
		a, err := netip.ParseAddr(v.text)
		if err != nil || a.Zone() != "" {
			if prefix, err := netip.ParsePrefix(v.text); err == nil {
				hint = "net " + prefix.Masked().String()
			}
			return term{}, &FilterError{v.col, fmt.Sprintf("%q is no address", v.text), hint}
		}
		a = a.Unmap()
		return term{kind: host, side: s, a: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(v.text)
	if err != nil || prefix.Addr().Is4In6() {
		return term{}, &FilterError{v.col, fmt.Sprintf("%q is no prefix", v.text), hint}
	}
	if prefix != prefix.Masked() {
		return term{}, &FilterError{v.col, fmt.Sprintf("%s has bits behind its length", v.text), "net " + prefix.Masked().String()}
	}
	return term{kind: host, side: s, a: prefix}, nil
}

// maxName is what the kernel keeps of the name of a device or process.
const maxName = 15

func (p *filterParser) name(word string) (term, error) {
	v, err := p.next(word, map[string]string{"dev": "dev eth0", "process": "process nginx"}[word])
	if err != nil {
		return term{}, err
	}
	if len(v.text) > maxName {
		return term{}, &FilterError{v.col, fmt.Sprintf("%q is longer than the %d bytes that the kernel keeps", v.text, maxName), word + " " + quoted(strings.ToValidUTF8(v.text[:maxName], ""))}
	}
	if v.text == "" || strings.ContainsAny(v.text, "\x00\"") {
		return term{}, &FilterError{v.col, fmt.Sprintf("%s %q can't be", word, v.text), ""}
	}
	if word == "dev" {
		return term{kind: dev, word: v.text}, nil
	}
	return term{kind: process, word: v.text}, nil
}

func (p *filterParser) mark() (term, error) {
	const hint = "mark 0x10/0xf0"
	v, err := p.next("mark", hint)
	if err != nil {
		return term{}, err
	}
	value, mask, masked := strings.Cut(v.text, "/")
	n, err := number(tok{value, v.col, v.quoted}, "mark", 32, hint)
	if err != nil {
		return term{}, err
	}
	m := uint64(^uint32(0))
	if masked {
		if m, err = number(tok{mask, v.col + utf8.RuneCountInString(value) + 1, v.quoted}, "mask of the mark", 32, hint); err != nil {
			return term{}, err
		}
	}
	if n&^m != 0 {
		return term{}, &FilterError{v.col, fmt.Sprintf("mark 0x%x has bits outside its mask 0x%x: it never holds", n, m), fmt.Sprintf("mark 0x%x/0x%x", n&m, m)}
	}
	return term{kind: mark, num: uint32(n), mask: uint32(m)}, nil
}

func (p *filterParser) netns() (term, error) {
	const hint = "netns all, or the inode that ls -L -i /proc/PID/ns/net prints"
	v, err := p.next("netns", hint)
	if err != nil || v.is("all") {
		return term{kind: netns}, err
	}
	n, err := number(v, "netns", 32, hint)
	if err == nil && n == 0 {
		return term{}, &FilterError{v.col, "netns: no namespace has the number 0", hint}
	}
	return term{kind: netns, num: uint32(n)}, err
}

func number(v tok, what string, bits int, hint string) (uint64, error) {
	n, err := strconv.ParseUint(v.text, 0, 64)
	if err != nil || strings.ContainsAny(v.text, "_+") {
		return 0, &FilterError{v.col, fmt.Sprintf("%s: %q is no number", what, v.text), hint}
	}
	if n >= 1<<bits {
		return 0, &FilterError{v.col, fmt.Sprintf("%s: %s is over %d", what, v.text, uint64(1)<<bits-1), hint}
	}
	return n, nil
}

func (p *filterParser) flow() (term, error) {
	const hint = "flow 10.0.0.1:40000 > 10.0.0.2:443"
	from, err := p.next("flow", hint)
	if err != nil {
		return term{}, err
	}
	arrow, err := p.next("flow", hint)
	if err != nil {
		return term{}, err
	}
	if !arrow.is(">") {
		return term{}, &FilterError{arrow.col, fmt.Sprintf("flow: > stands between the two ends, not %q", arrow.text), hint}
	}
	to, err := p.next("flow", hint)
	if err != nil {
		return term{}, err
	}
	a, err := end(from, hint)
	if err != nil {
		return term{}, err
	}
	b, err := end(to, hint)
	switch {
	case err != nil:
		return term{}, err
	case a.Addr().Is4() != b.Addr().Is4():
		return term{}, &FilterError{to.col, "flow: one end is IPv4, the other IPv6", hint}
	case strings.Contains(from.text, "]:") != strings.Contains(to.text, "]:") && !a.Addr().Is4(),
		strings.Contains(from.text, ":") != strings.Contains(to.text, ":") && a.Addr().Is4():
		return term{}, &FilterError{to.col, "flow: one end has a port, the other has none", hint}
	}
	single := func(x netip.Addr) netip.Prefix { return netip.PrefixFrom(x, x.BitLen()) }
	_, bad := netip.ParseAddr(from.text)
	return term{kind: flow, a: single(a.Addr()), b: single(b.Addr()), p: a.Port(), q: b.Port(), bare: bad == nil}, nil
}

// end reads ADDRESS:PORT, or an address alone.
func end(v tok, hint string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(v.text); err == nil && a.Zone() == "" {
		return netip.AddrPortFrom(a.Unmap(), 0), nil
	}
	ap, err := netip.ParseAddrPort(v.text)
	if err != nil || ap.Addr().Zone() != "" {
		return ap, &FilterError{v.col, fmt.Sprintf("flow: %q is no address with a port", v.text), hint}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}
