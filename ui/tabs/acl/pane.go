// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strconv"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/spark"
)

// paneView is the pane beside the list: the row, what is staged, earlier versions.
func (t *Tab) paneView(w, h int) []string {
	b := detail.NewBody(t.env, detail.Inner(w, true))
	title, key := "POLICY", ""
	if r, ok := t.selected(); ok {
		if title = t.paneRow(b, r); t.noEdit() == "" && t.noLine() == "" {
			key = "e edits"
		}
	}
	t.paneStaged(b)
	t.paneVersions(b)
	t.paneDevices(b)
	return detail.Pane(t.env, w, h, true, false, title, key, b.Lines(), 0)
}

// paneRow is about the row under the cursor.
func (t *Tab) paneRow(b *detail.Body, r *row) (title string) {
	title = "LINE " + string(t.number(nil, r, 8))
	if l, ok := t.line(r); ok {
		b.Text(t.textToken(r), t.twin(lineText(l)))
		if l.Kind == policy.Set {
			b.Field("set", format.Plural(uint64(len(l.Set.List)), "address"))
		}
	} else if r.kind == defaults {
		title = "DEFAULT"
		b.Text(themes.Text, t.defaultText(acl.Dir(r.n))+": what no rule decides")
	} else if text, _, _ := t.span(r); text != "" {
		title = "GUARD"
		b.Text(themes.Text, t.twin(text))
	}
	t.paneHits(b, r)
	t.paneRemarks(b, r)
	b.Gap()
	return title
}

func (t *Tab) paneHits(b *detail.Body, r *row) {
	h := t.counters(r)
	if h == nil {
		if r.kind != fileLine && t.uncounted() {
			b.Gap()
			b.Field("hits", "not counted while the policy is empty")
		}
		return
	}
	b.Gap()
	l := line.New(t.env.Theme, b.Width()).Add(themes.TextDim, "hits       ").Add(t.hitsToken(r), format.Pad(format.SI(h.PPS)+"/s", 9))
	if n := min(l.Left(), trendSeconds); len(h.Trend) > 0 && !t.env.Reduced && n > 0 {
		l.Add(themes.Spark, string(spark.Steps(nil, t.env.Glyphs, h.Trend, n, trendSeconds, t.frame.At.Unix())))
	}
	b.Add(l)
	b.Field("packets", format.Count(h.Packets)+"   "+format.SI(float64(h.Bytes))+"B")
	last := "never"
	if h.Last >= 0 {
		last = format.Span(h.Last)
	}
	b.Field("last", last)
	if rh := t.hits(r); rh != nil {
		if rh.Limited > 0 {
			b.FieldTok("limited", themes.Limit, format.Count(rh.Limited)+" packets over the rate")
		}
		if rh.Ends > 0 {
			b.Field("ends in", format.Span(max(rh.Ends, time.Second)))
		}
		b.Field("flows", "enter shows those that it decides")
	}
}

// paneRemarks are what the linter says of the line.
func (t *Tab) paneRemarks(b *detail.Body, r *row) {
	d := t.checked()
	if d == nil || r.n == 0 {
		return
	}
	head := "line " + strconv.Itoa(r.n) + ", "
	for _, s := range d.Remarks {
		if len(s) > len(head) && s[:len(head)] == head {
			b.Text(themes.Warn, t.twin(format.Clean(t.env.Glyphs.Warn+" "+s)))
		}
	}
}

const paneEdits = 12 // staged edits listed

func (t *Tab) paneStaged(b *detail.Body) {
	if !t.staged.any() {
		return
	}
	b.Head("STAGED")
	listed := 0
	for i := range t.rows {
		r := &t.rows[i]
		if r.stage == asIs || r.sub() {
			continue
		}
		l, _ := t.line(r)
		if listed++; listed > paneEdits {
			b.Line(themes.TextDim, " and "+strconv.Itoa(t.staged.total()-paneEdits)+" more: C shows all")
			break
		}
		m := t.flag(r)
		text := " " + m.Glyph + " " + string(t.number(nil, r, 8)) + "  " + lineText(l)
		b.Line(m.Token, t.twin(string(format.AppendEnd(nil, text, b.Width()))))
	}
	if d := t.checked(); d != nil {
		b.Field("price", priceText(d))
	}
	b.Gap()
}

func (t *Tab) paneVersions(b *detail.Body) {
	if len(t.frame.Policy.Versions) == 0 {
		return
	}
	b.Head("VERSIONS, V opens them")
	for _, v := range t.frame.Policy.Versions {
		b.Line(themes.Text, " "+format.Pad(generation(v.Gen), 5)+t.clock(v.At)+"  "+t.twin(format.Clean(v.Who+"  "+v.What)))
	}
	b.Gap()
}

func (t *Tab) paneDevices(b *detail.Body) {
	if len(t.frame.Policy.Devices) == 0 {
		return
	}
	b.Head("DECIDES ON")
	for _, d := range t.frame.Policy.Devices {
		text := " " + format.Clean(d.Name) + "  " + generation(d.Gen)
		switch {
		case d.Lease > 0 && t.frame.Policy.Canary.Gen != 0 && t.frame.Policy.Trial.Gen == 0: // a few seconds, which hooktop renews each second
			text += ", watched"
		case d.Lease > 0:
			text += ", falls back in " + format.Duration(d.Lease)
		}
		b.Line(themes.Text, t.twin(text))
	}
}

// clock writes a time of this year.
func (t *Tab) clock(at time.Time) string {
	if t.env.Units.UTC {
		at = at.UTC()
	} else {
		at = at.Local()
	}
	return at.Format("01-02 15:04")
}
