// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"net/netip"
	"strconv"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/spark"
	"hooktop/ui/widget/table"
)

type tunnelColumn = table.Column[row]

const trendSeconds = 60

// columns declares how tunnels look; keys are those of ui/column.
func (t *Tab) columns() []tunnelColumn {
	si := func(get func(*row) float64) func([]byte, *row, int) []byte {
		return func(b []byte, r *row, w int) []byte { return format.AppendSI(b, get(r), min(w, 6)) }
	}
	return []tunnelColumn{
		{Key: "kind", Title: "TUNNEL", Width: 6, Max: 9, Cell: func(b []byte, r *row, w int) []byte { return format.AppendEnd(b, format.Clean(r.id.kind), w) }, Token: text},
		{Key: "peer", Title: "PEER", Width: 15, Min: 8, Max: 39, Priority: 1, Cell: t.peer, Token: text},
		{Key: "local", Title: "LOCAL", Width: 15, Min: 8, Max: 45, Priority: 1, Cell: t.local, Token: text},
		{Key: "vni", Title: "VNI", Width: 8, Max: 10, Right: true, Priority: 1, Cell: t.vni, Token: text},
		{Key: "inner", Title: "INNER", Width: 5, Priority: 4, Cell: t.inner, Token: text},
		{Key: "pps", Title: "PPS", Width: 6, Right: true, Priority: 1, Cell: si(func(r *row) float64 { return r.PPS }), Token: rateToken},
		{Key: "errs", Title: "ERR/S", Width: 5, Right: true, Priority: 2, Cell: si(func(r *row) float64 { return r.ErrPS }), Token: errToken},
		{Key: "fate", Title: "POLICY", Width: 9, Max: 21, Priority: 2, Cell: fateCell, Token: fateToken},
		{Key: "last", Title: "LAST", Width: 5, Right: true, Priority: 5, Cell: func(b []byte, r *row, _ int) []byte { return format.AppendDuration(b, r.Last) }, Token: text},
		{Key: "trend", Title: "60 s", Width: 8, Max: 12, Priority: 6, NoSort: true, Cell: t.trend, Token: func(*row) themes.Token { return themes.Spark }},
		{Key: "stripped", Title: "STRIPPED", Width: 8, Right: true, Priority: 3, Cell: si(func(r *row) float64 { return float64(r.Stripped) }), Token: text},
		{Key: "bps", TitleNow: func() string { return bitTitle(t.env) }, Width: 6, Right: true, Priority: 7,
			Cell: si(func(r *row) float64 { return bits(t.env, r.BPS) }), Token: rateToken},
		{Key: "errors", Title: "ERRORS", Width: 6, Right: true, Priority: 8, Cell: si(func(r *row) float64 { return float64(r.errors) }), Token: errToken},
		{Key: "packets", Title: "PACKETS", Width: 7, Right: true, Priority: 9, Cell: si(func(r *row) float64 { return float64(r.Packets) }), Token: text},
		{Key: "bytes", Title: "BYTES", Width: 6, Right: true, Priority: 9, Cell: si(func(r *row) float64 { return float64(r.Bytes) }), Token: text},
		{Key: "dev", Title: "DEV", Width: 8, Max: 15, Priority: 9, Cell: func(b []byte, r *row, w int) []byte { return format.AppendMiddle(b, format.Clean(r.Dev), w) }, Token: text},
		{Key: "line", Title: "LINE", Width: 5, Right: true, Priority: 11, Cell: func(b []byte, r *row, _ int) []byte {
			if r.Line == 0 {
				return append(b, t.env.Glyphs.Dash...)
			}
			return strconv.AppendInt(b, int64(r.Line), 10)
		}, Token: text},
	}
}

func (t *Tab) peer(b []byte, r *row, w int) []byte {
	if r.tunnels > 1 && !r.id.peer.IsValid() {
		return append(strconv.AppendInt(b, int64(r.tunnels), 10), " peers"...)
	}
	return appendAddr(b, r.Peer, w)
}

