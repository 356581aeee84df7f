// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

// Press makes the key press that prints as name: "x", "space", "ctrl+d", "shift+tab".
func Press(name string) tea.KeyPressMsg {
	k := tea.Key{}
	for {
		mod, rest, ok := strings.Cut(name, "+")
		if !ok || rest == "" {
			break
		}
		switch mod {
		case "ctrl":
			k.Mod |= tea.ModCtrl
		case "alt":
			k.Mod |= tea.ModAlt
		case "shift":
			k.Mod |= tea.ModShift
		}
		name = rest
	}
	if code, ok := special(name); ok {
		k.Code = code
		if code == tea.KeySpace && k.Mod == 0 {
			k.Text = " "
		}
		return tea.KeyPressMsg(k)
	}
	k.Code, _ = utf8.DecodeRuneInString(name)
	if k.Mod&(tea.ModCtrl|tea.ModAlt) == 0 {
		k.Text = name
	}
	return tea.KeyPressMsg(k)
}

func special(name string) (rune, bool) {
	codes := map[string]rune{
		"up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab,
		"space": tea.KeySpace, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "insert": tea.KeyInsert,
		"f1": tea.KeyF1, "f2": tea.KeyF2, "f3": tea.KeyF3, "f4": tea.KeyF4, "f5": tea.KeyF5, "f6": tea.KeyF6,
		"f7": tea.KeyF7, "f8": tea.KeyF8, "f9": tea.KeyF9, "f10": tea.KeyF10, "f11": tea.KeyF11, "f12": tea.KeyF12,
	}
	c, ok := codes[name]
	return c, ok
}

// splitWindow is how long after a lone Esc the rest of a split escape sequence may come. Measured: an arrow key split by 80 ms
// arrives as three keys, and its last letter is a command.
const splitWindow = 150 * time.Millisecond

// EscGuard drops the rest of an escape sequence that arrived in pieces. The zero value is ready.
type EscGuard struct {
	esc   time.Time // when a lone Esc came
	intro time.Time // when [ or O followed it
}

// Drop reports whether the key is part of a split sequence.
func (g *EscGuard) Drop(now time.Time, key string) bool {
	switch {
	case key == "esc":
		g.esc, g.intro = now, time.Time{}
		return false
	case !g.intro.IsZero():
		late := now.Sub(g.intro) > splitWindow
		g.intro = time.Time{}
		if late {
			return false
		}
		if strings.Trim(key, "0123456789;<?") == "" { // parameters: the sequence goes on
			g.intro = now
		}
		return true
	case !g.esc.IsZero() && now.Sub(g.esc) <= splitWindow && (key == "[" || key == "O"):
		g.esc, g.intro = time.Time{}, now
		return true
	}
	g.esc = time.Time{}
	return false
}
