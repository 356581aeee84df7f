// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/export"
	"hooktop/ui/format"
	"hooktop/ui/widget/table"
)

// hop is one event of a journey, compared with the one before.
type hop struct {
	snap.TraceEvent
	since   time.Duration // from the first hop
	changed string        // what is not as at the hop before, "" when nothing is
}

// hops joins the events of one journey. begun is when it began (AtNs), 0: with the first of rows. A hop is compared with the last one of the same
// sk_buff: a clone may be on another device meanwhile.
func hops(rows []snap.TraceEvent, begun uint64) []hop {
	out := make([]hop, len(rows))
	if begun == 0 && len(rows) > 0 {
		begun = rows[0].AtNs
	}
	last := map[uint64]int{}
	for i := range rows {
		e := &rows[i]
		out[i] = hop{TraceEvent: *e, since: time.Duration(max(e.AtNs, begun) - begun)}
		before, ok := last[e.SKB]
		if !ok {
			before, ok = i-1, i > 0
		}
		if ok {
			out[i].changed = changes(&rows[before], e)
		}
		last[e.SKB] = i
	}
	return out
}

// changes says what happened to the packet between two hops: "dev eth0>eth1 len 84>64 mark 0x0>0x10 dst 10.0.0.9:80".
func changes(a, b *snap.TraceEvent) string {
	var parts []string
	if a.Dev != b.Dev {
		parts = append(parts, "dev "+name(a.Dev)+">"+name(b.Dev))
	}
	if a.Mark != b.Mark {
		parts = append(parts, fmt.Sprintf("mark %#x>%#x", a.Mark, b.Mark))
	}
	if a.HasKey && b.HasKey {
		if a.Key.Src != b.Key.Src || a.Key.SPort != b.Key.SPort {
			parts = append(parts, "src "+format.Endpoint(&b.Key, false))
		}
		if a.Key.Dst != b.Key.Dst || a.Key.DPort != b.Key.DPort {
			parts = append(parts, "dst "+format.Endpoint(&b.Key, true))
		}
	}
	if a.Len != b.Len {
		parts = append(parts, "len "+strconv.Itoa(a.Len)+">"+strconv.Itoa(b.Len))
	}
	return strings.Join(parts, " ")
}

// name is a device's, or a dash where the packet has none.
func name(dev string) string {
	if dev == "" {
		return "-"
	}
	return format.Clean(dev)
}

// mark is the gutter's glyph of an event; the verdict says it in words.
func mark(g *themes.Glyphs, e *snap.TraceEvent) table.Mark {
	switch {
	case e.Drop:
		return table.Mark{Glyph: g.Cross, Token: themes.Drop}
	case e.Clone:
		return table.Mark{Glyph: "c", Token: themes.InfoTok}
	}
	return table.Mark{}
}

// fate is what became of the packet or the call.
func fate(g *themes.Glyphs, e *snap.TraceEvent) string {
	text := export.Verdict(e)
	if e.Drop && e.Reason != "" {
		text = strings.TrimPrefix(text, "drop ")
	}
	if e.Drop {
		text = g.Cross + " " + text
	}
	return text
}

// verdict is the last column: what became of the packet here, or what a call was given.
func verdict(g *themes.Glyphs, e *snap.TraceEvent) string {
	text := fate(g, e)
	if text == "" || e.Packet == 0 && e.Args != "" {
		text = strings.TrimPrefix(text+" "+format.Clean(e.Args), " ")
	}
	return text
}

func verdictToken(e *snap.TraceEvent) themes.Token {
	switch {
	case e.Drop:
		return themes.Drop
	case e.Return && e.Ret < 0:
		return themes.Warn
	case e.Clone:
		return themes.InfoTok
	}
	return themes.Text
}

// flow is whose packet an event is about, in at most w cells; "" when there is no IP header.
func flow(b []byte, g *themes.Glyphs, e *snap.TraceEvent, w int) []byte {
	if !e.HasKey {
		return b
	}
	proto := " " + format.ProtoShort(e.Key.Proto)
	half := max((w-len(proto)-1)/2, 4)
	start := len(b)
	b = format.AppendEndpoint(b, &e.Key, false, half)
	b = append(b, g.Arrow...)
	used := len([]rune(string(b[start:])))
	b = format.AppendEndpoint(b, &e.Key, true, max(w-used-len(proto), 4))
	return append(b, proto...)
}

// stateWord says where a session stands.
func stateWord(s *snap.TraceSession) (themes.Token, string) {
	switch s.State {
	case snap.TraceAttaching:
		return themes.Warn, "ATTACHING"
	case snap.Tracing:
		return themes.Live, "TRACING"
	case snap.TraceStopped:
		return themes.TextStrong, "STOPPED"
	case snap.TraceFailed:
		return themes.Crit, "FAILED"
	}
	return themes.TextDim, "NO TRACE"
}

