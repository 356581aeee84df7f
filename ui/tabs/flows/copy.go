// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
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
	out := map[string]any{}
	row := column.FlowRow{Flow: f, Window: window}
	cols := set.All()
	for i := range cols {
		if c := &cols[i]; c.Export != "" {
			if v := c.Value(row); v != nil && v != "" {
				out[c.Export] = v
			}
		}
	}
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
	save := func(ext string, encode func(*column.Set, *snap.FlowsView) ([]byte, error)) func() tea.Cmd {
		return func() tea.Cmd {
			v, cols, now := &t.frame.Flows, t.cols, t.env.Now() // immutable all: the command runs beside Update
			return func() tea.Msg {
				return write(v, now, ext, func() ([]byte, error) { return encode(cols, v) })
			}
		}
	}
	return core.Pick("save the rows at hand", []core.Choice{
		core.Item("CSV", "for a spreadsheet", save("csv", csvRows)),
		core.Item("JSON", "one object a line, as hooktop --once --json names things", save("json", jsonLines)),
		core.Item("text", "for a ticket", save("txt", textLines)),
	})
}

// write makes a new file in the working folder, readable by its owner only: flows name hosts and users.
func write(v *snap.FlowsView, now time.Time, ext string, encode func() ([]byte, error)) tea.Msg {
	name := "hooktop-flows-" + now.Format("20060102-150405") + "." + ext
	data, err := encode()
	if err == nil {
		err = create(name, data)
	}
	if err != nil {
		return core.ToastMsg{Sev: snap.Crit, Text: "saving the view failed: " + format.Clean(err.Error()) + ". Nothing was kept."}
	}
	if abs, err := filepath.Abs(name); err == nil {
		name = abs
	}
	n := len(v.Rows) + len(v.Groups)
	return core.ToastMsg{OK: true, Text: fmt.Sprintf("%d of %s rows saved to %s", n, format.Count(uint64(v.Matched)), format.Clean(name))}
}

func create(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(name) // half a file misleads
	}
	return err
}

func csvRows(set *column.Set, v *snap.FlowsView) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if v.Groups != nil {
		if err := w.Write([]string{"group", "flows", "packets", "bytes", "pps", "bps"}); err != nil {
			return nil, err
		}
		for i := range v.Groups {
			g := &v.Groups[i]
			r := g.Rates[v.Query.Window]
			if err := w.Write([]string{cell(g.Value), fmt.Sprint(g.Flows), fmt.Sprint(g.Packets), fmt.Sprint(g.Bytes), fmt.Sprint(r.PPS), fmt.Sprint(r.BPS)}); err != nil {
				return nil, err
			}
		}
		w.Flush()
		return b.Bytes(), w.Error()
	}
	var head []string
	cols := set.All()
	for i := range cols {
		if cols[i].Export != "" {
			head = append(head, cols[i].Export)
		}
	}
	if err := w.Write(head); err != nil {
		return nil, err
	}
	for r := range v.Rows {
		row := column.FlowRow{Flow: &v.Rows[r], Window: v.Query.Window}
		line := make([]string, 0, len(head))
		for i := range cols {
			if cols[i].Export != "" {
				line = append(line, cell(cols[i].Plain(row)))
			}
		}
		if err := w.Write(line); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// cell keeps a foreign name from being taken for a formula by a spreadsheet.
func cell(s string) string {
	s = format.Clean(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func jsonLines(cols *column.Set, v *snap.FlowsView) ([]byte, error) {
	var b bytes.Buffer
	for i := range v.Groups {
		b.WriteString(groupJSON(&v.Groups[i]) + "\n")
	}
	for i := range v.Rows {
		b.WriteString(flowJSON(cols, &v.Rows[i], v.Query.Window) + "\n")
	}
	return b.Bytes(), nil
}

func textLines(_ *column.Set, v *snap.FlowsView) ([]byte, error) {
	var b bytes.Buffer
	for i := range v.Groups {
		b.WriteString(groupText(&v.Groups[i], v.Query.Window) + "\n")
	}
	for i := range v.Rows {
		b.WriteString(flowText(&v.Rows[i], v.Query.Window) + "\n")
	}
	return b.Bytes(), nil
}
