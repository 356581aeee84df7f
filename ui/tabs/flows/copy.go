// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/export"
	"hooktop/ui/format"
)

func copyText(text, what string) tea.Cmd {
	return func() tea.Msg { return core.CopyMsg{Text: text, What: what} }
}

func (t *Tab) copyText() tea.Cmd {
	if t.view.group != "" {
		if g, ok := t.groups.Selected(); ok {
			return copyText(groupText(g, t.view.window), "row")
		}
		return nil
	}
	if f, ok := t.flows.Selected(); ok {
		return copyText(flowText(f, t.view.window), "row")
	}
	return nil
}

func (t *Tab) copyJSON() tea.Cmd {
	if t.view.group != "" {
		if g, ok := t.groups.Selected(); ok {
			return copyText(groupJSON(g), "row as JSON")
		}
		return nil
	}
	if f, ok := t.flows.Selected(); ok {
		return copyText(flowJSON(t.cols, f, t.view.window), "row as JSON")
	}
	return nil
}

// text is a flow as one line for a ticket: what a reader needs to find it again.
func flowText(f *snap.Flow, window int) string {
	var b strings.Builder
	dir := "in"
	if f.Key.Egress {
		dir = "out"
	}
	fmt.Fprintf(&b, "%s %s %s > %s %s", format.Clean(f.Device), dir, format.Endpoint(&f.Key, false), format.Endpoint(&f.Key, true), format.Proto(f.Key.Proto))
	if format.IsICMP(f.Key.Proto) {
		b.WriteString(" " + format.ICMPLong(f.Key.Proto, uint8(f.Key.SPort>>8), uint8(f.Key.SPort)))
	}
	if f.Key.VLAN != 0 {
		fmt.Fprintf(&b, " vlan %d", f.Key.VLAN)
	}
	if f.Key.VNI != 0 {
		fmt.Fprintf(&b, " vni %d", f.Key.VNI)
	}
	if f.Key.Frag != snap.Whole {
		b.WriteString(" fragment")
	}
	r := f.Rates[window]
	fmt.Fprintf(&b, "  %s pps %sbit/s  %d packets %d bytes", format.SI(r.PPS), format.SI(r.BPS), f.Packets, f.Bytes)
	if f.TCPFlags != 0 {
		b.WriteString("  " + format.TCPFlagNames(f.TCPFlags))
	}
	if f.Owner.Comm != "" {
		fmt.Fprintf(&b, "  %s (pid %d)", format.Clean(f.Owner.Comm), f.Owner.PID)
	}
	if f.Verdict != "" {
		b.WriteString("  " + f.Verdict)
	}
	return b.String()
}

func flowJSON(cols *column.Set, f *snap.Flow, window int) string {
	b, err := json.Marshal(fields(cols, f, window))
	if err != nil { // numbers and strings only: it can't
		return err.Error()
	}
	return string(b)
}

// fields is a flow under the names of the JSON output.
func fields(set *column.Set, f *snap.Flow, window int) map[string]any {
	out := export.Fields(set, column.FlowRow{Flow: f, Window: window})
	if f.WayIn == snap.OwnSession {
		out["own_session"] = true
	}
	return out
}

func groupText(g *snap.Group, window int) string {
	r := g.Rates[window]
	return fmt.Sprintf("%s  %d flows  %s pps %sbit/s  %d packets %d bytes", format.Clean(g.Value), g.Flows, format.SI(r.PPS), format.SI(r.BPS), g.Packets, g.Bytes)
}

func groupJSON(g *snap.Group) string {
	b, err := json.Marshal(map[string]any{"group": g.Value, "flows": g.Flows, "packets": g.Packets, "bytes": g.Bytes,
		"pps": g.Rates[0].PPS, "bps": g.Rates[0].BPS})
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// pickSave asks for the kind of file.
func (t *Tab) pickSave() tea.Cmd {
	v, cols := &t.frame.Flows, t.cols
	return export.Pick(export.Rows{
		Name: "flows", At: t.env.Now(), N: len(v.Rows) + len(v.Groups), Matched: v.Matched, Twin: "hooktop --once --json",
		CSV:  func() ([]byte, error) { return csvRows(cols, v) },
		JSON: func() ([]byte, error) { return jsonLines(cols, v) },
		Text: func() ([]byte, error) { return textLines(v) },
	})
}

func csvRows(set *column.Set, v *snap.FlowsView) ([]byte, error) {
	if v.Groups != nil {
		return export.CSV([]string{"group", "flows", "packets", "bytes", "pps", "bps"}, len(v.Groups), func(i int) []string {
			g := &v.Groups[i]
			r := g.Rates[v.Query.Window]
			return []string{g.Value, fmt.Sprint(g.Flows), fmt.Sprint(g.Packets), fmt.Sprint(g.Bytes), fmt.Sprint(r.PPS), fmt.Sprint(r.BPS)}
		})
	}
	return export.Table(set, len(v.Rows), func(i int) column.Row { return column.FlowRow{Flow: &v.Rows[i], Window: v.Query.Window} })
}

func jsonLines(cols *column.Set, v *snap.FlowsView) ([]byte, error) {
	if v.Groups != nil {
		return export.Lines(len(v.Groups), func(i int) string { return groupJSON(&v.Groups[i]) })
	}
	return export.Lines(len(v.Rows), func(i int) string { return flowJSON(cols, &v.Rows[i], v.Query.Window) })
}

func textLines(v *snap.FlowsView) ([]byte, error) {
	if v.Groups != nil {
		return export.Lines(len(v.Groups), func(i int) string { return groupText(&v.Groups[i], v.Query.Window) })
	}
	return export.Lines(len(v.Rows), func(i int) string { return flowText(&v.Rows[i], v.Query.Window) })
}
