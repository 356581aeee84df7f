// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// String prints the filter in its canonical form: parsing that gives the same filter.
func (f *Filter) String() string {
	if f.Empty() {
		return ""
	}
	var b strings.Builder
	f.root.print(&b, 0)
	return b.String()
}

// Binding strength of what stands around a node.
const (
	inOr = iota
	inAnd
	inNot
)

func (n or) print(b *strings.Builder, around int) {
	printList(b, n, " or ", inOr+1, around > inOr)
}

func (n and) print(b *strings.Builder, around int) {
	printList(b, n, " ", inAnd+1, around > inAnd)
}

func printList(b *strings.Builder, list []node, sep string, inside int, parens bool) {
	if parens {
		b.WriteByte('(')
	}
	for i, n := range list {
		if i > 0 {
			b.WriteString(sep)
		}
		n.print(b, inside)
	}
	if parens {
		b.WriteByte(')')
	}
}

func (n *not) print(b *strings.Builder, _ int) {
	b.WriteByte('!')
	n.of.print(b, inNot)
}

func (n *term) print(b *strings.Builder, _ int) {
	if n.col != nil {
		b.WriteString(n.col.Key)
		b.WriteByte(':')
	}
	for i := range n.items {
		if i > 0 {
			b.WriteByte(',')
		}
		n.items[i].print(b, n.col)
	}
}

func (it *item) print(b *strings.Builder, col *Column) {
	kind := Text
	if col != nil {
		kind = col.Kind
	}
	switch it.op {
	case opHas:
		b.WriteString(printHas(it.text, col))
	case opIs:
		if kind == Word && bareSafe(it.text) && (len(col.Values) == 0 || slices.Contains(col.Values, it.text)) {
			b.WriteString(it.text)
			return
		}
		b.WriteString("=" + quote(it.text))
	case opGlob:
		for i, part := range strings.Split(it.text, "*") {
			if i > 0 {
				b.WriteByte('*')
			}
			if part != "" {
				b.WriteString(quote(part))
			}
		}
	case opRegex:
		b.WriteString("re:" + always(it.text))
	case opAddr:
		b.WriteString(printAddr(it))
	case opEndpt:
		b.WriteString(netip.AddrPortFrom(it.from, uint16(it.lo)).String())
	case opFlags, opFlagEq:
		if it.op == opFlagEq {
			b.WriteByte('=')
		}
		b.WriteString(FlagLetters(uint8(it.lo)))
	default:
		it.printNumber(b, kind, col == nil)
	}
}

func (it *item) printNumber(b *strings.Builder, kind Kind, bare bool) {
	if bare { // a bare range is one of ports
		kind = Port
	}
	lo := formatNumber(kind, it.lo)
	switch it.op {
	case opLT:
		lo = "<" + lo
	case opLE:
		lo = "<=" + lo
	case opGT:
		lo = ">" + lo
	case opGE:
		lo = ">=" + lo
	case opRange:
		lo += "-" + formatNumber(kind, it.hi)
	case opEqual:
		if kind == Proto {
			if lo = ProtoName(uint8(it.lo)); lo == "icmp" { // the word means both
				lo = "1"
			}
		}
	}
	b.WriteString(lo)
}

func printAddr(it *item) string {
	switch {
	case it.bits >= 0:
		return netip.PrefixFrom(it.from, it.bits).String()
	case it.from == it.to:
		return it.from.String()
	}
	return it.from.String() + "-" + it.to.String()
}

// printHas quotes a word that would mean something else when bare.
func printHas(s string, col *Column) string {
	if !bareSafe(s) {
		return always(s)
	}
	if col != nil {
		return s
	}
	cs := make([]char, 0, len(s))
	for _, r := range s {
		cs = append(cs, char{r: r})
	}
	it, err := bareItem(cs)
	if err != nil || it != (item{op: opHas, text: s}) || isOr(s) || isAnd(s) || strings.EqualFold(s, "not") || isKeyword(strings.ToLower(s)) {
		return always(s)
	}
	return s
}

// quote writes s so that it is read as one plain value.
func quote(s string) string {
	if bareSafe(s) {
		return s
	}
	return always(s)
}

func always(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r == '"' || r == '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}

// bareSafe reports whether no character of s means anything to the parser.
func bareSafe(s string) bool {
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("._-/%@+~", r):
		case r > unicode.MaxASCII && r != unicode.ReplacementChar && unicode.IsGraphic(r) && !unicode.IsSpace(r):
		default:
			return false
		}
	}
	return s != ""
}
