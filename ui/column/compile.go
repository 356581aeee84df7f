// SPDX-License-Identifier: Apache-2.0

package column

import (
	"encoding/binary"
	"net/netip"
	"regexp"
	"strings"

	"hooktop/probes/snap"
)

// Compile makes the predicate. It allocates nothing per row (expressions aside). Each predicate has a scratch buffer
// of its own: one goroutine at a time.
func (f *Filter) Compile() func(Row) bool {
	if f.Empty() {
		return func(Row) bool { return true }
	}
	c := compiler{set: f.set, buf: make([]byte, 0, 128)}
	return c.node(f.root)
}

// Uses reports whether the filter reads a column for which want is true.
func (f *Filter) Uses(want func(*Column) bool) bool {
	if f.Empty() {
		return false
	}
	return uses(f.root, f.set, want)
}

func uses(n node, s *Set, want func(*Column) bool) bool {
	switch n := n.(type) {
	case and:
		for _, sub := range n {
			if uses(sub, s, want) {
				return true
			}
		}
	case or:
		for _, sub := range n {
			if uses(sub, s, want) {
				return true
			}
		}
	case *not:
		return uses(n.of, s, want)
	case *term:
		if n.col != nil {
			return want(n.col)
		}
		if !n.needsText() {
			return false
		}
		for i := range s.list {
			if s.list[i].Any && want(&s.list[i]) {
				return true
			}
		}
	}
	return false
}

// needsText reports whether a bare term looks into the text columns.
func (n *term) needsText() bool {
	for i := range n.items {
		if o := n.items[i].op; o == opHas || o == opRegex {
			return true
		}
	}
	return false
}

type pred func(Row) bool

type compiler struct {
	set *Set
	buf []byte // scratch for the text of addresses
}

func (c *compiler) node(n node) func(Row) bool {
	switch n := n.(type) {
	case and:
		ps := c.list(n)
		return func(r Row) bool {
			for _, p := range ps {
				if !p(r) {
					return false
				}
			}
			return true
		}
	case or:
		return anyOf(c.list(n))
	case *not:
		p := c.node(n.of)
		return func(r Row) bool { return !p(r) }
	case *term:
		ps := make([]pred, len(n.items))
		for i := range n.items {
			if n.col == nil {
				ps[i] = c.bare(&n.items[i])
			} else {
				ps[i] = c.item(n.col, &n.items[i])
			}
		}
		return anyOf(ps)
	}
	return func(Row) bool { return false }
}

func (c *compiler) list(ns []node) []pred {
	ps := make([]pred, len(ns))
	for i, n := range ns {
		ps[i] = c.node(n)
	}
	return ps
}

func anyOf(ps []pred) func(Row) bool {
	switch len(ps) {
	case 1:
		return ps[0]
	case 2:
		a, b := ps[0], ps[1]
		return func(r Row) bool { return a(r) || b(r) }
	}
	return func(r Row) bool {
		for _, p := range ps {
			if p(r) {
				return true
			}
		}
		return false
	}
}

// item compiles one alternative of a column's term.
func (c *compiler) item(col *Column, it *item) pred {
	switch col.Kind {
	case Text, Word:
		return c.text(col.Field, it)
	case Address, Endpoint:
		if col.Both {
			return anyOf([]pred{c.address(Source, it), c.address(Destination, it)})
		}
		return c.address(col.Field, it)
	case Port:
		if col.Both {
			return anyOf([]pred{number(SPort, it), number(DPort, it)})
		}
	case Flags:
		set, exact := uint8(it.lo), it.op == opFlagEq
		return func(r Row) bool {
			v := uint8(r.Number(col.Field))
			return v&set == set && (!exact || v == set)
		}
	}
	return number(col.Field, it)
}

func number(f Field, it *item) pred {
	lo, hi := it.lo, it.hi
	switch it.op {
	case opLT:
		return func(r Row) bool { return r.Number(f) < lo }
	case opLE:
		return func(r Row) bool { return r.Number(f) <= lo }
	case opGT:
		return func(r Row) bool { return r.Number(f) > lo }
	case opGE:
		return func(r Row) bool { return r.Number(f) >= lo }
	case opRange:
		return func(r Row) bool { v := r.Number(f); return v >= lo && v <= hi }
	}
	return func(r Row) bool { return r.Number(f) == lo }
}

