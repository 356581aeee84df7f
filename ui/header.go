// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/spark"
)

// stale is how long beyond a frame's due time the screen says that none comes.
const stale = 3 * time.Second

// contextSpark is the width of the context line's sparkline in cells.
const contextSpark = 24

// tabSpan is where a tab's name stands in the tab bar, for the mouse.
type tabSpan struct{ tab, from, to int }

func (m *model) tabBar() string {
	b := line.New(m.env.Theme, m.w)
	m.views.bar = m.views.bar[:0]
	total := 0
	for _, t := range m.tabs {
		total += len(t.Name()) + 4
	}
	short := total > m.w
	for i, t := range m.tabs {
		name := strconv.Itoa(digit(m.tabs, i))
		if !short || i == m.at {
			name += " " + t.Name()
		}
		from := m.w - b.Left()
		if i == m.at {
			b.Add(themes.TabActive, "["+name+"]")
		} else {
			b.Add(themes.Text, " "+name)
			if m.feed.unseen && i == m.alertTab() {
				b.Add(themes.TabAlert, m.env.Glyphs.Warn)
			} else {
				b.Add(themes.Text, " ")
			}
		}
		m.views.bar = append(m.views.bar, tabSpan{i, from, m.w - b.Left()})
	}
	if m.h >= bandHeight {
		host, devices := m.place(m.feed.frame0())
		right := strings.TrimSpace(host + " " + devices)
		if mode := modes(m.feed.frame0()); mode != "" {
			right += " " + m.env.Glyphs.Dot + " " + mode
		}
		right += " " + m.env.Glyphs.Dot + " hooktop "
		if room := b.Left() - line.Width(right); room > 0 {
			b.Pad(themes.Text, room).Add(themes.TextDim, right)
		}
	}
	return b.String()
}

// place names the host (with its network namespace when that is not the initial one) and what is watched.
func (m *model) place(f *snap.Frame) (host, devices string) {
	host = format.Clean(f.Host)
	if f.NetNS != "" {
		host += "[" + format.Clean(f.NetNS) + "]"
	}
	switch n := len(f.Interfaces); {
	case n == 0:
		devices = "no interface"
	case n == 1:
		devices = format.Clean(f.Interfaces[0].Name)
	default:
		devices = fmt.Sprintf("%s +%d", format.Clean(f.Interfaces[0].Name), n-1)
	}
	return host, devices
}

// modes says how the devices are watched, when all the same way.
func modes(f *snap.Frame) string {
	mode := ""
	for _, i := range f.Interfaces {
		if mode != "" && i.Mode != mode {
			return "mixed modes"
		}
		mode = i.Mode
	}
	switch mode {
	case "", "none":
		return ""
	case "tc":
		return mode
	}
	return "XDP " + format.Clean(mode)
}

// stateWord is the word that always stands in the same place, and its token.
func (m *model) stateWord() (themes.Token, string) {
	g, now := m.env.Glyphs, m.env.Now()
	switch {
	case m.feed.ended != nil:
		return themes.Crit, g.Fail + " NO ENGINE"
	case m.env.Paused:
		return themes.Paused, g.Paused + g.Paused + " PAUSED"
	case m.feed.frame == nil:
		return themes.TextDim, g.Stale + " STARTING"
	case m.isStale(now):
		return themes.Stale, g.Stale + " STALE " + strconv.Itoa(int(now.Sub(m.feed.arrived)/time.Second)) + " s"
	}
	return themes.Live, g.Live + " LIVE"
}

func (m *model) isStale(now time.Time) bool {
	due := time.Duration(float64(time.Second) / m.rate())
	return !m.feed.arrived.IsZero() && now.Sub(m.feed.arrived) > due+stale
}

// stateTail is what follows the word: rate, pause, why.
func (m *model) stateTail() string {
	f := m.feed.frame0()
	switch {
	case m.feed.ended != nil:
		text := " " + format.Clean(m.feed.ended.Error())
		if m.feed.frame != nil {
			text += ", last data " + m.clock(m.feed.frame.At)
		}
		return text + "   r retries"
	case m.env.Paused:
		if m.feed.frame == nil {
			return "   space resumes"
		}
		return ", showing " + m.clock(m.feed.frame.At) + "   space resumes"
	case m.feed.frame == nil:
		return ""
	case m.isStale(m.env.Now()):
		return ", engine does not answer   r now"
	}
	s := " " + hz(m.now())
	if m.feed.halved > 0 {
		why := " (slowed)" // the figures matter more
		if m.w >= bandTotal {
			why = " (slowed from " + hz(m.feed.hz) + ": terminal is behind)"
		}
		s += why
	}
	if !m.feed.held.IsZero() {
		s += ", ORDER HELD " + format.Span(m.env.Now().Sub(m.feed.held))
	}
	v := " " + m.env.Glyphs.VLine + " "
	if f.State.ReadOnly != "" {
		s += v + "READ-ONLY, " + format.Clean(f.State.ReadOnly)
	}
	if f.State.Fallback != "" {
		s += v + "FALLBACK, " + format.Clean(f.State.Fallback)
	}
	return s
}

func (m *model) clock(t time.Time) string {
	if m.env.Units.UTC {
		return t.UTC().Format("15:04:05")
	}
	return t.Local().Format("15:04:05")
}

// live reports whether the context line has room for figures: in the other states it says why there are none.
func (m *model) live() bool {
	return m.feed.ended == nil && !m.env.Paused && m.feed.frame != nil && !m.isStale(m.env.Now())
}

