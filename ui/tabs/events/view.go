// SPDX-License-Identifier: Apache-2.0

package events

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/column"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// View implements core.Tab.
func (t *Tab) View(w, h int) []string {
	t.width, t.high = w, h
	if w < 1 || h < 1 {
		return nil
	}
	if t.zoom {
		if _, ok := t.list.Selected(); ok {
			return t.pane(w, h, false)
		}
	}
	left, right := detail.Split(w)
	if right == 0 || h < 8 {
		return t.listView(w, h)
	}
	out := t.listView(left, h)
	for i, side := range t.pane(right, h, true) {
		if i >= len(out) {
			out = append(out, "")
		}
		if n := left - ansi.StringWidth(out[i]); n > 0 {
			out[i] += strings.Repeat(" ", n)
		}
		out[i] += side
	}
	return out
}

func (t *Tab) listView(w, h int) []string {
	out := t.list.View(w, h)
	if t.list.Total() > 0 {
		return out
	}
	texts := []string{"Nothing has happened yet.", "", "A rule with the word log tells of its packets here, and so do commits,", "keeps, canaries and saves of the policy.", "",
		"2  the ACL tab: e on a rule adds log"}
	if t.filter != "" && len(t.all) > 0 {
		texts = []string{"No event matches   " + format.Clean(t.filter), format.Plural(uint64(len(t.all)), "event") + " hidden by this filter.      0 clears it      / edits it"}
	}
	table.Say(t.env, out, 2, w, texts...)
	return out
}

// pane is all that is known of the event under the cursor.
func (t *Tab) pane(w, h int, border bool) []string {
	b := detail.NewBody(t.env, detail.Inner(w, border))
	title := "EVENT"
	if e, ok := t.list.Selected(); ok {
		title += " " + strconv.FormatUint(e.Seq, 10)
		t.body(b, e)
	}
	hint := "enter zooms"
	if !border {
		hint = "esc back"
	}
	lines := b.Lines()
	t.down = min(t.down, max(len(lines)-(h-1), 0))
	return detail.Pane(t.env, w, h, border, !border, title, hint, lines, t.down)
}

func (t *Tab) body(b *detail.Body, e *snap.Event) {
	b.Text(kindToken(e), t.twin(format.Clean(e.Text)))
	b.Gap()
	zone := " local time"
	if t.env.Units.UTC {
		zone = " UTC"
	}
	b.Field("time", string(t.clock(nil, e, "2006-01-02 15:04:05.000"))+zone)
	b.FieldTok("severity", sevToken(e.Sev), column.SevWord(e.Sev))
	b.Field("kind", t.twin(format.Clean(e.Kind)))
	if e.Repeat > 1 {
		b.Field("times", format.Count(uint64(e.Repeat))+" packets of this flow and rule; the time is the newest's")
	}
	if e.Missed > 0 {
		b.FieldTok("missed", themes.Warn, format.Count(e.Missed)+" of the same rule were not told of: more came in a second than it tells of")
	}
	if e.Line > 0 {
		b.Field("rule", "line "+strconv.Itoa(e.Line)+" of v"+strconv.FormatUint(uint64(e.Gen), 10)+t.stands(e))
	} else if e.Gen > 0 {
		b.Field("policy", "v"+strconv.FormatUint(uint64(e.Gen), 10))
	}
	b.Field("label", t.twin(format.Clean(e.Label)))
	if (column.EventRow{Event: e}).HasFlow() {
		b.Field("from", format.Endpoint(&e.Flow, false))
		b.Field("to", format.Endpoint(&e.Flow, true))
		proto := format.Proto(e.Flow.Proto)
		if format.IsICMP(e.Flow.Proto) {
			proto += " " + format.ICMPLong(e.Flow.Proto, uint8(e.Flow.SPort>>8), uint8(e.Flow.SPort))
		}
		b.Field("protocol", proto)
		if e.Flow.VLAN > 0 {
			b.Field("vlan", strconv.Itoa(int(e.Flow.VLAN)))
		}
	}
	if e.Dev != "" {
		dir := " in"
		if e.Flow.Egress {
			dir = " out"
		}
		b.Field("device", t.twin(format.Clean(e.Dev))+dir)
	}
	if t.isAcked(e) {
		b.Field("seen", "acknowledged; a takes it back")
	}
	b.Gap()
	for _, k := range t.jumps(e) {
		b.Text(themes.HintText, k)
	}
}

// stands says so when another policy decides now.
func (t *Tab) stands(e *snap.Event) string {
	if now := t.force(); now != e.Gen {
		return "; v" + strconv.FormatUint(uint64(now), 10) + " is in force now"
	}
	return ""
}

// force is the generation in force.
func (t *Tab) force() uint32 {
	switch p := &t.frame.Policy; {
	case p.Trial.Gen != 0:
		return p.Trial.Gen
	case p.Canary.Gen != 0:
		return p.Canary.Gen
	default:
		return p.Kept
	}
}

func (t *Tab) jumps(e *snap.Event) []string {
	var out []string
	enter := "enter"
	if !t.zoom {
		enter = "enter twice"
	}
	if e.Line > 0 {
		out = append(out, enter+"  the rule, on the ACL tab")
	}
	if (column.EventRow{Event: e}).HasFlow() {
		if e.Line == 0 {
			out = append(out, enter+"  the flow, on the Flows tab")
		}
		out = append(out, "f  the flow, on the Flows tab", "b  drafts a rule that blocks it")
	}
	return out
}

// Context implements core.Tab: what waits to be seen.
func (t *Tab) Context(w int) string {
	warn, crit, _ := t.tally()
	g := t.env.Glyphs
	var parts []string
	if crit > 0 {
		parts = append(parts, g.Crit+" "+strconv.Itoa(crit)+" critical")
	}
	if warn > 0 {
		parts = append(parts, g.Warn+" "+format.Plural(uint64(warn), "warning"))
	}
	if len(parts) == 0 {
		parts = []string{format.Plural(uint64(len(t.all)), "event")}
	}
	if s := strings.Join(parts, "  "); line.Width(s) <= w {
		return s
	}
	return ""
}

// Message implements core.Tab.
func (t *Tab) Message(w int) string {
	if t.edit.Typing() {
		return t.edit.Line(w)
	}
	first, last := t.list.InView()
	pos := strconv.Itoa(first) + "-" + strconv.Itoa(last) + " of " + strconv.Itoa(t.list.Total())
	if t.filter != "" {
		pos += " /" + strconv.Itoa(len(t.all))
	}
	room := w - len(pos) - 2
	if room < 8 {
		return ansi.Truncate(pos, w, "")
	}
	text := " newest first"
	if _, held := t.list.ID(); held {
		text = " follow off, G is back at the newest"
		if first > 1 {
			text = " follow off, " + strconv.Itoa(first-1) + " newer above: G"
		}
	}
	if t.filter != "" {
		text = " filter " + t.filter
	}
	if _, _, acked := t.tally(); acked > 0 {
		text += " " + t.env.Glyphs.Dot + " " + strconv.Itoa(acked) + " acknowledged"
	}
	return line.New(t.env.Theme, room).Add(themes.Text, string(format.AppendEnd(nil, t.twin(format.Clean(text)), room))).Fill(themes.Text) + "  " + pos
}
