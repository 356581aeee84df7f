// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"cmp"
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

type groupColumn = table.Column[snap.Group]

// grouping is a choice of p. key is FlowQuery.Group; none is the group of flows that have no such thing.
type grouping struct{ key, title, help, none string }

func groupings() []grouping {
	return []grouping{
		{"", "FLOWS", "no grouping: one row per flow", ""},
		{"source", "SOURCE", "by source address", ""},
		{"destination", "DESTINATION", "by destination address", ""},
		{"port", "SERVICE", "by protocol and service port", "no port"},
		{"process", "PROCESS", "by process that holds the socket", "no process found"},
		{"subnet", "SUBNET", "by the other side's network", ""},
		{"device", "DEVICE", "by device", ""},
	}
}

func groupingOf(key string) grouping {
	for _, g := range groupings() {
		if g.key == key {
			return g
		}
	}
	return grouping{key: key, title: "GROUP"}
}

// groupTerm makes the filter term that passes the flows of a group, "" when there is none.
func groupTerm(group, value string) string {
	quoted := value
	if strings.ContainsAny(value, " \"\\()!,*") {
		quoted = strconv.Quote(value)
	}
	switch {
	case group == "process" && value == "":
		return "!process:re:."
	case value == "":
		return ""
	case group == "source":
		return "src:" + value
	case group == "destination":
		return "dst:" + value
	case group == "subnet":
		return "host:" + value
	case group == "process":
		return "process:=" + quoted
	case group == "device":
		return "dev:=" + quoted
	case group == "port": // "443/tcp", or "icmp"
		port, proto, both := strings.Cut(value, "/")
		if !both {
			return "proto:" + value
		}
		return "port:" + port + " proto:" + proto
	}
	return ""
}

// groupName is a group's value, or the words for its absence.
func groupName(group, value string) string {
	if value == "" {
		return "(" + cmp.Or(groupingOf(group).none, "none") + ")"
	}
	return format.Clean(value)
}

func groupColumns(env *core.Env, window func() int, ended func() int64, by func() string) []groupColumn {
	return []groupColumn{
		// The engine orders groups by what they have in common when asked for a column that groups don't have.
		{Key: "source", TitleNow: func() string { return groupingOf(by()).title }, Width: 24, Min: 14, Max: 48,
			Cell: func(b []byte, g *snap.Group, w int) []byte {
				return format.AppendEnd(b, groupName(by(), g.Value), w)
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
			Cell:  func(b []byte, g *snap.Group, w int) []byte { return trend(b, env, g.Trend, w, ended()) },
			Token: func(*snap.Group) themes.Token { return themes.Spark }},
		{Key: "detail", Title: "DETAIL", Width: 12, Max: 40, Priority: 5, NoSort: true,
			Cell: func(b []byte, g *snap.Group, w int) []byte { return append(b, format.Clean(g.Detail)...) }},
	}
}
