// SPDX-License-Identifier: Apache-2.0

package chain

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
)

const everyBit = 0xffffffff

// sections are what stands beside or below the list: trouble, mark bits, the way of a packet, rules and routes, settings.
func (t *Tab) sections(w, h int, border bool) []string {
	b := detail.NewBody(t.env, detail.Inner(w, border))
	brief := !border && !t.zoom // a few lines below the list
	t.troubleBody(b, brief)
	t.bitsBody(b, brief)
	if !brief {
		b.Gap()
	}
	t.wayBody(b)
	name := ""
	if r, ok := t.list.Selected(); ok && t.list.Total() > 0 {
		name = r.name()
		if !brief {
			t.chainBody(b, r)
		}
	}
	if !brief {
		b.Gap()
	}
	t.steerBody(b, name)
	t.checksBody(b)
	title, hint := "CHAIN "+t.twin(format.Clean(name)), "enter zooms"
	if name == "" {
		title = "CHAINS"
	}
	if t.zoom {
		hint = "enter shows its line  esc back"
	}
	t.down = min(t.down, max(len(b.Lines())-(h-1), 0))
	return detail.Pane(t.env, w, h, border, t.zoom, title, hint, b.Lines(), t.down)
}

// troubleBody says first what must not be overlooked; in brief a line each.
func (t *Tab) troubleBody(b *detail.Body, brief bool) {
	c, g := &t.frame.Chains, t.env.Glyphs
	say := b.Text
	if brief {
		say = func(tok themes.Token, s string) { b.Line(tok, string(format.AppendEnd(nil, s, b.Width()))) }
	}
	if why := drifted(c); why != "" {
		say(themes.Warn, g.Warn+" drift: "+t.twin(format.Clean(why))+"   R repairs")
	}
	for _, k := range c.Checks {
		if !k.OK {
			say(themes.Warn, t.twin(g.Warn+" "+format.Clean(k.Name+" "+k.Have+": "+k.Why)))
			if k.Fix != "" && !brief {
				b.Line(themes.Text, "  "+t.twin(format.Clean(k.Fix)))
			}
		}
	}
	for _, o := range c.Owners {
		if o.Clash != "" && o.Sets && o.Mask == everyBit {
			say(themes.Warn, t.twin(fmt.Sprintf("%s %s writes the whole mark (%s): packets of chain %s that meet it lose theirs", g.Warn, format.Clean(o.Who), format.Clean(o.From), format.Clean(o.Clash))))
			continue
		}
		if o.Clash != "" {
			say(themes.Crit, t.twin(fmt.Sprintf("%s bits %x are %s's (%s) and chain %s's", g.Crit, o.Mask, format.Clean(o.Who), format.Clean(o.From), format.Clean(o.Clash))))
		}
	}
}

// bitsBody draws the mark's 32 bits and who has them.
func (t *Tab) bitsBody(b *detail.Body, brief bool) {
	c := &t.frame.Chains
	const indent = 11
	row := func(label string, tok themes.Token, text string) {
		b.Add(line.New(t.env.Theme, b.Width()).Add(themes.Accent, format.Pad(label, indent)).Add(tok, text))
	}
	if b.Width() < indent+len(ruler) { // hardly any width: the names of owners say it
		b.Head("MARK BITS")
	} else {
		row("MARK BITS", themes.TextDim, ruler)
		row("", themes.Text, bitmap(c.Owners))
		t.markUnder(row)
	}
	if len(c.Owners) == 0 {
		row("", themes.TextDim, "nobody is known to use a bit")
	}
	if brief {
		b.Field("", t.ownersText())
		return
	}
	for i, o := range c.Owners {
		tok := themes.Text
		if o.Clash != "" {
			tok = themes.Crit
		}
		row("", tok, t.twin(fmt.Sprintf("%c %-8x %s  %s", letter(i), o.Mask, format.Clean(o.Who), format.Clean(o.From))))
	}
}

// ownersText names the owners of bits in one sentence.
func (t *Tab) ownersText() string {
	parts := make([]string, 0, len(t.frame.Chains.Owners))
	for i, o := range t.frame.Chains.Owners {
		parts = append(parts, fmt.Sprintf("%c %s %x", letter(i), format.Clean(o.Who), o.Mask))
	}
	return t.twin(strings.Join(parts, ", "))
}

// markUnder draws the mark under edit below the bits, else the staged one of the chain under the cursor.
func (t *Tab) markUnder(row func(string, themes.Token, string)) {
	if ed := t.edit; ed != nil {
		if tok, _ := t.verdict(); ed.mark != (mark{}) {
			row("as typed", tok, under(ed.mark))
		}
		return
	}
	r, ok := t.selected()
	if !ok || r.line == nil {
		return
	}
	m, ok := r.mark()
	switch why := clash(m, r.name(), t.draft.Lines, t.frame.Chains.Owners); {
	case !ok:
	case why != "" && !r.line.Off && r.line.Line > 0:
		row(t.chainLabel(r), themes.Crit, under(m)+"  "+t.twin(t.env.Glyphs.Cross+" "+format.Clean(why)))
	default:
		row(t.chainLabel(r), themes.Text, under(m))
	}
}

func (t *Tab) chainLabel(r *row) string {
	if r.line.Staged() {
		return "after edit"
	}
	return "its mark"
}

