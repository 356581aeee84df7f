// SPDX-License-Identifier: Apache-2.0

package events

import (
	"encoding/json"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/block"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/export"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// moved carries out a movement: in the list, or in the event that fills the screen.
func (t *Tab) moved(f func(table.Mover), lines int) tea.Cmd {
	if t.zoom {
		t.down = max(t.down+lines, 0)
		return nil
	}
	f(t.list)
	t.down = 0
	return nil
}

// follow goes to the newest event and stays with the newest.
func (t *Tab) follow() tea.Cmd {
	t.zoom, t.down = false, 0
	t.list.Top()
	return nil
}

// ack marks the event as seen, or takes the mark back.
func (t *Tab) ack() tea.Cmd {
	e, ok := t.selected()
	if !ok {
		return nil
	}
	if t.isAcked(e) {
		delete(t.acked, e.Seq)
	} else {
		t.acked[e.Seq] = e.Repeat
	}
	return nil
}

// ackAll marks what the filter passes.
func (t *Tab) ackAll() tea.Cmd {
	n := 0
	for i := range t.rows {
		if e := &t.rows[i]; !t.isAcked(e) {
			t.acked[e.Seq] = e.Repeat
			n++
		}
	}
	return toast(core.ToastMsg{OK: true, Text: format.Plural(uint64(n), "event") + " acknowledged"})
}

// open shows all of an event; from there it leads to what decided, or to the flow.
func (t *Tab) open() tea.Cmd {
	e, ok := t.selected()
	switch {
	case !ok:
		return nil
	case !t.zoom:
		t.list.Hold()
		t.zoom, t.down = true, 0
		return nil
	case e.Line > 0:
		return t.toRule()
	}
	return t.toFlow()
}

// leads says where enter goes from the event that fills the screen.
func (t *Tab) leads() string {
	if e, ok := t.list.Selected(); ok && e.Line > 0 {
		return "its rule"
	}
	return "its flow"
}

func (t *Tab) noOpen() string {
	if e, ok := t.selected(); t.zoom && ok && e.Line == 0 && t.noFlow() != "" {
		return "no rule and no flow belong to it"
	}
	return t.noRow()
}

func (t *Tab) back() tea.Cmd {
	t.zoom, t.down = false, 0
	return nil
}

// toRule shows the line on the ACL tab, and says so when it is of another policy than the one in force.
func (t *Tab) toRule() tea.Cmd {
	e, ok := t.selected()
	if !ok || e.Line == 0 {
		return nil
	}
	go1 := func() tea.Msg {
		return core.GoMsg{Tab: snap.ACLTab, With: core.LineMsg{Line: e.Line}}
	}
	if t.stands(e) == "" {
		return go1
	}
	return tea.Batch(go1, toast(core.ToastMsg{Sev: snap.Warn, Text: "the event is of line " + strconv.Itoa(e.Line) + " of v" + strconv.FormatUint(uint64(e.Gen), 10) +
		t.stands(e) + ": the line may be another rule"}))
}

// flowFilter finds the flow of an event on the Flows tab, in the filter's words.
func flowFilter(e *snap.Event) string {
	set, row := column.Flows(), column.FlowRow{Flow: &snap.Flow{Key: e.Flow}}
	var terms []string
	for _, key := range []string{"source", "destination", "proto", "dir"} {
		if c := set.Find(key); c != nil {
			if term := c.Only(row); term != "" {
				terms = append(terms, term)
			}
		}
	}
	return strings.Join(terms, " ")
}

func (t *Tab) toFlow() tea.Cmd {
	e, ok := t.selected()
	if !ok || t.noFlow() != "" {
		return nil
	}
	text := flowFilter(e)
	return func() tea.Msg { return core.GoMsg{Tab: "Flows", With: core.FilterMsg{Filter: text}} }
}

func (t *Tab) noFlow() string {
	e, ok := t.selected()
	switch {
	case !ok:
		return "there is no row"
	case !(column.EventRow{Event: e}).HasFlow():
		return "this event is of no flow"
	}
	return ""
}

// block drafts the rule that would block the flow.
func (t *Tab) block() tea.Cmd {
	e, ok := t.selected()
	if !ok || t.noFlow() != "" {
		return nil
	}
	return block.Draft(block.Rules(&e.Flow)[0].Text, "")
}

func (t *Tab) noBlock() string {
	if why := t.noFlow(); why != "" {
		return why
	}
	e, _ := t.selected()
	return block.Cant(&t.frame.State, &e.Flow)
}

// trace follows packets of the flow through the kernel, on the Trace tab.
func (t *Tab) trace() tea.Cmd {
	e, ok := t.selected()
	if !ok || t.noFlow() != "" {
		return nil
	}
	spec := snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: format.FlowFilter(&e.Flow)}
	return tea.Batch(func() tea.Msg { return core.GoMsg{Tab: snap.TraceTab} }, core.Do(snap.Intent{Kind: snap.StartTrace, Trace: spec}))
}

