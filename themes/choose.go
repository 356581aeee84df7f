// SPDX-License-Identifier: Apache-2.0

package themes

import (
	"strconv"
	"strings"
)

// Background is what is known of the terminal's.
type Background uint8

const (
	UnknownBackground Background = iota
	DarkBackground
	LightBackground
)

// FromColorFGBG reads the COLORFGBG variable ("15;0": foreground; background as colour numbers), which some terminals set.
func FromColorFGBG(v string) Background {
	_, last, ok := cutLast(v, ";")
	if !ok {
		return UnknownBackground
	}
	n, err := strconv.Atoi(last)
	switch {
	case err != nil || n < 0 || n > 15:
		return UnknownBackground
	case n == 7 || n > 8:
		return LightBackground
	}
	return DarkBackground
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// Auto names the theme for a background that nobody chose a theme for: the neutral one while it is not known.
func Auto(b Background) string {
	switch b {
	case DarkBackground:
		return palettes()[dark].name
	case LightBackground:
		return palettes()[light].name
	}
	return palettes()[ansi16].name
}

// For paints the theme's own background when it contradicts the terminal's.
func (t *Theme) For(b Background) *Theme {
	if b == LightBackground && !t.Light || b == DarkBackground && t.Light {
		return t.Painted()
	}
	return t
}

// DetectProfile says how many colours the environment promises. NO_COLOR (any non-empty value) switches them off.
func DetectProfile(getenv func(string) string) Profile {
	term, colorterm := getenv("TERM"), strings.ToLower(getenv("COLORTERM"))
	screen := strings.HasPrefix(term, "screen") || strings.HasPrefix(term, "tmux")
	switch {
	case getenv("NO_COLOR") != "":
		return NoColor
	case term == "" || term == "dumb" || strings.HasSuffix(term, "-m") || strings.HasPrefix(term, "vt1") || strings.HasPrefix(term, "vt2"):
		return NoColor
	case term == "linux" || strings.HasSuffix(term, "-16color") || term == "xterm" && colorterm == "" || term == "ansi":
		return ANSI16
	case (colorterm == "truecolor" || colorterm == "24bit") && !(screen && getenv("TMUX") == ""):
		return TrueColor
	case strings.HasSuffix(term, "-direct"), strings.Contains(term, "kitty"), strings.Contains(term, "ghostty"),
		strings.Contains(term, "alacritty"), strings.Contains(term, "wezterm"):
		return TrueColor
	case strings.Contains(term, "256color"), screen:
		return ANSI256
	}
	return ANSI16
}
