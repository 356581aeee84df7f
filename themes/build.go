// SPDX-License-Identifier: Apache-2.0

package themes

import (
	"fmt"
	"strings"
)

// Names lists the built-in themes in the order in which a picker shows them.
func Names() []string {
	var out []string
	for _, p := range palettes() {
		out = append(out, p.name)
	}
	return out
}

// TokenNames lists the tokens as theme files call them, by Token.
func TokenNames() []string {
	var out []string
	for _, e := range table() {
		out = append(out, e.name)
	}
	return out
}

// Builtin renders a built-in theme for a profile. A palette of 24-bit colours falls to the sixteen of the terminal, and to
// attributes, where the profile has no more.
func Builtin(name string, p Profile) (*Theme, error) {
	for i, pal := range palettes() {
		if pal.name == name {
			return render(name, pal, columnStyles(column(i)), p), nil
		}
	}
	return nil, fmt.Errorf("theme %q is not known; built in: %s", name, strings.Join(Names(), ", "))
}

// columnStyles parses one column of the table, which the tests hold to be well formed.
func columnStyles(c column) [NumTokens]style {
	var out [NumTokens]style
	for i, e := range table() {
		out[i], _ = parseStyle(e.spec[c])
	}
	return out
}

func render(name string, pal palette, styles [NumTokens]style, p Profile) *Theme {
	t := &Theme{Name: name, Profile: p, Light: pal.light}
	few, attributes := columnStyles(ansi16), columnStyles(mono)
	bg, _ := parseColour(pal.background)
	t.styles, t.background = styles, bg
	fixed := newCube()
	for i := range t.sgr {
		st := styles[i]
		switch {
		case p == NoColor:
			st = attributes[i]
		case p == ANSI16 && st.hasRGB():
			st = few[i]
		}
		t.sgr[i] = st.sgr(p, fixed)
	}
	return t
}

// Painted returns the theme with its own background under every token that has none: for a dark theme on a light
// terminal. It returns t itself where the profile or palette has no background to paint.
func (t *Theme) Painted() *Theme {
	if t.background.kind == none || t.Profile < ANSI256 {
		return t
	}
	c := *t
	c.Paint = true
	fixed := newCube()
	for i, st := range t.styles {
		if st.bg.kind == none && st.attr&reverse == 0 {
			st.bg = t.background
			c.sgr[i] = st.sgr(t.Profile, fixed)
		}
	}
	return &c
}
