// SPDX-License-Identifier: Apache-2.0

package column

import (
	"regexp"
	"strconv"
	"strings"
)

// values reads the list after a field's colon. at is the column of its first character.
func (p *parser) values(col *Column, cs []char, at int) ([]item, *Error) {
	if len(cs) == 0 {
		return nil, &Error{Col: at, Msg: col.Key + ": needs a value", Hint: hint(col)}
	}
	if re, ok := cutRegex(cs); ok {
		it, err := regexItem(col.Key, re, at)
		return []item{it}, err
	}
	var items []item
	for start, i := 0, 0; i <= len(cs); i++ {
		if i < len(cs) && cs[i] != (char{r: ','}) {
			continue
		}
		more, err := one(col, cs[start:i])
		if err != nil {
			return nil, &Error{Col: at + start, Msg: col.Key + ": " + err.Msg, Hint: err.Hint}
		}
		items = append(items, more...)
		start = i + 1
	}
	return items, nil
}

// words reads a bare token: words, addresses, prefixes, ranges.
func (p *parser) words(t *token) ([]item, *Error) {
	if len(t.chars) == 0 {
		return nil, &Error{Col: t.col, Msg: "filter: an empty word matches everything", Hint: `process:="" finds flows without a process`}
	}
	if re, ok := cutRegex(t.chars); ok {
		it, err := regexItem("re", re, t.col)
		return []item{it}, err
	}
	var items []item
	for start, i := 0, 0; i <= len(t.chars); i++ {
		if i < len(t.chars) && t.chars[i] != (char{r: ','}) {
			continue
		}
		it, err := bareItem(t.chars[start:i])
		if err != nil {
			return nil, &Error{Col: t.col + start, Msg: err.Msg, Hint: err.Hint}
		}
		items = append(items, it)
		start = i + 1
	}
	return items, nil
}

// bareItem says what a word without a field means.
func bareItem(cs []char) (item, *Error) {
	s := textOf(cs)
	if s == "" {
		return item{}, &Error{Msg: "filter: a value is missing beside the comma"}
	}
	if quotedAny(cs) {
		return item{op: opHas, text: s}, nil
	}
	if it, ok, err := addressItem(s, false); ok {
		return it, nil
	} else if err != nil {
		return it, err
	}
	if it, ok := endpointItem(s); ok {
		return it, nil
	}
	if a, b, ok := strings.Cut(s, "-"); ok && digits(a) && digits(b) {
		return numberItem(&Column{Key: "port", Kind: Port}, s)
	}
	return item{op: opHas, text: s}, nil
}

// one reads a single alternative of a column's list; a name may stand for several values.
func one(col *Column, cs []char) ([]item, *Error) {
	s := textOf(cs)
	if len(cs) == 0 {
		return nil, &Error{Msg: "a value is missing beside the comma"}
	}
	var it item
	var err *Error
	switch col.Kind {
	case Text:
		it, err = textItem(cs)
	case Word:
		it, err = wordItem(col, cs)
	case Proto:
		return protoItems(s)
	case Flags:
		it, err = flagsItem(s)
	case Address, Endpoint:
		var ok bool
		if it, ok, err = addressItem(s, true); !ok && err == nil {
			if it, ok = endpointItem(s); !ok || col.Kind != Endpoint {
				err = &Error{Msg: s + " is no address", Hint: hint(col)}
			}
		}
	default:
		it, err = numberItem(col, s)
	}
	return []item{it}, err
}

func textItem(cs []char) (item, *Error) {
	s := textOf(cs)
	switch cs[0] {
	case char{r: '='}:
		return item{op: opIs, text: s[1:]}, nil
	case char{r: '>'}, char{r: '<'}:
		return item{}, &Error{Msg: s[:1] + " compares numbers", Hint: "quote it to search for it"}
	}
	return item{op: opHas, text: s}, nil
}

