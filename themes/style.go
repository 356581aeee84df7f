// SPDX-License-Identifier: Apache-2.0

package themes

import (
	"fmt"
	"image/color"
	"strconv"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Profile is what the terminal can show.
type Profile uint8

const (
	NoColor   Profile = iota // attributes only: NO_COLOR, or a terminal without colours
	ANSI16                   // the terminal's own sixteen
	ANSI256                  // the fixed xterm cube and greys
	TrueColor                // 24 bits
)

func (p Profile) String() string {
	return [...]string{"no colour", "16 colours", "256 colours", "24-bit colour"}[p]
}

type colourKind uint8

const (
	none  colourKind = iota // the terminal's default
	named                   // one of the terminal's eight, index in r
	rgb
)

type colour struct {
	kind    colourKind
	r, g, b uint8
}

type attr uint8

const (
	bold attr = 1 << iota
	underline
	reverse
	strike
)

type style struct {
	fg, bg colour
	attr   attr
}

// allowed says what a style may be made of, for error messages.
const allowed = `"#rrggbb", "#rrggbb/#rrggbb", black red green yellow blue magenta cyan white default, bold underline reverse strike`

// colourNames in the order of SGR 30 to 37.
func colourNames() []string {
	return []string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}
}

// parseStyle reads "#fg/#bg bold underline"; each part may be left out.
func parseStyle(s string) (style, error) {
	var st style
	coloured := false
	for _, w := range strings.Fields(s) {
		switch w {
		case "bold":
			st.attr |= bold
		case "underline":
			st.attr |= underline
		case "reverse":
			st.attr |= reverse
		case "strike":
			st.attr |= strike
		default:
			if coloured {
				return st, fmt.Errorf("%q: a second colour or an unknown word; allowed: %s", w, allowed)
			}
			coloured = true
			fg, bg, _ := strings.Cut(w, "/")
			var err error
			if st.fg, err = parseColour(fg); err != nil {
				return st, err
			}
			if st.bg, err = parseColour(bg); err != nil {
				return st, err
			}
		}
	}
	return st, nil
}

func parseColour(s string) (colour, error) {
	if s == "" || s == "default" {
		return colour{}, nil
	}
	for i, n := range colourNames() {
		if s == n {
			return colour{kind: named, r: uint8(i)}, nil
		}
	}
	if h, ok := strings.CutPrefix(s, "#"); ok && len(h) == 6 {
		if v, err := strconv.ParseUint(h, 16, 32); err == nil {
			return colour{rgb, uint8(v >> 16), uint8(v >> 8), uint8(v)}, nil
		}
	}
	return colour{}, fmt.Errorf("%q is not a colour; allowed: %s", s, allowed)
}

// sgr renders the style for a profile; "" when nothing is switched on. Lip Gloss says how a style is switched on, once for
// each token of a theme; drawing only appends what came out.
func (st style) sgr(p Profile, fixed *cube) string {
	s := lipgloss.NewStyle().Bold(st.attr&bold != 0).Underline(st.attr&underline != 0).
		Reverse(st.attr&reverse != 0).Strikethrough(st.attr&strike != 0)
	if p != NoColor {
		s = s.Foreground(st.fg.shown(p, fixed)).Background(st.bg.shown(p, fixed))
	}
	on, _, _ := strings.Cut(s.Render("x"), "x")
	return on
}

// shown is the colour as the profile has it.
func (c colour) shown(p Profile, fixed *cube) color.Color {
	switch {
	case c.kind == named:
		return ansi.BasicColor(c.r)
	case c.kind == rgb && p == TrueColor:
		return color.RGBA{c.r, c.g, c.b, 0xff}
	case c.kind == rgb && p == ANSI256:
		return lipgloss.ANSIColor(fixed.nearest(c))
	}
	return nil
}

// hasRGB reports whether the style needs more than the terminal's sixteen colours.
func (st style) hasRGB() bool { return st.fg.kind == rgb || st.bg.kind == rgb }
