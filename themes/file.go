// SPDX-License-Identifier: Apache-2.0

package themes

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hooktop/themes/conf"
)

// Load finds a theme: a built-in name, a name of dir/themes/NAME.toml, or a path (something with a slash or ending in
// .toml). dir is the config folder of hooktop; "" knows no own themes.
func Load(name, dir string, p Profile) (*Theme, error) {
	switch {
	case slices.Contains(Names(), name):
		return Builtin(name, p)
	case strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".toml"):
		return fromFile(name, p)
	case dir != "":
		path := filepath.Join(dir, "themes", name+".toml")
		if _, err := os.Stat(path); err == nil {
			return fromFile(path, p)
		}
	}
	return nil, fmt.Errorf("theme %q is not known; there are: %s", name, strings.Join(append(Names(), Own(dir)...), ", "))
}

// Own lists the names of the theme files in dir/themes, sorted.
func Own(dir string) []string {
	if dir == "" {
		return nil
	}
	files, _ := filepath.Glob(filepath.Join(dir, "themes", "*.toml"))
	var out []string
	for _, f := range files {
		if name := strings.TrimSuffix(filepath.Base(f), ".toml"); !slices.Contains(Names(), name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// fromFile reads a theme file:
//
//	name = "mine"                  # what the picker shows; the file's name when left out
//	base = "dark"                  # built-in theme that gives what is not said here; dark when left out
//	background = "#101010"         # what is painted when the theme contradicts the terminal
//	"row.cursor" = "#ffffff/#005f87 bold"
func fromFile(path string, p Profile) (*Theme, error) {
	entries, err := conf.Read(path)
	if err != nil {
		return nil, fmt.Errorf("theme %w", err)
	}
	name := strings.TrimSuffix(filepath.Base(path), ".toml")
	base, pal := dark, palettes()[dark]
	for _, e := range entries {
		if e.Name == "base" {
			i := slices.Index(Names(), first(e))
			if i < 0 {
				return nil, fail(path, e, fmt.Sprintf("%q is not a built-in theme; allowed: %s", first(e), strings.Join(Names(), ", ")))
			}
			base, pal = column(i), palettes()[i]
		}
	}
	styles, tokens := columnStyles(base), TokenNames()
	for _, e := range entries {
		if e.Array {
			return nil, fail(path, e, "give one string, not a list")
		}
		switch e.Name {
		case "base":
		case "name":
			name = first(e)
		case "background":
			c, err := parseColour(first(e))
			if err != nil || c.kind == named {
				return nil, fail(path, e, fmt.Sprintf(`%q is not a background; allowed: "#rrggbb", default`, first(e)))
			}
			pal.background = strings.TrimPrefix(first(e), "default")
			pal.light = c.kind == rgb && toLab(c).l > 50
		default:
			i := slices.Index(tokens, e.Name)
			if i < 0 {
				return nil, fail(path, e, "is not a token; tokens: "+strings.Join(tokens, " "))
			}
			if styles[i], err = parseStyle(first(e)); err != nil {
				return nil, fail(path, e, err.Error())
			}
		}
	}
	return render(name, pal, styles, p), nil
}

func first(e conf.Entry) string {
	if len(e.Values) == 0 {
		return ""
	}
	return e.Values[0]
}

func fail(path string, e conf.Entry, text string) error {
	return fmt.Errorf("theme %w", &conf.Error{File: path, Line: e.Line, Text: e.Name + ": " + text})
}
