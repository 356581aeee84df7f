// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strconv"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/spark"
	"hooktop/ui/widget/table"
)

type column = table.Column[row]

// columns of the table. Cells read the draft and the frame: rows only say where.
func (t *Tab) columns() []column {
	rule := func(f func(b []byte, r *acl.Rule) []byte) func([]byte, *row, int) []byte {
		return func(b []byte, r *row, _ int) []byte {
			if l, ok := t.line(r); ok && l.Kind == policy.Rule {
				return f(b, l.Rule)
			}
			return b
		}
	}
	return []column{
		{Key: "line", Title: "#", Width: 5, Min: 3, Right: true, Cell: t.number, Token: t.dim},
		{Key: "action", Title: "ACTION", Width: 9, Cell: t.action, Token: t.actionToken},
		{Key: "source", Title: "SOURCE", Width: 17, Min: 7, Max: 34, Priority: 1, Cell: func(b []byte, r *row, w int) []byte { return t.end(b, r, w, false) }, Token: t.textToken},
		{Key: "destination", Title: "DESTINATION", Width: 15, Min: 7, Max: 34, Priority: 1, Cell: func(b []byte, r *row, w int) []byte { return t.end(b, r, w, true) }, Token: t.textToken},
		{Key: "proto", Title: "PROT", Width: 4, Max: 9, Priority: 2, Cell: rule(func(b []byte, r *acl.Rule) []byte { return protocols(b, r.Proto) }), Token: t.textToken},
		{Key: "ports", Title: "PORTS", Width: 9, Max: 20, Priority: 2, Cell: rule(func(b []byte, r *acl.Rule) []byte { return ports(b, r.To.Ports) }), Token: t.textToken},
		{Key: "hits", Title: "HITS/S", Width: 6, Right: true, Priority: 1, Cell: t.perSecond, Token: t.hitsToken},
		{Key: "trend", Title: "60 s", Width: 8, Max: 12, Priority: 4, NoSort: true, Cell: t.trend, Token: func(*row) themes.Token { return themes.Spark }},
		{Key: "last", Title: "LAST", Width: 6, Right: true, Priority: 1, Cell: t.last, Token: t.lastToken},
		{Key: "ends", Title: "ENDS", Width: 7, Right: true, Priority: 5, Cell: t.ends, Token: t.endsToken},
		{Key: "limited", Title: "LIMITED", Width: 7, Right: true, Priority: 11, Cell: func(b []byte, r *row, _ int) []byte {
			if h := t.hits(r); h != nil && h.Limited > 0 {
				return format.AppendSI(b, float64(h.Limited), 6)
			}
			return b
		}, Token: func(*row) themes.Token { return themes.Limit }},
		{Key: "packets", Title: "PACKETS", Width: 7, Right: true, Priority: 6, Cell: t.packets, Token: t.textToken},
		{Key: "bytes", Title: "BYTES", Width: 6, Right: true, Priority: 8, Cell: t.bytes, Token: t.textToken},
	}
}

func (t *Tab) number(b []byte, r *row, _ int) []byte {
	switch {
	case r.sub(), r.kind == guardLine:
		return b
	case r.kind == guardHead:
		return append(b, '0')
	case r.kind == defaults:
		return append(b, "end"...)
	case r.n == 0:
		return strconv.AppendInt(b, int64(r.old), 10)
	}
	return strconv.AppendInt(b, int64(r.n), 10)
}

func (t *Tab) action(b []byte, r *row, _ int) []byte {
	if r.kind == defaults {
		return append(append(append(b, t.defaults[r.n].String()...), ' '), acl.Dir(r.n).String()...)
	}
	l, ok := t.line(r)
	if !ok || l.Kind != policy.Rule || r.sub() {
		return b
	}
	b = append(b, l.Rule.Action.String()...)
	if l.Rule.Dir != acl.Both {
		for range 5 - len(l.Rule.Action.String()) {
			b = append(b, ' ')
		}
		b = append(append(b, ' '), l.Rule.Dir.String()...)
	}
	return b
}

