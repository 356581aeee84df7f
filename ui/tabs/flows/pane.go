// SPDX-License-Identifier: Apache-2.0

package flows

import (
	"strconv"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/spark"
)

// paneView draws the pane about the row under the cursor, nil when there is none.
func (t *Tab) paneView(w, h int, border bool) []string {
	body := detail.NewBody(t.env, detail.Inner(w, border))
	title, hint := "", "enter zooms"
	if !border {
		hint = "esc back"
	}
	l := t.list()
	if t.view.group != "" {
		g, ok := t.groups.Selected()
		if !ok {
			return nil
		}
		title, hint = groupingOf(t.view.group).title, "enter opens its flows"
		t.groupBody(body, g)
	} else {
		f, ok := t.flows.Selected()
		if !ok {
			return nil
		}
		title = "FLOW"
		t.flowBody(body, f)
	}
	title += " " + format.Count(uint64(l.At()+1)) + " of " + format.Count(uint64(l.Total()))
	rest := max(len(body.Lines())-(h-1), 0)
	t.down = min(t.down, rest)
	return detail.Pane(t.env, w, h, border, t.pane || !border, title, hint, body.Lines(), t.down)
}

func (t *Tab) flowBody(b *detail.Body, f *snap.Flow) {
	k := &f.Key
	arrow := " " + t.env.Glyphs.Arrow + " "
	src, dst := format.Endpoint(k, false), format.Endpoint(k, true)
	if len(src)+len(dst)+3 <= b.Width() {
		b.Line(themes.TextStrong, src+arrow+dst)
	} else {
		b.Line(themes.TextStrong, src)
		b.Line(themes.TextStrong, arrow[1:]+dst)
	}
	if f.SrcName != "" || f.DstName != "" {
		b.Field("names", t.twin(dash(t.env.Glyphs, f.SrcName)+arrow+dash(t.env.Glyphs, f.DstName)))
	}
	t.signs(b, f)
	b.Gap()
	t.kind(b, f)
	b.Gap()
	t.ownerBody(b, f)
	b.Gap()
	t.rateBody(b, f.Rates, f.Trend)
	totalBody(b, f.Packets, f.Bytes)
	b.Field("seen", "first "+ago(f.Age)+", last "+ago(f.Idle))
	t.tcpBody(b, f)
}

// signs says in words what the gutter's glyph stands for.
func (t *Tab) signs(b *detail.Body, f *snap.Flow) {
	g := t.env.Glyphs
	switch f.WayIn {
	case snap.OwnSession:
		b.Text(themes.Accent, g.Own+" your own session: it carries this hooktop")
	case snap.AccessFlow:
		b.Text(themes.InfoTok, g.Own+" access: somebody's way into this host")
	}
	if f.Unanswered {
		b.Text(themes.Warn, g.Warn+" unanswered: only SYNs seen, nothing came back")
	}
	if gone := max(t.flows.Gone(), f.Gone); gone > 0 {
		b.Text(themes.Warn, g.Warn+" gone from the table "+ago(gone)+"; what follows is its last state")
	}
	switch f.Verdict {
	case "drop":
		b.Text(themes.Drop, g.Cross+" dropped"+rule(f))
	case "limit":
		b.Text(themes.Limit, g.Limit+" limited"+rule(f))
	}
}

func rule(f *snap.Flow) string {
	if f.Rule == 0 {
		return ""
	}
	return " by rule " + strconv.Itoa(f.Rule)
}

// kind describes the packets: protocol, device, tags.
func (t *Tab) kind(b *detail.Body, f *snap.Flow) {
	k := &f.Key
	proto := format.Proto(k.Proto)
	if format.IsICMP(k.Proto) {
		proto += " " + format.ICMPLong(k.Proto, uint8(k.SPort>>8), uint8(k.SPort))
	}
	b.Field("protocol", proto)
	dir := "into "
	if k.Egress {
		dir = "out of "
	}
	dev := dir + format.Clean(f.Device)
	if f.Forwarded {
		dev += ", forwarded from another device (counted there)"
	}
	b.Field("device", dev)
	if k.VLAN != 0 {
		tag := strconv.Itoa(int(k.VLAN))
		if k.Stacked {
			tag += ", with further tags inside"
		}
		b.Field("VLAN", tag)
	}
	if k.VNI != 0 {
		where := ", out of a tunnel that a line unwraps"
		if f.Inner {
			where = ", inside a tunnel: seen, not judged"
		}
		b.Field("VNI", strconv.FormatUint(uint64(k.VNI), 10)+where)
	}
	switch k.Frag {
	case snap.FragFirst:
		b.Field("fragments", "first ones, with ports")
	case snap.FragLater:
		b.Field("fragments", "later ones: they carry no ports")
	}
	if f.Verdict == "pass" {
		b.Field("verdict", "pass"+rule(f))
	}
}

