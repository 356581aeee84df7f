// SPDX-License-Identifier: Apache-2.0

package programs

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/gauge"
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
		if out := t.paneView(w, h, false); out != nil {
			return out
		}
	}
	left, right := detail.Split(w)
	if h < 8 {
		left, right = w, 0
	}
	out := t.lists(left, h)
	if right == 0 {
		return out
	}
	side := t.paneView(right, h, true)
	for i := range side {
		for i >= len(out) {
			out = append(out, "")
		}
		if out[i] == "" {
			out[i] = strings.Repeat(" ", left)
		}
		out[i] += side[i]
	}
	return out
}

// upper is how many lines the programs get, their header included; the interfaces get the rest behind an empty line.
func (t *Tab) upper() int {
	if t.high < 8 {
		if t.lower {
			return 0
		}
		return t.high
	}
	want := len(t.frame.Programs) + 1
	rest := len(t.rows) + 1
	return max(min(want, t.high-1-rest), min(want, (t.high-1)/2), 2)
}

func (t *Tab) lists(w, h int) []string {
	up := t.upper()
	out := make([]string, 0, h)
	if up > 0 {
		part := t.programs.View(w, up)
		if t.programs.Total() == 0 {
			table.Say(t.env, part, 1, w, t.noPrograms())
		}
		out = append(out, part...)
		out = append(out, "")
	}
	if h-len(out) < 2 {
		return out[:min(len(out), h)]
	}
	down := h - len(out)
	more := t.figures(w)
	if want := max(len(t.rows), 1) + 1; want+1+len(more) <= down {
		down = want
	} else {
		more = nil
	}
	part := t.links.View(w, down)
	if t.links.Total() == 0 {
		table.Say(t.env, part, 1, w, "No interface is known yet.")
	}
	out = append(out, part...)
	if len(more) > 0 {
		out = append(append(out, ""), more...)
	}
	return out
}

// figures are how full the flow table is, and what was malformed or lost.
func (t *Tab) figures(w int) []string {
	v := &t.frame.Totals
	var out []string
	if v.Capacity > 0 {
		share := float64(v.Flows) / float64(v.Capacity)
		tok := themes.Bar
		if share > 0.9 {
			tok = themes.Warn
		}
		out = append(out, line.New(t.env.Theme, w).Add(themes.TextDim, "  flow table  ").Add(tok, gauge.Bar(t.env.Glyphs, share, 22)).
			Add(themes.Text, " "+format.PadLeft(format.Percent(share), 5)+"  "+format.Count(uint64(v.Flows))+" of "+format.Count(uint64(v.Capacity))).String())
	}
	count := func(label string, tok themes.Token, list []snap.Count) {
		if len(list) == 0 {
			return
		}
		l := line.New(t.env.Theme, w).Add(themes.TextDim, "  "+format.Pad(label, 12))
		for _, c := range list {
			l.Add(tok, t.twin(format.Clean(c.Name))+" "+format.Count(c.N)+"  ")
		}
		out = append(out, l.String())
	}
	count("malformed", themes.Text, t.frame.Malformed)
	count("lost", themes.Warn, t.frame.Lost)
	return out
}

func (t *Tab) noPrograms() string {
	switch {
	case t.frame.Seq == 0:
		return "Waiting for the first snapshot."
	case t.frame.State.Fallback != "":
		return "No eBPF here: " + format.Clean(t.frame.State.Fallback)
	}
	return "No program is attached. tab, then a on an interface that was left out adds it."
}

func (t *Tab) paneView(w, h int, border bool) []string {
	b := detail.NewBody(t.env, detail.Inner(w, border))
	hint := "enter zooms"
	if !border {
		hint = "esc back"
	}
	var title string
	if t.lower {
		l, ok := t.links.Selected()
		if !ok {
			return detail.Pane(t.env, w, h, border, false, "", "", nil, 0)
		}
		title = "INTERFACE " + format.Clean(l.Name)
		t.linkBody(b, l)
	} else {
		p, ok := t.programs.Selected()
		if !ok {
			return detail.Pane(t.env, w, h, border, false, "", "", nil, 0)
		}
		title = "PROGRAM " + format.Clean(p.Name)
		t.programBody(b, p)
	}
	return detail.Pane(t.env, w, h, border, !border, t.twin(title), hint, b.Lines(), 0)
}