// end writes one side of a rule.
func (t *Tab) end(b []byte, r *row, w int, to bool) []byte {
	if r.kind == defaults && !to {
		return append(b, "what is left"...)
	}
	l, ok := t.line(r)
	if !ok || l.Kind != policy.Rule {
		return b
	}
	e := l.Rule.From
	if to {
		e = l.Rule.To
	}
	if e.Any() {
		return append(b, "any"...)
	}
	if e.Not {
		b = append(b, "not "...)
		w -= 4
	}
	if e.Set != "" {
		return format.AppendMiddle(append(b, '@'), e.Set, w-1)
	}
	return format.AppendMiddle(b, acl.PrefixText(e.Prefix), w)
}

func protocols(b []byte, p acl.Protos) []byte {
	if len(p.List) == 0 {
		return append(b, "any"...)
	}
	if p.Not {
		b = append(b, "not "...)
	}
	if len(p.List) == 2 && p.List[0] == acl.ICMP && p.List[1] == acl.ICMPv6 {
		return append(b, "icmp"...)
	}
	for i, n := range p.List {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, acl.ProtoName(n)...)
	}
	return b
}

func ports(b []byte, p acl.Ports) []byte {
	if len(p.List) == 0 {
		return append(b, "any"...)
	}
	if p.Not {
		b = append(b, "not "...)
	}
	for i, r := range p.List {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(r.Lo), 10)
		if r.Hi > r.Lo {
			b = strconv.AppendUint(append(b, '-'), uint64(r.Hi), 10)
		}
	}
	return b
}

func (t *Tab) perSecond(b []byte, r *row, w int) []byte {
	if h := t.counters(r); h != nil {
		return format.AppendSI(b, h.PPS, w)
	}
	if t.isRule(r) || r.kind == guardHead || r.kind == defaults {
		return append(b, '-')
	}
	return b
}

func (t *Tab) isRule(r *row) bool {
	l, ok := t.line(r)
	return ok && l.Kind == policy.Rule && !r.sub()
}

func (t *Tab) trend(b []byte, r *row, w int) []byte {
	h := t.counters(r)
	if h == nil || len(h.Trend) == 0 || t.env.Reduced {
		return b
	}
	return spark.Steps(b, t.env.Glyphs, h.Trend, w, trendSeconds, t.frame.At.Unix())
}

const trendSeconds = 60

// last is the time since a rule's last packet, or why there is none.
func (t *Tab) last(b []byte, r *row, _ int) []byte {
	h := t.counters(r)
	l, ok := t.line(r)
	switch {
	case r.sub():
		return b
	case r.kind == goneLine:
		return append(b, "gone"...)
	case ok && l.Off():
		return append(b, "off"...)
	case t.expired(r):
		return append(b, "ended"...)
	case h == nil && (t.isRule(r) || ok && steers(l) && r.stage != asIs):
		return append(b, "staged"...)
	case h == nil:
		return b
	case h.Last < 0:
		return append(b, "never"...)
	}
	return format.AppendDuration(b, h.Last)
}

func (t *Tab) expired(r *row) bool {
	h := t.hits(r)
	return h != nil && h.Ends < 0
}

// ends is how long a rule still stands.
func (t *Tab) ends(b []byte, r *row, _ int) []byte {
	switch h := t.hits(r); {
	case h == nil || h.Ends == 0:
		return b
	case h.Ends < 0:
		return append(b, "ended"...)
	default:
		return format.AppendDuration(b, max(h.Ends, time.Second))
	}
}

func (t *Tab) packets(b []byte, r *row, w int) []byte {
	if h := t.counters(r); h != nil {
		return format.AppendSI(b, float64(h.Packets), min(w, 6))
	}
	return b
}

func (t *Tab) bytes(b []byte, r *row, w int) []byte {
	if h := t.counters(r); h != nil {
		return format.AppendSI(b, float64(h.Bytes), w)
	}
	return b
}

