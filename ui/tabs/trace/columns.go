// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"strconv"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// eventColumns of the stream; keys are those of ui/column where a cell can be filtered by. Order is by time only.
func eventColumns(env *core.Env) []table.Column[snap.TraceEvent] {
	return []table.Column[snap.TraceEvent]{
		{Key: "time", Title: "TIME", Width: 12, NoSort: true, Priority: 1, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return clock(b, env, e, "15:04:05.000")
		}},
		{Key: "pkt", Title: "PKT", Width: 5, Right: true, NoSort: true, Priority: 1, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			if e.Packet == 0 {
				return append(b, env.Glyphs.Dash...)
			}
			return packet(b, e.Packet, w)
		}, Token: func(e *snap.TraceEvent) themes.Token {
			if e.Packet == 0 {
				return themes.TextDim
			}
			return themes.Text
		}},
		{Key: "func", Title: "FUNCTION", Width: 20, Min: 12, Max: 32, NoSort: true, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return format.AppendMiddle(b, format.Clean(e.Func), w)
		}},
		{Key: "cpu", Title: "CPU", Width: 3, Right: true, NoSort: true, Priority: 3, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return strconv.AppendInt(b, int64(e.CPU), 10)
		}},
		{Key: "process", Title: "PROCESS", Width: 8, Max: 15, NoSort: true, Priority: 2, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return format.AppendEnd(b, format.Clean(e.Comm), w)
		}},
		{Key: "delta", Title: "DELTA", Width: 6, Right: true, NoSort: true, Priority: 2, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return delta(b, e)
		}},
		{Key: "reason", Title: "VERDICT", Width: 20, Min: 10, Max: 44, NoSort: true, Priority: 1, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return format.AppendEnd(b, verdict(env.Glyphs, e), w)
		}, Token: verdictToken},
		{Key: "src", Title: "FLOW", Width: 36, Max: 52, NoSort: true, Priority: 4, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return flow(b, env.Glyphs, e, w)
		}},
		{Key: "dev", Title: "DEV", Width: 8, Max: 12, NoSort: true, Priority: 6, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			return format.AppendMiddle(b, format.Clean(e.Dev), w)
		}},
		{Key: "len", Title: "LEN", Width: 5, Right: true, NoSort: true, Priority: 7, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			if e.SKB == 0 {
				return b
			}
			return strconv.AppendInt(b, int64(e.Len), 10)
		}},
		{Key: "mark", Title: "MARK", Width: 10, NoSort: true, Priority: 8, Cell: func(b []byte, e *snap.TraceEvent, w int) []byte {
			if e.Mark == 0 {
				return b
			}
			return strconv.AppendUint(append(b, "0x"...), uint64(e.Mark), 16)
		}},
	}
}

// hopColumns of one packet's journey.
func hopColumns(env *core.Env) []table.Column[hop] {
	return []table.Column[hop]{
		{Key: "since", Title: "AT", Width: 6, Right: true, NoSort: true, Priority: 1, Cell: func(b []byte, h *hop, w int) []byte {
			if h.since == 0 {
				return append(b, '0')
			}
			return format.AppendNanos(b, h.since)
		}},
		{Key: "delta", Title: "DELTA", Width: 6, Right: true, NoSort: true, Priority: 1, Cell: func(b []byte, h *hop, w int) []byte {
			return delta(b, &h.TraceEvent)
		}},
		{Key: "func", Title: "FUNCTION", Width: 22, Min: 12, Max: 40, NoSort: true, Cell: func(b []byte, h *hop, w int) []byte {
			return format.AppendMiddle(b, format.Clean(h.Func), w)
		}},
		{Key: "cpu", Title: "CPU", Width: 3, Right: true, NoSort: true, Priority: 3, Cell: func(b []byte, h *hop, w int) []byte {
			return strconv.AppendInt(b, int64(h.CPU), 10)
		}},
		{Key: "process", Title: "PROCESS", Width: 8, Max: 15, NoSort: true, Priority: 4, Cell: func(b []byte, h *hop, w int) []byte {
			return format.AppendEnd(b, format.Clean(h.Comm), w)
		}},
		{Key: "changed", Title: "CHANGED", Width: 14, Min: 10, Max: 60, NoSort: true, Priority: 1, Cell: func(b []byte, h *hop, w int) []byte {
			return format.AppendEnd(b, h.changed, w)
		}, Token: func(*hop) themes.Token { return themes.Accent }},
		{Key: "verdict", Title: "VERDICT", Width: 14, Min: 10, Max: 44, NoSort: true, Priority: 1, Cell: func(b []byte, h *hop, w int) []byte {
			return format.AppendEnd(b, verdict(env.Glyphs, &h.TraceEvent), w)
		}, Token: func(h *hop) themes.Token { return verdictToken(&h.TraceEvent) }},
	}
}

