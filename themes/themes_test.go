// SPDX-License-Identifier: Apache-2.0

package themes

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hooktop/themes/conf"
)

// over returns what a token's foreground is seen on.
func (st style) over(background colour) colour {
	if st.bg.kind == none {
		return background
	}
	return st.bg
}

func TestEveryStyleOfTheTableParses(t *testing.T) {
	seen := map[string]bool{}
	for tok, e := range table() {
		if e.name == "" || seen[e.name] {
			t.Errorf("token %d: name %q missing or twice", tok, e.name)
		}
		seen[e.name] = true
		for c, s := range e.spec {
			st, err := parseStyle(s)
			if err != nil {
				t.Errorf("%s in %s: %v", e.name, palettes()[c].name, err)
			}
			if column(c) < ansi16 && st.fg.kind != rgb {
				t.Errorf("%s in %s: no colour", e.name, palettes()[c].name)
			}
		}
	}
}

// TestContrast recomputes UX 9: 4.5 everywhere, 7 in high contrast, 3 for lines and bars, in 24 bits and in 256 colours.
func TestContrast(t *testing.T) {
	fixed := newCube()
	reduce := func(c colour) colour { return fixed256(fixed.nearest(c)) }
	exact := func(c colour) colour { return c }
	for c := dark; c < ansi16; c++ {
		bg, err := parseColour(palettes()[c].background)
		if err != nil {
			t.Fatal(err)
		}
		for tok, st := range columnStyles(c) {
			least := 4.5
			switch {
			case Token(tok) == Border || Token(tok) == Bar:
				least = 3
			case c == contrast:
				least = 7
			}
			for name, f := range map[string]func(colour) colour{"24-bit": exact, "256 colours": reduce} {
				if got := contrastRatio(f(st.fg), f(st.over(bg))); got < least {
					t.Errorf("%s, %s, %s: contrast %.2f, want %.1f", palettes()[c].name, table()[tok].name, name, got, least)
				}
			}
		}
	}
}

