// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"strconv"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/spark"
	"hooktop/ui/widget/table"
)

const trendSeconds = 60

// mainTable is RT_TABLE_MAIN: routing as it is without chains.
const mainTable = 254

// columns declares how legs look.
func (t *Tab) columns() []table.Column[row] {
	dash := t.env.Glyphs.Dash
	si := func(get func(*snap.Leg) float64) func([]byte, *row, int) []byte {
		return func(b []byte, r *row, w int) []byte {
			if l := r.at(); l != nil {
				return format.AppendSI(b, get(l), min(w, 6))
			}
			return append(b, dash...)
		}
	}
	return []table.Column[row]{
		{Key: "chain", Title: "CHAIN", Width: 6, Max: 16, NoSort: true, Cell: func(b []byte, r *row, w int) []byte {
			if !r.head() {
				return b
			}
			return format.AppendMiddle(b, format.Clean(r.name()), w)
		}, Token: t.text},
		{Key: "leg", Title: "LEG", Width: 24, Min: 14, Max: 44, Priority: 1, NoSort: true, Cell: func(b []byte, r *row, w int) []byte {
			return format.AppendEnd(b, t.way(r, w), w)
		}, Token: t.text},
		{Key: "mark", Title: "MARK/MASK", Width: 10, Max: 17, Priority: 1, NoSort: true, Cell: func(b []byte, r *row, w int) []byte {
			m, ok := r.mark()
			if !ok {
				return append(b, dash...)
			}
			if text := m.short(); len(text) <= w {
				return append(b, text...)
			}
			return format.AppendMiddle(b, m.short(), w)
		}, Token: func(r *row) themes.Token {
			if r.line != nil && r.line.Was != "" {
				return themes.StageChange
			}
			return t.text(r)
		}},
		{Key: "table", Title: "TABLE", Width: 6, Right: true, Priority: 3, NoSort: true, Cell: func(b []byte, r *row, _ int) []byte {
			if l := r.at(); l != nil && l.Table == mainTable {
				return append(b, "main"...)
			} else if l != nil && l.Table != 0 {
				return strconv.AppendUint(b, uint64(l.Table), 10)
			}
			return append(b, dash...)
		}, Token: t.text},
		{Key: "hop", Title: "NEXT HOP", Width: 13, Min: 9, Max: 45, Priority: 2, NoSort: true, Cell: t.hop, Token: t.text},
		{Key: "pps", Title: "PPS", Width: 6, Right: true, Priority: 1, NoSort: true, Cell: si(func(l *snap.Leg) float64 { return l.PPS }), Token: t.text},
		{Key: "state", Title: "STATE", Width: 7, Max: 8, Priority: 1, NoSort: true, Cell: func(b []byte, r *row, _ int) []byte { return append(b, stateText(r)...) }, Token: stateToken},
		{Key: "trend", Title: "60 s", Width: 8, Max: 12, Priority: 4, NoSort: true, Cell: func(b []byte, r *row, w int) []byte {
			l := r.at()
			if l == nil || len(l.Trend) == 0 || t.env.Reduced {
				return b
			}
			return spark.Steps(b, t.env.Glyphs, l.Trend, w, trendSeconds, t.frame.At.Unix())
		}, Token: func(*row) themes.Token { return themes.Spark }},
		{Key: "packets", Title: "PACKETS", Width: 7, Right: true, Priority: 5, NoSort: true, Cell: si(func(l *snap.Leg) float64 { return float64(l.Packets) }), Token: t.text},
		{Key: "bytes", Title: "BYTES", Width: 6, Right: true, Priority: 6, NoSort: true, Cell: si(func(l *snap.Leg) float64 { return float64(l.Bytes) }), Token: t.text},
		{Key: "line", Title: "LINE", Width: 4, Right: true, Priority: 7, NoSort: true, Cell: func(b []byte, r *row, _ int) []byte {
			if r.line == nil || !r.head() {
				return b
			}
			return strconv.AppendInt(b, int64(max(r.line.Line, r.line.Old*btoi(r.line.Line == 0))), 10)
		}, Token: func(*row) themes.Token { return themes.TextDim }},
	}
}

// hop is where a leg's packets go next.
func (t *Tab) hop(b []byte, r *row, w int) []byte {
	l := r.at()
	switch {
	case l == nil:
		return append(b, t.env.Glyphs.Dash...)
	case !l.NextHop.IsValid() && (l.Table == 0 || l.Table == mainTable):
		return format.AppendEnd(b, "by routing", w)
	case !l.NextHop.IsValid():
		return format.AppendEnd(b, "on link", w)
	}
	text := l.NextHop.String()
	if dev := " " + format.Clean(l.To); len(text)+len(dev) <= w {
		return append(append(b, text...), dev...)
	}
	return format.AppendMiddle(b, text, w)
}

// text dims what does nothing.
func (t *Tab) text(r *row) themes.Token {
	switch l := r.line; {
	case l != nil && l.Line == 0:
		return themes.StageDel
	case l != nil && l.Off, r.chain == nil:
		return themes.TextDim
	}
	return themes.Text
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
