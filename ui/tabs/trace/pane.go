// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/export"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// journey gives the events of one packet among rows.
func journey(all []snap.TraceEvent, packet int) []snap.TraceEvent {
	return slices.DeleteFunc(slices.Clone(all), func(e snap.TraceEvent) bool { return e.Packet != packet })
}

// windowOf is a window that holds the whole list.
func windowOf(list []hop) table.Window[hop] {
	return table.Window[hop]{Rows: list, Total: len(list), Cursor: table.Unknown}
}

// side is the pane beside a list: the event or the counter under the cursor.
func (t *Tab) side(w, h int) []string { return t.pane(w, h, true) }

// zoomView fills the screen with a journey, a call or a counter; nil when that is gone.
func (t *Tab) zoomView(w, h int) []string {
	if t.dead || t.packet == 0 {
		return t.pane(w, h, false)
	}
	out := t.journeyHead(w, h)
	foot := t.hopFoot(w, h)
	out = append(out, t.hops.View(w, max(h-len(out)-len(foot), 1))...)
	return append(out, foot...)[:min(h, len(out)+len(foot))]
}

// journeyHead says whose packet it is and how its journey ended.
func (t *Tab) journeyHead(w, h int) []string {
	e, ok := t.hops.Selected()
	if !ok || h < 6 {
		return nil
	}
	title := line.New(t.env.Theme, w).Add(themes.TextStrong, " PACKET "+strconv.Itoa(t.packet)+"  ")
	whose := e.TraceEvent
	whose.Drop = false // the line below says it
	title.Add(themes.Text, t.twin(t.whose(&whose)))
	if hint := "esc back"; title.Left() > len(hint)+2 {
		title.Pad(themes.Text, title.Left()-len(hint)-1).Add(themes.HintText, hint)
	}
	all := journey(t.frame.Trace.Rows, t.packet)
	if len(all) == 0 {
		return []string{title.Fill(themes.Text)}
	}
	tok, text := t.end(all)
	return []string{title.Fill(themes.Text), t.cut(w, tok, " "+text)}
}

// end sums a journey up: hops, time, CPUs, and where the packet died.
func (t *Tab) end(all []snap.TraceEvent) (themes.Token, string) {
	last := &all[len(all)-1]
	text := format.Plural(uint64(t.hops.Total()), "hop") + " in " + format.Nanos(time.Duration(last.AtNs-min(t.begun, last.AtNs)))
	var cpus []string
	clones := 0
	tok, fate := themes.Text, "last seen in "+format.Clean(last.Func)
	for i := range all {
		e := &all[i]
		if cpu := strconv.Itoa(e.CPU); !slices.Contains(cpus, cpu) {
			cpus = append(cpus, cpu)
		}
		if e.Clone {
			clones++
		}
		if e.Drop {
			tok, fate = themes.Drop, t.env.Glyphs.Cross+" died in "+format.Clean(e.Func)
			if e.Reason != "" {
				fate += ": " + format.Clean(e.Reason)
			}
		}
	}
	text += ", CPU " + strings.Join(cpus, " ")
	if clones > 0 {
		text += ", " + format.Plural(uint64(clones), "event") + " of clones (c)"
	}
	return tok, text + "   " + fate
}

// hopFoot is about the hop under the cursor, in the lower part of a journey: a third of it, or what the hops leave.
func (t *Tab) hopFoot(w, h int) []string {
	e, ok := t.hops.Selected()
	spare := h - len(t.journeyHead(w, h)) - (t.hops.Total() + 1) - 1
	if !ok || h < 16 && spare < 5 { // the hops matter more
		return nil
	}
	b := detail.NewBody(t.env, w-2)
	t.eventBody(b, &e.TraceEvent, e.changed)
	out := []string{line.New(t.env.Theme, w).Add(themes.Border, strings.Repeat(t.env.Glyphs.HLine, w)).String()}
	return append(out, detail.Pane(t.env, w, min(len(b.Lines())+1, max(h/3, spare)), false, false,
		t.twin("HOP "+strconv.Itoa(t.hops.At()+1)+" of "+strconv.Itoa(t.hops.Total())+"  "+format.Clean(e.Func)), "", b.Lines(), 0)...)
}