// contextLine is host, devices, state, the tab's figures and a sparkline.
func (m *model) contextLine() string {
	b := line.New(m.env.Theme, m.w)
	host, devices := m.place(m.feed.frame0())
	b.Add(themes.Text, strings.TrimRight(" "+host+" "+devices, " ")+" ")
	tok, word := m.stateWord()
	b.Add(tok, word).Add(themes.Text, m.stateTail())
	if !m.live() {
		return b.String()
	}
	v := " " + m.env.Glyphs.VLine + " "
	if m.mouse {
		b.Add(themes.Text, v+"mouse on (shift selects)")
	}
	if room := b.Left() - 3; room > 8 {
		if c := m.tab().Context(room); c != "" {
			b.Add(themes.Border, v).Add(themes.Text, c)
		}
	}
	if room := min(b.Left()-4, contextSpark); room >= 8 && !m.env.Reduced {
		b.Add(themes.Border, v).Add(themes.Spark, spark.Line(m.env.Glyphs, m.feed.frame.Totals.PPS, room))
	}
	return b.String()
}

// Places in the band: state and flows, then the sparklines, then totals where there is room for them.
const (
	bandLeft  = 26
	bandSplit = 78
	bandTotal = 120 // width from which totals stand beside the sparklines
)

// split is the column of the bar between sparklines and totals, the width when there is none. It stands over the tabs'
// detail pane where they have one.
func (m *model) split() int {
	if list, pane := detail.Split(m.w); pane > 0 {
		return list
	}
	if m.w < bandTotal {
		return m.w
	}
	return bandSplit
}

// band is the header of a high terminal: two labelled sparklines, totals beside them, a rule below.
func (m *model) band() []string {
	f := m.feed.frame0()
	first, second := line.New(m.env.Theme, m.w), line.New(m.env.Theme, m.w)
	tok, word := m.stateWord()
	tail := m.stateTail()
	first.Add(themes.Text, " ").Add(tok, word).Add(themes.Text, tail)
	rule := line.New(m.env.Theme, m.w).Add(themes.Border, strings.Repeat(m.env.Glyphs.HLine, m.w)).String()
	if m.feed.frame == nil {
		return []string{first.String(), "", rule}
	}
	split, v := m.split(), m.env.Glyphs.VLine
	if m.live() && line.Width(word+tail)+2 < bandLeft-10 { // else the state needs the line
		first.Add(themes.TextDim, "   "+m.clock(f.At)).Pad(themes.Text, bandLeft-(m.w-first.Left()))
		m.meter(first, "PPS", f.Totals.Rate.PPS, f.Totals.PPS, split-bandLeft-1)
		if split < m.w {
			first.Pad(themes.Text, 1).Add(themes.Border, v).Add(themes.Text, " "+m.tab().Context(max(first.Left()-2, 0)))
		}
	}
	second.Add(themes.Text, " "+format.Count(uint64(max(f.Totals.Flows, 0)))+" flows").Pad(themes.Text, bandLeft-(m.w-second.Left()))
	m.meter(second, m.bitLabel(), m.perSecond(f.Totals.Rate.BPS), m.perSeconds(f.Totals.BPS), split-bandLeft-1)
	if split < m.w {
		second.Pad(themes.Text, 1).Add(themes.Border, v).Add(themes.Text, m.dropTail(f))
		if vals := f.Totals.DropPS; second.Left() > dropSpark+len(m.tableTail(f)) && !m.env.Reduced {
			second.Pad(themes.Text, 1).Add(themes.Drop, spark.Line(m.env.Glyphs, vals, dropSpark))
		}
		second.Add(themes.Text, m.tableTail(f))
	}
	return []string{first.String(), second.String(), rule}
}

// meter is one labelled sparkline of the band.
func (m *model) meter(b *line.Builder, label string, now float64, vals []float32, w int) {
	if w < 20 {
		return
	}
	if m.env.Reduced {
		vals = nil
	}
	at := b.Left()
	b.Add(themes.TextDim, format.Pad(label, 6)).Add(themes.TextStrong, format.PadLeft(format.SI(now), 6)).Pad(themes.Text, 2)
	peak := " max " + format.SI(float64(spark.Max(vals)))
	room := w - (at - b.Left()) - len(peak)
	b.Add(themes.Spark, spark.Line(m.env.Glyphs, vals, max(room, 0))).Add(themes.SparkPeak, peak)
}

const dropSpark = 12 // seconds of drops shown

func (m *model) dropTail(f *snap.Frame) string {
	t := f.Totals
	s := " drop " + format.SI(t.Drops) + "/s"
	if t.Rate.PPS > 0 {
		s += " " + format.Percent(t.Drops/(t.Rate.PPS+t.Drops))
	}
	return s
}

func (m *model) tableTail(f *snap.Frame) string {
	t, s := f.Totals, ""
	if t.Capacity > 0 {
		s += "   table " + format.Percent(float64(t.Flows)/float64(t.Capacity)) + " full"
	}
	if m.mouse {
		s += "   mouse on (shift selects)"
	}
	return s
}

func (m *model) bitLabel() string {
	if m.env.Units.Bytes {
		return "B/S"
	}
	return "BIT/S"
}

// perSecond converts bits to the unit that the user chose.
func (m *model) perSecond(bits float64) float64 {
	if m.env.Units.Bytes {
		return bits / 8
	}
	return bits
}

func (m *model) perSeconds(bits []float32) []float32 {
	if !m.env.Units.Bytes {
		return bits
	}
	out := make([]float32, len(bits))
	for i, b := range bits {
		out[i] = b / 8
	}
	return out
}

func (m *model) bitrate(bits float64) string {
	if m.env.Units.Bytes {
		return format.SI(bits/8) + "B/s"
	}
	return format.SI(bits) + "b/s"
}

// ageing reports whether a state on the screen counts seconds.
func (m *model) ageing(now time.Time) bool {
	return m.isStale(now) && !m.env.Paused || !m.feed.held.IsZero()
}
