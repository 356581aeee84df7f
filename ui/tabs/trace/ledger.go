// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// counterMark flags the counters that move now; RATE says it in figures.
func counterMark(g *themes.Glyphs, r *snap.LedgerRow) table.Mark {
	if r.Rate > 0 {
		return table.Mark{Glyph: g.Warn, Token: themes.Warn}
	}
	return table.Mark{}
}

// ledgerStatus sums the ledger up, and says what could not be read.
func (t *Tab) ledgerStatus(w int) []string {
	l := &t.frame.Ledger
	moved, now := 0, 0.0
	for i := range l.Rows {
		if l.Rows[i].Since > 0 {
			moved++
		}
		now += l.Rows[i].Rate
	}
	out := []string{t.pieces(w, []string{"WHERE PACKETS DIE", strconv.Itoa(moved) + " of " + format.Plural(uint64(len(l.Rows)), "counter") + " moved since hooktop looks",
		format.SI(now) + "/s now"})}
	if len(l.Errs) > 0 {
		out = append(out, t.cut(w, themes.Warn, " "+t.env.Glyphs.Warn+" not read: "+format.Clean(strings.Join(l.Errs, "; "))))
	}
	return out
}

// footLines are kept for a counter's help, so that the list does not jump when the cursor moves.
const footLines = 3

// counterFoot is the whole help of the counter under the cursor, of which a list without a pane beside it shows the beginning.
func (t *Tab) counterFoot(w, h int) []string {
	if !t.dead || t.zoom || h < 4*footLines {
		return nil
	}
	r, ok := t.ledger.Selected()
	if !ok || t.ledger.Total() == 0 {
		return nil
	}
	out := []string{line.New(t.env.Theme, w).Add(themes.Border, strings.Repeat(t.env.Glyphs.HLine, w)).String()}
	text := detail.Wrap(t.twin(format.Clean(r.Help)), max(w-2, 8))
	for i := range footLines - 1 {
		part := ""
		if i < len(text) {
			part = text[i]
		}
		out = append(out, t.cut(w, themes.Text, " "+part))
	}
	return out
}

// counterBody is all that is known of a counter.
func (t *Tab) counterBody(b *detail.Body, r *snap.LedgerRow) {
	b.Text(themes.Text, t.twin(format.Clean(r.Help)))
	b.Gap()
	b.Field("device", t.twin(format.Clean(r.Dev)))
	tok := themes.Text
	if r.Rate > 0 {
		tok = themes.Warn
	}
	b.FieldTok("rate", tok, format.SI(r.Rate)+"/s")
	b.Field("since", format.Count(r.Since)+" since hooktop looks")
	b.Field("total", format.Count(r.Total)+" in all")
	b.Field("source", t.twin(format.Clean(r.Source)))
	b.Gap()
	if r.Trace == "" {
		b.Text(themes.TextDim, "No function tells of these packets: they can't be traced.")
		return
	}
	b.Text(themes.Text, "i  traces them: "+t.twin(format.Clean(strings.TrimSpace(r.Trace+" "+r.Filter))))
}
