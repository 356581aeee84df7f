// SPDX-License-Identifier: Apache-2.0

// Package themes holds colour tokens, palettes and glyph sets.
//
// A token is a meaning ("warn"), never a colour. A Theme maps each token to a ready SGR prefix for one colour profile, so
// that drawing a cell costs a string append.
package themes

// Token names a meaning. UX.md section 9 lists them with their twin in glyphs or words.
type Token uint8

const (
	Text Token = iota
	TextDim
	TextStrong
	Accent
	TabActive
	TabAlert
	Header
	RowCursor
	RowMarked
	OK
	Warn
	Crit
	Drop
	Limit
	InfoTok
	StageAdd
	StageChange
	StageDel
	Spark
	SparkPeak
	Bar
	Border
	BorderFocus
	Input
	InputError
	Match
	HintKey
	HintText
	ToastOK
	ToastErr
	Live
	Paused
	Stale
	NumTokens
)

// Theme is a palette rendered for one colour profile. Immutable.
type Theme struct {
	Name    string
	Profile Profile
	Light   bool // made for a light background
	Paint   bool // every token carries the theme's own background

	sgr        [NumTokens]string
	styles     [NumTokens]style
	background colour
}

// SGR returns the escape sequence that switches the token on, "" for the terminal's default. Reset ends it.
func (t *Theme) SGR(tok Token) string { return t.sgr[tok] }

// Reset ends any token.
const Reset = "\x1b[m"

// Glyphs is a set of symbols, each one cell wide.
type Glyphs struct {
	ASCII                                      bool
	Live, Paused, Stale, Fail, Warn, Crit      string
	SortDown, SortUp, Cursor, Mark             string
	Ellipsis, Arrow, Dot, VLine, HLine, Dash   string
	TopLeft, TopRight, BottomLeft, BottomRight string
	TeeDown                                    string
	Check, Cross, Limit                        string
	Minus                                      string
	Own                                        string   // rows that are somebody's way in
	Below                                      string   // leads a line that belongs to the row above
	Spark                                      []string // lowest to highest, 8 or fewer
	BarFull                                    string
	BarParts                                   []string // eighths, lowest first
	BarLeft, BarRight                          string
}
