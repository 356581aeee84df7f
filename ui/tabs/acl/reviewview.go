// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hooktop/netcfg/policy"
	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
)

// reviewView draws the panel: what differs and what it does above, the ways on below.
func (t *Tab) reviewView(w, h int) []string {
	choices, boxed := t.choices(w, h), true
	if h-len(choices) < 4 { // hardly any height: the keys stand in the hints below too
		choices, boxed = nil, false
		switch {
		case t.review.canary.open:
			choices = t.canaryLines(w, max(h-2, 2))
		case t.review.asking || t.review.err != "":
			choices = append(choices, t.stateLine(w))
		}
	}
	room := h - len(choices)
	b := detail.NewBody(t.env, detail.Inner(w, false))
	t.safety(b)
	lines := append(slices.Clone(b.Lines()), t.changeLines(b.Width())...)
	b = detail.NewBody(t.env, b.Width())
	t.impact(b)
	lines = append(lines, b.Lines()...)
	t.review.down = min(t.review.down, max(len(lines)-(room-1), 0))
	title := "DIFF   " + generation(t.frame.Policy.Kept) + " kept " + t.env.Glyphs.Arrow + " draft"
	out := detail.Pane(t.env, w, room, false, true, title, "", lines, t.review.down)
	if t.at.y = h - 1; boxed {
		t.at.x, t.at.y = t.at.x+1, h-2
	}
	return append(out, choices...)
}

// generation names a policy that stands.
func generation(gen uint32) string {
	if gen == 0 {
		return "empty policy"
	}
	return "v" + strconv.FormatUint(uint64(gen), 10)
}

// safety says first what must not be overlooked.
func (t *Tab) safety(b *detail.Body) {
	d := t.checked()
	g := t.env.Glyphs
	if d == nil {
		b.Text(themes.TextDim, "the draft is being checked against live flows "+g.Ellipsis)
		b.Gap()
		return
	}
	for _, e := range d.Errors {
		b.Text(themes.InputError, t.twin(format.Clean(g.Cross+" "+e)))
	}
	for _, c := range d.Cuts {
		b.Text(themes.Crit, t.twin(format.Clean(g.Crit+" CUTS "+c)))
	}
	if len(d.Errors)+len(d.Cuts) > 0 {
		b.Gap()
	}
}

// briefDiff is how many lines of difference stand before what they do, until d is pressed.
const briefDiff = 12

// changeLines keeps the lines of the difference: with d they may be ten thousand.
func (t *Tab) changeLines(w int) []detail.Line {
	r := t.review
	key := diffKey{w, r.full, r.diff.done, t.env.Theme}
	if r.drawn != key {
		b := detail.NewBody(t.env, w)
		t.changes(b)
		r.drawn, r.lines = key, b.Lines()
	}
	return r.lines
}

// changes lists what differs; with d every line.
func (t *Tab) changes(b *detail.Body) {
	r := t.review
	if !r.diff.done {
		b.Text(themes.TextDim, "comparing "+t.env.Glyphs.Ellipsis)
		return
	}
	left, begun := 0, len(b.Lines())
	for _, p := range r.diff.pairs {
		switch same := p.Old > 0 && p.New > 0 && !p.Moved && !differs(r.diff.base.Line(p.Old), r.diff.file.Line(p.New)); {
		case r.full || !same && len(b.Lines())-begun < briefDiff:
			t.change1(b, p)
		case !same:
			left++
		}
	}
	if left > 0 {
		b.Text(themes.TextDim, "and "+format.Plural(uint64(left), "more line")+" that differ: d shows all")
	}
	if !r.full {
		return
	}
	if d := &r.diff.diff; len(d.Samples) > 0 {
		b.Gap()
		b.Head("PACKETS WHOSE FATE CHANGES")
		for _, s := range d.Samples {
			b.Text(themes.Text, t.twin(format.Clean(" "+s.Packet.String()+": "+s.Is+", was: "+s.Was)))
		}
	}
}