// wayBody is the lineage of one packet.
func (t *Tab) wayBody(b *detail.Body) {
	way, flow := t.frame.Chains.Lineage, "of any flow"
	if t.flow != (snap.FlowKey{}) {
		flow = format.Endpoint(&t.flow, false) + " > " + format.Endpoint(&t.flow, true) + " " + format.Proto(t.flow.Proto)
	}
	switch {
	case len(way) > 0:
	case t.flow == (snap.FlowKey{}):
		b.Field("ONE PACKET", "x on a row of Flows shows the way of its packets")
		return
	default:
		b.Field("ONE PACKET", flow+": none has been seen in a chain; 0 lets it go")
		return
	}
	b.Add(line.New(t.env.Theme, b.Width()).Add(themes.Accent, "ONE PACKET ").Add(themes.Text, t.twin(flow)))
	arrow := " " + t.env.Glyphs.Arrow + " "
	row := "  "
	for i, step := range way {
		step = t.twin(format.Clean(step))
		if i > 0 {
			step = arrow + step
		}
		if line.Width(row)+line.Width(step) > b.Width() && row != "  " {
			b.Line(themes.Text, row)
			row = "   "
		}
		row += step
	}
	b.Line(themes.Text, row)
}

// chainBody is all that is known of the chain and the leg under the cursor.
func (t *Tab) chainBody(b *detail.Body, r *row) {
	b.Gap()
	if r.line != nil {
		b.Field("line", t.twin(format.Clean(r.line.Text)))
		if r.line.Was != "" {
			b.FieldTok("was", themes.StageChange, t.twin(format.Clean(r.line.Was)))
		}
	}
	if c := r.chain; c != nil {
		tok, text := sumText(c)
		b.FieldTok("state", tok, t.twin(format.Clean(c.State)+": "+text))
	}
	l := r.at()
	if l == nil {
		return
	}
	b.Field("leg", t.twin(t.way(r, 200)))
	b.Field("packets", format.Count(l.Packets)+"   "+format.SI(float64(l.Bytes))+"B   "+format.SI(l.PPS)+"/s")
	hop := string(t.hop(nil, r, 80)) + " is " + format.Clean(l.State)
	if l.Neighbour != "" {
		hop += ", neighbour table: " + format.Clean(l.Neighbour)
	}
	b.Field("next hop", t.twin(hop))
}

// steerBody lists rules and routes: those of the chain under the cursor, unless the sections fill the screen. What is not in place
// comes with the word for it.
func (t *Tab) steerBody(b *detail.Body, name string) {
	var list []*snap.Steer
	counts := map[string]int{}
	for i := range t.frame.Chains.Steer {
		s := &t.frame.Chains.Steer[i]
		if !t.zoom && name != "" && s.Chain != name && s.Chain != "" {
			continue
		}
		list = append(list, s)
		counts[s.State]++
	}
	b.Head("RULES AND ROUTES: " + t.twin(format.Clean(steerText(counts))))
	slices.SortStableFunc(list, func(a, b *snap.Steer) int { return btoi(a.State == "in place") - btoi(b.State == "in place") })
	g, said := t.env.Glyphs, ""
	for _, s := range list {
		tok, sign, word := themes.Text, g.Check, ""
		switch s.State {
		case "in place":
		case "missing", "changed":
			tok, sign, word = themes.Warn, g.Warn, format.Clean(s.State)+"  "
		case "staged":
			tok, sign, word = themes.StageChange, "~", "staged  "
		default:
			tok, sign, word = themes.TextDim, g.Dot, format.Clean(s.State)+"  "
		}
		b.Line(tok, t.twin(string(format.AppendEnd(nil, "  "+sign+" "+word+format.Clean(s.Text), b.Width()))))
		if s.Why != "" && s.Why != said { // most have the same reason
			said = s.Why
			b.Line(tok, t.twin(string(format.AppendEnd(nil, "    "+g.Below+format.Clean(s.Why), b.Width()))))
		}
	}
}

// steerText counts rules and routes by their states, what is wrong first.
func steerText(counts map[string]int) string {
	switch {
	case len(counts) == 0:
		return "none"
	case len(counts) == 1 && counts["in place"] > 0:
		return "all in place"
	}
	var parts []string
	for _, state := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		worth := func(s string) int {
			return slices.Index([]string{"missing", "changed", "away", "in place", "staged", "old"}, s)
		}
		return cmp.Or(worth(a)-worth(b), strings.Compare(a, b))
	}) {
		parts = append(parts, strconv.Itoa(counts[state])+" "+state)
	}
	return strings.Join(parts, ", ")
}

// checksBody lists the settings that chains depend on; what is wrong with them stands above.
func (t *Tab) checksBody(b *detail.Body) {
	list := t.frame.Chains.Checks
	if len(list) == 0 {
		return
	}
	b.Gap()
	b.Head("SETTINGS")
	g := t.env.Glyphs
	for _, k := range list {
		tok, sign := themes.Text, g.Check
		if !k.OK {
			tok, sign = themes.Warn, g.Warn
		}
		b.Line(tok, t.twin(string(format.AppendEnd(nil, "  "+sign+" "+format.Clean(k.Name+" "+k.Have), b.Width()))))
	}
}
