// SPDX-License-Identifier: Apache-2.0

// Package trial shows a policy that is under its lease, or watched as a canary: the lines that every tab carries while it runs,
// and the panel with the keys that end it.
//
// The lease is the kernel's: what is shown counts down what was left when the last frame was made.
package trial

import (
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/line"
)

// State is a trial or canary as it stands now.
type State struct {
	Policy  *snap.Policy
	Host    string
	Left    time.Duration // of the lease; 0 or less: the kernel has fallen back. Of a canary's soak
	Stalled bool          // a canary's lease is not renewed any more: no frame comes, and it is over
}

// Step is what one extension adds to a lease.
const Step = 15 * time.Second

func gen(n uint32) string {
	if n == 0 {
		return "the empty policy"
	}
	return "v" + strconv.FormatUint(uint64(n), 10)
}

// clock writes what is left as 0:12.
func clock(d time.Duration) string {
	s := max(int((d+time.Second-1)/time.Second), 0)
	return strconv.Itoa(s/60) + ":" + string([]byte{byte('0' + s%60/10), byte('0' + s%10)})
}

// Evidence compares what is dropped with the forecast: in words, and whether it is worse than expected. It says so and
// decides nothing.
func (s State) Evidence() (text string, worse bool) {
	t := &s.Policy.Trial
	real, said := t.DropPPS, t.Forecast.DropRate.PPS+t.Forecast.LimitRate.PPS
	text = "drops +" + format.SI(real) + "/s, "
	switch {
	case t.Forecast.Of.PPS == 0 && real >= 1: // a launch tries a policy before there are flows to forecast from
		return text + "nothing was forecast", false
	case real > 2*said && real > said+10: // a handful more is no trend
		worse = true
		if said < 1 {
			return text + "none were forecast", true
		}
		return text + strconv.FormatFloat(real/said, 'f', 0, 64) + "x the forecast", true
	case said >= 1 && real < said/2:
		return text + "forecast " + format.SI(said) + "/s", false
	}
	return text + "as forecast", worse
}

// over reports that the lease has ended.
func (s State) over() bool { return s.Left <= 0 }

func (s State) token() themes.Token {
	if _, worse := s.Evidence(); worse || s.over() {
		return themes.Crit
	}
	return themes.Warn
}

// narrow is the width below which the lines say only what ends when, and by which keys.
const narrow = 64

const moreKeys = " r restore e +15 s"

// Reach says what stands between a key press and the panel.
type Reach uint8

const (
	Near  Reach = iota // C opens the panel
	After              // something else has the keyboard: esc first
	Here               // the panel is open
)

// ends adds the keys that end a trial, as many as have room.
func ends(b *line.Builder, r Reach) *line.Builder {
	if r == After {
		b.Add(themes.HintKey, " esc")
	}
	if r != Here {
		b.Add(themes.HintKey, " C").Add(themes.HintText, " then")
	}
	b.Add(themes.HintKey, " k").Add(themes.HintText, " keep")
	if line.Width(moreKeys) > b.Left() {
		return b
	}
	return b.Add(themes.HintKey, " r").Add(themes.HintText, " restore").Add(themes.HintKey, " e").Add(themes.HintText, " +15 s")
}

// First is the line that says what runs, when it ends, and what it does.
func First(env *core.Env, s State, w int) string {
	if s.soaking() {
		return soakFirst(env, s, w)
	}
	g, p := env.Glyphs, s.Policy
	b := line.New(env.Theme, w)
	tok := s.token()
	b.Add(tok, " "+g.Crit+" TRIAL "+gen(p.Trial.Gen))
	if w < narrow && !s.over() {
		return b.Add(tok, " "+clock(s.Left)+" then "+gen(p.Kept)).String()
	}
	place := s.Host
	if on := s.first(); on != "" {
		place = on + " only"
	}
	if line.Width(place) < w/4 {
		b.Add(tok, " on "+place)
	}
	if s.over() {
		return b.Add(tok, " "+g.Dot+" the lease has ended: "+gen(p.Kept)+" decides again").String()
	}
	b.Add(tok, " "+g.Dot+" "+gen(p.Kept)+" comes back in "+clock(s.Left))
	text, _ := s.Evidence()
	parts := []string{text}
	if p.Trial.Quiet > 0 {
		parts = append(parts, format.Plural(uint64(p.Trial.Quiet), "flow")+" went quiet")
	}
	if p.Trial.Fresh {
		parts = append(parts, "a fresh login got in")
	}
	for _, part := range parts {
		if part = " " + g.Dot + " " + part; line.Width(part) <= b.Left() {
			b.Add(tok, part)
		}
	}
	return b.String()
}

// Second is the line with the keys and the command for a fresh login.
func Second(env *core.Env, s State, w int) string {
	if s.soaking() {
		return soakSecond(env, s, w)
	}
	g, p := env.Glyphs, s.Policy
	b := line.New(env.Theme, w)
	if s.over() {
		return b.Add(themes.HintText, " nothing is left to keep; the draft is still staged on the ACL tab").String()
	}
	if w < narrow {
		return ends(b, Near).String()
	}
	b.Add(themes.HintKey, " C").Add(themes.HintText, " then").Add(themes.HintKey, " k").Add(themes.HintText, " keep "+gen(p.Trial.Gen)+" "+g.Dot)
	b.Add(themes.HintKey, " r").Add(themes.HintText, " restore "+gen(p.Kept)+" "+g.Dot)
	b.Add(themes.HintKey, " e").Add(themes.HintText, " +15 s")
	if cmd := "   hooktop keep " + format.Clean(p.Trial.Code); p.Trial.Code != "" && line.Width(cmd) <= b.Left() {
		b.Add(themes.Text, cmd)
	}
	if more := "   tabs and filters still work"; line.Width(more) <= b.Left() {
		b.Add(themes.HintText, more)
	}
	return b.String()
}