// change1 writes one pair of lines.
func (t *Tab) change1(b *detail.Body, p policy.Pair) {
	base, file := t.review.diff.base, t.review.diff.file
	switch {
	case p.Old == 0:
		t.diffLine(b, themes.StageAdd, "+", p.New, lineText(file.Line(p.New)))
	case p.New == 0:
		t.diffLine(b, themes.StageDel, t.minus(), p.Old, lineText(base.Line(p.Old)))
	case differs(base.Line(p.Old), file.Line(p.New)):
		t.diffLine(b, themes.StageDel, t.minus(), p.Old, lineText(base.Line(p.Old)))
		t.diffLine(b, themes.StageAdd, "+", p.New, lineText(file.Line(p.New)))
	case p.Moved:
		t.diffLine(b, themes.StageChange, "~", p.New, lineText(file.Line(p.New))+"   (was line "+strconv.Itoa(p.Old)+")")
	case t.review.full:
		t.diffLine(b, themes.TextDim, " ", p.New, lineText(file.Line(p.New)))
	}
}

// diffLine shows the whole of a line: what is reviewed must be seen.
func (t *Tab) diffLine(b *detail.Body, tok themes.Token, sign string, n int, text string) {
	head := sign + format.PadLeft(strconv.Itoa(n), 6) + "  "
	for _, s := range detail.Wrap(t.twin(format.Clean(text)), max(b.Width()-line.Width(head), 1)) {
		b.Add(line.New(t.env.Theme, b.Width()).Add(tok, head).Add(tok, s))
		head = format.Pad("", line.Width(head))
	}
}

// impact says what the draft does to live flows, and what the linter thinks of it.
func (t *Tab) impact(b *detail.Body) {
	d := t.checked()
	if d == nil || !d.Checked {
		return
	}
	b.Gap()
	b.Head("IMPACT on live flows")
	i := &d.Impact
	t.share(b, "dropped", themes.Drop, i.Dropped, i.DropRate, i.Of)
	if i.Limited > 0 {
		t.share(b, "limited", themes.Limit, i.Limited, i.LimitRate, i.Of)
	}
	t.share(b, "allowed", themes.OK, i.Allowed, i.PassRate, i.Of)
	if i.OneWay > 0 {
		b.FieldTok("one way", themes.Warn, format.Plural(uint64(i.OneWay), "live flow")+" whose other direction no watched device sees: established does not hold for them")
	}
	ways := "stay open"
	tok := themes.OK
	switch {
	case len(d.Cuts) > 0:
		ways, tok = format.Plural(uint64(len(d.Cuts)), "way")+" in closed, see above", themes.Crit
	case t.frame.State.NoRemote:
		ways, tok = "no remote session to protect", themes.Warn
	}
	b.FieldTok("ways in", tok, ways)
	b.Field("price", priceText(d))
	t.priceStages(b)
	for _, f := range i.Flows {
		t.flowLine(b, &f)
	}
	if len(d.Remarks) > 0 {
		b.Gap()
		b.Head("REMARKS")
	}
	for _, r := range merged(d.Remarks) {
		b.Text(themes.Warn, t.twin(format.Clean(t.env.Glyphs.Warn+" "+r)))
	}
}

// merged says once what is remarked of several lines: "lines 1, 2: …". It keeps the order.
func merged(remarks []string) []string {
	var out []string
	at, lines := map[string]int{}, map[string]string{}
	for _, r := range remarks {
		number, text, ok := strings.Cut(strings.TrimPrefix(r, "line "), ": ")
		if _, err := strconv.Atoi(number); !ok || err != nil {
			out = append(out, r)
			continue
		}
		if i, known := at[text]; known {
			lines[text] += ", " + number
			out[i] = "lines " + lines[text] + ": " + text
			continue
		}
		at[text], lines[text] = len(out), number
		out = append(out, r)
	}
	return out
}

// priceText says what the draft costs; "" where nothing was measured.
func priceText(d *snap.Draft) string {
	if d.PriceNs[1] <= 0 {
		return ""
	}
	text := "ns per packet of an unknown flow: "
	if d.PriceNs[0] > 0 {
		text += fmt.Sprintf("%.0f now, ", d.PriceNs[0])
	}
	return text + fmt.Sprintf("%.0f after", d.PriceNs[1])
}

func (t *Tab) share(b *detail.Body, label string, tok themes.Token, flows int, r, of snap.Rate) {
	text := format.Plural(uint64(max(flows, 0)), "flow")
	if flows == 0 {
		tok = themes.Text
	} else {
		text += "   " + format.SI(r.PPS) + "pps   " + t.bits(r.BPS)
		if of.PPS > 0 {
			text += "   " + format.Percent(r.PPS/of.PPS) + " of packets"
		}
	}
	b.FieldTok(label, tok, text)
}

