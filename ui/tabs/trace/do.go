// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/ui/block"
	"hooktop/ui/column"
	"hooktop/ui/core"
	"hooktop/ui/export"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/filter"
	"hooktop/ui/widget/table"
)

// moved carries out a movement: in a list, or in what fills the screen. The stream stays at its newest rows only as long as
// nobody moves away from them.
func (t *Tab) moved(f func(table.Mover), lines int) tea.Cmd {
	if t.zoom && (t.dead || t.packet == 0) {
		t.down = max(t.down+lines, 0)
		return nil
	}
	l := t.list()
	f(l)
	t.down = 0
	if !t.dead && t.packet == 0 && l.At() < l.Total()-1 {
		t.follow = false
	}
	return t.ask()
}

// newest goes to the end of the list, and in the stream stays there.
func (t *Tab) newest() tea.Cmd {
	if !t.dead && t.packet == 0 && !t.zoom {
		t.follow = true
	}
	return t.moved(table.Mover.Bottom, 1<<20)
}

// split reports whether there is room for the pane beside the list.
func (t *Tab) split() bool {
	_, pane := detail.Split(t.width)
	return pane > 0 && t.high >= 8 && !t.zoom
}

// walk changes between the stream and the ledger.
func (t *Tab) walk() tea.Cmd {
	t.close()
	t.dead = !t.dead
	return t.ask()
}

// open zooms: into the packet's journey, into a call, or into a counter.
func (t *Tab) open() tea.Cmd {
	if t.zoom {
		return t.back()
	}
	t.list().Hold()
	if !t.dead {
		e, ok := t.events.Selected()
		if !ok {
			return nil
		}
		t.follow = false
		t.packet, t.first, t.begun = e.Packet, e.Seq, 0
		if e.Packet > 0 {
			known := journey(t.frame.Trace.Rows, e.Packet)
			if len(known) > 0 {
				t.begun = known[0].AtNs
			}
			t.hops.Release()
			t.hops.SetWindow(windowOf(hops(known, t.begun)))
			t.hops.Goto(slices.IndexFunc(known, func(k snap.TraceEvent) bool { return k.Seq == e.Seq }))
		}
	}
	t.zoom, t.down = true, 0
	return t.ask()
}

// back leaves the zoom. It never stops a trace and never clears a filter.
func (t *Tab) back() tea.Cmd {
	t.close()
	return t.ask()
}

func (t *Tab) close() { t.zoom, t.packet, t.first, t.down = false, 0, 0, 0 }

// start asks for a trace. A failure is shown in the form as long as that is open.
func (t *Tab) start(spec snap.TraceSpec) tea.Cmd {
	return func() tea.Msg {
		return core.DoMsg{Intent: snap.Intent{Kind: snap.StartTrace, Trace: spec}, Quiet: true}
	}
}

func (t *Tab) stop() tea.Cmd { return core.Do(snap.Intent{Kind: snap.StopTrace}) }

func (t *Tab) answered(msg core.AnswerMsg) tea.Cmd {
	if msg.Intent.Kind != snap.StartTrace {
		return nil
	}
	mine := t.form != nil && t.form.waiting
	if mine {
		t.form.waiting = false
	}
	switch {
	case msg.Answer.Err == "":
		if mine {
			t.closeForm()
		}
		t.close()
		t.dead, t.follow = false, true
		return t.ask()
	case mine:
		t.form.err = format.Clean(msg.Answer.Err)
		return nil
	case msg.Quiet: // the form was closed meanwhile
		return func() tea.Msg { return core.ToastMsg{Sev: snap.Crit, Text: msg.Answer.Err} }
	}
	return nil
}

// again traces what the row is about: the flow of an event, the packets that a counter counts.
func (t *Tab) again() tea.Cmd {
	if t.dead {
		r, ok := t.ledger.Selected()
		if !ok || r.Trace == "" {
			return nil
		}
		return t.start(snap.TraceSpec{Pattern: r.Trace, Filter: r.Filter})
	}
	e, ok := t.selected()
	if !ok || !e.HasKey {
		return nil
	}
	return t.start(snap.TraceSpec{Pattern: snap.JourneyPreset, Filter: format.FlowFilter(&e.Key)})
}

// noAgain says why there is nothing to trace of the row.
func (t *Tab) noAgain() string {
	if why := t.cant(); why != "" {
		return why
	}
	if t.dead {
		r, ok := t.ledger.Selected()
		switch {
		case !ok:
			return "there is no row"
		case r.Trace == "":
			return "no function tells of these packets"
		}
		return ""
	}
	e, ok := t.selected()
	switch {
	case !ok:
		return "there is no row"
	case !e.HasKey:
		return "this row has no IP packet"
	}
	return ""
}