// Short is both in one line, for when a field, a question or a message needs the other.
func Short(env *core.Env, s State, w int, r Reach) string {
	if s.soaking() {
		return soakShort(env, s, w, r)
	}
	g, p := env.Glyphs, s.Policy
	b := line.New(env.Theme, w)
	if s.over() {
		return b.Add(s.token(), " "+g.Crit+" TRIAL over: "+gen(p.Kept)+" decides again").String()
	}
	b.Add(s.token(), " "+g.Crit+" TRIAL "+clock(s.Left))
	ends(b.Add(themes.HintText, " "), r)
	text, _ := s.Evidence()
	if line.Width(text)+3 <= b.Left() {
		b.Add(s.token(), "   "+text)
	}
	return b.String()
}

// Panel is open over the tab. Its keys are its own: k keeps, r restores, e extends; enter does nothing.
type Panel struct {
	Now func() (State, bool) // false: no trial runs any more
	Ask func(core.DoMsg) tea.Cmd

	env *core.Env
}

// New opens the panel.
func New(env *core.Env, now func() (State, bool), ask func(core.DoMsg) tea.Cmd) *Panel {
	return &Panel{env: env, Now: now, Ask: ask}
}

// Key takes a key. Keeping and restoring close the panel: what comes of them is said on the message line.
func (p *Panel) Key(k tea.KeyPressMsg) (done bool, cmd tea.Cmd) {
	s, ok := p.Now()
	if !ok {
		return true, nil
	}
	if s.soaking() {
		return p.soakKey(k.String())
	}
	switch k.String() {
	case "esc", "ctrl+c":
		return true, nil
	case "k":
		if s.over() {
			return false, nil
		}
		return true, p.Ask(core.DoMsg{Intent: snap.Intent{Kind: snap.KeepPolicy, Arg: s.Policy.Trial.Code}})
	case "r":
		return true, p.Ask(core.DoMsg{Intent: snap.Intent{Kind: snap.RestorePolicy}})
	case "e":
		return false, p.Ask(core.DoMsg{Intent: snap.Intent{Kind: snap.ExtendPolicy, Policy: snap.PolicyWish{Lease: Step}}})
	}
	return false, nil
}

// Paste is nothing here.
func (p *Panel) Paste(string) tea.Cmd { return nil }

// View gives the box for a body of w by h.
func (p *Panel) View(w, h int) box.Box {
	bw := min(78, max(w-2, min(w, 12)))
	inner := max(bw-2, 1)
	var lines []string
	s, ok := p.Now()
	title := "trial"
	if !ok {
		lines = append(lines, line.New(p.env.Theme, inner).Add(themes.Text, " no trial runs any more").Fill(themes.Text))
	} else {
		if title = "trial of " + gen(s.Policy.Trial.Gen); s.soaking() {
			title = "canary " + gen(s.Policy.Canary.Gen)
		}
		for _, l := range p.body(s, inner-2) {
			lines = append(lines, line.New(p.env.Theme, inner).Pad(themes.Text, 1).Join(l, inner-2).Fill(themes.Text))
		}
	}
	lines = lines[:min(len(lines), max(h-2, 1))]
	x, y := box.Center(w, h, bw, len(lines)+2)
	return box.Box{X: x, Y: y, W: bw, Lines: box.Frame(p.env, bw, title, "", "", lines)}
}

// body lists the keys first: in a low terminal they are what matters.
func (p *Panel) body(s State, w int) []string {
	g, t := p.env.Glyphs, &s.Policy.Trial
	var out []string
	add := func(tok themes.Token, text string) {
		out = append(out, line.New(p.env.Theme, w).Add(tok, string(format.AppendEnd(nil, p.env.Twin(text), w))).Fill(themes.Text))
	}
	key := func(name, text string) {
		b := line.New(p.env.Theme, w).Add(themes.HintKey, format.Pad(name, 5)).Add(themes.Text, text)
		out = append(out, b.Fill(themes.Text))
	}
	if s.soaking() {
		p.soakBody(s, add, key)
		return out
	}
	if s.over() {
		add(themes.Crit, "the lease has ended: the kernel has fallen back to "+gen(s.Policy.Kept))
		key("esc", "close")
		return out
	}
	add(s.token(), gen(s.Policy.Kept)+" comes back by itself in "+clock(s.Left))
	if on := s.first(); on != "" {
		key("k", "keep "+gen(t.Gen)+": it is watched on "+on+", then the rest follows")
	} else {
		key("k", "keep "+gen(t.Gen))
	}
	key("r", "restore "+gen(s.Policy.Kept)+" now")
	key("e", "15 s more, up to a minute")
	key("esc", "close; the trial runs on")
	text, _ := s.Evidence()
	add(s.token(), text)
	if t.Quiet > 0 {
		add(themes.Warn, format.Plural(uint64(t.Quiet), "flow")+" that sent before went quiet")
	}
	if t.Fresh {
		add(themes.OK, g.Check+" somebody has logged in anew since it began: a new connection gets in")
	} else {
		add(themes.Text, "nobody has logged in anew yet: the old session alone proves little")
	}
	if t.Code != "" {
		add(themes.Text, "best of all, from a fresh login:  hooktop keep "+format.Clean(t.Code))
	}
	return out
}

// Hints are the keys for the footer.
func (p *Panel) Hints() []core.Binding {
	if s, ok := p.Now(); ok && s.soaking() {
		return soakHints()
	}
	return []core.Binding{{Keys: []string{"k"}, Help: "keep"}, {Keys: []string{"r"}, Help: "restore"}, {Keys: []string{"e"}, Help: "+15 s"},
		{Keys: []string{"esc"}, Help: "close"}}
}
