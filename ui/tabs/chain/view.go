// SPDX-License-Identifier: Apache-2.0

package chain

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

// View implements core.Tab.
func (t *Tab) View(w, h int) []string {
	t.width, t.high = w, h
	if w < 1 || h < 1 {
		return nil
	}
	t.sync()
	if t.zoom && t.edit == nil {
		return t.sections(w, h, false)
	}
	left, right := detail.Split(w)
	if h < 8 {
		left, right = w, 0
	}
	out := t.listView(left, t.listHigh())
	if right > 0 {
		for i, side := range t.sections(right, h, true) {
			for i >= len(out) {
				out = append(out, "")
			}
			if n := left - ansi.StringWidth(out[i]); n > 0 {
				out[i] += strings.Repeat(" ", n)
			}
			out[i] += side
		}
	} else if rest := h - len(out); rest > 2 {
		out = append(append(out, ""), t.sections(w, rest-1, false)...)
	}
	if t.edit != nil {
		return t.editBox().Over(out, w)
	}
	return out
}

// listHigh is how many lines the list gets: all beside the sections, and two thirds at most above them.
func (t *Tab) listHigh() int {
	if _, right := detail.Split(t.width); right > 0 && t.high >= 8 {
		return t.high
	}
	want := max(len(t.rows)+1, 7)
	if t.high < 12 {
		return t.high
	}
	return min(want, t.high*2/3)
}

func (t *Tab) listView(w, h int) []string {
	out := t.list.View(w, h)
	if t.list.Total() > 0 {
		return out
	}
	table.SayWrapped(t.env, out, 2, w, t.empty()...)
	return out
}

// empty says why there is nothing to see and which key changes it.
func (t *Tab) empty() []string {
	switch {
	case t.frame.Seq == 0:
		return []string{"Waiting for the first snapshot."}
	case t.frame.State.Fallback != "":
		return []string{"Nothing can be steered without eBPF: " + format.Clean(t.frame.State.Fallback)}
	case t.frame.Chains.Why != "":
		return []string{"Nothing can be steered: " + format.Clean(t.frame.Chains.Why)}
	}
	return []string{"The policy has no chain: no packet is marked or sent through a service.", "", "a  begins a chain line in the editor"}
}

// Context implements core.Tab. Parts are left out from the right.
func (t *Tab) Context(w int) string {
	c := &t.frame.Chains
	if t.frame.Seq == 0 {
		return ""
	}
	t.sync()
	parts := []string{format.Plural(uint64(len(c.Rows)), "chain")}
	count, pps := map[string]int{}, 0.0
	for i := range c.Rows {
		count[c.Rows[i].State]++
		for _, l := range c.Rows[i].Legs {
			if l.Name == "to service" || l.Name == "reply to service" {
				pps += l.PPS
			}
		}
	}
	for _, s := range []string{"closed", "bypassed", "drift"} {
		if n := count[s]; n > 0 {
			parts[0] += ", " + strconv.Itoa(n) + " " + s
		}
	}
	if n := t.draft.Edits; n > 0 && t.frame.Policy.Trial.Gen == 0 {
		parts = append(parts, strconv.Itoa(n)+" STAGED, C reviews")
	}
	parts = append(parts, format.SI(pps)+"pps to services")
	return line.Parts(parts, w)
}

// Message implements core.Tab: the verdict on the mark under edit, what is staged, or what is wrong; on the right the place.
func (t *Tab) Message(w int) string {
	t.sync()
	pos, n, at := "", 0, 0
	for i := range t.rows {
		if t.rows[i].head() {
			n++
			if i <= t.list.At() {
				at = n
			}
		}
	}
	pos = strconv.Itoa(at) + " of " + strconv.Itoa(n)
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
	c := &t.frame.Chains
	switch {
	case t.edit != nil:
		return t.verdict()
	case t.draft.Edits > 0:
		return t.draft.Token, t.draft.Text
	case c.Why != "":
		return themes.Warn, "nothing can be steered: " + c.Why
	case drifted(c) != "":
		return themes.Warn, "drift: " + drifted(c) + ": R repairs"
	}
	for _, k := range c.Checks {
		if !k.OK {
			return themes.Warn, t.env.Glyphs.Warn + " " + k.Name + " " + k.Have + ": " + k.Why
		}
	}
	return themes.Text, "drift: none"
}

// twin replaces what an ASCII terminal can't draw.
func (t *Tab) twin(s string) string { return t.env.Twin(s) }
