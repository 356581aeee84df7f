// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/paint"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/trial"
)

// Sizes in cells. Beyond the maximum the screen is clamped, not refused.
const (
	minWidth, minHeight = 40, 10
	maxWidth, maxHeight = 300, 100
	bandHeight          = 40 // from here on the header has three lines
	hintHeight          = 12 // below, the key hints leave
	refWidth, refHeight = 80, 24
)

func (m *model) small() bool { return m.w < minWidth || m.h < minHeight }

// View implements tea.Model. What did not change is not drawn again.
func (m *model) View() tea.View {
	if !m.views.dirty {
		return m.views.last
	}
	m.views.dirty = false
	v := tea.View{AltScreen: true, ReportFocus: true, WindowTitle: m.title()}
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	var lines []string
	switch {
	case m.w == 0 || m.h == 0:
	case m.small():
		lines = m.tooSmall()
	default:
		lines, v.Cursor = m.screen()
	}
	for i, l := range lines {
		if !utf8.ValidString(l) { // a cut rune is a raw C1 byte to some terminals
			lines[i] = ansi.Truncate(strings.ToValidUTF8(l, "?"), m.w, "")
		}
	}
	if m.env.Glyphs.ASCII {
		for i, l := range lines {
			lines[i] = ascii(l)
		}
		v.WindowTitle = ascii(v.WindowTitle)
	}
	if m.env.Theme.Paint {
		m.paint(lines)
	}
	if v.Cursor != nil {
		v.Cursor.Blink = false
	}
	v.Content = strings.Join(lines, "\n")
	m.views.last = v
	return v
}

// picture is the view with what the painter must know besides.
func (m *model) picture() paint.Frame {
	f := paint.Frame{View: m.View(), W: m.views.w, H: m.views.h, Anew: m.views.anew}
	m.views.anew = false
	return f
}

// screen puts the parts together: h lines, and the place of the real cursor.
func (m *model) screen() ([]string, *tea.Cursor) {
	lines := append(make([]string, 0, m.h), m.tabBar())
	if m.h >= bandHeight {
		lines = append(lines, m.band()...)
	} else {
		lines = append(lines, m.contextLine())
	}
	bottom := 2
	if _, on := m.trialNow(); m.h < hintHeight && !on {
		bottom = 1
	}
	top, bodyH := len(lines), m.h-len(lines)-bottom
	m.views.top, m.views.body = top, bodyH
	var cur *tea.Cursor
	var body []string
	if m.start == nil || m.over != overlay(m.start) {
		body = m.tab().View(m.w, bodyH)
		cur = m.tab().Cursor()
	}
	body = fill(body, bodyH)
	if m.over != nil {
		b := m.over.View(m.w, bodyH)
		body = b.Over(body, m.w)
		cur = b.Cursor
	}
	lines = append(lines, body...)
	lines = append(lines, m.foot(bottom)...)
	if cur != nil {
		c := *cur
		c.X, c.Y = min(max(c.X, 0), m.w-1), min(max(c.Y+top, 0), m.h-1)
		cur = &c
	}
	return lines, cur
}

// fill makes exactly h lines.
func fill(lines []string, h int) []string {
	if len(lines) >= h {
		return lines[:h:h]
	}
	return append(lines, make([]string, h-len(lines))...)
}

// paint lays the theme's background under everything.
func (m *model) paint(lines []string) {
	base := m.env.Theme.SGR(themes.Text)
	for i, l := range lines {
		pad := strings.Repeat(" ", max(m.w-ansi.StringWidth(l), 0))
		lines[i] = base + strings.ReplaceAll(l, themes.Reset, themes.Reset+base) + pad + themes.Reset
	}
}

// tooSmall still shows the vital line.
func (m *model) tooSmall() []string {
	f := m.feed.frame0()
	host, devices := m.place(f)
	_, word := m.stateWord()
	t := f.Totals
	vital := strings.TrimSpace(fmt.Sprintf("%s %s %s %spps %s", host, devices, word, format.SI(t.Rate.PPS), m.bitrate(t.Rate.BPS)))
	if n := m.criticals(f); n > 0 {
		vital += fmt.Sprintf(" %d critical", n)
	}
	texts := []string{
		fmt.Sprintf("hooktop wants %dx%d, this terminal is %dx%d", minWidth, minHeight, m.w, m.h),
		vital, "q quit",
	}
	if m.w < 44 {
		texts = []string{fmt.Sprintf("hooktop: %dx%d,", m.w, m.h), fmt.Sprintf("wants %dx%d", minWidth, minHeight), vital, "q quit"}
	}
	var out []string
	if s, on := m.trialNow(); on {
		out = append(out, trial.First(m.env, s, m.w))
	}
	for _, t := range texts {
		if len(out) < m.h {
			out = append(out, line.New(m.env.Theme, m.w).Add(themes.Text, " "+t).String())
		}
	}
	return fill(out, m.h)
}

func (m *model) criticals(f *snap.Frame) int {
	n := 0
	for _, x := range f.Notices {
		if x.Sev == snap.Crit {
			n++
		}
	}
	return n
}

func (m *model) title() string {
	f := m.feed.frame0()
	t := "hooktop"
	if m.opt.Lab {
		t += " lab"
	}
	if f.Host != "" {
		t += " " + format.Clean(f.Host)
	}
	if n := m.criticals(f); n > 0 {
		t += fmt.Sprintf(" · %d critical", n)
	}
	return t
}

// ascii replaces what a terminal without UTF-8 can't show, cell for cell: names from outside may hold anything.
func ascii(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e }) {
		return s
	}
	var sb strings.Builder
	for _, r := range s {
		switch r {
		case '→':
			r = '>'
		case '·', '…':
			r = '.'
		case '–', '−', '—', '─':
			r = '-'
		case 'µ':
			r = 'u'
		case '±', '×':
			r = '~'
		}
		if r <= 0x7e {
			sb.WriteRune(r)
			continue
		}
		sb.WriteString(strings.Repeat("?", ansi.StringWidth(string(r))))
	}
	return sb.String()
}
