// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

func programColumns(env *core.Env) []table.Column[snap.Program] {
	type col = table.Column[snap.Program]
	text := func(get func(*snap.Program) string) func([]byte, *snap.Program, int) []byte {
		return func(b []byte, p *snap.Program, w int) []byte { return append(b, format.Clean(get(p))...) }
	}
	number := func(get func(*snap.Program) uint64) func([]byte, *snap.Program, int) []byte {
		return func(b []byte, p *snap.Program, w int) []byte {
			if v := get(p); v > 0 {
				return format.AppendSI(b, float64(v), w)
			}
			return append(b, env.Glyphs.Dash...)
		}
	}
	// Tracepoints differ in their names; what they are, the program's name says.
	hook := func(b []byte, p *snap.Program, w int) []byte {
		return format.AppendMiddle(b, format.Clean(strings.TrimPrefix(p.Hook, "tracepoint ")), w)
	}
	return []col{
		{Key: "id", Title: "ID", Width: 7, Min: 5, Right: true, Priority: 4, Cell: func(b []byte, p *snap.Program, w int) []byte {
			if p.ID == 0 {
				return append(b, env.Glyphs.Dash...)
			}
			return strconv.AppendUint(b, uint64(p.ID), 10)
		}},
		{Key: "name", Title: "PROGRAM", Width: 15, Min: 10, Max: 24, Cell: text(func(p *snap.Program) string { return p.Name })},
		{Key: "type", Title: "TYPE", Width: 9, Priority: 7, Cell: text(func(p *snap.Program) string { return p.Type })},
		{Key: "hook", Title: "HOOK", Width: 11, Min: 9, Max: 16, Priority: 1, Cell: hook},
		{Key: "dev", Title: "DEV", Width: 8, Min: 5, Max: 15, Cell: text(func(p *snap.Program) string { return p.Dev })},
		{Key: "runs", Title: "RUNS", Width: 6, Right: true, Priority: 3, Cell: number(func(p *snap.Program) uint64 { return p.Runs })},
		{Key: "ns", Title: "NS", Width: 5, Right: true, Priority: 3, Cell: number(func(p *snap.Program) uint64 {
			if p.Runs == 0 {
				return 0
			}
			return p.RunNs / p.Runs
		})},
		{Key: "insns", Title: "INSNS", Width: 6, Right: true, Priority: 5, Cell: number(func(p *snap.Program) uint64 { return uint64(p.Insns) })},
		{Key: "state", Title: "STATE", Width: 11, Min: 8, Priority: 1, Cell: text(func(p *snap.Program) string { return p.State }),
			Token: func(p *snap.Program) themes.Token { return stateToken(p.State) }},
		{Key: "why", Title: "WHY", Width: 20, Max: 60, Priority: 8, Cell: text(func(p *snap.Program) string { return p.Reason })},
	}
}

func linkColumns(env *core.Env) []table.Column[link] {
	type col = table.Column[link]
	rate := func(get func(*link) float64) func([]byte, *link, int) []byte {
		return func(b []byte, l *link, w int) []byte {
			if l.out != "" {
				return b
			}
			return format.AppendSI(b, get(l), w)
		}
	}
	bits := func(get func(*link) float64) func([]byte, *link, int) []byte {
		return rate(func(l *link) float64 {
			if env.Units.Bytes {
				return get(l) / 8
			}
			return get(l)
		})
	}
	bit := func() string {
		if env.Units.Bytes {
			return "BYTE/S"
		}
		return "BIT/S"
	}
	return []col{
		{Key: "name", Title: "INTERFACE", Width: 12, Min: 9, Max: 16, Cell: func(b []byte, l *link, w int) []byte {
			return format.AppendMiddle(b, format.Clean(l.Name), w)
		}},
		{Key: "mode", Title: "MODE", Width: 8, Cell: func(b []byte, l *link, w int) []byte {
			if l.out != "" {
				return append(b, "left out"...)
			}
			return append(b, format.Clean(l.Mode)...)
		}, Token: func(l *link) themes.Token {
			switch {
			case l.out != "":
				return themes.TextDim
			case l.Mode == "none":
				return themes.Warn
			}
			return themes.Text
		}},
		{Key: "inpps", Title: "IN PPS", Width: 6, Right: true, Priority: 1, Cell: rate(func(l *link) float64 { return l.In.PPS })},
		{Key: "inbps", TitleNow: bit, Width: 6, Right: true, Priority: 2, Cell: bits(func(l *link) float64 { return l.In.BPS })},
		{Key: "outpps", Title: "OUT PPS", Width: 7, Right: true, Priority: 1, Cell: rate(func(l *link) float64 { return l.Out.PPS })},
		{Key: "outbps", TitleNow: bit, Width: 6, Right: true, Priority: 2, Cell: bits(func(l *link) float64 { return l.Out.BPS })},
		{Key: "packets", Title: "PACKETS", Width: 7, Right: true, Priority: 6, Cell: rate(func(l *link) float64 { return float64(l.Packets) })},
		{Key: "slot", Title: "SLOT", Width: 4, Right: true, Priority: 5, Cell: rate(func(l *link) float64 { return float64(l.Slot) })},
		{Key: "why", Title: "WHY", Width: 24, Min: 8, Max: 90, Priority: 3, Cell: func(b []byte, l *link, w int) []byte {
			return append(b, format.Clean(why(l))...)
		}, Token: func(l *link) themes.Token {
			if l.out != "" {
				return themes.TextDim
			}
			return themes.Text
		}},
	}
}

// why says why an interface is treated as it is.
func why(l *link) string {
	switch {
	case l.out != "":
		return l.out
	case !l.Up && l.Why == "":
		return "link is down"
	case l.Why == "":
		return l.Reason
	case l.Reason == "":
		return l.Why
	}
	return l.Reason + "; " + l.Why
}

func programMark(g *themes.Glyphs, p *snap.Program) table.Mark {
	switch p.State {
	case "unavailable":
		return table.Mark{Glyph: g.Crit, Token: themes.Crit}
	case "degraded":
		return table.Mark{Glyph: g.Warn, Token: themes.Warn}
	}
	return table.Mark{}
}

func linkMark(g *themes.Glyphs, l *link) table.Mark {
	switch {
	case l.out != "":
		return table.Mark{Glyph: g.Stale, Token: themes.TextDim}
	case l.Mode == "none", !l.Up:
		return table.Mark{Glyph: g.Warn, Token: themes.Warn}
	}
	return table.Mark{}
}

func stateToken(state string) themes.Token {
	switch state {
	case "attached":
		return themes.OK
	case "degraded", "pending", "detached":
		return themes.Warn
	case "unavailable":
		return themes.Crit
	}
	return themes.Text
}