func (t *Tab) programBody(b *detail.Body, p *snap.Program) {
	b.FieldTok("state", stateToken(p.State), format.Clean(p.State))
	b.Field("why", t.twin(format.Clean(p.Reason)))
	b.Gap()
	b.Field("hook", format.Clean(p.Hook))
	b.Field("device", t.twin(format.Clean(p.Dev)))
	b.Field("type", format.Clean(p.Type))
	if p.ID != 0 {
		b.Field("kernel id", strconv.FormatUint(uint64(p.ID), 10)+", as bpftool prog show id "+strconv.FormatUint(uint64(p.ID), 10))
	}
	if p.Insns != 0 {
		b.Field("size", format.Count(uint64(p.Insns))+" instructions, verified")
	}
	b.Gap()
	if p.Runs == 0 {
		b.FieldTok("cost", themes.TextDim, "not counted: kernel.bpf_stats_enabled is 0. On, it costs a run two looks at the clock")
		return
	}
	b.Field("runs", format.Count(p.Runs))
	b.Field("cost", format.Count(p.RunNs/p.Runs)+" ns a run")
}

func (t *Tab) linkBody(b *detail.Body, l *link) {
	if l.out != "" {
		b.Text(themes.TextDim, "left out: "+t.twin(format.Clean(l.out)))
		b.Gap()
		b.Text(themes.Text, "a  watches it")
		return
	}
	up, tok := "up", themes.OK
	if !l.Up {
		up, tok = "down", themes.Warn
	}
	b.FieldTok("link", tok, up)
	b.Field("mode", format.Clean(l.Mode))
	b.Field("why mode", t.twin(format.Clean(l.Why)))
	b.Field("watched", t.twin(format.Clean(l.Reason)))
	b.Field("ifindex", strconv.Itoa(l.Index)+", slot "+strconv.Itoa(int(l.Slot)))
	b.Gap()
	rate := func(label string, r snap.Rate, packets, bytes uint64) {
		bits, unit := r.BPS, "b/s"
		if t.env.Units.Bytes {
			bits, unit = bits/8, "B/s"
		}
		b.Field(label, format.PadLeft(format.SI(r.PPS), 6)+"pps "+format.PadLeft(format.SI(bits), 6)+unit)
		b.Field(" ", format.Count(packets)+" packets, "+format.SI(float64(bytes))+"B")
	}
	rate("in", l.In, l.InPackets, l.InBytes)
	rate("out", l.Out, l.OutPackets, l.OutBytes)
	b.Gap()
	b.Text(themes.Text, "e  changes the mode      D  stops watching")
}

// Context implements core.Tab.
func (t *Tab) Context(w int) string {
	n := 0
	for i := range t.frame.Programs {
		if s := t.frame.Programs[i].State; s == "attached" || s == "degraded" {
			n++
		}
	}
	s := format.Plural(uint64(n), "program") + " attached, " + format.Plural(uint64(len(t.frame.Interfaces)), "interface") + " watched"
	var lost uint64
	for _, c := range t.frame.Lost {
		lost += c.N
	}
	if lost > 0 {
		s = format.Count(lost) + " events lost, " + s
	}
	if len(s) > w {
		s = format.Plural(uint64(n), "program")
	}
	if len(s) > w {
		return ""
	}
	return s
}

// Message implements core.Tab: the reason that belongs to the row, where there is one, and the place in the list.
func (t *Tab) Message(w int) string {
	pos := strconv.Itoa(min(t.current().At()+1, t.current().Total())) + " of " + strconv.Itoa(t.current().Total())
	left := ""
	if t.lower {
		if l, ok := t.links.Selected(); ok {
			left = l.Name + ": " + why(l)
			if l.out != "" {
				left = "a adds " + left
			}
		}
	} else if p, ok := t.programs.Selected(); ok && p.Reason != "" {
		left = p.Name + ": " + p.Reason
	}
	left = " " + t.twin(format.Clean(left))
	room := w - len(pos) - 2
	if room < 8 {
		return pos[:min(len(pos), max(w, 0))]
	}
	if line.Width(left) > room {
		left = ansi.Truncate(left, room, t.env.Glyphs.Ellipsis)
	}
	return left + strings.Repeat(" ", max(w-line.Width(left)-len(pos), 0)) + pos
}

func (t *Tab) twin(s string) string { return t.env.Twin(s) }
