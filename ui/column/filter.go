// SPDX-License-Identifier: Apache-2.0

package column

import (
	"net/netip"
	"strings"
)

// Filter is a parsed filter. The zero value passes every row. Immutable.
type Filter struct {
	set  *Set
	root node // nil: passes all
}

// Error says what is wrong with a filter and where.
type Error struct {
	Col  int    // in runes from 0
	Msg  string // "port: 99999 is over 65535"
	Hint string // what would be right; may be ""
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + " — " + e.Hint
}

// Empty reports whether the filter passes every row.
func (f *Filter) Empty() bool { return f == nil || f.root == nil }

// node is one of and, or, not, term.
type node interface{ print(*strings.Builder, int) }

type (
	and  []node // two or more
	or   []node // two or more
	not  struct{ of node }
	term struct {
		col   *Column // nil: any text, address or port
		items []item  // one at least; any of them matches
	}
)

// op is how an item compares.
type op uint8

const (
	opHas    op = iota // text contains, or the natural match of the kind
	opIs               // the whole text; flags: these and no others
	opGlob             // whole text with *
	opRegex            // RE2
	opLT               // <
	opLE               // <=
	opGT               // >
	opGE               // >=
	opRange            // lo-hi, both included
	opEqual            // a number
	opAddr             // addresses from..to, both included, one family
	opEndpt            // address and port
	opFlags            // all these TCP flags, maybe others
	opFlagEq           // exactly these
)

// item is one alternative of a value list. Comparable, so that two filters can be compared.
type item struct {
	op       op
	text     string     // opHas, opIs, opGlob, opRegex: as typed, unquoted
	lo, hi   float64    // numbers: base units; flags in lo; a port in opEndpt
	from, to netip.Addr // opAddr, opEndpt
	bits     int        // opAddr: prefix length as typed, -1 for a range or a single address
}
