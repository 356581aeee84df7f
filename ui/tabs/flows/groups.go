// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

type groupColumn = table.Column[snap.Group]

// groupings are the choices of p, in its order. term is the filter field that a group's value belongs to.
func groupings() []struct{ key, title, help, term string } {
	return []struct{ key, title, help, term string }{
		{"", "", "no grouping: one row per flow", ""},
		{"source", "SOURCE", "by source address", "src:"},
		{"destination", "DESTINATION", "by destination address", "dst:"},
		{"port", "PORT", "by service port", "port:"},
		{"process", "PROCESS", "by process", "process:="},
		{"subnet", "SUBNET", "by source subnet", "src:"},
	}
}

func groupColumns(env *core.Env, window func() int) []groupColumn {
	return []groupColumn{
		{Key: "value", Title: "GROUP", Width: 24, Min: 14, Max: 48, NoSort: true,
			Cell: func(b []byte, g *snap.Group, w int) []byte {
				return format.AppendMiddle(b, format.Clean(g.Value), w)
			},
			Token: func(g *snap.Group) themes.Token {
				if g.WayIn == snap.OwnSession {
					return themes.Accent
				}
				return themes.Text
			}},
		{Key: "flows", Title: "FLOWS", Width: 7, Right: true, Priority: 1,
			Cell: func(b []byte, g *snap.Group, w int) []byte { return format.AppendCount(b, uint64(g.Flows)) }},
		{Key: "pps", Title: "PPS", Width: 6, Right: true, Priority: 1,
			Cell: func(b []byte, g *snap.Group, w int) []byte { return format.AppendSI(b, g.Rates[window()].PPS, w) }},
		{Key: "bps", TitleNow: func() string { return bitTitle(env) }, Width: 6, Right: true, Priority: 1,
			Cell: func(b []byte, g *snap.Group, w int) []byte { return appendBits(b, env, g.Rates[window()].BPS, w) }},
		{Key: "packets", Title: "PACKETS", Width: 7, Right: true, Priority: 3,
			Cell: func(b []byte, g *snap.Group, w int) []byte { return format.AppendSI(b, float64(g.Packets), 6) }},
		{Key: "bytes", Title: "BYTES", Width: 6, Right: true, Priority: 3,
			Cell: func(b []byte, g *snap.Group, w int) []byte { return format.AppendSI(b, float64(g.Bytes), w) }},
		{Key: "trend", Title: "60 s", Width: 8, Max: 24, Priority: 4, NoSort: true,
			Cell:  func(b []byte, g *snap.Group, w int) []byte { return trend(b, env, g.Trend, w) },
			Token: func(*snap.Group) themes.Token { return themes.Spark }},
		{Key: "detail", Title: "DETAIL", Width: 12, Max: 40, Priority: 5, NoSort: true,
			Cell: func(b []byte, g *snap.Group, w int) []byte { return append(b, format.Clean(g.Detail)...) }},
	}
}