// block drafts a rule against the flow of the row.
func (t *Tab) block() tea.Cmd {
	e, ok := t.selected()
	if !ok || !e.HasKey {
		return nil
	}
	return block.Draft(block.Between(&e.Key).Text, "")
}

// noBlock says why the row names no flow to block.
func (t *Tab) noBlock() string {
	if t.dead {
		return "a counter names no flow: i traces its packets, whose rows do"
	}
	e, ok := t.selected()
	switch {
	case !ok:
		return "there is no row"
	case !e.HasKey:
		return "this row has no IP packet"
	}
	return block.Cant(&t.frame.State, &e.Key)
}

// cant says why nothing can be traced here.
func (t *Tab) cant() string {
	return core.When(t.frame.State.Fallback != "", "eBPF can't run here")
}

// idle says why there is nothing to stop.
func (t *Tab) idle() string {
	s := t.frame.Trace.Session.State
	return core.When(s != snap.Tracing && s != snap.TraceAttaching, "no trace runs")
}

func (t *Tab) pickPreset() tea.Cmd {
	var list []core.Choice
	for _, p := range t.frame.Trace.Presets {
		list = append(list, core.Item(p.Name, about1(p), func() tea.Cmd { return t.start(snap.TraceSpec{Pattern: p.Name}) }))
	}
	return core.Pick("trace", list)
}

// about1 is a preset in a line: what it is for, and in a word what is lesser here. The session, once it runs, says why.
func about1(p snap.TracePreset) string {
	if p.Why == "" {
		return p.Help
	}
	short, _, _ := strings.Cut(p.Why, ": ")
	return p.Help + "  (" + short + ")"
}

// click puts the cursor on a row.
func (t *Tab) click(m tea.MouseClickMsg) tea.Cmd {
	list := t.width
	if t.split() {
		list, _ = detail.Split(t.width)
	}
	y := m.Y - t.above()
	if m.Button != tea.MouseLeft || t.Capturing() || t.zoom && t.packet == 0 || m.X >= list || y < 1 {
		return nil
	}
	return t.moved(func(table.Mover) { t.list().Click(m.X, y) }, 0)
}

// pickAction opens the menu of the row as it is at the key press.
func (t *Tab) pickAction() tea.Cmd {
	t.list().Hold()
	if t.dead {
		r, ok := t.ledger.Selected()
		if !ok {
			return nil
		}
		list := []core.Choice{core.Item("open", "enter", t.open), core.Item("copy row", "y", t.copyText), core.Item("copy row as JSON", "Y", t.copyJSON)}
		if t.noAgain() == "" {
			list = append([]core.Choice{core.Item("trace these packets", "i  "+r.Trace, t.again)}, list...)
		}
		return core.Pick(format.Clean(r.Stage+" "+r.Name), list)
	}
	e, ok := t.selected()
	if !ok {
		return nil
	}
	row := *e
	var list []core.Choice
	if t.noAgain() == "" {
		list = append(list, core.Item("trace this flow", "i", t.again))
	}
	if t.noBlock() == "" {
		r := block.Between(&row.Key)
		list = append(list, core.Item(r.Label, r.Detail, func() tea.Cmd { return block.Draft(r.Text, "") }))
	}
	list = append(list, core.Item("trace only "+row.Func, "n starts others", func() tea.Cmd { return t.start(snap.TraceSpec{Pattern: row.Func}) }))
	if t.packet == 0 {
		for _, key := range []string{"pkt", "func", "process", "dev", "reason", "src", "dst", "dport"} {
			if term := t.cols.Find(key).Only(column.TraceRow{TraceEvent: &row}); term != "" {
				list = append(list, core.Item("only "+term, "", func() tea.Cmd { return t.set(filter.Narrow(t.filter, term, false)) }),
					core.Item("not "+term, "", func() tea.Cmd { return t.set(filter.Narrow(t.filter, term, true)) }))
			}
		}
	}
	list = append(list, core.Item("copy row", "y", func() tea.Cmd { return copied(export.EventText(&row), "row") }),
		core.Item("copy row as JSON", "Y", func() tea.Cmd { return copied(export.EventJSON(&row), "row as JSON") }))
	title := strings.TrimSpace(row.Func)
	if row.Packet > 0 {
		title = "packet " + strconv.Itoa(row.Packet) + " in " + title
	}
	return core.Pick(title, list)
}
