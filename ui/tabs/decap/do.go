// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/export"
	"hooktop/ui/format"
)

func vniText(v uint32) string { return strconv.FormatUint(uint64(v), 10) }

// change asks another question of the rows at hand.
func (t *Tab) change(v view) tea.Cmd {
	if v == t.view {
		return nil
	}
	if v.group != t.view.group {
		t.list.Release()
		t.zoom = false
	}
	t.view, t.again = v, true
	t.list.SetSort(v.sort, v.asc)
	t.relay()
	return core.Ask
}

// sortBy orders by a column; the one already sorted by is inverted.
func (t *Tab) sortBy(key string) tea.Cmd {
	v := t.view
	if v.sort == key {
		v.asc = !v.asc
	} else {
		v.sort, v.asc = key, ascending(t.cols.Find(key))
	}
	return t.change(v)
}

// ascending says which way a column is read first: words and addresses from the start, numbers from the highest, LAST from the
// newest.
func ascending(c *column.Column) bool {
	return c != nil && (!c.Kind.Numeric() || c.Field == column.Idle)
}

func (t *Tab) hold() tea.Cmd {
	t.held = !t.held
	text := "the order moves again"
	if t.held {
		text = "order held; o lets it go"
	}
	return toast(core.ToastMsg{OK: true, Text: text})
}

func (t *Tab) pickSort() tea.Cmd {
	var list []core.Choice
	for _, c := range t.list.Columns() {
		if c.NoSort {
			continue
		}
		help := ""
		if d := t.cols.Find(c.Key); d != nil {
			help = d.Help
		}
		if c.Key == t.view.sort {
			help = "sorted by now; again inverts"
		}
		list = append(list, core.Item(c.Head(), help, func() tea.Cmd { return t.sortBy(c.Key) }))
	}
	return core.Pick("sort by", list)
}

func (t *Tab) pickGroup() tea.Cmd {
	var list []core.Choice
	for _, g := range [][3]string{{"", "nothing", "one row a tunnel and peer"}, {"vni", "VNI", "tunnels of one kind and number"}, {"peer", "peer", "all that one peer sends"},
		{"kind", "kind", "all tunnels of one kind"}} {
		list = append(list, core.Item(g[1], g[2], func() tea.Cmd {
			v := t.view
			v.group = g[0]
			return t.change(v)
		}))
	}
	return core.Pick("group by", list)
}

// walk goes from the tunnels to the lines of the policy and back.
func (t *Tab) walk() tea.Cmd {
	t.lower, t.zoom = !t.lower, false
	t.focus()
	return core.Ask
}

// open zooms into a tunnel; from there, and from a line, the line on the ACL tab comes into view.
func (t *Tab) open() tea.Cmd {
	if t.lower || t.zoom {
		return t.toLine(false)
	}
	t.list.Hold()
	t.zoom, t.down = true, 0
	return core.Ask
}

func (t *Tab) back() tea.Cmd {
	switch {
	case t.zoom:
		t.zoom, t.down = false, 0
	case t.lower:
		return t.walk()
	}
	return nil
}

// toLine shows the row's line where it is edited.
func (t *Tab) toLine(edit bool) tea.Cmd {
	l, why := t.line()
	if why != "" {
		return toast(core.ToastMsg{Sev: snap.Warn, Text: why})
	}
	return func() tea.Msg {
		return core.GoMsg{Tab: snap.ACLTab, With: core.LineMsg{Line: max(l.Old, 1), Text: l.Text, Edit: edit}}
	}
}

// draftLine opens the editor on a line for the tunnel under the cursor.
func (t *Tab) draftLine() tea.Cmd {
	r, ok := t.list.Selected()
	if !ok {
		return nil
	}
	inner := innerPrefixes(t.innerFlows())
	note := ""
	switch {
	case !canStrip(r.Kind):
		note = r.Kind + " is counted only, it can't be unwrapped"
	case len(inner) == 0:
		note = "say which inner sources may come out of it: inner 10.50.0.0/16"
	default:
		note = "inner: where the flows seen inside come from"
	}
	return toEditor(stripLine(&r.Tunnel, inner), note)
}

