// SPDX-License-Identifier: Apache-2.0

package themes

// Unicode is the glyph set for UTF-8 terminals. Every glyph is one cell wide; ambiguous ones stand alone with a space
// after them.
func Unicode() *Glyphs {
	return &Glyphs{
		Live: "●", Paused: "❚", Stale: "◌", Fail: "✗", Warn: "!", Crit: "◆",
		SortDown: "▼", SortUp: "▲", Cursor: ">", Mark: "*",
		Ellipsis: "…", Arrow: "→", Dot: "·", VLine: "│", HLine: "─", Dash: "–",
		TopLeft: "┌", TopRight: "┐", BottomLeft: "└", BottomRight: "┘",
		TeeDown: "┬",
		Check:   "✓", Cross: "✗", Limit: "~", Own: "≡", Minus: "−", Below: "└ ",
		Spark:    []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
		BarFull:  "█",
		BarParts: []string{"▏", "▎", "▍", "▌", "▋", "▊", "▉"},
		BarLeft:  "▕", BarRight: "▏",
	}
}

// ASCII is the glyph set for the Linux console, locales without UTF-8, and fonts where ambiguous glyphs are two wide.
func ASCII() *Glyphs {
	return &Glyphs{
		ASCII: true,
		Live:  "*", Paused: "=", Stale: ".", Fail: "x", Warn: "!", Crit: "#",
		SortDown: "v", SortUp: "^", Cursor: ">", Mark: "*",
		Ellipsis: ".", Arrow: ">", Dot: ".", VLine: "|", HLine: "-", Dash: "-",
		TopLeft: "+", TopRight: "+", BottomLeft: "+", BottomRight: "+",
		TeeDown: "+",
		Check:   "+", Cross: "x", Limit: "~", Own: "=", Minus: "-", Below: "`- ",
		Spark:    []string{" ", ".", ":", "-", "=", "+", "*", "#"},
		BarFull:  "#",
		BarParts: []string{".", ".", ":", ":", "-", "=", "+"},
		BarLeft:  "|", BarRight: "|",
	}
}
