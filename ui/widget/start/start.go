// SPDX-License-Identifier: Apache-2.0

// Package start is the screen of the first seconds: each program as it attaches, what it was degraded to, why it is not
// available. It can be opened again later.
package start

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/scroll"
)

// Model is the open screen. The shell sets Frame as frames come.
type Model struct {
	Frame   *snap.Frame // nil: none came yet
	Version string
	Asked   bool // opened by the user, who wants to read what was noticed first

	env  *core.Env
	text scroll.Model
	at   int // index into LeftOut
}

// New opens the screen.
func New(env *core.Env, version string) *Model {
	return &Model{env: env, Version: version, text: scroll.New(true)}
}

// Fine reports whether everything was attached as wished.
func Fine(f *snap.Frame) bool {
	for _, s := range f.Start {
		if s.Outcome == snap.Degraded || s.Outcome == snap.Unavailable || s.Outcome == snap.Pending {
			return false
		}
	}
	return true
}

// Summary is one line about what did not go as wished.
func Summary(f *snap.Frame) string {
	degraded, missing := 0, 0
	for _, s := range f.Start {
		switch s.Outcome {
		case snap.Degraded:
			degraded++
		case snap.Unavailable:
			missing++
		}
	}
	return fmt.Sprintf("%d of %d programs degraded, %d unavailable", degraded, len(f.Start), missing)
}

// Key takes a key press; any key that is not its own closes it.
func (m *Model) Key(k tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	left := 0
	if m.Frame != nil {
		left = len(m.Frame.LeftOut)
	}
	moved := m.text.Key(k)
	switch k.String() {
	case "down", "j":
		m.at = min(m.at+1, max(left-1, 0))
	case "up", "k":
		m.at = max(m.at-1, 0)
	case "a":
		if m.at < left {
			return false, core.Do(snap.Intent{Kind: snap.WatchInterface, Target: m.Frame.LeftOut[m.at].Name})
		}
	default:
		return !moved, nil
	}
	return false, nil
}

// Paste is ignored: there is no field.
func (m *Model) Paste(string) tea.Cmd { return nil }

// View fills a body of w by h.
func (m *Model) View(w, h int) box.Box {
	var head []string
	th := m.env.Theme
	put := func(tok themes.Token, s string) { head = append(head, line.New(th, w).Add(tok, s).Fill(themes.Text)) }
	if m.Frame == nil {
		put(themes.TextStrong, " hooktop "+m.Version)
		put(themes.TextDim, " waiting for the engine "+m.env.Glyphs.Ellipsis)
		return m.box(w, h, head, nil)
	}
	done := 0
	for _, s := range m.Frame.Start {
		if s.Outcome != snap.Pending {
			done++
		}
	}
	word := "attaching on "
	if m.Frame.Started {
		word = "attached on "
	}
	put(themes.TextStrong, m.title(fmt.Sprintf("   %s%s   %d of %d", word, format.Clean(m.Frame.Host), done, len(m.Frame.Start)), w))
	head = append(head, m.progress(w, done, len(m.Frame.Start)))
	var rows []string
	for _, s := range m.Frame.Start {
		rows = append(rows, m.status(s, w)...)
	}
	if m.Asked {
		rows = append(m.noticed(w), rows...)
	} else {
		rows = append(rows, m.noticed(w)...)
	}
	return m.box(w, h, head, append(rows, m.rest(w)...))
}

// box puts the rows that fit under the head, and the emergency command at the foot.
func (m *Model) box(w, h int, head, rows []string) box.Box {
	foot := line.New(m.env.Theme, w).Add(themes.TextDim, " If hooktop hangs or is killed: `hooktop cleanup --all` removes all of it.").Fill(themes.Text)
	out := append(head, m.text.View(rows, w, h-len(head)-1)...)
	return box.Box{W: w, Lines: append(out, foot)[:max(h, 0)]}
}

// title is the name of the program with as much of its version as leaves room for how far the start is.
func (m *Model) title(state string, w int) string {
	short, _, _ := strings.Cut(m.Version, " (") // of which Go and which commit
	for _, version := range []string{" " + m.Version, " " + short} {
		if s := " hooktop" + version + state; line.Width(s) <= w {
			return s
		}
	}
	return " hooktop" + state
}