// toEditor opens the editor of the policy on a text.
func toEditor(text, note string) tea.Cmd {
	return func() tea.Msg { return core.GoMsg{Tab: snap.ACLTab, With: core.DraftMsg{Rule: text, Note: note}} }
}

// pickAction opens the menu of the row as it is at the key press.
func (t *Tab) pickAction() tea.Cmd {
	t.current().Hold()
	var list []core.Choice
	for _, b := range t.acting() {
		if b.Disabled == "" && b.Name != "decap.actions" && b.Do != nil {
			list = append(list, core.Item(b.Help, b.Keys[0], b.Do))
		}
	}
	if _, why := t.line(); why == "" {
		list = append(list, core.Item("its line on the ACL tab", "enter in the pane", func() tea.Cmd { return t.toLine(false) }))
	}
	title := "tunnel lines"
	if r, ok := t.list.Selected(); ok && !t.lower {
		title = name(r)
		if text := t.inside(); text != "" {
			list = append(list, core.Item("flows inside it", "Flows", func() tea.Cmd {
				return func() tea.Msg { return core.GoMsg{Tab: "Flows", With: core.FilterMsg{Filter: text}} }
			}))
		}
	}
	return core.Pick(title, list)
}

// rowText is a tunnel as one line for a ticket.
func rowText(r *row) string {
	var b strings.Builder
	b.WriteString(name(r))
	if r.Local.IsValid() {
		b.WriteString(" to " + r.Local.Unmap().String())
	}
	fmt.Fprintf(&b, "  %s pps %sbit/s  %d packets %d bytes  %d stripped  %s", format.SI(r.PPS), format.SI(r.BPS), r.Packets, r.Bytes, r.Stripped, string(fateCell(nil, r, 40)))
	for _, c := range r.Tunnel.Errors {
		fmt.Fprintf(&b, "  %s %d", format.Clean(c.Name), c.N)
	}
	return b.String()
}

// rowJSON is a tunnel under the names of the JSON output.
func rowJSON(set *column.Set, r *row) string {
	out := export.Fields(set, r.column())
	errs := map[string]uint64{}
	for _, c := range r.Tunnel.Errors {
		errs[format.Clean(c.Name)] = c.N
	}
	out["errors"] = errs
	b, err := json.Marshal(out)
	if err != nil { // numbers and strings only: it can't
		return err.Error()
	}
	return string(b)
}

func (t *Tab) copyText() tea.Cmd {
	text := ""
	if r, ok := t.lines.Selected(); ok && t.lower {
		text = r.Text
	} else if r, ok := t.list.Selected(); ok && !t.lower {
		text = rowText(r)
	}
	if text == "" {
		return nil
	}
	return func() tea.Msg { return core.CopyMsg{Text: format.Clean(text), What: "row"} }
}

func (t *Tab) copyJSON() tea.Cmd {
	r, ok := t.list.Selected()
	if !ok {
		return nil
	}
	text := rowJSON(t.cols, r)
	return func() tea.Msg { return core.CopyMsg{Text: text, What: "row as JSON"} }
}

// pickSave saves the rows that are shown.
func (t *Tab) pickSave() tea.Cmd {
	rows, set := t.rows, t.cols // the command runs beside Update: a new frame makes new rows
	return export.Pick(export.Rows{
		Name: "tunnels", At: t.env.Now(), N: len(rows), Matched: max(t.frame.Tunnels.Total, len(rows)), Twin: "hooktop --once --json",
		CSV: func() ([]byte, error) {
			return export.Table(set, len(rows), func(i int) column.Row { return rows[i].column() })
		},
		JSON: func() ([]byte, error) {
			return export.Lines(len(rows), func(i int) string { return rowJSON(set, &rows[i]) })
		},
		Text: func() ([]byte, error) {
			return export.Lines(len(rows), func(i int) string { return rowText(&rows[i]) })
		},
	})
}
