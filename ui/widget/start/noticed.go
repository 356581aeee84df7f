// SPDX-License-Identifier: Apache-2.0

package start

import (
	"fmt"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
)

// noticed lists what the engine reported, newest first, repeats folded: warnings only until the user asks for the screen.
func (m *Model) noticed(w int) []string {
	th, list := m.env.Theme, m.Frame.Notices
	type said struct{ from, text string }
	times := map[said]int{}
	for _, n := range list {
		times[said{n.From, n.Text}]++
	}
	var out []string
	for i := len(list) - 1; i >= 0; i-- {
		n := &list[i]
		count := times[said{n.From, n.Text}]
		if count == 0 || n.Sev < snap.Warn && !m.Asked {
			continue
		}
		times[said{n.From, n.Text}] = 0
		out = append(out, m.notice(n, count, w)...)
	}
	if len(out) == 0 {
		return nil
	}
	blank := line.New(th, w).Fill(themes.Text)
	title := line.New(th, w).Add(themes.TextStrong, " Noticed, newest first").Fill(themes.Text)
	if m.Asked {
		return append(append([]string{title}, out...), blank)
	}
	return append([]string{blank, title}, out...)
}

// notice is one of them: sign, time, text, wrapped.
func (m *Model) notice(n *snap.Notice, count, w int) []string {
	const indent = 13
	g := m.env.Glyphs
	tok, glyph := themes.InfoTok, "i"
	switch n.Sev {
	case snap.Warn:
		tok, glyph = themes.Warn, g.Warn
	case snap.Crit:
		tok, glyph = themes.Crit, g.Crit
	}
	text := format.Clean(n.Text)
	if n.From != "" {
		text = format.Clean(n.From) + ": " + text
	}
	if count > 1 {
		text += fmt.Sprintf(" (%d times)", count)
	}
	at := n.At.Local()
	if m.env.Units.UTC {
		at = n.At.UTC()
	}
	b := line.New(m.env.Theme, w).Add(tok, " "+glyph+" ").Add(themes.TextDim, at.Format("15:04:05")+"  ")
	var out []string
	for i, l := range detail.Wrap(text, max(w-indent, 8)) {
		if i > 0 {
			b = line.New(m.env.Theme, w).Pad(themes.Text, indent)
		}
		out = append(out, b.Add(themes.Text, l).Fill(themes.Text))
	}
	return out
}
