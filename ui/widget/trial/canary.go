// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/line"
)

// A canary stands in the same lines as a trial: it was kept on some devices and is watched there, until the rest follows by
// itself or a check fails. Its keys are others than a trial's, so that a key pressed twice does not end it.

// soaking reports whether it is a canary that is shown, and not a trial.
func (s State) soaking() bool { return s.Policy.Trial.Gen == 0 && s.Policy.Canary.Gen != 0 }

// few lists names, as many as are read at a glance.
func few(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and " + format.Count(uint64(len(names)-most)) + " more"
	}
	return strings.Join(names, ", ")
}

// first lists the devices that a trial decides on where others wait; "" when it decides on all.
func (s State) first() string {
	var on []string
	for _, d := range s.Policy.Devices {
		if d.Gen == s.Policy.Trial.Gen {
			on = append(on, format.Clean(d.Name))
		}
	}
	if len(on) == len(s.Policy.Devices) {
		return ""
	}
	return few(on)
}

func devices(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = format.Clean(n)
	}
	return few(out)
}

// failed is the check that failed, "" when none did.
func failed(c *snap.Canary) string {
	for i := range c.Checks {
		if c.Checks[i].Failed {
			return checkText(&c.Checks[i])
		}
	}
	return ""
}

// figure writes a figure of a check: small ones are often fractions.
func figure(v float64) string { return strings.TrimSpace(format.SI(v)) }

// checkText is a check in words: "drops/s 120, at most 20".
func checkText(c *snap.CanaryCheck) string {
	return format.Clean(c.Name) + " " + figure(c.Now) + ", at most " + figure(c.Limit)
}

func (s State) soakToken() themes.Token {
	if s.Stalled || failed(&s.Policy.Canary) != "" {
		return themes.Crit
	}
	return themes.Warn
}

// stalled is said when nobody looks at the canary any more.
func (s State) stalled() string {
	return "not watched any more: the kernel falls back to " + gen(s.Policy.Kept) + " by itself"
}

// soakFirst is the line that says what is watched, where, and how it does.
func soakFirst(env *core.Env, s State, w int) string {
	g, c := env.Glyphs, &s.Policy.Canary
	tok := s.soakToken()
	b := line.New(env.Theme, w).Add(tok, " "+g.Crit+" CANARY "+gen(c.Gen))
	if w < narrow {
		return b.Add(tok, " "+clock(s.Left)+" then all").String()
	}
	add := func(part string) {
		if part = " " + g.Dot + " " + part; line.Width(part) <= b.Left() {
			b.Add(tok, part)
		}
	}
	if on := " on " + devices(c.Devices); line.Width(on) < w/3 {
		b.Add(tok, on)
	}
	if s.Stalled {
		add(s.stalled())
		return b.String()
	}
	bad := failed(c)
	if bad != "" {
		add(g.Cross + " " + bad)
	}
	add("the rest follows in " + clock(s.Left))
	if bad == "" && len(c.Checks) > 0 {
		add("checks ok")
	}
	return b.String()
}

// soakSecond is the line with the keys, and the figures that are watched.
func soakSecond(env *core.Env, s State, w int) string {
	b := line.New(env.Theme, w)
	if w < narrow {
		return soakKeys(b, Near).String()
	}
	g := env.Glyphs
	b.Add(themes.HintKey, " C").Add(themes.HintText, " then").Add(themes.HintKey, " n").Add(themes.HintText, " rest now "+g.Dot)
	b.Add(themes.HintKey, " r").Add(themes.HintText, " roll back ")
	for i := range s.Policy.Canary.Checks {
		c := &s.Policy.Canary.Checks[i]
		tok, text := themes.Text, "  "+format.Clean(c.Name)+" "+figure(c.Now)+" of "+figure(c.Limit)
		if c.Failed {
			tok = themes.Crit
		}
		if line.Width(text) > b.Left() {
			break
		}
		b.Add(tok, text)
	}
	return b.String()
}

func soakKeys(b *line.Builder, r Reach) *line.Builder {
	if r == After {
		b.Add(themes.HintKey, " esc")
	}
	if r != Here {
		b.Add(themes.HintKey, " C").Add(themes.HintText, " then")
	}
	b.Add(themes.HintKey, " n").Add(themes.HintText, " rest now")
	return b.Add(themes.HintKey, " r").Add(themes.HintText, " roll back")
}

// soakShort is both in one line.
func soakShort(env *core.Env, s State, w int, r Reach) string {
	b := line.New(env.Theme, w).Add(s.soakToken(), " "+env.Glyphs.Crit+" CANARY "+clock(s.Left)).Add(themes.HintText, " ")
	soakKeys(b, r)
	if bad := failed(&s.Policy.Canary); bad != "" && line.Width(bad)+5 <= b.Left() {
		b.Add(themes.Crit, "   "+env.Glyphs.Cross+" "+bad)
	}
	return b.String()
}

// soakKey takes a key in the panel of a canary.
func (p *Panel) soakKey(key string) (done bool, cmd tea.Cmd) {
	switch key {
	case "esc", "ctrl+c":
		return true, nil
	case "n":
		return true, p.Ask(core.DoMsg{Intent: snap.Intent{Kind: snap.KeepPolicy, Arg: snap.Rest}})
	case "r":
		return true, p.Ask(core.DoMsg{Intent: snap.Intent{Kind: snap.RestorePolicy}})
	case "e":
		return false, p.Ask(core.DoMsg{Intent: snap.Intent{Kind: snap.ExtendPolicy}})
	}
	return false, nil
}

// soakBody is the panel of a canary: keys first, then each check before and now.
func (p *Panel) soakBody(s State, add func(themes.Token, string), key func(name, text string)) {
	c, g := &s.Policy.Canary, p.env.Glyphs
	add(s.soakToken(), "decides on "+devices(c.Devices)+", in "+clock(s.Left)+" on "+devices(c.Rest)+" too")
	key("n", "let the rest follow now")
	key("r", "roll back to "+gen(s.Policy.Kept)+" now")
	key("e", "begin the time anew")
	key("esc", "close; the canary goes on")
	if s.Stalled {
		add(themes.Crit, g.Crit+" "+s.stalled())
	}
	if len(c.Checks) == 0 {
		add(themes.TextDim, "no figure is known yet")
		return
	}
	add(themes.TextDim, "  "+format.Pad("CHECK", 16)+format.PadLeft("BEFORE", 9)+format.PadLeft("NOW", 9)+format.PadLeft("AT MOST", 9))
	for i := range c.Checks {
		k := &c.Checks[i]
		tok, sign := themes.OK, g.Check
		if k.Failed {
			tok, sign = themes.Crit, g.Cross
		}
		name := string(format.AppendEnd(nil, format.Clean(k.Name), 15))
		add(tok, sign+" "+name+strings.Repeat(" ", max(16-line.Width(name), 0))+format.PadLeft(figure(k.Before), 9)+format.PadLeft(figure(k.Now), 9)+format.PadLeft(figure(k.Limit), 9))
	}
}

// soakHints are its keys for the footer.
func soakHints() []core.Binding {
	return []core.Binding{{Keys: []string{"n"}, Help: "rest now"}, {Keys: []string{"r"}, Help: "roll back"}, {Keys: []string{"e"}, Help: "anew"},
		{Keys: []string{"esc"}, Help: "close"}}
}