// progress is a bar of what was tried so far.
func (m *Model) progress(w, done, of int) string {
	g := m.env.Glyphs
	cells := max(min(w-4, 60), 1)
	full := 0
	if of > 0 {
		full = cells * done / of
	}
	return line.New(m.env.Theme, w).Add(themes.Bar, " "+g.BarLeft).Add(themes.OK, strings.Repeat(g.BarFull, full)).
		Pad(themes.Text, cells-full).Add(themes.Bar, g.BarRight).Fill(themes.Text)
}

// status is one program: glyph, name, outcome; and under it why and what to do, when there is something to say.
func (m *Model) status(s snap.Status, w int) []string {
	g, th := m.env.Glyphs, m.env.Theme
	tok, glyph := themes.TextDim, g.Dot
	switch s.Outcome {
	case snap.Attached:
		tok, glyph = themes.OK, g.Check
	case snap.Degraded:
		tok, glyph = themes.Warn, g.Warn
	case snap.Unavailable:
		tok, glyph = themes.Crit, g.Cross
	}
	name := min(28, max(w/3, 10))
	b := line.New(th, w).Add(tok, " "+glyph+" ").Add(themes.Text, fit(format.Clean(s.Name), name)).Pad(themes.Text, 1)
	word := s.Outcome.String()
	if s.To != "" {
		if s.Outcome == snap.Degraded {
			word += " to"
		}
		word += " " + format.Clean(s.To)
	}
	b.Add(tok, word)
	why := format.Clean(s.Why)
	if why != "" && s.Outcome == snap.Attached && b.Left() > line.Width(why)+2 {
		b.Add(themes.TextDim, "  "+why)
		why = ""
	}
	out := []string{b.Fill(themes.Text)}
	if s.Outcome != snap.Attached && why != "" {
		out = append(out, m.under(w, "because "+why)...)
	}
	if fix := format.Clean(s.Fix); fix != "" && s.Outcome != snap.Attached {
		out = append(out, m.under(w, g.Arrow+" "+fix)...)
	}
	return out
}

// under wraps an explanation below a program.
func (m *Model) under(w int, s string) []string {
	var out []string
	for _, l := range detail.Wrap(s, max(w-7, 8)) {
		out = append(out, line.New(m.env.Theme, w).Pad(themes.Text, 6).Add(themes.TextDim, l).Fill(themes.Text))
	}
	return out
}

// rest lists devices that are not watched and the operator's ways in.
func (m *Model) rest(w int) []string {
	th, g, f := m.env.Theme, m.env.Glyphs, m.Frame
	var out []string
	if len(f.LeftOut) > 0 {
		out = append(out, line.New(th, w).Fill(themes.Text),
			line.New(th, w).Add(themes.TextStrong, " Left out").Add(themes.TextDim, "   a watches the one at "+g.Cursor).Fill(themes.Text))
	}
	for i, l := range f.LeftOut {
		mark := " "
		if i == m.at {
			mark = g.Cursor
		}
		out = append(out, line.New(th, w).Add(themes.Text, " "+mark+" "+fit(format.Clean(l.Name), 16)+" ").
			Add(themes.TextDim, format.Clean(l.Why)).Fill(themes.Text))
	}
	if len(f.State.WaysIn) > 0 {
		out = append(out, line.New(th, w).Fill(themes.Text), line.New(th, w).Add(themes.TextStrong, " Your way in").Fill(themes.Text))
	}
	for _, s := range f.State.WaysIn {
		for i, l := range detail.Wrap(format.Clean(s), max(w-5, 8)) {
			out = append(out, line.New(th, w).Add(themes.Text, strings.Repeat(" ", 3+2*min(i, 1))+l).Fill(themes.Text))
		}
	}
	return out
}

// fit cuts or pads clean text to w cells.
func fit(s string, w int) string {
	n := 0
	for i, r := range s {
		c := line.Width(string(r))
		if n+c > w {
			s = s[:i]
			break
		}
		n += c
	}
	return s + strings.Repeat(" ", w-n)
}

// Hints are the keys for the footer.
func (m *Model) Hints() []core.Binding {
	hs := []core.Binding{{Keys: []string{"esc"}, Help: "to the dashboard"}}
	if m.Frame != nil && len(m.Frame.LeftOut) > 0 {
		hs = append(hs, core.Binding{Keys: []string{"a"}, Help: "watch"}, core.Binding{Keys: []string{"j", "k"}, Help: "move"})
	}
	return append(hs, core.Binding{Keys: []string{"ctrl+c"}, Help: "quit"})
}