// local is the outer destination with its port.
func (t *Tab) local(b []byte, r *row, w int) []byte {
	if !r.Local.IsValid() {
		return append(b, t.env.Glyphs.Dash...)
	}
	if r.Port == 0 {
		return appendAddr(b, r.Local, w)
	}
	port := ":" + strconv.Itoa(int(r.Port))
	a := r.Local.Unmap()
	if a.Is6() {
		b = append(appendAddr(append(b, '['), a, w-2-len(port)), ']')
		return append(b, port...)
	}
	return append(appendAddr(b, a, w-len(port)), port...)
}

func appendAddr(b []byte, a netip.Addr, w int) []byte {
	if !a.IsValid() {
		return append(b, '-')
	}
	return format.AppendMiddle(b, a.Unmap().String(), w)
}

func (t *Tab) vni(b []byte, r *row, w int) []byte {
	switch {
	case r.tunnels > 0 && t.view.group != "vni", !r.HasVNI:
		return append(b, t.env.Glyphs.Dash...)
	}
	text := vniText(r.VNI)
	if hex := "0x" + strconv.FormatUint(uint64(r.VNI), 16); len(text) > 8 && len(hex) <= w { // a key or TEID
		text = hex
	}
	return format.AppendEnd(b, text, w)
}

func (t *Tab) inner(b []byte, r *row, _ int) []byte {
	switch r.Inner {
	case "eth":
		return append(b, "Eth"...)
	case "ip4":
		return append(b, "IPv4"...)
	case "ip6":
		return append(b, "IPv6"...)
	}
	return append(b, t.env.Glyphs.Dash...)
}

func (t *Tab) trend(b []byte, r *row, w int) []byte {
	if len(r.Trend) == 0 || t.env.Reduced {
		return b
	}
	return spark.Steps(b, t.env.Glyphs, r.Trend, w, trendSeconds, t.frame.At.Unix())
}

// fateCell says what the policy does with a tunnel, in the words of its lines, as fully as there is room.
func fateCell(b []byte, r *row, w int) []byte {
	line := ", line " + strconv.Itoa(r.Line)
	texts := []string{"counted, not stripped", "not stripped", "no line"}
	if r.fate != "none" {
		fate := format.Clean(r.fate)
		texts = []string{fate + line, fate}
		if r.Line == 0 {
			texts = texts[1:]
		}
	}
	for _, text := range texts {
		if len(text) <= w {
			return append(b, text...)
		}
	}
	return append(b, texts[len(texts)-1]...)
}

func fateToken(r *row) themes.Token {
	switch r.fate {
	case "strips":
		return themes.OK
	case "suspended":
		return themes.Warn
	case "off":
		return themes.TextDim
	}
	return text(r)
}

// text dims tunnels that are silent.
func text(r *row) themes.Token {
	if r.Last >= idle {
		return themes.TextDim
	}
	return themes.Text
}

func rateToken(r *row) themes.Token {
	if r.PPS < 0.05 {
		return themes.TextDim
	}
	return themes.Text
}

func errToken(r *row) themes.Token {
	if r.ErrPS >= 0.05 {
		return themes.Warn
	}
	return themes.TextDim
}

// flag is the gutter's glyph; rate, state and time say it in words.
func (t *Tab) flag(r *row) table.Mark {
	g := t.env.Glyphs
	switch {
	case r.ErrPS >= 0.05 || r.fate == "suspended":
		return table.Mark{Glyph: g.Warn, Token: themes.Warn}
	case r.Last >= idle:
		return table.Mark{Glyph: g.Stale, Token: themes.TextDim}
	}
	return table.Mark{}
}

func bits(env *core.Env, bps float64) float64 {
	if env.Units.Bytes {
		return bps / 8
	}
	return bps
}

func bitTitle(env *core.Env) string {
	if env.Units.Bytes {
		return "BYTE/S"
	}
	return "BITS/S"
}

