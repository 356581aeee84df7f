// SPDX-License-Identifier: Apache-2.0

package uitest

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"hooktop/probes/snap"
	"hooktop/ui/column"
)

// Answer returns a copy of f that answers q from all, by brute force: filter, order, group, window. Nothing sticks.
func Answer(f *snap.Frame, all []snap.Flow, q snap.FlowQuery) *snap.Frame {
	out := *f
	out.Seq++
	v := &out.Flows
	*v = snap.FlowsView{Query: q, Total: len(all), Cursor: -1, RankedAt: f.At}
	cols := column.Flows()
	filter, err := cols.Parse(q.Filter)
	if err != nil {
		v.Err = err.Error()
		return &out
	}
	pass := filter.Compile()
	var rows []snap.Flow
	for i := range all {
		if pass(column.FlowRow{Flow: &all[i], Window: q.Window}) {
			rows = append(rows, all[i])
		}
	}
	if q.Group != "" {
		group(v, rows, q)
		return &out
	}
	key := q.Sort
	if key == "" {
		key = "pps"
	}
	if c := cols.Find(key); c != nil {
		slices.SortStableFunc(rows, func(a, b snap.Flow) int { return order(c, &a, &b, q) })
	}
	v.Matched = len(rows)
	v.Offset = min(q.Offset, len(rows))
	v.Rows = rows[v.Offset:min(v.Offset+q.Limit, len(rows))]
	v.Cursor = slices.IndexFunc(rows, func(f snap.Flow) bool { return f.Key == q.Follow })
	return &out
}

func order(c *column.Column, a, b *snap.Flow, q snap.FlowQuery) int {
	ra, rb := column.FlowRow{Flow: a, Window: q.Window}, column.FlowRow{Flow: b, Window: q.Window}
	d := 0
	if c.Kind.Numeric() {
		x, y := ra.Number(c.Field), rb.Number(c.Field)
		if math.IsNaN(x) || math.IsNaN(y) {
			x, y = 0, 0
		}
		d = cmp.Compare(x, y)
	} else {
		d = cmp.Compare(c.Plain(ra), c.Plain(rb))
	}
	if !q.Asc {
		d = -d
	}
	return d
}

func group(v *snap.FlowsView, rows []snap.Flow, q snap.FlowQuery) {
	at := map[string]int{}
	var groups []snap.Group
	for i := range rows {
		f := &rows[i]
		name := ""
		switch q.Group {
		case "source":
			name = f.Key.Src.String()
		case "destination":
			name = f.Key.Dst.String()
		case "process":
			name = f.Owner.Comm
		case "port":
			name = column.ProtoName(f.Key.Proto)
			if column.HasPorts(f.Key.Proto) && f.Key.Frag != snap.FragLater {
				name = strconv.Itoa(int(column.ServicePort(f.Key.SPort, f.Key.DPort))) + "/" + name
			}
		case "device":
			name = f.Device
		case "subnet":
			if p, err := f.Key.Src.Netip().Prefix(24); err == nil {
				name = p.String()
			}
		}
		j, ok := at[name]
		if !ok {
			j = len(groups)
			at[name] = j
			groups = append(groups, snap.Group{Value: name, Trend: f.Trend})
		}
		g := &groups[j]
		g.Flows++
		g.Packets += f.Packets
		g.Bytes += f.Bytes
		g.WayIn = max(g.WayIn, f.WayIn)
		for w := range g.Rates {
			g.Rates[w].PPS += f.Rates[w].PPS
			g.Rates[w].BPS += f.Rates[w].BPS
		}
	}
	slices.SortStableFunc(groups, func(a, b snap.Group) int { return cmp.Compare(b.Rates[q.Window].PPS, a.Rates[q.Window].PPS) })
	v.Matched = len(groups)
	v.Offset = min(q.Offset, len(groups))
	v.Groups = groups[v.Offset:min(v.Offset+q.Limit, len(groups))]
	v.Cursor = slices.IndexFunc(groups, func(g snap.Group) bool { return g.Value == q.FollowGroup })
}
