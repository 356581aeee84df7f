// SPDX-License-Identifier: Apache-2.0

package events

import (
	"strconv"
	"strings"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/column"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// passing lists the events that pass, the newest first. A nil filter passes all.
func passing(all []snap.Event, pass func(column.Row) bool) []snap.Event {
	out := make([]snap.Event, 0, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		if pass == nil || pass(column.EventRow{Event: &all[i]}) {
			out = append(out, all[i])
		}
	}
	return out
}

// isAcked reports whether somebody has seen the event as it is: one that has come again since is new.
func (t *Tab) isAcked(e *snap.Event) bool {
	n, ok := t.acked[e.Seq]
	return ok && n >= e.Repeat
}

// tally counts what waits to be seen, by severity, and what was.
func (t *Tab) tally() (warn, crit, acked int) {
	for i := range t.all {
		switch e := &t.all[i]; {
		case t.isAcked(e):
			acked++
		case e.Sev == snap.Warn:
			warn++
		case e.Sev >= snap.Crit:
			crit++
		}
	}
	return warn, crit, acked
}

func (t *Tab) flag(e *snap.Event) table.Mark {
	switch {
	case t.isAcked(e):
		return table.Mark{Glyph: t.env.Glyphs.Check, Token: themes.TextDim}
	case e.Sev >= snap.Crit:
		return table.Mark{Glyph: t.env.Glyphs.Crit, Token: themes.Crit}
	case e.Sev == snap.Warn:
		return table.Mark{Glyph: t.env.Glyphs.Warn, Token: themes.Warn}
	}
	return table.Mark{}
}

func sevToken(s snap.Severity) themes.Token {
	switch {
	case s >= snap.Crit:
		return themes.Crit
	case s == snap.Warn:
		return themes.Warn
	}
	return themes.Text
}

// kindToken colours what became of a packet; the word says it.
func kindToken(e *snap.Event) themes.Token {
	switch e.Kind {
	case "deny":
		return themes.Drop
	case "limit":
		return themes.Limit
	}
	return sevToken(e.Sev)
}

// columns of the list; keys are those of ui/column where a cell can be filtered by. The order is by time only.
func (t *Tab) columns() []table.Column[snap.Event] {
	unless := func(tok func(*snap.Event) themes.Token) func(*snap.Event) themes.Token {
		return func(e *snap.Event) themes.Token {
			if t.isAcked(e) {
				return themes.TextDim
			}
			return tok(e)
		}
	}
	text := unless(func(*snap.Event) themes.Token { return themes.Text })
	return []table.Column[snap.Event]{
		{Key: "time", Title: "TIME", Width: 8, NoSort: true, Token: text, Cell: func(b []byte, e *snap.Event, _ int) []byte { return t.clock(b, e, "15:04:05") }},
		{Key: "sev", Title: "SEV", Width: 4, NoSort: true, Priority: 2, Token: unless(func(e *snap.Event) themes.Token { return sevToken(e.Sev) }),
			Cell: func(b []byte, e *snap.Event, _ int) []byte { return append(b, column.SevWord(e.Sev)...) }},
		{Key: "kind", Title: "KIND", Width: 10, NoSort: true, Priority: 1, Token: unless(kindToken), Cell: func(b []byte, e *snap.Event, w int) []byte {
			return format.AppendEnd(b, format.Clean(e.Kind), w)
		}},
		{Key: "text", Title: "MESSAGE", Width: 46, Min: 10, Max: 160, NoSort: true, Priority: 1, Token: text, Cell: func(b []byte, e *snap.Event, w int) []byte {
			return format.AppendEnd(b, t.twin(message(e)), w)
		}},
		{Key: "times", Title: "TIMES", Width: 6, Right: true, NoSort: true, Priority: 1, Token: text, Cell: func(b []byte, e *snap.Event, _ int) []byte {
			if e.Repeat < 2 {
				return b
			}
			return format.AppendSI(append(b, t.times()...), float64(e.Repeat), 5)
		}},
		{Key: "rule", Title: "RULE", Width: 5, Right: true, NoSort: true, Priority: 3, Token: text, Cell: func(b []byte, e *snap.Event, _ int) []byte {
			if e.Line == 0 {
				return b
			}
			return strconv.AppendInt(b, int64(e.Line), 10)
		}},
		{Key: "missed", Title: "MISSED", Width: 6, Right: true, NoSort: true, Priority: 4, Token: unless(func(*snap.Event) themes.Token { return themes.Warn }), Cell: func(b []byte, e *snap.Event, w int) []byte {
			if e.Missed == 0 {
				return b
			}
			return format.AppendSI(b, float64(e.Missed), w)
		}},
		{Key: "dev", Title: "DEV", Width: 8, Max: 15, NoSort: true, Priority: 5, Token: text, Cell: func(b []byte, e *snap.Event, w int) []byte {
			return format.AppendMiddle(b, format.Clean(e.Dev), w)
		}},
		{Key: "label", Title: "LABEL", Width: 12, Max: 30, NoSort: true, Priority: 11, Token: text, Cell: func(b []byte, e *snap.Event, w int) []byte {
			return format.AppendEnd(b, t.twin(format.Clean(e.Label)), w)
		}},
	}
}

// message is an event's text without the kind in front, which has a column of its own.
func message(e *snap.Event) string {
	text := format.Clean(e.Text)
	rest, ok := strings.CutPrefix(text, e.Kind)
	if rest = strings.TrimPrefix(rest, ":"); ok && strings.HasPrefix(rest, " ") {
		return rest[1:]
	}
	return text
}

func (t *Tab) times() string {
	if t.env.Glyphs.ASCII {
		return "x"
	}
	return "×"
}

func (t *Tab) clock(b []byte, e *snap.Event, layout string) []byte {
	if t.env.Units.UTC {
		return e.At.UTC().AppendFormat(b, layout)
	}
	return e.At.Local().AppendFormat(b, layout)
}

// twin replaces what an ASCII terminal can't draw.
func (t *Tab) twin(s string) string { return t.env.Twin(s) }
