// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// protocols reads a list whose first word (or not) has been taken.
func (p *parser) protocols(r *Rule, t token, not bool) {
	r.Proto.Not = not
	if not {
		if p.peek().is("established") {
			p.fail(t.at, "established can't be inverted", "put allow … established above the rule")
			return
		}
		var ok bool
		if t, ok = p.value("not: the protocol", "write not tcp; addresses: from not 10.0.0.0/8"); !ok {
			return
		}
	}
	for {
		numbers := protoByName(t.text)
		if numbers == nil {
			p.fail(t.at, quote(t.text)+" is no protocol", hintProto(t.text))
			return
		}
		if r.Proto.List == nil {
			r.Proto.List = numbers
		} else {
			r.Proto.List = append(r.Proto.List, numbers...)
		}
		if !p.accept(",") {
			break
		}
		var ok bool
		if t, ok = p.value("the protocol", "remove the comma"); !ok {
			return
		}
	}
	slices.Sort(r.Proto.List)
	r.Proto.List = slices.Compact(r.Proto.List)
}

func hintProto(word string) string {
	names := []string{"icmp"}
	for _, n := range protoNames {
		names = append(names, n.name)
	}
	switch near := nearest(word, names); {
	case digits(word):
		return "numbers go from 0 to 255"
	case looksAddress(word):
		return "addresses: from not … or to not …"
	case near != "":
		return "did you mean " + near + "?"
	}
	return "a name such as tcp, or a number"
}

// list reads values joined by commas.
func (p *parser) list(what, hint string, each func(token) bool) {
	for {
		t, ok := p.value(what, hint)
		if !ok || !each(t) || !p.accept(",") {
			return
		}
	}
}

func (p *parser) ports() Ports {
	out := Ports{Not: p.accept("not")}
	const hint = "write port 443 or port 23,8000-8100"
	if p.peek().is("any") {
		p.fail(p.peek().at, "port any matches every packet", "leave the port out")
		return out
	}
	p.list("port list: a port", hint, func(t token) bool {
		r, msg, fix := parseRange(t.text)
		if msg != "" {
			p.fail(t.at, "port list: "+msg, fix)
			return false
		}
		out.List = append(out.List, r)
		return true
	})
	if t := p.peek(); p.more() && !t.quoted && strings.Trim(t.text, "0123456789-") == "" && t.text != "," {
		p.fail(t.at, "port list: a comma is missing before "+clip(t.text), "write port 23,8000-8100")
	}
	out.List = joinRanges(out.List)
	return out
}

func parseRange(word string) (r Range, msg, hint string) {
	from, to, dashed := strings.Cut(word, "-")
	lo, err := parsePort(from)
	switch {
	case word == "-", from == "" && dashed:
		return r, quote(word) + " has no beginning", "write 0" + clip(word)
	case strings.HasSuffix(word, "+"), dashed && to == "":
		return r, quote(word) + " is open-ended", "write " + clip(strings.TrimRight(word, "+-")) + "-65535"
	case strings.Contains(word, ":"):
		return r, quote(word) + " is no range", "write " + clip(strings.ReplaceAll(word, ":", "-"))
	case err != "":
		return r, err, "a port is a number from 0 to 65535"
	case !dashed:
		return Range{lo, lo}, "", ""
	}
	hi, err := parsePort(to)
	switch {
	case err != "":
		return r, err, "a port is a number from 0 to 65535"
	case hi < lo:
		return r, word + " runs backwards", fmt.Sprintf("write %d-%d", hi, lo)
	}
	return Range{lo, hi}, "", ""
}

func parsePort(word string) (uint16, string) {
	n, err := strconv.ParseUint(word, 10, 16)
	switch {
	case !digits(word):
		return 0, quote(word) + " is no port"
	case err != nil:
		return 0, clip(word) + " is too large"
	}
	return uint16(n), ""
}

