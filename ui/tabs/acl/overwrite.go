// SPDX-License-Identifier: Apache-2.0

package acl

import (
	tea "charm.land/bubbletea/v2"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/core"
	"hooktop/ui/format"
	"hooktop/ui/keys"
	"hooktop/ui/widget/box"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/prompt"
)

// refused is a save that the engine would do if it were told to: its file says something that nobody here has read.
type refused struct {
	in  snap.Intent
	arg string // that does it in spite of it
	why string
}

// saved shows what became of a save.
func (t *Tab) saved(m core.AnswerMsg) tea.Cmd {
	a := m.Answer
	switch {
	case a.Err == "":
		return nil
	case a.Offer == "" || t.Capturing():
		return toast(core.ToastMsg{Sev: snap.Crit, Text: a.Err})
	}
	t.refused = &refused{in: m.Intent, arg: a.Offer, why: format.Clean(a.Err)}
	return nil
}

// refusedKey takes a key while the refusal is in view. Enter does nothing.
func (t *Tab) refusedKey(k tea.KeyPressMsg) tea.Cmd {
	r := t.refused
	switch k.String() {
	case "esc":
		t.refused = nil
		return toast(core.ToastMsg{Text: "save: not done"})
	case "o":
		t.refused = nil
		in := r.in
		in.Arg = r.arg
		return saveTo(in)
	case "n":
		t.refused = nil
		f := prompt.New()
		if f.Set(r.in.Target); r.in.Target == "" {
			f.Set(t.frame.Policy.File)
		}
		t.save = &f
	}
	return nil
}

// saveTo asks for a save; what comes of a failure is shown here.
func saveTo(in snap.Intent) tea.Cmd {
	return func() tea.Msg { return core.DoMsg{Intent: in, Quiet: true} }
}

// refusedBox draws the refusal over a body of w by h.
func (t *Tab) refusedBox(w, h int) box.Box {
	bw := min(78, max(w-2, min(w, 12)))
	inner := max(bw-2, 1)
	var lines []string
	for _, part := range detail.Wrap(t.twin(t.refused.why), max(inner-2, 1)) {
		lines = append(lines, line.New(t.env.Theme, inner).Pad(themes.Text, 1).Add(themes.Warn, part).Fill(themes.Text))
	}
	for _, key := range [][2]string{{"o", "overwrite it: what it says now is kept among its versions"}, {"n", "save under another name"}, {"esc", "save nothing"}} {
		lines = append(lines, line.New(t.env.Theme, inner).Add(themes.HintKey, " "+format.Pad(key[0], 5)).Add(themes.Text, key[1]).Fill(themes.Text))
	}
	if room := max(h-2, 1); len(lines) > room { // the keys matter, and the message line has the beginning
		lines = lines[len(lines)-room:]
	}
	x, y := box.Center(w, h, bw, len(lines)+2)
	return box.Box{X: x, Y: y, W: bw, Lines: box.Frame(t.env, bw, "not saved", "", "", lines)}
}

func (t *Tab) refusedBindings() []core.Binding {
	press := func(name string) func() tea.Cmd {
		return func() tea.Cmd { return t.refusedKey(keys.Press(name)) }
	}
	return []core.Binding{
		{Keys: []string{"o"}, Name: "save.overwrite", Help: "overwrite", Section: own, Hint: 1, Do: press("o")},
		{Keys: []string{"n"}, Name: "save.other", Help: "another name", Section: own, Hint: 2, Do: press("n")},
		{Keys: []string{"esc"}, Name: "save.not", Help: "save nothing", Section: own, Hint: 3, Do: press("esc")},
	}
}
