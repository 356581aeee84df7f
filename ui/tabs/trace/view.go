// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
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
	out := t.body(w, h)
	if t.form != nil && w > formLabel {
		for len(out) < h {
			out = append(out, "")
		}
		return t.form.box(w, h).Over(out, w)
	}
	return out
}

func (t *Tab) body(w, h int) []string {
	if t.zoom {
		if out := t.zoomView(w, h); out != nil {
			return out
		}
	}
	left, right := w, 0
	if t.split() {
		left, right = detail.Split(w)
	}
	out := t.status(left, h)
	if right == 0 {
		foot := t.counterFoot(left, h-len(out))
		return append(append(out, t.listView(left, h-len(out)-len(foot))...), foot...)
	}
	out = append(out, t.listView(left, h-len(out))...)
	for i, side := range t.side(right, h) {
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

// above is how many lines stand over the table that has the cursor.
func (t *Tab) above() int {
	if t.zoom {
		return len(t.journeyHead(t.width, t.high))
	}
	w := t.width
	if t.split() {
		w, _ = detail.Split(t.width)
	}
	return len(t.status(w, t.high))
}

// status are the lines over the list: what is traced and how, and what went wrong. They stay at any size.
func (t *Tab) status(w, h int) []string {
	if h < 4 {
		return nil
	}
	if t.dead {
		return t.ledgerStatus(w)
	}
	v := &t.frame.Trace
	if v.Session.State == snap.TraceIdle && v.Err == "" {
		return nil
	}
	out := []string{t.pieces(w, about(&v.Session))}
	for _, r := range remarks(v) {
		g := t.env.Glyphs.Warn
		switch r.tok {
		case themes.Crit:
			g = t.env.Glyphs.Cross
		case themes.Text:
			g = t.env.Glyphs.Dot
		}
		out = append(out, t.cut(w, r.tok, " "+g+" "+r.text))
	}
	return out[:min(len(out), h-2)]
}

// pieces joins what fits into a line, bars between; the first one always stays.
func (t *Tab) pieces(w int, parts []string) string {
	b := line.New(t.env.Theme, w).Add(themes.Text, " ")
	for i, p := range parts {
		p = t.twin(p)
		if i == 0 {
			b.Add(themes.TextStrong, string(format.AppendEnd(nil, p, max(b.Left()-1, 1))))
			continue
		}
		if line.Width(p)+3 > b.Left() {
			break
		}
		b.Add(themes.Border, " "+t.env.Glyphs.VLine+" ").Add(themes.Text, p)
	}
	return b.Fill(themes.Text)
}

// cut is a line of one token; what is too long ends in an ellipsis.
func (t *Tab) cut(w int, tok themes.Token, s string) string {
	s = t.twin(s)
	if line.Width(s) > w {
		s = ansi.Truncate(s, w, t.env.Glyphs.Ellipsis)
	}
	return line.New(t.env.Theme, w).Add(tok, s).Fill(themes.Text)
}

func (t *Tab) listView(w, h int) []string {
	out := t.list().View(w, h)
	if t.list().Total() > 0 {
		return out
	}
	table.SayWrapped(t.env, out, 2, w, t.empty()...)
	return out
}

// empty says why there is nothing to see and which key changes it.
func (t *Tab) empty() []string {
	v := &t.frame.Trace
	s := &v.Session
	const start = "n  traces functions you choose, with a filter of packets      p  presets"
	switch {
	case t.frame.Seq == 0:
		return []string{"Waiting for the first snapshot."}
	case t.dead:
		return []string{"No counter of drops could be read.", "", "tab  goes back to the trace"}
	case t.frame.State.Fallback != "":
		return []string{"Nothing can be traced without eBPF: " + format.Clean(t.frame.State.Fallback), "", "tab  shows where the kernel counts drops"}
	case v.Err != "":
		return []string{"The question could not be answered.", "", "/  edits the filter      0  clears it"}
	case t.filter != "" && v.Total > 0:
		return []string{"No row matches   " + format.Clean(t.filter), format.Count(uint64(v.Total)) + " rows are hidden by this filter.", "",
			"0  clears it      /  edits it"}
	case s.State == snap.TraceIdle:
		return []string{"No traces yet", "n  trace packets by functions and filter      p  presets", "i  on a row of Flows traces that flow",
			"Traces stop by themselves after a while or so many packets.", "", "tab  shows where the kernel counts drops"}
	case s.State == snap.TraceFailed:
		return []string{"Nothing is traced.", format.Clean(s.Why), "", start}
	case s.State == snap.TraceAttaching:
		return []string{"Attaching: " + format.Count(uint64(s.Attached)) + " of " + format.Count(uint64(s.Wanted)) + " so far.", "", "S  stops it"}
	case s.State == snap.TraceStopped:
		return []string{"Nothing passed while it was traced.", "", start}
	}
	wait := "Waiting for the first packet"
	if s.Spec.Filter != "" {
		wait += " that passes   " + format.Clean(s.Spec.Filter)
	}
	if s.Filtered > 0 {
		wait += "   (" + format.Count(s.Filtered) + " events did not)"
	}
	return []string{wait, "", "n  traces others      S  stops      tab  shows where packets die"}
}

// Context implements core.Tab.
func (t *Tab) Context(w int) string {
	if t.frame.Seq == 0 {
		return ""
	}
	return contextLine(&t.frame.Trace.Session, w)
}

// Message implements core.Tab: whose packet the row is, what narrows the view, and where in the list this is.
func (t *Tab) Message(w int) string {
	switch {
	case t.form != nil:
		return t.form.message(w)
	case t.edit.Typing():
		return t.edit.Line(w)
	}
	pos := strconv.Itoa(min(t.list().At()+1, t.list().Total())) + " of " + format.Count(uint64(t.list().Total()))
	if !t.dead && t.packet == 0 && t.filter != "" {
		pos += " /" + format.Count(uint64(t.frame.Trace.Total))
	}
	room := w - len(pos) - 2
	if room < 8 {
		return ansi.Truncate(pos, max(w, 0), "")
	}
	text := t.twin(" " + strings.Join(t.narrowing(), "  "))
	if line.Width(text) > room {
		text = ansi.Truncate(text, room, t.env.Glyphs.Ellipsis)
	}
	return text + strings.Repeat(" ", max(w-line.Width(text)-len(pos), 0)) + pos
}

func (t *Tab) narrowing() []string {
	var parts []string
	if t.dead {
		if r, ok := t.ledger.Selected(); ok {
			if r.Trace != "" {
				parts = append(parts, "i traces "+format.Clean(strings.TrimSpace(r.Trace+" "+r.Filter)))
			}
			parts = append(parts, format.Clean(r.Source))
		}
		return parts
	}
	if t.packet == 0 && !t.follow && t.events.Total() > 0 {
		text := "follow off"
		if _, last := t.events.InView(); last < t.events.Total() {
			text += ", " + format.Count(uint64(t.events.Total()-last)) + " newer"
		}
		parts = append(parts, text)
	}
	if t.packet == 0 && t.filter != "" {
		parts = append(parts, "filter "+format.Clean(t.filter))
	}
	switch e, ok := t.selected(); {
	case !ok || t.list().Total() == 0:
	case t.packet > 0: // the head says whose packet it is
		h, _ := t.hops.Selected()
		parts = append(parts, strings.TrimSpace(fate(t.env.Glyphs, e)+"  "+h.changed))
	default:
		parts = append(parts, t.whose(e))
	}
	return parts
}

// whose is the packet of an event in one line and what became of it, or what the call was given.
func (t *Tab) whose(e *snap.TraceEvent) string {
	parts := []string{}
	if e.Drop { // the column may have no room for the reason
		parts = append(parts, fate(t.env.Glyphs, e))
	}
	if e.HasKey {
		parts = append(parts, format.Endpoint(&e.Key, false)+" "+t.env.Glyphs.Arrow+" "+format.Endpoint(&e.Key, true)+" "+format.Proto(e.Key.Proto))
	}
	if e.Dev != "" {
		parts = append(parts, format.Clean(e.Dev))
	}
	if e.SKB != 0 {
		parts = append(parts, strconv.Itoa(e.Len)+" B")
	} else if e.Args != "" {
		parts = append(parts, format.Clean(e.Args))
	}
	return strings.Join(parts, "  ")
}

// twin replaces what an ASCII terminal can't draw.
func (t *Tab) twin(s string) string { return t.env.Twin(s) }