func wordItem(col *Column, cs []char) (item, *Error) {
	s, exact, glob := textOf(cs), cs[0] == char{r: '='}, false
	if exact {
		s = s[1:]
	}
	for _, c := range cs {
		glob = glob || !exact && c == char{r: '*'}
	}
	if glob {
		return item{op: opGlob, text: lower(s)}, nil
	}
	var found []string
	for _, v := range col.Values {
		if strings.EqualFold(v, s) {
			return item{op: opIs, text: v}, nil
		}
		if len(v) > len(s) && strings.EqualFold(v[:len(s)], s) {
			found = append(found, v)
		}
	}
	switch {
	case exact || len(col.Values) == 0:
		return item{op: opIs, text: s}, nil
	case len(found) == 1:
		return item{op: opIs, text: found[0]}, nil
	case len(found) > 1:
		return item{op: opGlob, text: found[0][:len(s)] + "*"}, nil
	}
	return item{}, &Error{Msg: s + " is none of " + strings.Join(col.Values, ", ")}
}

// protoItems reads a protocol. "icmp" means both ICMPs, as in the policy language.
func protoItems(s string) ([]item, *Error) {
	l := strings.ToLower(s)
	if digits(l) {
		n, err := strconv.Atoi(l)
		if err != nil || n > 255 {
			return nil, &Error{Msg: s + " is over 255"}
		}
		return []item{{op: opEqual, lo: float64(n)}}, nil
	}
	switch l {
	case "icmp":
		return []item{{op: opEqual, lo: 1}, {op: opEqual, lo: 58}}, nil
	case "icmp6", "ipv6-icmp":
		l = "icmpv6"
	}
	for n := range 256 {
		if ProtoName(uint8(n)) == l {
			return []item{{op: opEqual, lo: float64(n)}}, nil
		}
	}
	return nil, &Error{Msg: s + " is no protocol that I know", Hint: "tcp udp icmp icmpv6 sctp gre …, or a number"}
}

// flagsItem reads "syn", "SA", "syn+ack", "=S".
func flagsItem(s string) (item, *Error) {
	it := item{op: opFlags}
	if strings.HasPrefix(s, "=") {
		it.op, s = opFlagEq, s[1:]
	}
	var set uint8
	for part := range strings.SplitSeq(strings.ToLower(s), "+") {
		bit, ok := flagName(part)
		for _, r := range part {
			if ok {
				break
			}
			i := strings.IndexRune(strings.ToLower(flagLetters), r)
			if i < 0 {
				return it, &Error{Msg: s + " is no TCP flag", Hint: "fin syn rst psh ack urg ece cwr, or letters: SA, =S"}
			}
			bit |= 1 << i
		}
		set |= bit
	}
	if set == 0 && it.op == opFlags {
		return it, &Error{Msg: "a flag is missing", Hint: "syn, SA, =S; = alone means none"}
	}
	it.lo = float64(set)
	return it, nil
}

func flagName(s string) (uint8, bool) {
	for i, n := range []string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"} {
		if s == n {
			return 1 << i, true
		}
	}
	return 0, false
}

func regexItem(name string, re string, at int) (item, *Error) {
	if _, err := regexp.Compile(re); err != nil {
		msg := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return item{}, &Error{Col: at, Msg: name + ": " + msg, Hint: "RE2 syntax, e.g. re:^nginx"}
	}
	if re == "" {
		return item{}, &Error{Col: at, Msg: name + ": the expression is empty"}
	}
	return item{op: opRegex, text: re}, nil
}

// cutRegex returns what follows an unquoted "re:".
func cutRegex(cs []char) (string, bool) {
	if len(cs) < 3 || !endsInRegex(cs[:3]) {
		return "", false
	}
	return textOf(cs[3:]), true
}

func quotedAny(cs []char) bool {
	for _, c := range cs {
		if c.quoted {
			return true
		}
	}
	return false
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func hint(col *Column) string {
	switch col.Kind {
	case Address:
		return col.Key + ":10.0.0.0/8, an address, or a range a-b"
	case Endpoint:
		return col.Key + ":10.0.0.0/8, an address, 10.0.0.1:443, or a range a-b"
	case Port:
		return col.Key + ":443, 8000-8100, >1023, or a name"
	case Duration:
		return col.Key + ":>30s, <5m, 1h-2h"
	case PPS, Bits, Size, Count:
		return col.Key + ":>10k, <1M, 5-10"
	case Flags:
		return "syn, SA, =S"
	}
	if col.Values != nil {
		return strings.Join(col.Values[:min(len(col.Values), 6)], ", ")
	}
	return col.Key + ":text, =whole, re:^expression"
}