// pane is about the row under the cursor.
func (t *Tab) pane(w, h int, border bool) []string {
	b := detail.NewBody(t.env, detail.Inner(w, border))
	title, hint := "", "enter opens"
	if !border {
		hint = "esc back"
	}
	switch {
	case t.dead:
		r, ok := t.ledger.Selected()
		if !ok {
			return detail.Pane(t.env, w, h, border, false, "", "", nil, 0)
		}
		title = format.Clean(strings.ToUpper(r.Stage)) + " " + format.Clean(r.Name)
		t.counterBody(b, r)
	default:
		e, ok := t.events.Selected()
		if !ok || t.events.Total() == 0 {
			return detail.Pane(t.env, w, h, border, false, "", "", nil, 0)
		}
		title = format.Clean(e.Func)
		changed := ""
		hopsNow := hops(journey(t.frame.Trace.Rows, e.Packet), 0)
		for i := range hopsNow {
			if hopsNow[i].Seq == e.Seq {
				changed = hopsNow[i].changed
			}
		}
		t.eventBody(b, e, changed)
		if e.Packet > 0 {
			t.hopsBody(b, e, hopsNow)
		}
	}
	t.down = min(t.down, max(len(b.Lines())-(h-1), 0))
	return detail.Pane(t.env, w, h, border, !border, t.twin(title), hint, b.Lines(), t.down)
}

// eventBody is all that is known of one event.
func (t *Tab) eventBody(b *detail.Body, e *snap.TraceEvent, changed string) {
	b.FieldTok("verdict", verdictToken(e), t.twin(fate(t.env.Glyphs, e)))
	b.FieldTok("changed", themes.Accent, t.twin(changed))
	if e.HasKey {
		arrow := " " + t.env.Glyphs.Arrow + " "
		text := format.Proto(e.Key.Proto) + " " + format.Endpoint(&e.Key, false) + arrow + format.Endpoint(&e.Key, true)
		if format.IsICMP(e.Key.Proto) && e.Key.Frag != snap.FragLater {
			text += "  " + format.ICMPLong(e.Key.Proto, uint8(e.Key.SPort>>8), uint8(e.Key.SPort))
		}
		if e.Key.Frag != snap.Whole {
			text += "  fragment"
		}
		b.Field("packet", t.twin(text))
	}
	if e.SKB != 0 {
		text := fmt.Sprintf("%d B", e.Len)
		if e.Dev != "" {
			text += ", dev " + format.Clean(e.Dev)
		}
		if e.Mark != 0 {
			text += fmt.Sprintf(", mark %#x", e.Mark)
		}
		if e.Key.VLAN != 0 {
			text += ", vlan " + strconv.Itoa(int(e.Key.VLAN))
		}
		b.Field("skb", t.twin(text+fmt.Sprintf(", at %#x", e.SKB)))
	}
	if own := t.frame.Trace.Session.NetNS; e.NetNS != 0 && own != 0 && e.NetNS != own {
		b.FieldTok("netns", themes.InfoTok, fmt.Sprintf("%d, another network namespace", e.NetNS))
	}
	since := ""
	if e.Delta > 0 {
		since = ", " + format.Nanos(e.Delta) + " after the hop before"
	}
	b.Field("time", t.twin(string(clock(nil, t.env, e, "15:04:05.000000"))+since))
	b.Field("process", t.twin(format.Clean(e.Comm)+", pid "+strconv.Itoa(e.PID)+", CPU "+strconv.Itoa(e.CPU)))
	b.Field("arguments", t.twin(format.Clean(e.Args)))
	if len(e.Stack) == 0 && len(e.StackIDs) > 0 {
		b.FieldTok("stack", themes.TextDim, format.Plural(uint64(len(e.StackIDs)), "frame")+": named where the cursor stands still, k leaves the newest row")
		return
	}
	for i, s := range export.Stack(e) {
		label := " "
		if i == 0 {
			label = "stack"
		}
		b.Field(label, t.twin(s))
	}
}

// hopsBody lists the packet's hops among the rows at hand.
func (t *Tab) hopsBody(b *detail.Body, e *snap.TraceEvent, list []hop) {
	b.Gap()
	b.Head("PACKET " + strconv.Itoa(e.Packet) + ", " + format.Plural(uint64(len(list)), "hop") + " at hand")
	for i := range list {
		h := &list[i]
		l := line.New(t.env.Theme, b.Width())
		tok, at := themes.Text, "  "
		if h.Seq == e.Seq {
			tok, at = themes.TextStrong, t.env.Glyphs.Cursor+" "
		}
		l.Add(tok, at).Add(themes.TextDim, format.PadLeft(t.twin(string(delta(nil, &h.TraceEvent))), 7)+" ")
		l.Add(tok, t.twin(string(format.AppendMiddle(nil, format.Clean(h.Func), max(b.Width()-10-18, 12))))+" ")
		l.Add(verdictToken(&h.TraceEvent), t.twin(verdict(t.env.Glyphs, &h.TraceEvent))).Add(themes.Accent, t.twin(" "+h.changed))
		b.Add(l)
	}
}