// joinRanges sorts and merges ranges that overlap; neighbours stay as they were written.
func joinRanges(list []Range) []Range {
	if len(list) < 2 {
		return list
	}
	slices.SortFunc(list, func(a, b Range) int { return int(a.Lo) - int(b.Lo) })
	var out []Range
	for _, r := range list {
		if n := len(out); n > 0 && r.Lo <= out[n-1].Hi {
			out[n-1].Hi = max(out[n-1].Hi, r.Hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

// types reads the list after type. Numbers wait for wholeTypes: they mean nothing without the protocol.
func (p *parser) types(r *Rule) {
	r.Type.Not = p.accept("not")
	p.list("type: the name", "write type echo-request", func(t token) bool {
		one, ok := typeByName(t.text)
		n, err := strconv.ParseUint(t.text, 10, 8)
		switch {
		case ok:
		case digits(t.text) && err == nil:
			one = ICMPType{int16(n), int16(n)}
		case digits(t.text):
			p.fail(t.at, "type: "+clip(t.text)+" is out of range", "0 to 255")
			return false
		default:
			p.fail(t.at, "type: "+quote(t.text)+" is not known", hintType(t.text))
			return false
		}
		r.Type.List = append(r.Type.List, one)
		return true
	})
}

func hintType(word string) string {
	switch word {
	case "echo", "ping":
		return "write echo-request or echo-reply"
	case "unreachable", "unreach":
		return "write destination-unreachable"
	}
	var names []string
	for _, t := range typeNames {
		names = append(names, t.name)
	}
	if near := nearest(word, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "a name such as echo-request, or a number after icmpv4 or icmpv6"
}

// wholeTypes narrows the types to the rule's protocol.
func (p *parser) wholeTypes(r *Rule) {
	at := p.after("type")
	if p.toks[at].is("not") {
		at++
	}
	if !r.Proto.only(isICMP) {
		p.fail(p.toks[at].at, "type: the protocol has none", "write icmp, icmpv4 or icmpv6 before it")
		return
	}
	for i, t := range r.Type.List {
		tok := p.toks[at+2*i]
		number := digits(tok.text)
		if number && len(r.Proto.List) > 1 {
			p.fail(tok.at, "type: "+tok.text+" means "+meaning(ICMP, t.V4)+" to ICMP and "+meaning(ICMPv6, t.V6)+" to ICMPv6",
				"write icmpv4 or icmpv6, or the name")
			return
		}
		narrow := t.of(r.Proto)
		if narrow.V4 < 0 && narrow.V6 < 0 {
			p.fail(tok.at, "type: "+ProtoName(r.Proto.List[0])+" has no "+tok.text, "remove it, or write icmp")
			return
		}
		r.Type.List[i] = narrow
	}
	slices.SortFunc(r.Type.List, func(a, b ICMPType) int {
		return int(a.V4-b.V4)<<16 + int(a.V6-b.V6)
	})
	r.Type.List = slices.Compact(r.Type.List)
}

func meaning(proto uint8, n int16) string {
	if name := typeName(proto, n); name != "" {
		return name
	}
	return "nothing known"
}

// after gives the index of the token behind a clause's word.
func (p *parser) after(word string) int {
	return 1 + slices.IndexFunc(p.toks, func(t token) bool { return t.is(word) })
}

func (p *parser) device(r *Rule) {
	r.Dev.Not = p.accept("not")
	t := p.peek()
	if !t.quoted {
		var ok bool
		if t, ok = p.value("dev: the device", "write dev eth0"); !ok {
			return
		}
	} else {
		p.i++
	}
	name, bad := unquote(t.text)
	switch {
	case bad >= 0:
		p.fail(t.at+1+bad, `dev: \ stands before " or \ only`, `write \\`)
	case name == "":
		p.fail(t.at, "dev: the name is empty", "write dev eth0")
	case len(name) > 15: // IFNAMSIZ - 1
		p.fail(t.at, "dev: "+quote(name)+" is longer than 15 bytes", "no device has such a name")
	case strings.ContainsAny(name, "/ \t") || name == "." || name == "..": // dev_valid_name of net/core/dev.c
		p.fail(t.at, "dev: "+quote(name)+" can't be a device", "ip link shows the names")
	case strings.ContainsAny(name, "*?") && !t.quoted:
		p.fail(t.at, "dev: "+quote(name)+" is a pattern", "name one device a rule")
	case p.peek().is(","):
		p.fail(p.peek().at, "dev takes one device", "write a rule for each")
	}
	r.Dev.Name = name
}

func (p *parser) tag(what string, most uint64) Tag {
	out := Tag{Not: p.accept("not")}
	t, ok := p.value(what+": the number", "write "+what+" 100")
	if !ok {
		return out
	}
	n, err := strconv.ParseUint(t.text, 10, 32)
	switch {
	case !digits(t.text):
		p.fail(t.at, what+": "+quote(t.text)+" is no number", fmt.Sprintf("1 to %d", most))
	case err != nil || n > most || n == 0:
		p.fail(t.at, what+": "+clip(t.text)+" is out of range", fmt.Sprintf("1 to %d", most))
	case p.peek().is(","):
		p.fail(p.peek().at, what+" takes one number", "write a rule for each")
	}
	out.ID = uint32(n)
	return out
}

func (p *parser) log(r *Rule) {
	r.Log = true
	t := p.peek()
	if !t.quoted {
		return
	}
	p.i++
	label, bad := unquote(t.text)
	const longest = 64
	switch {
	case bad >= 0:
		p.fail(t.at+1+bad, `log: \ stands before " or \ only`, `write \\`)
	case label == "":
		p.fail(t.at, "log: the label is empty", "leave it out")
	case len(label) > longest:
		p.fail(t.at, fmt.Sprintf("log: the label has %d bytes", len(label)), fmt.Sprintf("at most %d", longest))
	case strings.Contains(label, "\t"):
		p.fail(t.at, "log: a tab in the label", "write a blank")
	}
	r.Label = label
}