func (t *Tab) noTrace() string {
	if t.frame.State.Fallback != "" {
		return "eBPF can't run here"
	}
	return t.noFlow()
}

func (t *Tab) pickColumns() tea.Cmd {
	return t.list.PickColumns(func(key string) string {
		if c := t.cols.Find(key); c != nil {
			return c.Help
		}
		return ""
	})
}

// pickAction opens the menu of the event as it is at the key press.
func (t *Tab) pickAction() tea.Cmd {
	e, ok := t.selected()
	if !ok {
		return nil
	}
	t.list.Hold()
	var list []core.Choice
	add := func(label, key string, do func() tea.Cmd) { list = append(list, core.Item(label, key, do)) }
	if e.Line > 0 {
		add("its rule", "line "+strconv.Itoa(e.Line), t.toRule)
	}
	if t.noFlow() == "" {
		add("its flow", "f", t.toFlow)
	}
	if t.noBlock() == "" {
		for _, r := range block.Rules(&e.Flow) {
			add(r.Label, r.Detail, func() tea.Cmd { return block.Draft(r.Text, "") })
		}
	}
	if t.noTrace() == "" {
		add("trace its flow", "i", t.trace)
	}
	add("acknowledge, or not", "a", t.ack)
	add("copy row", "y", t.copyText)
	add("copy row as JSON", "Y", t.copyJSON)
	return core.Pick(message(e), list)
}

func copied(text, what string) tea.Cmd {
	return func() tea.Msg { return core.CopyMsg{Text: text, What: what} }
}

// eventText is an event as one line for a ticket.
func eventText(e *snap.Event) string {
	s := e.At.UTC().Format("2006-01-02T15:04:05.000Z") + " " + column.SevWord(e.Sev) + " " + format.Clean(e.Kind) + ": " + format.Clean(e.Text)
	if e.Line > 0 {
		s += "  line " + strconv.Itoa(e.Line) + " of v" + strconv.FormatUint(uint64(e.Gen), 10)
	}
	if e.Repeat > 1 {
		s += "  " + strconv.Itoa(e.Repeat) + " times"
	}
	return s
}

// eventJSON names fields as the columns do.
func eventJSON(set *column.Set, e *snap.Event) string {
	row := column.EventRow{Event: e}
	o := map[string]any{"at": e.At.UTC()}
	for _, c := range set.All() {
		if c.Export == "" || c.Kind == column.Address && !row.HasFlow() {
			continue
		}
		if v := c.Value(row); v != nil && v != "" {
			if s, ok := v.(string); ok {
				v = format.Clean(s)
			}
			o[c.Export] = v
		}
	}
	b, err := json.Marshal(o)
	if err != nil { // a time beyond what JSON can say
		return err.Error()
	}
	return string(b)
}

func (t *Tab) copyText() tea.Cmd {
	if e, ok := t.selected(); ok {
		return copied(eventText(e), "row")
	}
	return nil
}

func (t *Tab) copyJSON() tea.Cmd {
	if e, ok := t.selected(); ok {
		return copied(eventJSON(t.cols, e), "row as JSON")
	}
	return nil
}

// pickSave saves the rows that the filter passes.
func (t *Tab) pickSave() tea.Cmd {
	rows, set := t.rows, t.cols // neither is changed any more: the command runs beside Update
	return export.Pick(export.Rows{
		Name: "events", At: t.env.Now(), N: len(rows), Matched: len(rows), Twin: "copying a row",
		CSV: func() ([]byte, error) {
			return export.CSV([]string{"at", "sev", "kind", "text", "rule", "generation", "repeat", "missed", "dev", "label"}, len(rows), func(i int) []string {
				e := &rows[i]
				return []string{e.At.UTC().Format("2006-01-02T15:04:05.000Z"), column.SevWord(e.Sev), e.Kind, e.Text, strconv.Itoa(e.Line), strconv.FormatUint(uint64(e.Gen), 10),
					strconv.Itoa(e.Repeat), strconv.FormatUint(e.Missed, 10), e.Dev, e.Label}
			})
		},
		JSON: func() ([]byte, error) {
			return export.Lines(len(rows), func(i int) string { return eventJSON(set, &rows[i]) })
		},
		Text: func() ([]byte, error) {
			return export.Lines(len(rows), func(i int) string { return eventText(&rows[i]) })
		},
	})
}
