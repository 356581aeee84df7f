// SPDX-License-Identifier: Apache-2.0

package decap

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// heights says how many lines the parts of the screen get, their headers included. One line is free above the policy's lines.
type heights struct{ list, lines, foot int }

// above is how many lines stand over the policy's lines.
func (h heights) above() int {
	if h.list == 0 {
		return 0
	}
	return h.list + 1
}

const (
	footLines = 8  // a free line, a heading, six sizes
	footFrom  = 18 // below, the tunnels get it all
	bothFrom  = 20 // without the foot; below, tab changes between tunnels and lines
)

func (t *Tab) heights() heights {
	h := heights{list: t.high}
	if t.high >= footFrom {
		h.foot = footLines
		h.list -= footLines
	}
	switch n := len(t.lineRows); {
	case h.list >= bothFrom && n > 0:
		h.lines = min(n+1, h.list/3)
		h.list -= h.lines + 1
	case t.lower:
		h.list, h.lines = 0, h.list
	}
	return h
}

// View implements core.Tab.
func (t *Tab) View(w, h int) []string {
	t.width, t.high = w, h
	if w < 1 || h < 1 {
		return nil
	}
	t.sync()
	if t.zoom {
		if out := t.paneView(w, h, false); out != nil {
			return out
		}
	}
	left, right := detail.Split(w)
	if h < 8 {
		left, right = w, 0
	}
	out := t.parts(left)
	if right == 0 {
		return out
	}
	side := t.paneView(right, h, true)
	if side == nil {
		side = detail.Pane(t.env, right, h, true, false, "", "", nil, 0)
	}
	for i := range side {
		for i >= len(out) {
			out = append(out, "")
		}
		if n := left - ansi.StringWidth(out[i]); n > 0 {
			out[i] += strings.Repeat(" ", n)
		}
		out[i] += side[i]
	}
	return out
}

// parts puts the tables and the foot under each other.
func (t *Tab) parts(w int) []string {
	h := t.heights()
	var out []string
	if h.list > 0 {
		part := t.list.View(w, h.list)
		if t.list.Total() == 0 {
			table.SayWrapped(t.env, part, 2, w, t.empty()...)
		}
		out = append(out, part...)
	}
	if h.lines > 0 {
		if h.list > 0 {
			out = append(out, "")
		}
		part := t.lines.View(w, h.lines)
		if t.lines.Total() == 0 {
			table.SayWrapped(t.env, part, 2, w, "The policy has no tunnel line: tunnels are counted, nothing is unwrapped.", "", "b  on a tunnel drafts a line      a  begins one")
		}
		out = append(out, part...)
	}
	if h.foot > 0 {
		out = append(append(out, ""), t.foot(w)...)
	}
	return out
}

// empty says why there is nothing to see and which key changes it.
func (t *Tab) empty() []string {
	v := &t.frame.Tunnels
	switch {
	case t.frame.Seq == 0:
		return []string{"Waiting for the first snapshot."}
	case t.frame.State.Fallback != "":
		return []string{"Tunnels can't be seen without eBPF: " + format.Clean(t.frame.State.Fallback)}
	case v.Why != "":
		return []string{"Tunnels are not looked at: " + format.Clean(v.Why)}
	case t.view.filter != "" && len(v.Rows) > 0:
		return []string{"No tunnel matches   " + format.Clean(t.view.filter), format.Plural(uint64(len(v.Rows)), "tunnel") + " are hidden by this filter.", "", "0  clears it      /  edits it"}
	}
	return []string{"No packet has come in a tunnel yet.", "VXLAN, Geneve, GUE, GTP-U, GRE and IP in IP are counted by peer and number;", "only a tunnel line of the policy unwraps them.", "",
		"tab  lines of the policy      a  begins one"}
}

const (
	// sideFrom is the width from which errors and sizes stand side by side.
	sideFrom = 70
	// sizesWidth is what sizes take at most, errorsWidth what errors need for all of their words.
	sizesWidth, errorsWidth = 44, 68
)

// foot is why packets were not unwrapped, and how long inner packets are.
func (t *Tab) foot(w int) []string {
	if w < sideFrom {
		return t.errors(w)
	}
	half := max(44, w-min((w-20)/2, sizesWidth))
	half = min(half, max(w/2, errorsWidth))
	left, right := t.errors(half), t.sizes(w-half)
	for i := range left {
		left[i] += right[i]
	}
	return left
}