// left is when a session will stop: "stops in 0:41 or at 1 000".
func left(s *snap.TraceSession) string {
	if s.State != snap.Tracing {
		return ""
	}
	var parts []string
	if s.Left > 0 {
		parts = append(parts, "in "+minutes(s.Left))
	}
	if s.Spec.Packets > 0 {
		parts = append(parts, "at "+format.Count(uint64(s.Spec.Packets)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "stops " + strings.Join(parts, " or ")
}

func minutes(d time.Duration) string {
	secs := int((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("%d:%02d", secs/60, secs%60)
}

// figures are the pieces of the context line, the most telling first.
func figures(s *snap.TraceSession) []string {
	_, word := stateWord(s)
	out := []string{word}
	switch s.State {
	case snap.TraceIdle:
		return []string{"no trace"}
	case snap.TraceFailed:
		return out
	case snap.TraceAttaching:
		return append(out, format.Count(uint64(s.Attached))+" of "+format.Count(uint64(s.Wanted)))
	}
	out = append(out, format.Plural(uint64(s.Packets), "packet"))
	if n := export.Sum(s.Lost); n > 0 {
		out = append(out, format.Count(n)+" lost")
	}
	if l := left(s); l != "" {
		out = append(out, l)
	}
	return out
}

// contextLine joins as many figures as w cells hold. The time left is worth more than the loss, which the body says again.
func contextLine(s *snap.TraceSession, w int) string {
	word, rest := figures(s)[0], figures(s)[1:]
	for {
		text := word
		if len(rest) > 0 {
			text += " " + strings.Join(rest, ", ")
		}
		switch {
		case len(text) <= w:
			return text
		case len(rest) == 0:
			return ""
		case len(rest) == 3:
			rest = []string{rest[0], rest[2]}
		default:
			rest = rest[:len(rest)-1]
		}
	}
}

// about are the pieces of the session's line: what is traced, by which means, what came of it.
func about(s *snap.TraceSession) []string {
	out := []string{format.Clean(s.Spec.Pattern)}
	if s.Spec.Filter != "" {
		out = append(out, format.Clean(s.Spec.Filter))
	}
	unit := "functions"
	if s.Means == "tracepoint" {
		unit = "tracepoints"
	}
	if s.Wanted > 0 {
		text := format.Count(uint64(s.Attached)) + " " + unit
		if s.Attached != s.Wanted {
			text = format.Count(uint64(s.Attached)) + " of " + format.Count(uint64(s.Wanted)) + " " + unit
		}
		if s.Means != "" && s.Means != "tracepoint" {
			text += " by " + format.Clean(s.Means)
		}
		out = append(out, text)
	}
	if s.Within {
		out = append(out, "own netns only")
	}
	if s.State == snap.Tracing || s.State == snap.TraceStopped {
		text := format.Plural(s.Events, "event")
		if s.Filtered > 0 {
			text += ", " + format.Count(s.Filtered) + " filtered"
		}
		out = append(out, text)
	}
	return out
}

// remark is a line about a session.
type remark struct {
	tok  themes.Token
	text string
}

// remarks are what an operator must know of a session: why it failed or stopped, what was lost, what it has to do without.
func remarks(v *snap.TraceView) []remark {
	s := &v.Session
	var out []remark
	switch {
	case v.Err != "":
		out = append(out, remark{themes.Crit, format.Clean(v.Err)})
	case s.State == snap.TraceFailed && v.Total > 0: // else the empty list says it, with more room
		out = append(out, remark{themes.Crit, format.Clean(s.Why)})
	case s.State == snap.TraceStopped && s.Why != "":
		out = append(out, remark{themes.Text, "stopped: " + format.Clean(s.Why)})
	}
	if s.Sampled > 0 { // as it is meant to: no warning
		out = append(out, remark{themes.Text, fmt.Sprintf("sampled: %s events a second and CPU, %s above are counted only",
			format.Count(uint64(s.Spec.Rate)), format.Count(s.Sampled))})
	}
	var lacks []string
	if n := export.Sum(s.Lost); n > 0 {
		lacks = append(lacks, format.Count(n)+" lost: "+counts(s.Lost))
	}
	if len(s.Failed) > 0 {
		lacks = append(lacks, format.Count(export.Sum(s.Failed))+" not attached: "+counts(s.Failed))
	}
	if len(lacks) > 0 {
		out = append(out, remark{themes.Warn, strings.Join(lacks, "; ")})
	}
	if s.MeansWhy != "" && s.State != snap.TraceFailed {
		means := "by " + format.Clean(s.Means)
		switch s.Means {
		case "tracepoint":
			means = "tracepoints only"
		case "kprobe":
			means = "one kprobe a function"
		}
		out = append(out, remark{themes.Warn, means + ": " + format.Clean(s.MeansWhy)})
	}
	return out
}

func counts(list []snap.Count) string {
	parts := make([]string, len(list))
	for i, c := range list {
		parts[i] = format.Clean(c.Name) + " " + format.Count(c.N)
	}
	return strings.Join(parts, ", ")
}
