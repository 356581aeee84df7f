// SPDX-License-Identifier: Apache-2.0

package acl

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"hooktop/probes/snap"
	"hooktop/themes"
	"hooktop/ui/format"
	"hooktop/ui/widget/detail"
	"hooktop/ui/widget/line"
	"hooktop/ui/widget/table"
)

// View implements core.Tab.
func (t *Tab) View(w, h int) []string {
	t.width, t.high = w, h
	if w < 1 || h < 1 {
		return nil
	}
	switch {
	case t.heads != nil:
		return t.headersView(w, h)
	case t.review != nil:
		return t.reviewView(w, h)
	}
	var out []string
	if left, right := detail.Split(w); right > 0 && h >= 8 && !t.elsewhere() {
		out = t.editView(left, h)
		for i, side := range t.paneView(right, h) {
			if out[i] == "" {
				out[i] = strings.Repeat(" ", left)
			}
			out[i] += side
		}
		w = left
	} else {
		out = t.editView(w, h)
	}
	if t.refused != nil {
		return t.refusedBox(w, h).Over(out, t.width)
	}
	return out
}

// elsewhere reports whether another hooktop decides here: what this one has is no policy, and its rows would be a lie.
func (t *Tab) elsewhere() bool { return t.frame.State.HeldBy != "" && t.draft.File.Len() == 0 }

func (t *Tab) listView(w, h int) []string {
	if t.elsewhere() {
		out := make([]string, h)
		table.Say(t.env, out, 1, w, "Another hooktop decides here, and this one only looks: "+format.Clean(t.frame.State.ReadOnly)+".", "",
			"Its rules, what they hit and its trials are on its own screen.")
		return out
	}
	out := t.list.View(w, h)
	if t.known && t.draft.File.Len()+t.draft.Base.Len() > 0 { // without lines, but not without the rows of those that are staged to go
		return out
	}
	texts := []string{"Waiting for the policy."}
	if t.known {
		texts = []string{"The policy is empty: everything passes.", "", "a  adds a rule      b  on a flow drafts one that blocks its source", "V  earlier versions"}
	}
	table.Say(t.env, out, 5, w, texts...)
	return out
}

// Context implements core.Tab: which policy stands, and what is staged. Parts are left out from the right.
func (t *Tab) Context(w int) string {
	p := &t.frame.Policy
	if !t.known {
		return ""
	}
	v := " " + t.env.Glyphs.VLine + " "
	stands := generation(p.Kept)
	switch {
	case p.Trial.Gen != 0:
		stands = generation(p.Trial.Gen) + " ON TRIAL"
	case p.Canary.Gen != 0:
		stands = generation(p.Canary.Gen) + " CANARY"
	}
	parts := []string{stands + " " + t.env.Glyphs.Dot + " " + format.Plural(uint64(t.rules), "rule")}
	switch {
	case t.edit != nil:
		parts = append(parts, "EDITING "+t.editTitle())
	case t.heads != nil:
		text := "HEADERS of a line that is not in force any more"
		if n := t.lineOf(t.heads.of); n > 0 {
			text = "HEADERS of line " + strconv.Itoa(n)
		}
		parts = append(parts, text)
	case t.review != nil:
		parts = append(parts, "REVIEW "+format.Plural(uint64(t.staged.total()), "staged edit"))
	case t.staged.any() && p.Trial.Gen == 0 && p.Canary.Gen == 0:
		parts = append(parts, strconv.Itoa(t.staged.total())+" STAGED, C reviews and applies")
	}
	if p.Why != "" {
		parts = append(parts, "not enforced: "+format.Clean(p.Why))
	}
	s := ""
	for i, part := range parts {
		if i > 0 {
			part = v + part
		}
		if line.Width(s+part) > w {
			break
		}
		s += part
	}
	return s
}

// Message implements core.Tab: what is staged and what the engine says of it, on the right the place in the list.
func (t *Tab) Message(w int) string {
	switch {
	case t.save != nil:
		return t.saveLine(w)
	case t.find != nil:
		return t.findLine(w)
	case t.refused != nil:
		return string(format.AppendEnd(nil, t.twin(" "+t.refused.why), w))
	case t.heads != nil:
		return t.headersLine(w)
	case t.edit != nil:
		return string(format.AppendEnd(nil, t.twin(" one line of the policy file; paste puts several addresses into a rule each"), w))
	case t.review != nil:
		return string(format.AppendEnd(nil, t.twin(" nothing is applied yet; a trial is the only way"), w))
	}
	pos := strconv.Itoa(min(t.list.At()+1, t.list.Total())) + " of " + format.Count(uint64(t.list.Total()))
	room := w - len(pos) - 2
	if room < 8 {
		return ansi.Truncate(pos, w, "")
	}
	b := line.New(t.env.Theme, room)
	tok, text := t.state()
	b.Add(tok, string(format.AppendEnd(nil, t.twin(format.Clean(" "+text)), room)))
	return b.Fill(themes.Text) + "  " + pos
}

// state is the staged summary.
func (t *Tab) state() (themes.Token, string) {
	p, dot := &t.frame.Policy, " "+t.env.Glyphs.Dot+" "
	if !t.staged.any() {
		if t.elsewhere() {
			return themes.Text, "the policy is not this hooktop's"
		}
		if p.File != "" {
			return themes.Text, "saved as " + p.File
		}
		return themes.Text, "nothing is staged"
	}
	text := "staged " + t.tallied() + dot
	d := t.checked()
	switch {
	case t.send.err != "":
		return themes.InputError, text + t.env.Glyphs.Cross + " " + t.send.err
	case d == nil:
		return themes.Text, text + "checking " + t.env.Glyphs.Ellipsis
	case len(d.Errors) > 0:
		return themes.InputError, text + t.env.Glyphs.Cross + " " + d.Errors[0]
	case len(d.Cuts) > 0:
		return themes.Crit, text + t.env.Glyphs.Crit + " CUTS " + d.Cuts[0]
	}
	word := "check ok"
	if n := len(d.Remarks); n > 0 {
		word = format.Plural(uint64(n), "remark")
	}
	text += word + dot + t.short(&d.Impact)
	if len(t.frame.State.WaysIn) > 0 {
		text += dot + "ways in open"
	}
	return themes.Text, text
}

func (t *Tab) short(i *snap.Impact) string {
	var parts []string
	if i.Dropped > 0 {
		parts = append(parts, "drops "+format.Plural(uint64(i.Dropped), "flow")+" "+format.SI(i.DropRate.PPS)+"pps")
	}
	if i.Limited > 0 {
		parts = append(parts, "limits "+format.Plural(uint64(i.Limited), "flow")+" by "+format.SI(i.LimitRate.PPS)+"pps")
	}
	if i.Allowed > 0 {
		parts = append(parts, "lets in "+format.Plural(uint64(i.Allowed), "flow"))
	}
	if len(parts) == 0 {
		return "no live flow changes"
	}
	return strings.Join(parts, ", ")
}
