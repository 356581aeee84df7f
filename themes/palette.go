// SPDX-License-Identifier: Apache-2.0

package themes

// column is a palette's place in the table.
type column uint8

const (
	dark column = iota
	light
	contrast
	blindDark
	blindLight
	ansi16
	mono
	numColumns
)

// palette is one column of the table: its name for the user, and the background that its colours are measured against.
type palette struct {
	name       string
	background string // "" where the terminal's own is kept
	light      bool
}

func palettes() [numColumns]palette {
	return [numColumns]palette{
		dark:       {"dark", "#14181d", false},
		light:      {"light", "#fbfbf9", true},
		contrast:   {"high-contrast", "#000000", false},
		blindDark:  {"colour-blind-dark", "#14181d", false},
		blindLight: {"colour-blind-light", "#fbfbf9", true},
		ansi16:     {"ansi16", "", false},
		mono:       {"mono", "", false},
	}
}

// entry is one token: its name in theme files and its style in each palette, as "#fg/#bg attribute …".
type entry struct {
	name string
	spec [numColumns]string
}

// table is the whole of the colours. Every meaning has a twin in a glyph or word as well; dim alone is never used.
func table() [NumTokens]entry {
	return [NumTokens]entry{
		Text:        {"text", [numColumns]string{"#d6dbe1", "#1f2329", "#ffffff", "#d6dbe1", "#1f2329", "default", ""}},
		TextDim:     {"text.dim", [numColumns]string{"#98a2ad", "#5b636d", "#d0d0d0", "#98a2ad", "#5b636d", "default", ""}},
		TextStrong:  {"text.strong", [numColumns]string{"#ffffff", "#000000", "#ffffff", "#ffffff", "#000000", "default bold", "bold"}},
		Accent:      {"accent", [numColumns]string{"#6cb6ff", "#0a5fb4", "#7fd4ff", "#56b4e9", "#0a5fb4", "cyan", "bold"}},
		TabActive:   {"tab.active", [numColumns]string{"#14181d/#6cb6ff", "#ffffff/#0a5fb4", "#000000/#7fd4ff", "#14181d/#56b4e9", "#ffffff/#0a5fb4", "reverse", "reverse"}},
		TabAlert:    {"tab.alert", [numColumns]string{"#ffb454", "#8a4b00", "#ffd75f", "#ffd23f", "#8a6d00", "yellow", "bold"}},
		Header:      {"header", [numColumns]string{"#d6dbe1/#2a3038", "#1f2329/#e6e8e4", "#ffffff/#303030", "#d6dbe1/#2a3038", "#1f2329/#e6e8e4", "bold underline", "bold underline"}},
		RowCursor:   {"row.cursor", [numColumns]string{"#ffffff/#27496d", "#000000/#cfe3f7", "#000000/#ffff5f", "#ffffff/#27496d", "#000000/#cfe3f7", "reverse", "reverse"}},
		RowMarked:   {"row.marked", [numColumns]string{"#14181d/#c8a0ff", "#ffffff/#6a3fb0", "#000000/#ff87ff", "#14181d/#cc79a7", "#ffffff/#6a3fb0", "magenta reverse", "underline"}},
		OK:          {"ok", [numColumns]string{"#7fd58a", "#1a6b2a", "#5fff87", "#56b4e9", "#0b62c4", "green", ""}},
		Warn:        {"warn", [numColumns]string{"#ffb454", "#8a4b00", "#ffd75f", "#ffd23f", "#8a6d00", "yellow", "bold"}},
		Crit:        {"crit", [numColumns]string{"#ff7b72", "#b3151c", "#ff8787", "#e8743b", "#8f1d5f", "red bold", "bold reverse"}},
		Drop:        {"drop", [numColumns]string{"#ff7b72", "#b3151c", "#ff8787", "#e8743b", "#8f1d5f", "red", "bold"}},
		Limit:       {"limit", [numColumns]string{"#ffb454", "#8a4b00", "#ffd75f", "#ffd23f", "#8a6d00", "yellow", ""}},
		InfoTok:     {"info", [numColumns]string{"#6cb6ff", "#0a5fb4", "#7fd4ff", "#56b4e9", "#0a5fb4", "cyan", ""}},
		StageAdd:    {"stage.add", [numColumns]string{"#7fd58a", "#1a6b2a", "#5fff87", "#56b4e9", "#0b62c4", "green", "bold"}},
		StageChange: {"stage.change", [numColumns]string{"#ffb454", "#8a4b00", "#ffd75f", "#ffd23f", "#8a6d00", "yellow", "bold"}},
		StageDel:    {"stage.del", [numColumns]string{"#ff7b72", "#b3151c", "#ff8787", "#e8743b", "#8f1d5f", "red", "strike"}},
		Spark:       {"spark", [numColumns]string{"#6cb6ff", "#0a5fb4", "#7fd4ff", "#56b4e9", "#0a5fb4", "cyan", ""}},
		SparkPeak:   {"spark.peak", [numColumns]string{"#ffb454", "#8a4b00", "#ffd75f", "#ffd23f", "#8a6d00", "yellow", "bold"}},
		Bar:         {"bar", [numColumns]string{"#7a8794", "#66707a", "#d0d0d0", "#7a8794", "#66707a", "default", ""}},
		Border:      {"border", [numColumns]string{"#6b7783", "#7c858d", "#d0d0d0", "#6b7783", "#7c858d", "default", ""}},
		BorderFocus: {"border.focus", [numColumns]string{"#6cb6ff", "#0a5fb4", "#ffff5f", "#56b4e9", "#0a5fb4", "cyan bold", "bold"}},
		Input:       {"input", [numColumns]string{"#ffffff/#2a3038", "#000000/#e6e8e4", "#ffffff/#303030", "#ffffff/#2a3038", "#000000/#e6e8e4", "underline", "underline"}},
		InputError:  {"input.error", [numColumns]string{"#ff7b72", "#b3151c", "#ff8787", "#e8743b", "#8f1d5f", "red underline", "underline"}},
		Match:       {"match", [numColumns]string{"#14181d/#ffb454", "#000000/#ffd9a0", "#000000/#ffd75f", "#14181d/#ffd23f", "#000000/#ffe38a", "reverse", "underline"}},
		HintKey:     {"hint.key", [numColumns]string{"#ffffff", "#000000", "#ffffff", "#ffffff", "#000000", "bold", "bold"}},
		HintText:    {"hint.text", [numColumns]string{"#98a2ad", "#5b636d", "#d0d0d0", "#98a2ad", "#5b636d", "default", ""}},
		ToastOK:     {"toast.ok", [numColumns]string{"#14181d/#7fd58a", "#ffffff/#1a6b2a", "#000000/#5fff87", "#14181d/#56b4e9", "#ffffff/#0b62c4", "green reverse", "reverse"}},
		ToastErr:    {"toast.err", [numColumns]string{"#14181d/#ff7b72", "#ffffff/#b3151c", "#000000/#ff8787", "#14181d/#e8743b", "#ffffff/#8f1d5f", "red reverse", "reverse bold"}},
		Live:        {"live", [numColumns]string{"#7fd58a", "#1a6b2a", "#5fff87", "#56b4e9", "#0b62c4", "green", ""}},
		Paused:      {"paused", [numColumns]string{"#14181d/#ffb454", "#000000/#ffd9a0", "#000000/#ffd75f", "#14181d/#ffd23f", "#000000/#ffe38a", "yellow reverse", "reverse"}},
		Stale:       {"stale", [numColumns]string{"#14181d/#c8a0ff", "#ffffff/#6a3fb0", "#000000/#ff87ff", "#14181d/#cc79a7", "#ffffff/#6a3fb0", "magenta reverse", "reverse"}},
	}
}
