// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"strconv"

	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/gauge"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/spark"
)

// paneView draws the pane about the row under the cursor, nil when there is none.
func (t *Tab) paneView(w, h int, border bool) []string {
	b := detail.NewBody(t.env, detail.Inner(w, border))
	title, hint := "", "enter zooms"
	if !border {
		hint = "enter shows its line  esc back"
	}
	if t.lower {
		r, ok := t.lines.Selected()
		if !ok {
			return nil
		}
		title, hint = "LINE "+strconv.Itoa(max(r.Line, r.Old*btoi(r.Line == 0))), "enter shows it on the ACL tab"
		t.lineBody(b, r)
	} else {
		r, ok := t.list.Selected()
		if !ok || t.list.Total() == 0 {
			return nil
		}
		title = "TUNNEL " + strconv.Itoa(t.list.At()+1) + " of " + strconv.Itoa(t.list.Total())
		t.tunnelBody(b, r)
	}
	t.down = min(t.down, max(len(b.Lines())-(h-1), 0))
	return detail.Pane(t.env, w, h, border, !border, title, hint, b.Lines(), t.down)
}

func (t *Tab) tunnelBody(b *detail.Body, r *row) {
	b.Line(themes.TextStrong, name(r))
	if r.tunnels > 0 {
		b.Field("group of", format.Plural(uint64(r.tunnels), "tunnel"))
	}
	if r.Local.IsValid() {
		b.Field("to", string(t.local(nil, r, b.Width())))
	}
	if r.HasVNI && r.tunnels == 0 {
		b.Field(vniWord(r.Kind), vniText(r.VNI)+" (0x"+strconv.FormatUint(uint64(r.VNI), 16)+")")
	}
	b.Field("device", t.twin(format.Clean(r.Dev)))
	b.Field("inside", map[string]string{"eth": "Ethernet frames", "ip4": "IPv4", "ip6": "IPv6"}[r.Inner])
	b.FieldTok("policy", fateToken(r), t.twin(format.Clean(t.why(r))))
	if l, why := t.line(); why == "" && r.Line > 0 {
		b.Field("line "+strconv.Itoa(r.Line), t.twin(format.Clean(l.Text)))
		if l.Staged() && t.frame.Policy.Trial.Gen == 0 {
			b.Text(themes.StageChange, "  the draft changes it: C reviews")
		}
	}
	b.Gap()
	t.countBody(b, r)
	t.flowBody(b, r)
	b.Gap()
	switch {
	case t.noDraft() == "":
		b.Text(themes.Text, "b  "+t.draftHelp())
	case r.Line > 0:
		t.keysBody(b)
	}
}

// vniWord is what a kind calls its number.
func vniWord(kind string) string {
	switch kind {
	case "gre":
		return "key"
	case "gtpu":
		return "TEID"
	}
	return "VNI"
}

// countBody are all counters of a tunnel.
func (t *Tab) countBody(b *detail.Body, r *row) {
	l := line.New(t.env.Theme, b.Width()).Add(themes.TextDim, "packets/s  ").Add(rateToken(r), format.Pad(format.SI(r.PPS), 8))
	if n := min(l.Left(), trendSeconds); len(r.Trend) > 0 && !t.env.Reduced && n > 0 {
		l.Add(themes.Spark, string(spark.Steps(nil, t.env.Glyphs, r.Trend, n, trendSeconds, t.frame.At.Unix())))
	}
	b.Add(l)
	b.Field("rate", format.SI(bits(t.env, r.BPS))+map[bool]string{true: "B/s", false: "b/s"}[t.env.Units.Bytes]+" of outer frames")
	b.Field("packets", format.Count(r.Packets))
	b.Field("bytes", format.SI(float64(r.Bytes))+"B"+t.mean(r))
	share := ""
	if r.Packets > 0 {
		share = "   " + format.Percent(float64(r.Stripped)/float64(r.Packets))
	}
	b.Field("stripped", format.Count(r.Stripped)+share)
	b.Field("last", span(r.Last))
	b.Gap()
	b.Head("ERRORS   " + format.SI(r.ErrPS) + "/s; in all, share of packets")
	if len(r.Tunnel.Errors) == 0 {
		b.Line(themes.Text, "  none")
	}
	for _, e := range r.Tunnel.Errors {
		share := ""
		if r.Packets > 0 {
			share = "   " + format.Percent(float64(e.N)/float64(r.Packets))
		}
		b.Line(themes.Warn, "  "+t.twin(fit(format.Clean(e.Name), reasonWidth))+format.PadLeft(format.Count(e.N), 10)+share)
		if text := advice(e.Name, r.Dev); text != "" {
			b.Text(themes.TextDim, t.twin(format.Clean("    "+text)))
		}
	}
}

