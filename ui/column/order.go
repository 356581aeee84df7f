// SPDX-License-Identifier: Apache-2.0

package column

import (
	"encoding/binary"
	"math"
)

// Order is a cell as two words that compare like the cells do. What the row does not have sorts below everything.
// Texts are told apart by their first 16 bytes, letter case of ASCII ignored; compare the texts when these are equal.
type Order struct{ Hi, Lo uint64 }

// Less orders ascending.
func (o Order) Less(p Order) bool { return o.Hi < p.Hi || o.Hi == p.Hi && o.Lo < p.Lo }

// OrderOf returns the cell's order.
func (c *Column) OrderOf(r Row) Order {
	switch c.Kind {
	case Text, Word:
		return textOrder(r.Text(c.Field))
	case Proto:
		return Order{Hi: floatOrder(r.Number(c.Field))}
	case Address, Endpoint:
		a := r.Address(c.Field)
		return Order{binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])}
	}
	return Order{Hi: floatOrder(r.Number(c.Field))}
}

// floatOrder maps to words in the order of the numbers; NaN to 0.
func floatOrder(v float64) uint64 {
	if v != v {
		return 0
	}
	b := math.Float64bits(v)
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

func textOrder(s string) Order {
	var b [16]byte
	for i := range min(len(s), len(b)) {
		b[i] = lowerByte(s[i])
	}
	return Order{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}
