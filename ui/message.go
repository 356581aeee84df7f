// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/line"
)

// maxHints in the footer; the last is always help.
const maxHints = 8

// messageLine shows one thing: prompt, else question, else error, else toast, else what the tab says.
func (m *model) messageLine() string {
	if m.over == nil && m.tab().Capturing() {
		// Drawing it tells where its cursor is.
		if s := m.tab().Message(m.w); s != "" && m.typing() {
			return m.fit(s)
		}
	}
	if c := m.confirm; c != nil {
		return m.question(c)
	}
	if t := m.toasts.Line(m.env, m.w); t != "" {
		return t
	}
	if m.over != nil && m.start != nil && m.over == overlay(m.start) {
		return ""
	}
	return m.fit(m.tab().Message(m.w))
}

// typing reports whether a field of the tab's stands on the message line: nothing may hide what is typed there.
func (m *model) typing() bool {
	c := m.tab().Cursor()
	return c != nil && c.Y >= m.views.body
}

// question keeps its keys in view where it is long itself; the hints below say them again.
func (m *model) question(c *confirm) string {
	const no = "   any other key: no"
	b := line.New(m.env.Theme, m.w)
	b.Add(themes.Warn, ansi.Truncate(" "+c.Question, max(m.w-line.Width(c.key+c.Verb)-4, 8), m.env.Glyphs.Ellipsis))
	b.Add(themes.HintKey, "   "+c.key+" ").Add(themes.Text, c.Verb)
	if b.Left() > len(no) {
		b.Add(themes.Text, no)
	}
	return b.String()
}

// fit cuts a line of the tab's that is too long.
func (m *model) fit(s string) string {
	if len(s) > m.w && ansi.StringWidth(s) > m.w {
		return ansi.Truncate(s, m.w, "")
	}
	return s
}

// hintLine lists the keys that matter here, help last.
func (m *model) hintLine() string {
	if m.over != nil {
		return m.hints(m.over.Hints(), nil)
	}
	if m.confirm != nil {
		return m.hints([]core.Binding{{Keys: []string{m.confirm.key}, Help: m.confirm.Verb}, {Keys: []string{"any other"}, Help: "no"}}, nil)
	}
	if m.tab().Capturing() { // only the field's keys matter
		leave := core.Binding{Keys: []string{"f1"}, Name: "help", Help: "help"}
		return m.hints(keys.Hints(m.own.Apply(m.tab().Bindings()), maxHints), &leave)
	}
	all := keys.Hints(m.bindings(), len(m.tab().Bindings())+len(m.global()))
	if n := len(all); n > 0 {
		return m.hints(all[:n-1], &all[n-1])
	}
	return ""
}

// hints draws as many as fit, always with the last one.
func (m *model) hints(bs []core.Binding, last *core.Binding) string {
	b := line.New(m.env.Theme, m.w)
	reserve, room := 0, len(bs)
	if last != nil {
		reserve, room = hintWidth(*last), maxHints-1
	}
	for i, h := range bs {
		if i >= room || hintWidth(h)+reserve > b.Left() {
			break
		}
		m.hint(b, h)
	}
	if last != nil {
		m.hint(b, *last)
	}
	return b.String()
}

func hintKeys(h core.Binding) string {
	if h.Name == "" { // an overlay's own: all its keys matter
		return keys.Show(h.Keys)
	}
	return h.Keys[0]
}

func hintWidth(h core.Binding) int { return len(hintKeys(h)) + line.Width(h.Help) + 3 }

func (m *model) hint(b *line.Builder, h core.Binding) {
	tok := themes.HintKey
	if h.Disabled != "" {
		tok = themes.HintText
	}
	b.Add(themes.HintText, " ").Add(tok, hintKeys(h)).Add(themes.HintText, " "+h.Help+" ")
}

// notes are the lines at the foot of the help: what signs mean, and what this terminal does.
func (m *model) notes() []string {
	g := m.env.Glyphs
	signs := fmt.Sprintf("SIGNS %s cursor  %s live  %s%s paused  %s stale  %s warn  %s crit  %s drop  %s you",
		g.Cursor, g.Live, g.Paused, g.Paused, g.Stale, g.Warn, g.Crit, g.Cross, g.Own)
	charset := "UTF-8"
	if g.ASCII {
		charset = "ASCII"
	}
	syncs := "sync off"
	if m.synced {
		syncs = "sync on"
	}
	d := " " + g.Dot + " "
	tty := fmt.Sprintf("%dx%d", m.w, m.h) + d + charset + d + m.look.profile.String() + d + "theme " + format.Clean(m.env.Theme.Name) +
		d + syncs + d + hz(m.now()) + d + format.SI(float64(m.host.written())) + "B sent"
	return []string{signs, tty}
}