func (t *Tab) mean(r *row) string {
	if r.Packets == 0 {
		return ""
	}
	return ", " + format.Count(r.Bytes/r.Packets) + " B on average"
}

// flowBody lists the flows inside, where their number tells them from others.
func (t *Tab) flowBody(b *detail.Body, r *row) {
	flows := t.innerFlows()
	if len(flows) == 0 {
		return
	}
	b.Gap()
	b.Head("FLOWS INSIDE   x shows all")
	for i := range flows {
		f := &flows[i]
		text := format.Endpoint(&f.Key, false) + " " + t.env.Glyphs.Arrow + " " + format.Endpoint(&f.Key, true) + " " + format.Proto(f.Key.Proto)
		l := line.New(t.env.Theme, b.Width()).Add(themes.Text, "  "+string(format.AppendEnd(nil, t.twin(text), max(b.Width()-11, 8))))
		l.Pad(themes.Text, max(l.Left()-8, 1))
		b.Add(l.Add(themes.TextDim, format.PadLeft(format.SI(f.Rates[0].PPS), 8)))
	}
}

// lineBody is about a line of the policy.
func (t *Tab) lineBody(b *detail.Body, r *lineRow) {
	b.Text(lineToken(r), t.twin(format.Clean(r.Text)))
	if r.Was != "" {
		b.Text(themes.StageChange, t.twin("was: "+format.Clean(r.Was)))
	}
	b.Gap()
	b.FieldTok("state", lineToken(r), lineState(r))
	if f := r.force; f != nil {
		b.FieldTok("why", themes.Warn, t.twin(format.Clean(f.Why)))
		b.Field("packets", format.Count(f.Packets))
		b.Field("stripped", format.Count(f.Stripped))
		if f.Last >= 0 {
			b.Field("last", span(f.Last))
		}
	}
	b.Gap()
	t.keysBody(b)
}

// keysBody says what can be done with a line.
func (t *Tab) keysBody(b *detail.Body) {
	for _, s := range []string{"e  edits the line", ".  switches it on or off", "D  deletes it", "C  reviews what is staged"} {
		b.Line(themes.Text, s)
	}
}

// why says in a sentence what the policy does with a tunnel.
func (t *Tab) why(r *row) string {
	by := " by line " + strconv.Itoa(r.Line)
	switch r.fate {
	case "strips":
		return "unwrapped" + by
	case "counts":
		return "counted, not stripped" + by
	case "off":
		return "counted, not stripped: line " + strconv.Itoa(r.Line) + " is off"
	case "suspended":
		for i := range t.frame.Tunnels.Lines {
			if l := &t.frame.Tunnels.Lines[i]; l.Line == r.Line {
				return "line " + strconv.Itoa(r.Line) + " is suspended: " + l.Why
			}
		}
		return "line " + strconv.Itoa(r.Line) + " is suspended"
	case "mixed":
		return "some are unwrapped, some are not: p ungroups"
	}
	if !canStrip(r.Kind) {
		return "counted, not stripped: this kind is never unwrapped"
	}
	return "counted, not stripped: no line of the policy allows it"
}

// sizeBars draws the shares of inner lengths, the bars at most wide cells.
func (t *Tab) sizeBars(w, wide int) []string {
	labels := [...]string{"64", "128", "256", "512", "1024", ">1024"}
	sizes := &t.frame.Tunnels.Sizes
	var sum uint64
	for _, n := range sizes {
		sum += n
	}
	out := make([]string, 0, len(sizes))
	for i, n := range sizes {
		share := 0.0
		if sum > 0 {
			share = float64(n) / float64(sum)
		}
		l := line.New(t.env.Theme, w).Add(themes.Text, format.PadLeft(labels[i], 6)+" ")
		l.Add(themes.Bar, gauge.Bar(t.env.Glyphs, share, min(wide+2, max(l.Left()-7, 3)))).Add(themes.Text, format.PadLeft(format.Percent(share), 6))
		out = append(out, l.Fill(themes.Text))
	}
	return out
}