// text compiles the comparisons of words; letter case of ASCII is ignored.
func (c *compiler) text(f Field, it *item) pred {
	want := lower(it.text)
	switch it.op {
	case opIs:
		return func(r Row) bool { t := r.Text(f); return len(t) == len(want) && hasFold(t, want) }
	case opGlob:
		parts := strings.Split(want, "*")
		return func(r Row) bool { return glob(r.Text(f), parts) }
	case opRegex:
		re := regexp.MustCompile(it.text) // parsed before
		return func(r Row) bool { return re.MatchString(r.Text(f)) }
	}
	return func(r Row) bool { return hasFold(r.Text(f), want) }
}

// address compiles a comparison of one side. All addresses are compared as two words.
func (c *compiler) address(f Field, it *item) pred {
	is4 := it.from.Is4()
	loHi, loLo := words(it.from)
	hiHi, hiLo := words(it.to)
	in := func(a snap.Addr) bool {
		if a.Is4() != is4 {
			return false
		}
		hi, lo := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
		return (hi > loHi || hi == loHi && lo >= loLo) && (hi < hiHi || hi == hiHi && lo <= hiLo)
	}
	if is4 { // the upper words are equal
		in = func(a snap.Addr) bool {
			lo := binary.BigEndian.Uint64(a[8:])
			return lo >= loLo && lo <= hiLo && a.Is4()
		}
	}
	if it.op == opEndpt {
		port, pf := it.lo, portOf(f)
		return func(r Row) bool { return r.Number(pf) == port && in(r.Address(f)) }
	}
	return func(r Row) bool { return in(r.Address(f)) }
}

func words(a netip.Addr) (hi, lo uint64) {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// bare compiles a word without a field: either address, either port, or any text.
func (c *compiler) bare(it *item) pred {
	switch it.op {
	case opAddr, opEndpt:
		return anyOf([]pred{c.address(Source, it), c.address(Destination, it)})
	case opRange:
		return anyOf([]pred{number(SPort, it), number(DPort, it)})
	case opRegex:
		re := regexp.MustCompile(it.text)
		return c.everywhere(func(t []byte) bool { return re.Match(t) }, re.MatchString)
	}
	want := lower(it.text)
	inText := func(t string) bool { return hasFold(t, want) }
	if n, ok := plainNumber(want); ok && n <= 65535 && digits(want) {
		port := &item{op: opEqual, lo: n}
		return anyOf([]pred{number(SPort, port), number(DPort, port), c.everywhere(containsIn(want), inText)})
	}
	if strings.Trim(want, "0123456789abcdef:.") != "" { // no part of an address
		return c.everywhere(nil, inText)
	}
	return c.everywhere(containsIn(want), inText)
}

func containsIn(want string) func([]byte) bool {
	w := []byte(want)
	return func(t []byte) bool { return contains(t, w) }
}

// everywhere looks at the text of both addresses (unless inAddr is nil) and at the columns that bare words search,
// those that need no join first.
func (c *compiler) everywhere(inAddr func([]byte) bool, inText func(string) bool) pred {
	var fields, late []Field
	for i := range c.set.list {
		switch col := &c.set.list[i]; {
		case col.Any && col.Joined:
			late = append(late, col.Field)
		case col.Any:
			fields = append(fields, col.Field)
		}
	}
	fields = append(fields, late...)
	return func(r Row) bool {
		if inAddr != nil && (inAddr(c.addrText(r.Address(Source))) || inAddr(c.addrText(r.Address(Destination)))) {
			return true
		}
		for _, f := range fields {
			if t := r.Text(f); t != "" && inText(t) {
				return true
			}
		}
		return false
	}
}

func (c *compiler) addrText(a snap.Addr) []byte {
	c.buf = AppendAddr(c.buf[:0], a)
	return c.buf
}
