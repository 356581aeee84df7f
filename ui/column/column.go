// SPDX-License-Identifier: Apache-2.0

package column

import (
	"math"
	"strconv"
	"strings"

	"hooktop/probes/snap"
)

// Kind says how a column's values are read, compared and shown.
type Kind uint8

const (
	Text     Kind = iota // free text; a filter matches any part of it, letter case ignored
	Word                 // one of a few words, or a name; a filter matches the whole of it, * stands for anything
	Count                // whole number
	PPS                  // packets per second
	Bits                 // bits per second
	Size                 // bytes
	Duration             // seconds
	Address              // IP address
	Endpoint             // IP address and port
	Port                 // 0 to 65,535
	Proto                // IP protocol, by name or number
	Flags                // TCP flags
)

// Numeric reports whether the column is ordered by Row.Number.
func (k Kind) Numeric() bool {
	switch k {
	case Text, Word, Address, Endpoint, Proto:
		return false
	}
	return true
}

// Field is what a column reads of a row.
type Field uint8

// Row is one row of a table. Number returns NaN and Text "" where the row has no such thing.
type Row interface {
	Address(Field) snap.Addr // Source, Destination
	Number(Field) float64    // counts, rates, ports, flags; durations in seconds
	Text(Field) string       // words and names; already cleaned of control characters
}

// Column is declared once.
type Column struct {
	Key     string // what is typed in a filter and stands in Query.Sort: "pps"
	Title   string // table header: "PPS"
	Kind    Kind
	Field   Field
	Help    string   // one line for pickers and completion
	Aliases []string // other names in a filter
	Values  []string // what a Word may be, for completion and hints; nil: anything
	Export  string   // name in JSON and CSV (DESIGN 3), "" when it is not exported
	Any     bool     // a bare word looks here too
	Both    bool     // filter only: matches when either side of the flow does
	Joined  bool     // needs the process or the socket: costs a join per flow
}

// Set is an ordered list of columns with lookup by name. Immutable.
type Set struct {
	list   []Column
	byName map[string]int
}

// NewSet makes a set. A name given twice goes to the first.
func NewSet(list []Column) *Set {
	s := &Set{list: list, byName: make(map[string]int, 2*len(list))}
	for i := range list {
		for _, name := range append([]string{list[i].Key}, list[i].Aliases...) {
			if _, taken := s.byName[name]; !taken {
				s.byName[name] = i
			}
		}
	}
	return s
}

// All returns the columns in their order. Not to be changed.
func (s *Set) All() []Column { return s.list }

// Find returns the column of a key or alias, in any letter case, or nil.
func (s *Set) Find(name string) *Column {
	i, ok := s.byName[name]
	if !ok {
		i, ok = s.byName[strings.ToLower(name)]
	}
	if !ok {
		return nil
	}
	return &s.list[i]
}

// Plain returns the cell as text without units or rounding: for copying, CSV and filters made from a cell.
func (c *Column) Plain(r Row) string {
	switch c.Kind {
	case Text, Word, Proto:
		return r.Text(c.Field)
	case Flags:
		return FlagLetters(uint8(r.Number(c.Field)))
	case Address:
		return r.Address(c.Field).String()
	case Endpoint:
		return joinEndpoint(r.Address(c.Field), r.Number(portOf(c.Field)))
	}
	v := r.Number(c.Field)
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Value returns the cell for an encoder: a string, a float64, an int64, or nil where there is none.
func (c *Column) Value(r Row) any {
	if !c.Kind.Numeric() || c.Kind == Flags {
		return c.Plain(r)
	}
	v := r.Number(c.Field)
	switch {
	case math.IsNaN(v):
		return nil
	case v == math.Trunc(v) && math.Abs(v) < 1<<53:
		return int64(v)
	}
	return v
}

// Only returns the filter term that passes exactly the rows with this row's cell, "" when the cell is empty or
// changes by itself (rates, counts).
func (c *Column) Only(r Row) string {
	if c.Field == Host { // it stands for either side: which one is meant?
		return ""
	}
	switch c.Kind {
	case PPS, Bits, Size, Duration, Count:
		switch c.Field {
		case VLAN, VNI, PID, Rule, Journey, CPU, Ret, Length, SkbMark:
		default:
			return ""
		}
	}
	v := c.Plain(r)
	if v == "" {
		return ""
	}
	if c.Kind == Text || c.Kind == Word || c.Kind == Flags {
		return c.Key + ":=" + quote(v)
	}
	return c.Key + ":" + v
}

func joinEndpoint(a snap.Addr, port float64) string {
	s := a.String()
	if math.IsNaN(port) {
		return s
	}
	if !a.Is4() {
		s = "[" + s + "]"
	}
	return s + ":" + strconv.Itoa(int(port))
}