// bits writes a rate in the units of U.
func (t *Tab) bits(bps float64) string {
	if t.env.Units.Bytes {
		return format.SI(bps/8) + "B/s"
	}
	return format.SI(bps) + "b/s"
}

func (t *Tab) flowLine(b *detail.Body, f *snap.FlowChange) {
	tok, who := themes.Text, ""
	if f.WayIn != snap.NoWayIn {
		tok, who = themes.Crit, t.env.Glyphs.Own+" "
	}
	text := who + format.Endpoint(&f.Key, false) + " > " + format.Endpoint(&f.Key, true) + " " + format.Proto(f.Key.Proto) + "  " +
		format.SI(f.Rate.PPS) + "pps  " + f.Is + ", was: " + f.Was
	b.Line(tok, "  "+string(format.AppendEnd(nil, t.twin(format.Clean(text)), max(b.Width()-2, 1))))
}

// choices is the box with the ways on.
func (t *Tab) choices(w, h int) []string {
	inner := max(w-2, 1)
	row := func(key, text string) string {
		b := line.New(t.env.Theme, inner)
		return b.Add(themes.HintKey, "  "+format.Pad(key, 5)).Add(themes.Text, t.twin(text)).Fill(themes.Text)
	}
	kept := generation(t.frame.Policy.Kept)
	if t.review.canary.open {
		return box.Frame(t.env, w, "decide first on", "", "", t.canaryLines(inner, min(len(t.frame.Policy.Devices), max(h/3, 2))+1))
	}
	lines := []string{row("t", "trial: apply now, "+kept+" comes back after "+seconds(t.frame.Policy.Lease)+" unless you keep it")}
	if text := t.canaryRow(); text != "" {
		lines = append(lines, row("c", string(format.AppendEnd(nil, text, max(inner-7, 1)))))
	}
	lines = append(lines, row("d", format.Pad(t.fullHelp(), 12)+" w  write the draft to a file    esc  back to editing"), t.stateLine(inner))
	return box.Frame(t.env, w, "apply to "+t.place(), "", "", lines)
}

// seconds writes a lease, which is a minute at most.
func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) + " s" }

// place is where a commit goes.
func (t *Tab) place() string {
	devices := t.frame.Policy.Devices
	text := format.Clean(t.frame.Host)
	for i := range devices {
		if i == 3 {
			return text + " and " + strconv.Itoa(len(devices)-i) + " more"
		}
		text += " " + format.Clean(devices[i].Name)
	}
	return text
}

// stateLine is what stands between here and a trial, or that nothing does.
func (t *Tab) stateLine(w int) string {
	r, g := t.review, t.env.Glyphs
	b := line.New(t.env.Theme, w)
	add := func(tok themes.Token, s string) string {
		return b.Add(tok, string(format.AppendEnd(nil, t.twin(format.Clean("  "+s)), w))).Fill(themes.Text)
	}
	switch {
	case r.asking:
		label := "  " + t.mustName() + ": type the host's name, " + format.Clean(t.frame.Host) + ": "
		if line.Width(label) > w-12 {
			label = "  host name: "
		}
		b.Add(themes.Crit, t.twin(label))
		text, x := r.host.View(t.env.Theme, themes.Input, max(min(b.Left()-2, 40), 1))
		t.at.x = w - b.Left() + x
		return b.Join(text, max(min(b.Left()-2, 40), 1)).Fill(themes.Text)
	case r.busy:
		return add(themes.Text, "the trial begins "+g.Ellipsis)
	case r.err != "":
		return add(themes.InputError, g.Cross+" "+r.err)
	case t.noTrial() != "":
		return add(themes.Warn, "t waits: "+t.noTrial())
	case r.given != "":
		return add(themes.OK, g.Check+" the host's name is given: t begins the trial")
	case t.mustName() != "":
		return add(themes.Warn, g.Warn+" "+t.mustName()+": t asks for the host's name")
	}
	return add(themes.TextDim, "Enter does nothing. The kernel holds the clock, even if this terminal dies.")
}