// ledgerColumns of where packets die.
func ledgerColumns() []table.Column[snap.LedgerRow] {
	quiet := func(r *snap.LedgerRow) themes.Token {
		switch {
		case r.Rate > 0:
			return themes.Warn
		case r.Since == 0:
			return themes.TextDim
		}
		return themes.Text
	}
	count := func(get func(*snap.LedgerRow) float64) func([]byte, *snap.LedgerRow, int) []byte {
		return func(b []byte, r *snap.LedgerRow, w int) []byte { return format.AppendSI(b, get(r), w) }
	}
	return []table.Column[snap.LedgerRow]{
		{Key: "stage", Title: "STAGE", Width: 9, Min: 8, Max: 10, NoSort: true, Priority: 1, Cell: func(b []byte, r *snap.LedgerRow, w int) []byte {
			return format.AppendEnd(b, format.Clean(r.Stage), w)
		}},
		{Key: "name", Title: "NAME", Width: 18, Min: 12, Max: 28, NoSort: true, Cell: func(b []byte, r *snap.LedgerRow, w int) []byte {
			return format.AppendMiddle(b, format.Clean(r.Name), w)
		}},
		{Key: "dev", Title: "DEV", Width: 7, Max: 15, NoSort: true, Priority: 2, Cell: func(b []byte, r *snap.LedgerRow, w int) []byte {
			return format.AppendMiddle(b, format.Clean(r.Dev), w)
		}},
		{Key: "rate", Title: "RATE", Width: 6, Right: true, NoSort: true, Priority: 1, Cell: count(func(r *snap.LedgerRow) float64 { return r.Rate }), Token: quiet},
		{Key: "count", Title: "SINCE", Width: 6, Right: true, NoSort: true, Priority: 1, Cell: count(func(r *snap.LedgerRow) float64 { return float64(r.Since) }), Token: quiet},
		{Key: "total", Title: "TOTAL", Width: 6, Right: true, NoSort: true, Priority: 2, Cell: count(func(r *snap.LedgerRow) float64 { return float64(r.Total) }), Token: quiet},
		{Key: "help", Title: "HELP", Width: 20, Min: 10, Max: 160, NoSort: true, Priority: 1, Cell: func(b []byte, r *snap.LedgerRow, w int) []byte {
			return format.AppendEnd(b, format.Clean(r.Help), w)
		}, Token: func(r *snap.LedgerRow) themes.Token {
			if r.Since == 0 {
				return themes.TextDim
			}
			return themes.Text
		}},
	}
}

// packet writes the number of a journey; of a long one the end stays, which tells neighbours apart.
func packet(b []byte, n, w int) []byte {
	s := strconv.Itoa(n)
	if len(s) > w {
		return append(append(b, "…"...), s[len(s)-(w-1):]...)
	}
	return append(b, s...)
}

// clock writes the time of day in a layout of package time.
func clock(b []byte, env *core.Env, e *snap.TraceEvent, layout string) []byte {
	at := e.At.Local()
	if env.Units.UTC {
		at = at.UTC()
	}
	return at.AppendFormat(b, layout)
}

// delta is the time since the packet's last hop; the first has none.
func delta(b []byte, e *snap.TraceEvent) []byte {
	if e.Delta <= 0 {
		return b
	}
	return format.AppendNanos(b, e.Delta)
}