// lineColumns are those of the policy's tunnel lines.
func (t *Tab) lineColumns() []table.Column[lineRow] {
	hit := func(get func(*snap.TunnelLine) float64) func([]byte, *lineRow, int) []byte {
		return func(b []byte, r *lineRow, w int) []byte {
			if r.force == nil {
				return append(b, t.env.Glyphs.Dash...)
			}
			return format.AppendSI(b, get(r.force), min(w, 6))
		}
	}
	return []table.Column[lineRow]{
		{Key: "number", Title: "LINE", Width: 4, Right: true, NoSort: true, Cell: func(b []byte, r *lineRow, _ int) []byte {
			if r.sub() {
				return b
			}
			return strconv.AppendInt(b, int64(max(r.Line, r.Old*btoi(r.Line == 0))), 10)
		}, Token: func(*lineRow) themes.Token { return themes.TextDim }},
		{Key: "state", Title: "STATE", Width: 9, NoSort: true, Cell: func(b []byte, r *lineRow, _ int) []byte { return append(b, lineState(r)...) }, Token: lineToken},
		{Key: "hits", Title: "PPS", Width: 6, Right: true, Priority: 2, NoSort: true, Cell: hit(func(l *snap.TunnelLine) float64 { return l.PPS }), Token: lineToken},
		{Key: "unwrapped", Title: "STRIPPED", Width: 8, Right: true, Priority: 3, NoSort: true, Cell: hit(func(l *snap.TunnelLine) float64 { return float64(l.Stripped) }), Token: lineToken},
		{Key: "last", Title: "LAST", Width: 6, Right: true, Priority: 4, NoSort: true, Cell: func(b []byte, r *lineRow, _ int) []byte {
			switch {
			case r.force == nil:
				return append(b, t.env.Glyphs.Dash...)
			case r.force.Last < 0:
				return append(b, "never"...)
			}
			return format.AppendDuration(b, r.force.Last)
		}, Token: lineToken},
		{Key: "text", Title: "LINE OF THE POLICY", Width: 20, Max: 240, Priority: 1, NoSort: true, Cell: func(b []byte, r *lineRow, w int) []byte {
			return format.AppendEnd(b, format.Clean(r.Text), w)
		}, Token: lineToken},
	}
}

// lineState is what becomes of a line.
func lineState(r *lineRow) string {
	switch {
	case r.Line == 0:
		return "deleted"
	case r.Staged() && !r.trial:
		return "staged"
	case r.Off:
		return "off"
	case r.force == nil:
		return "not yet" // the policy that was kept has it, the one in force does not
	}
	return format.Clean(r.force.State)
}

func lineToken(r *lineRow) themes.Token {
	switch {
	case r.Line == 0:
		return themes.StageDel
	case r.Off || r.force == nil && !r.Staged():
		return themes.TextDim
	case r.force != nil && r.force.State == "suspended":
		return themes.Warn
	}
	return themes.Text
}

func (t *Tab) lineFlag(r *lineRow) table.Mark {
	switch g := t.env.Glyphs; {
	case r.sub():
	case r.Line == 0:
		return table.Mark{Glyph: g.Minus, Token: themes.StageDel}
	case r.Old == 0:
		return table.Mark{Glyph: "+", Token: themes.StageAdd}
	case r.Was != "":
		return table.Mark{Glyph: "~", Token: themes.StageChange}
	case r.force != nil && r.force.State == "suspended":
		return table.Mark{Glyph: g.Warn, Token: themes.Warn}
	}
	return table.Mark{}
}

// lineSpan gives the rows below a line that are a text.
func (t *Tab) lineSpan(r *lineRow) (string, themes.Token, string) {
	switch r.under {
	case "was":
		return t.env.Glyphs.Below + "was: " + format.Clean(r.Was), themes.StageChange, ""
	case "why":
		return t.env.Glyphs.Below + "suspended: " + format.Clean(r.force.Why), themes.Warn, ""
	}
	return "", themes.Text, ""
}

// span is a duration for a sentence.
func span(d time.Duration) string {
	if d < time.Second {
		return "now"
	}
	return format.Span(d) + " ago"
}