// rateBody shows the rates over all windows, and the last minute.
func (t *Tab) rateBody(b *detail.Body, rates [len(snap.Windows)]snap.Rate, trend []float32) {
	head := "rates, A"
	for i, secs := range snap.Windows {
		mark := " "
		if i == t.view.window {
			mark = t.env.Glyphs.Cursor // the one in the list
		}
		r := rates[i]
		bits, unit := r.BPS, "b/s"
		if t.env.Units.Bytes {
			bits, unit = bits/8, "B/s"
		}
		b.Field(head, mark+format.PadLeft(strconv.Itoa(secs), 2)+" s "+format.PadLeft(format.SI(r.PPS), 6)+"pps "+
			format.PadLeft(format.SI(bits), 6)+unit)
		head = " "
	}
	if len(trend) > 0 {
		l := line.New(t.env.Theme, b.Width())
		l.Add(themes.TextDim, "pps, 60 s").Pad(themes.Text, 2)
		peak := " max " + format.SI(float64(spark.Max(trend)))
		l.Add(themes.Spark, string(spark.Steps(nil, t.env.Glyphs, trend, min(l.Left()-len(peak), trendSeconds), trendSeconds, t.ended())))
		b.Add(l.Add(themes.SparkPeak, peak))
	}
}

func (t *Tab) ownerBody(b *detail.Body, f *snap.Flow) {
	o := &f.Owner
	if o.Sure == snap.SureNone {
		why := "none found: no socket of this host has these addresses and ports"
		if f.Forwarded {
			why = "none: the packets are forwarded"
		}
		b.FieldTok("process", themes.TextDim, why)
		return
	}
	name := format.Clean(o.Comm)
	if name == "" {
		name = "no process"
	}
	if o.PID != 0 {
		name += ", pid " + strconv.Itoa(o.PID)
	}
	b.Field("process", t.twin(name))
	b.Field("user", t.twin(format.Clean(o.User)))
	b.Field("container", t.twin(format.Clean(o.Container)))
	sure := map[snap.Sure]string{
		snap.SureExact:  "certain: it holds the socket with these very addresses and ports",
		snap.SureSocket: "likely: it holds a socket bound to this address and port",
		snap.SureGuess:  "a guess (?): it holds a socket bound to this port on any address",
		snap.SureKernel: "the kernel's own socket, or a process of another PID namespace",
	}[o.Sure]
	if o.Via != "" {
		sure += ", by " + format.Clean(o.Via)
	}
	b.Field("found", sure)
}

func (t *Tab) tcpBody(b *detail.Body, f *snap.Flow) {
	if f.Key.Proto != 6 {
		return
	}
	b.Gap()
	c := &f.TCP
	b.Field("TCP flags", format.TCPFlagNames(f.TCPFlags))
	if c.State == "" {
		b.FieldTok("socket", themes.TextDim, "not on this host, or closed already")
		return
	}
	b.Field("state", c.State)
	if c.RTT > 0 {
		b.Field("round trip", format.Latency(c.RTT)+" ± "+format.Latency(c.RTTVar))
	}
	sent := strconv.FormatUint(uint64(c.Retrans), 10) + " segments sent again"
	tok := themes.Text
	if c.Retrans > 0 || c.SynRetrans > 0 {
		tok = themes.Warn
	}
	if c.SynRetrans > 0 {
		sent += ", SYN " + strconv.FormatUint(uint64(c.SynRetrans), 10) + " times"
	}
	b.FieldTok("retransmit", tok, sent)
	if c.Unacked > 0 {
		b.Field("in flight", strconv.FormatUint(uint64(c.Unacked), 10)+" segments")
	}
}

func (t *Tab) groupBody(b *detail.Body, g *snap.Group) {
	b.Line(themes.TextStrong, t.twin(groupName(t.view.group, g.Value)))
	b.Text(themes.Text, t.twin(format.Clean(g.Detail)))
	if g.WayIn == snap.OwnSession {
		b.Text(themes.Accent, t.env.Glyphs.Own+" your own session is among these flows")
	}
	b.Gap()
	b.Field("flows", format.Count(uint64(g.Flows)))
	t.rateBody(b, g.Rates, g.Trend)
	totalBody(b, g.Packets, g.Bytes)
}

func totalBody(b *detail.Body, packets, bytes uint64) {
	b.Field("total", format.Count(packets)+" packets")
	if packets > 0 {
		b.Field(" ", format.SI(float64(bytes))+"B, "+format.Count(bytes/packets)+" B on average")
	}
}

func dash(g *themes.Glyphs, s string) string {
	if s == "" {
		return g.Dash
	}
	return format.Clean(s)
}

// ago is a moment in the past for a sentence.
func ago(d time.Duration) string {
	if d < time.Second {
		return "now"
	}
	return format.Span(d) + " ago"
}