// errors are footLines-1 lines of w cells.
func (t *Tab) errors(w int) []string {
	list, head := t.frame.Tunnels.Errors, ", now and where most"
	rest, wide := w-13, w >= 54 // beside the margin, a rate and the gap
	if wide {
		head = ", now, in all, and where most"
		rest -= 7
	}
	name := 0
	for i := range list {
		name = max(name, line.Width(list[i].Name))
	}
	name = max(min(name+1, rest-worstWidth), 12)
	out := []string{line.New(t.env.Theme, w).Add(themes.Accent, "  ERRORS").Add(themes.TextDim, head).Fill(themes.Text)}
	for i := range list {
		e := &list[i]
		if len(out) == footLines-2 && len(list)-i > 1 {
			out = append(out, line.New(t.env.Theme, w).Add(themes.TextDim, "    and "+strconv.Itoa(len(list)-i)+" more reasons").Fill(themes.Text))
			break
		}
		tok := themes.TextDim
		if e.PerSecond >= 0.05 {
			tok = themes.Warn
		}
		l := line.New(t.env.Theme, w).Add(themes.Text, "    "+t.twin(fit(format.Clean(e.Name), name))).Add(tok, format.PadLeft(format.SI(e.PerSecond)+"/s", 7))
		if wide {
			l.Add(themes.Text, format.PadLeft(format.SI(float64(e.N)), 7))
		}
		l.Pad(themes.Text, 2)
		worst := string(format.AppendMiddle(nil, format.Clean(e.Worst), max(l.Left()-1, 0)))
		out = append(out, l.Add(themes.TextDim, t.twin(worst)).Fill(themes.Text))
	}
	if len(list) == 0 {
		out = append(out, line.New(t.env.Theme, w).Add(themes.Text, "    none").Fill(themes.Text))
	}
	for len(out) < footLines-1 {
		out = append(out, line.New(t.env.Theme, w).Fill(themes.Text))
	}
	return out
}

// reasonWidth takes the longest reason.
const reasonWidth = 24

// worstWidth is what the tunnel with most of a reason's errors is left at least: of a name that is cut one may guess the rest, of an
// address not.
const worstWidth = 18

// fit cuts or pads a text to w cells. Reasons differ at their ends too.
func fit(s string, w int) string {
	s = string(format.AppendMiddle(nil, s, w))
	return s + strings.Repeat(" ", max(w-line.Width(s), 0))
}

// sizes are the lengths of inner packets as shares of all.
func (t *Tab) sizes(w int) []string {
	out := []string{line.New(t.env.Theme, w).Add(themes.Accent, "INNER PACKET SIZE").Add(themes.TextDim, ", up to").Fill(themes.Text)}
	return append(out, t.sizeBars(w, 25)...)
}

// Context implements core.Tab. Parts are left out from the right.
func (t *Tab) Context(w int) string {
	v := &t.frame.Tunnels
	if t.frame.Seq == 0 {
		return ""
	}
	t.sync()
	parts := []string{"tunnels " + format.SI(v.PPS) + "pps"}
	if n := t.draft.Edits; n > 0 && t.frame.Policy.Trial.Gen == 0 {
		parts = append(parts, strconv.Itoa(n)+" STAGED, C reviews")
	}
	if v.PPS > 0 {
		parts = append(parts, "stripped "+format.Percent(min(v.StripPS/v.PPS, 1)))
	}
	parts = append(parts, "err "+format.SI(v.ErrPS)+"/s")
	return line.Parts(parts, w)
}

// Message implements core.Tab: what is staged, else what the row's policy is; on the right the place in the list.
func (t *Tab) Message(w int) string {
	if t.edit.Typing() {
		return t.edit.Line(w)
	}
	pos := strconv.Itoa(min(t.current().At()+1, t.current().Total())) + " of " + format.Count(uint64(t.current().Total()))
	if n := t.frame.Tunnels.Total; !t.lower && n > t.current().Total() {
		pos += " /" + format.Count(uint64(n))
	}
	room := w - len(pos) - 2
	if room < 8 {
		return ansi.Truncate(pos, max(w, 0), "")
	}
	tok, text := t.state()
	b := line.New(t.env.Theme, room)
	b.Add(tok, string(format.AppendEnd(nil, t.twin(format.Clean(" "+text)), room)))
	return b.Fill(themes.Text) + "  " + pos
}

func (t *Tab) state() (themes.Token, string) {
	t.sync()
	if t.draft.Edits > 0 {
		return t.draft.Token, t.draft.Text
	}
	text := ""
	if t.view.filter != "" {
		text = "filter " + t.view.filter + "  "
	}
	if t.held {
		text += "order held  "
	}
	if r, ok := t.lines.Selected(); ok && t.lower {
		return themes.Text, r.Text
	}
	r, ok := t.list.Selected()
	switch why := t.readonly(); {
	case why != "":
		return themes.Warn, why
	case t.lower || !ok:
		return themes.Text, text + "tunnels are unwrapped only where a line of the policy allows it"
	case r.fate == "suspended":
		return themes.Warn, text + t.why(r)
	}
	return themes.Text, text + t.why(r)
}

// twin replaces what an ASCII terminal can't draw.
func (t *Tab) twin(s string) string { return t.env.Twin(s) }