// dull reports whether a row decides nothing: it is off, gone, or ended.
func (t *Tab) dull(r *row) bool {
	l, ok := t.line(r)
	return r.kind == goneLine || ok && l.Off() || t.expired(r)
}

func (t *Tab) dim(*row) themes.Token { return themes.TextDim }

func (t *Tab) textToken(r *row) themes.Token {
	switch {
	case r.kind == goneLine:
		return themes.StageDel
	case t.dull(r):
		return themes.TextDim
	}
	return themes.Text
}

func (t *Tab) actionToken(r *row) themes.Token {
	if t.dull(r) {
		return t.textToken(r)
	}
	action := acl.Allow
	if l, ok := t.line(r); ok && l.Kind == policy.Rule {
		action = l.Rule.Action
	} else if r.kind == defaults {
		action = t.defaults[r.n]
	}
	switch action {
	case acl.Deny:
		return themes.Drop
	case acl.Limit:
		return themes.Limit
	case acl.Count:
		return themes.InfoTok
	}
	return themes.Text
}

func (t *Tab) hitsToken(r *row) themes.Token {
	if h := t.counters(r); h == nil || h.PPS < 0.05 || t.dull(r) {
		return themes.TextDim
	}
	return t.actionToken(r)
}

func (t *Tab) lastToken(r *row) themes.Token {
	h := t.counters(r)
	if t.dull(r) || h == nil || h.Last < 0 || h.Last >= 10*time.Second {
		return themes.TextDim
	}
	return themes.Text
}

func (t *Tab) endsToken(r *row) themes.Token {
	if h := t.hits(r); h != nil && h.Ends > 0 && h.Ends < time.Minute {
		return themes.Warn
	}
	return t.textToken(r)
}

// span gives the rows that are a text.
func (t *Tab) span(r *row) (string, themes.Token, string) {
	p := &t.frame.Policy
	switch r.kind {
	case guardHead:
		if len(p.Guard) == 0 {
			return "guard is off: nothing passes before the rules", themes.Warn, "hits"
		}
		if t.unfolded {
			return "guard: passes whatever the rules say", themes.TextDim, "hits"
		}
		return "guard: " + strconv.Itoa(len(p.Guard)) + " lines pass whatever the rules say", themes.TextDim, "hits"
	case guardLine:
		if r.n < len(p.Guard) {
			return format.Clean(p.Guard[r.n].Name + ": " + p.Guard[r.n].Text), themes.TextDim, "hits"
		}
		return " ", themes.TextDim, "hits"
	case wasLine:
		return t.wasText(r), themes.StageChange, ""
	case defaults:
		return "", themes.Text, ""
	}
	l, ok := t.line(r)
	switch {
	case !ok:
		return "", themes.Text, ""
	case r.kind == extras && l.Kind != policy.Rule:
		return t.below() + format.Clean(t.troubleOf(l)), themes.Warn, ""
	case r.kind == extras:
		return t.below() + format.Clean(string(appendExtras(make([]byte, 0, 96), l.Rule))), themes.TextDim, ""
	case l.Kind == policy.Rule:
		return "", themes.Text, ""
	case l.Kind == policy.Blank:
		return " ", themes.Text, ""
	}
	if l.Kind == policy.Comment {
		return lineText(l), themes.TextDim, ""
	}
	upTo := ""
	if steers(l) && (t.counters(r) != nil || r.stage != asIs) {
		upTo = "hits"
	}
	return lineText(l), t.textToken(r), upTo
}

// below is what leads a line under a row.
func (t *Tab) below() string { return t.env.Glyphs.Below }

// wasText says what a changed line was, or where a moved one stood.
func (t *Tab) wasText(r *row) string {
	if r.old < 1 || r.old > t.draft.Base.Len() {
		return " "
	}
	if r.stage == moved {
		return t.below() + "moved from line " + strconv.Itoa(r.old)
	}
	return t.below() + "was: " + lineText(t.draft.Base.Line(r.old))
}

// defaultText is a default as the language writes it.
func (t *Tab) defaultText(dir acl.Dir) string {
	return "default " + dir.String() + " " + t.defaults[dir].String()
}