// machado are the full-severity matrices of Machado, Oliveira and Fernandes (2009), on linear RGB.
func machado() map[string][9]float64 {
	return map[string][9]float64{
		"protan": {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
		"deutan": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
		"tritan": {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
	}
}

func seenAs(m [9]float64, c colour) lab {
	r, g, b := linear(c.r), linear(c.g), linear(c.b)
	clip := func(v float64) float64 { return min(max(v, 0), 1) }
	return labOf(clip(m[0]*r+m[1]*g+m[2]*b), clip(m[3]*r+m[4]*g+m[5]*b), clip(m[6]*r+m[7]*g+m[8]*b))
}

// worst is the smallest distance between ok, warn, crit and text over all three kinds of colour blindness.
func worst(c column) float64 {
	st, least := columnStyles(c), math.Inf(1)
	tokens := []Token{OK, Warn, Crit, Text}
	for _, m := range machado() {
		for i, a := range tokens {
			for _, b := range tokens[i+1:] {
				least = min(least, deltaE(seenAs(m, st[a].fg), seenAs(m, st[b].fg)))
			}
		}
	}
	return least
}

func TestColourBlindSeparation(t *testing.T) {
	for c, want := range map[column]float64{blindDark: 28.7, blindLight: 21.6} { // UX 9
		if got := worst(c); got < want-0.15 {
			t.Errorf("%s: worst pair %.1f, want %.1f", palettes()[c].name, got, want)
		}
	}
	for c, want := range map[column]float64{dark: 10.1, light: 3.7} { // why glyphs are mandatory
		if got := worst(c); math.Abs(got-want) > 0.5 {
			t.Errorf("%s: worst pair %.1f, the table says %.1f", palettes()[c].name, got, want)
		}
	}
}

func TestProfiles(t *testing.T) {
	for _, c := range []struct {
		theme string
		p     Profile
		tok   Token
		want  string
	}{
		{"dark", TrueColor, Warn, "\x1b[38;2;255;180;84m"},
		{"dark", TrueColor, RowCursor, "\x1b[38;2;255;255;255;48;2;39;73;109m"},
		{"dark", ANSI16, Warn, "\x1b[33m"},
		{"dark", ANSI16, RowCursor, "\x1b[7m"},
		{"dark", NoColor, Warn, "\x1b[1m"},
		{"light", NoColor, Text, ""},
		{"mono", TrueColor, Crit, "\x1b[1;7m"},
		{"ansi16", TrueColor, Crit, "\x1b[1;31m"},
		{"ansi16", ANSI256, Paused, "\x1b[7;33m"},
	} {
		th, err := Builtin(c.theme, c.p)
		if err != nil {
			t.Fatal(err)
		}
		if got := th.SGR(c.tok); got != c.want {
			t.Errorf("%s, %s, token %d: %q, want %q", c.theme, c.p, c.tok, got, c.want)
		}
	}
	for _, name := range Names() {
		th, _ := Builtin(name, ANSI256)
		for tok := Text; tok < NumTokens; tok++ {
			if strings.Contains(th.SGR(tok), "8;2;") {
				t.Errorf("%s: %q needs 24 bits", name, th.SGR(tok))
			}
		}
	}
}

// TestRowCursorSurvivesWithoutColour: a cursor row that only a colour marks vanishes under NO_COLOR.
func TestRowCursorSurvivesWithoutColour(t *testing.T) {
	for _, name := range Names() {
		th, _ := Builtin(name, NoColor)
		if got := th.SGR(RowCursor); got != "\x1b[7m" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPaint(t *testing.T) {
	th, _ := Builtin("dark", TrueColor)
	if th.For(DarkBackground) != th || th.For(UnknownBackground) != th {
		t.Error("painted without need")
	}
	p := th.For(LightBackground)
	if !p.Paint || !strings.Contains(p.SGR(Text), "48;2;20;24;29") || th.Paint {
		t.Errorf("a dark theme on a light terminal is not painted: %q", p.SGR(Text))
	}
	few, _ := Builtin("ansi16", TrueColor)
	if few.For(LightBackground).Paint {
		t.Error("the neutral theme has no background to paint")
	}
}

func TestChoice(t *testing.T) {
	for v, want := range map[string]Background{"15;0": DarkBackground, "0;15": LightBackground, "0;default;15": LightBackground,
		"12;8": DarkBackground, "0;7": LightBackground, "": UnknownBackground, "15": UnknownBackground, "1;x": UnknownBackground, "1;99": UnknownBackground} {
		if got := FromColorFGBG(v); got != want {
			t.Errorf("COLORFGBG=%q: %d, want %d", v, got, want)
		}
	}
	for b, want := range map[Background]string{UnknownBackground: "ansi16", DarkBackground: "dark", LightBackground: "light"} {
		if got := Auto(b); got != want {
			t.Errorf("background %d: %s, want %s", b, got, want)
		}
	}
	for _, c := range []struct {
		env  map[string]string
		want Profile
	}{
		{map[string]string{"TERM": "xterm-256color"}, ANSI256},
		{map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor"}, TrueColor},
		{map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, NoColor},
		{map[string]string{"TERM": "linux"}, ANSI16},
		{map[string]string{"TERM": "xterm-kitty"}, TrueColor},
		{map[string]string{"TERM": "tmux-256color", "COLORTERM": "truecolor", "TMUX": "x"}, TrueColor},
		{map[string]string{"TERM": "screen", "COLORTERM": "truecolor"}, ANSI256},
		{map[string]string{"TERM": "vt100"}, NoColor},
		{map[string]string{}, NoColor},
	} {
		if got := DetectProfile(func(n string) string { return c.env[n] }); got != c.want {
			t.Errorf("%v: %s, want %s", c.env, got, c.want)
		}
	}
}

func write(t *testing.T, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "themes"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "themes", name+".toml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOwnTheme(t *testing.T) {
	dir := write(t, "mine", "name = \"night\"\nbase = \"light\"\nbackground = \"#101010\"\n\"row.cursor\" = \"#ffffff/#005f87 bold\"\n[text]\ndim = \"cyan underline\"\n")
	for _, name := range []string{"mine", filepath.Join(dir, "themes", "mine.toml")} {
		th, err := Load(name, dir, TrueColor)
		if err != nil {
			t.Fatal(err)
		}
		base, _ := Builtin("light", TrueColor)
		if th.Name != "night" || th.Light || th.SGR(RowCursor) != "\x1b[1;38;2;255;255;255;48;2;0;95;135m" || th.SGR(TextDim) != "\x1b[4;36;4m" || th.SGR(Warn) != base.SGR(Warn) {
			t.Errorf("%+v", th)
		}
	}
	few, err := Load("mine", dir, ANSI16)
	if err != nil || few.SGR(RowCursor) != "\x1b[7m" || few.SGR(TextDim) != "\x1b[4;36;4m" {
		t.Errorf("in 16 colours: %v %q", err, few.SGR(RowCursor))
	}
	if got := Own(dir); len(got) != 1 || got[0] != "mine" {
		t.Errorf("Own: %v", got)
	}
}

func TestOwnThemeErrorsNameFileLineAndToken(t *testing.T) {
	for text, want := range map[string]string{
		"\nwarm = \"red\"\n":                        `mine.toml:2: warm: is not a token; tokens: text text.dim`,
		"warn = \"#12345\"\n":                       `mine.toml:1: warn: "#12345" is not a colour; allowed: "#rrggbb"`,
		"text = \"red\"\nwarn = \"red blinking\"\n": `mine.toml:2: warn: "blinking": a second colour or an unknown word; allowed:`,
		"base = \"solarized\"\n":                    `mine.toml:1: base: "solarized" is not a built-in theme; allowed: dark, light`,
		"background = \"red\"\n":                    `mine.toml:1: background: "red" is not a background`,
		"warn = [\"red\"]\n":                        `mine.toml:1: warn: give one string, not a list`,
		"warn = \n":                                 `mine.toml:1: `,
		"warn = \"red\"\nwarn = \"red\"\n":          `mine.toml:2: `,
		"\"\x1b[2J\" = \"red\"\n":                   `mine.toml:1: `,
		"\"\\u001b[2J\" = \"red\"\n":                `mine.toml:1: "\x1b[2J": a name holds a control character`,
	} {
		_, err := Load("mine", write(t, "mine", text), TrueColor)
		switch {
		case err == nil:
			t.Errorf("%q: no error", text)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%q:\n got %s\nwant %s", text, err, want)
		case strings.ContainsAny(err.Error(), "\n\x1b"):
			t.Errorf("%q: not one clean line: %q", text, err)
		}
	}
	if _, err := Load("none", "", TrueColor); err == nil || !strings.Contains(err.Error(), "dark, light") {
		t.Error(err)
	}
	if _, err := Load("/nonexistent/x.toml", "", TrueColor); err == nil || !strings.Contains(err.Error(), "/nonexistent/x.toml") {
		t.Error(err)
	}
	if _, err := Load("./", "", TrueColor); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
}

func TestGlyphsAreOneCell(t *testing.T) {
	for _, g := range []*Glyphs{Unicode(), ASCII()} {
		all := []string{g.Live, g.Paused, g.Stale, g.Fail, g.Warn, g.Crit, g.SortDown, g.SortUp, g.Cursor, g.Mark, g.Ellipsis, g.Arrow,
			g.Dot, g.VLine, g.HLine, g.Dash, g.TopLeft, g.TopRight, g.BottomLeft, g.BottomRight, g.TeeDown, g.Check, g.Cross, g.Limit,
			g.BarFull, g.BarLeft, g.BarRight}
		for i, s := range append(append(all, g.Spark...), g.BarParts...) {
			if n := len([]rune(s)); n != 1 {
				t.Errorf("glyph %d %q is %d runes", i, s, n)
			}
			if g.ASCII && s[0] >= 0x80 {
				t.Errorf("%q is not ASCII", s)
			}
		}
	}
}

func FuzzThemeFile(f *testing.F) {
	f.Add([]byte("base = \"light\"\nwarn = \"#ffffff/red bold\"\n[text]\ndim = \"default\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := conf.Parse("x.toml", data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		for _, e := range entries {
			for _, v := range e.Values {
				st, _ := parseStyle(v)
				if s := st.sgr(TrueColor, newCube()); s != "" && (s[0] != 0x1b || s[len(s)-1] != 'm') {
					t.Errorf("%q", s)
				}
			}
		}
	})
}
